"""Make a client's method look like the function that describes its request."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

F = TypeVar("F", bound=Callable[..., Any])


def like(build: Callable[..., Any], call: F) -> F:
    """`call` with the name, docstring and parameters of `build`, after `self`, and what its answer becomes."""
    described = inspect.signature(build)
    (answer,) = get_args(described.return_annotation)
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [self, *described.parameters.values()]
    call.__name__ = build.__name__
    call.__qualname__ = build.__name__
    call.__doc__ = build.__doc__
    vars(call)["__signature__"] = described.replace(
        parameters=parameters, return_annotation=None if answer is type(None) else answer
    )
    return call
