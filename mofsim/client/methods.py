"""Make a client's method look like the function that describes its request."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def like(build: Callable[..., Any], call: F) -> F:
    """`call` with the name, the docstring and, after `self`, the parameters of `build`."""
    described = inspect.signature(build)
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [self, *described.parameters.values()]
    call.__name__ = build.__name__
    call.__qualname__ = build.__name__
    call.__doc__ = build.__doc__
    vars(call)["__signature__"] = described.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return call
