"""Boxes, who computes on a GPU, and what both showed of late, on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from mofsim.schemas.base import Response

#: Readings are kept for so long.
KEPT_SECONDS = 6 * 3600


class GpuProcess(Response):
    """A process that computes on a GPU."""

    pid: int = Field(description="As the host counts; in a container it may name nothing")
    memory_MB: float | None
    name: str | None = Field(None, description="The begin of its command line; null where that can not be seen")
    user: str | None = None
    worker_id: str | None = Field(None, description="The worker that it belongs to; null: it is not one of mofsim's")


class Host(Response):
    """A box with workers; a null field is one that its system does not tell."""

    name: str
    cores: int = Field(description="That processes may use there")
    load_1min: float | None = Field(description="Processes that run or want to, over the last minute")
    busy_percent: float | None = Field(description="Of the time of all cores")
    memory_total_MB: float | None
    memory_used_MB: float | None
    seen_at: datetime


class HistoryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(3600, ge=60, le=KEPT_SECONDS, description="How far back")
    points: int = Field(300, ge=10, le=2000, description="At most so many; each is the mean of what it stands for")


class History(Response):
    """What a GPU or a box showed of late, oldest first: one list per column, all of one length."""

    subject: str = Field(description="Id of the GPU, or name of the box")
    columns: dict[str, list[float | None]] = Field(
        description="time_s (since 1970), memory_used_MB, utilisation_percent, temperature_C, power_W; a box has no "
        "temperature and no power, and its utilisation is the time that its cores were busy"
    )
