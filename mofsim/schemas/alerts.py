"""Alert rules on the wire, and what people do to rules and alerts."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from mofsim.schemas.base import Request, Response
from mofsim.vocabulary import AlertLevel, AlertNews, DeliveryState, RuleKind

#: Longest silence, in seconds: longer than that is "switch it off".
MAX_SILENCE_SECONDS = 30 * 86_400

#: It is shown in terminals: no control characters, which could move their cursors.
Note = Annotated[
    str,
    Field(
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        description="In your own words, on one line; who you are is told by your key",
    ),
]
Seconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]
Channels = Annotated[list[str], Field(max_length=50)]


class Condition(Request):
    """When a rule raises; `/alerts/kinds` tells what each kind knows of it, and the units."""

    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    for_seconds: Seconds | None = Field(None, description="How long it must hold before it is an alert")
    steps: Annotated[int, Field(ge=2, le=10**6)] | None = Field(None, description="Of the simulation")
    window_seconds: Seconds | None = Field(None, description="How long something that happened counts")
    ignored_xids: Annotated[list[int], Field(max_length=200)] | None = None


class NewAlertRule(Request):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    kind: RuleKind
    condition: Condition = Field(default_factory=Condition, description="What it leaves out is as the kind has it")
    level: AlertLevel | None = Field(None, description="Null: as the built-in rule of that kind")
    escalate_to: AlertLevel | None = None
    escalate_after_seconds: Seconds | None = None
    cooldown_seconds: Seconds = 300.0
    channels: Channels | None = Field(None, description="Null: all")
    enabled: bool = True


class AlertRuleChange(Request):
    """What is left out stays as it is."""

    condition: Condition | None = Field(None, description="Only what is given changes")
    level: AlertLevel | None = None
    escalate_to: AlertLevel | None = Field(None, description="Null: it never rises")
    escalate_after_seconds: Seconds | None = None
    cooldown_seconds: Seconds | None = None
    channels: Channels | None = Field(None, description="Null: all")
    enabled: bool | None = None


class AlertRule(Response):
    id: int
    name: str
    kind: RuleKind
    condition: dict[str, Any]
    #: of `condition.threshold`
    unit: str = ""
    says: str = ""
    level: AlertLevel
    escalate_to: AlertLevel | None
    escalate_after_seconds: float | None
    cooldown_seconds: float
    channels: list[str] | None
    enabled: bool
    is_builtin: bool
    silenced_until: datetime | None
    #: the name of the key that did it, and its own words
    silenced_by: str | None = None
    silenced_note: str | None = None


class AlertKind(Response):
    """What a rule can watch; `condition` has all that it knows, with the defaults."""

    kind: RuleKind
    says: str
    unit: str
    condition: dict[str, Any]


class AlertRemark(Request):
    note: Note = ""


class AlertSilence(Request):
    """For how long no channel is told; 0 ends a silence."""

    seconds: float = Field(ge=0, le=MAX_SILENCE_SECONDS, allow_inf_nan=False)
    note: Note = ""


class AlertNotification(Response):
    """What a channel was told or is to be told of an alert, and how the last try went."""

    id: int
    alert_id: int
    channel: str | None = Field(description="Null: it was not looked up yet whom to tell")
    event: AlertNews
    state: DeliveryState
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    response_status: int | None
    last_error: str | None
