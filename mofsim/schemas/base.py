"""Base classes of the wire models."""

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Something a client sends: an unknown field is a mistake, and is named."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Response(BaseModel):
    """Something the server sends: a newer server may add fields that an older client does not know."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)
