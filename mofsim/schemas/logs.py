"""Lines of the logs of mofsim's processes."""

from datetime import datetime
from typing import Any

from pydantic import Field

from mofsim.schemas.base import Response
from mofsim.vocabulary import LogLevel


class SystemLogLine(Response):
    timestamp: datetime
    level: LogLevel
    logger: str
    message: str
    process: str = Field(description="Who wrote it: server, supervisor, chores, or worker- and a slot")
    task_id: int | None = None
    gpu_id: str | None = None
    request_id: str | None = None
    exception: str | None = Field(None, description="A traceback")
    extra: dict[str, Any] = Field({}, description="All else that was told")
