"""Reads the parameters of a request into a task type's dataclass."""

from collections.abc import Callable
from typing import Any, TypeVar

from .errors import InvalidInput

P = TypeVar("P")


def read_parameters(kind: type[P], given: dict[str, Any]) -> P:
    """Each field of the dataclass `kind` by its type; the bounds are those of whoever sent them.

    Raises InvalidInput naming what is wrong.
    """
    convert: dict[str, Callable[[Any], Any]] = dict(kind.__annotations__)
    missing = ", ".join(name for name in convert if name not in given)
    if missing:
        raise InvalidInput(f"These parameters are missing: {missing}.")
    try:
        return kind(**{name: convert[name](given[name]) for name in convert})
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{', '.join(convert)} must be numbers: {error}.") from error
