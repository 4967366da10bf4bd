"""What the `data` of an answer is made into."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from mofsim.schemas import notebook

M = TypeVar("M", bound=BaseModel)


class Things(list[M]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return notebook.listing(self, None)


def _list_of(model: type[M]) -> Callable[[Any], list[M]]:
    def parse(data: Any) -> list[M]:
        return Things(model.model_validate(item) for item in data["items"])

    return parse


def _nothing(data: Any) -> None:
    """The answer says no more than its status."""
