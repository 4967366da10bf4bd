"""The envelope around every JSON answer."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from mofsim.schemas import notebook
from mofsim.schemas.base import Response

T = TypeVar("T")


class ErrorInfo(Response):
    """What went wrong, for a program (`type`, `field`) and for a person (`detail`)."""

    type: str = Field(description="Stable word, e.g. ValidationError", examples=["ValidationError"])
    detail: str = Field(description="What is wrong and what to do about it")
    field: str | None = Field(None, description="The field that is wrong, e.g. parameters.fmax_eV_per_A")


class Envelope(Response, Generic[T]):
    success: bool
    code: int = Field(description="The HTTP status code")
    message: str
    data: T
    timestamp: datetime
    request_id: str


class ErrorEnvelope(Response):
    success: bool = False
    code: int
    message: str
    data: None = None
    timestamp: datetime
    request_id: str
    error: ErrorInfo


class Page(Response, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = Field(None, description="Null when counting would be slow")

    def _repr_html_(self) -> str:
        return notebook.listing(self.items, self.total)
