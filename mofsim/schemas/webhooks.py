"""Webhooks on the wire: what a submit asks for, and how its deliveries went."""

from datetime import datetime
from typing import Any

from pydantic import Field, SecretStr, model_validator

from mofsim.schemas.base import Request, Response
from mofsim.vocabulary import DeliveryState, WebhookEvent

MAX_SECRET_LENGTH = 500


class Callback(Request):
    """Where to tell what becomes of a task."""

    url: str = Field(max_length=2000, description="http or https", examples=["https://lab.example.org/mofsim"])
    events: list[WebhookEvent] | None = Field(None, min_length=1, description="Null: all of them")
    secret: SecretStr | None = Field(
        None, description="Key of the signature that each delivery carries; it is never shown again"
    )

    @model_validator(mode="before")
    @classmethod
    def _check_secret(cls, data: Any) -> Any:
        # Here and not at the field: a refusal quotes the value of the field that it names.
        secret = data.get("secret") if isinstance(data, dict) else None
        if isinstance(secret, SecretStr):
            secret = secret.get_secret_value()
        if secret is not None and not (isinstance(secret, str) and 0 < len(secret) <= MAX_SECRET_LENGTH):
            raise ValueError(f"secret must be a text of 1 to {MAX_SECRET_LENGTH} characters, or null")
        return data


class Delivery(Response):
    """One event on its way to the receiver, and how its last try went."""

    id: int
    task_id: int
    event: WebhookEvent
    state: DeliveryState
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    response_status: int | None = Field(description="HTTP status of the last answer; null when there was none")
    last_error: str | None
