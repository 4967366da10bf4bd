"""The whole at a glance, on the wire: what waits, what ended, what failed, and what waits for what never comes."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from mofsim.schemas.base import Response
from mofsim.schemas.tasks import Span


class Lane(Response):
    """The tasks of one priority that wait for a device."""

    priority: str
    waiting: int
    oldest_queued_at: datetime | None = Field(description="Since when the one waits that has waited longest")


class Ended(Response):
    """The tasks that ended within one stretch of time; where none did there is none."""

    begin: datetime
    by_status: dict[str, int]


class Failures(Response):
    """Tasks of one model that failed for the same reason."""

    reason: str = Field(description="Type of the error; TIMEOUT for those that reached their time limit")
    model: str
    n: int
    last_task: int
    last_at: datetime
    last_message: str


class FailingModel(Response):
    """A model of which tasks failed in a row, the newest of them."""

    model: str
    failures: int
    last_task: int
    last_error: str | None


class Want(StrEnum):
    """What a task waits for that does not come by itself."""

    #: a worker that takes tasks: there is none
    WORKER = "worker"
    #: more memory than a worker has that takes tasks
    MEMORY = "memory"
    #: the structure of a task that ended without one
    PARENT = "parent"
    #: a person who releases it
    RELEASE = "release"


class Stuck(Response):
    """Tasks that wait for the same thing, which does not come by itself."""

    want: Want
    n: int
    task_id: int = Field(description="The oldest of them; of those that wait for a structure: the task that has none")
    sentence: str = Field(description="What is wrong and what to do about it, for a person")


class Overview(Response):
    queue: list[Lane] = Field(description="Highest priority first")
    pending: int = Field(description="Tasks that wait for a time, for another task, or to be released")
    running: int
    ends_in: Span | None = Field(
        description="When all that runs and waits for a device now would be done; null where something of it was "
        "never seen here, or nothing could take it"
    )
    stretch_seconds: float = Field(description="Length of each of `ended`")
    ended: list[Ended] = Field(description="Of the last 24 hours, oldest first")
    failures: list[Failures] = Field(description="Of the last 24 hours, the newest first")
    failing_models: list[FailingModel]
    stuck: list[Stuck]
