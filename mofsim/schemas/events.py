"""Events on the wire: `data` of each SSE message."""

from datetime import datetime
from typing import Any

from mofsim.schemas.base import Response
from mofsim.vocabulary import EventType


class Event(Response):
    """`data.task` holds the task as it is after the event, where there is one."""

    id: int
    time: datetime
    type: EventType
    task_id: int | None
    data: dict[str, Any]
