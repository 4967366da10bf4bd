"""Base classes of the wire models."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mofsim.schemas import notebook


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside of the years 1 to 9999 in UTC") from None


#: A time; one without a zone is taken as UTC.
UtcTime = Annotated[datetime, AfterValidator(_utc)]

#: What a database takes as an id: a larger number names nothing.
Id = Annotated[int, Field(ge=0, lt=2**63)]


# `defer_build`: what checks a model is built when it is first needed. There are some 150 of them, of which a command or
# the console needs a few.
class Request(BaseModel):
    """Something a client sends: an unknown field is a mistake, and is named."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, defer_build=True)


class Response(BaseModel):
    """Something the server sends: a newer server may add fields that an older client does not know."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, defer_build=True)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return notebook.record(self)


def build_all() -> None:
    """Build what checks the models, all that were imported: for a server, whose first requests need not wait for it."""
    found: list[type[BaseModel]] = [Request, Response]
    while found:
        model = found.pop()
        model.model_rebuild()
        found += model.__subclasses__()
