"""What the `data` of an answer is made into."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def _list_of(model: type[M]) -> Callable[[Any], list[M]]:
    def parse(data: Any) -> list[M]:
        return [model.model_validate(item) for item in data["items"]]

    return parse


def _nothing(data: Any) -> None:
    """The answer says no more than its status."""
