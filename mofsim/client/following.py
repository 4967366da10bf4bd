"""What following a task or all events means, apart from how bytes are waited for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mofsim.client.errors import NotFound
from mofsim.client.request import API, Stream
from mofsim.client.sse import Message
from mofsim.schemas.events import Event
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.tasks import LogLine, Progress, Task, TaskResult
from mofsim.vocabulary import COMPRESSED, EventType, LogLevel, TaskStatus

#: Told how many bytes of a file are there, and how many there will be.
OnBytes = Callable[[int, int], None]

#: Pauses between two attempts to connect again, in seconds.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class Place:
    """Where in the events a follower is, so that it goes on from there on a new connection."""

    last_event_id: int | None
    _pause: float = FIRST_PAUSE

    def passed(self, event: Event | LogLine) -> None:
        self.last_event_id = event.id
        self._pause = FIRST_PAUSE

    def pause(self) -> float:
        """How long to wait before the next connection; longer each time that none came about."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause


def event_stream(last_event_id: int | None, task: int | None) -> Stream:
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    return Stream(f"{API}/events", {} if task is None else {"task": task}, headers)


def read_event(message: Message) -> Event:
    return Event.model_validate_json(message.data)


def log_stream(task: int, after: int) -> Stream:
    return Stream(f"{API}/tasks/{task}/logs/stream", {"after": after}, {"Accept": "text/event-stream"})


def read_line(message: Message) -> LogLine | None:
    """None for the end of the log."""
    return LogLine.model_validate_json(message.data) if message.event == "log" else None


def system_log_stream(level: LogLevel | str, text: str, logger: str, process: str, task: int | None) -> Stream:
    query = {"level": str(level), "text": text, "logger": logger, "process": process, "task": task}
    given = {name: value for name, value in query.items() if value not in ("", None)}
    return Stream(f"{API}/system/logs/stream", given, {"Accept": "text/event-stream"})


def read_system_line(message: Message) -> SystemLogLine:
    return SystemLogLine.model_validate_json(message.data)


def updated(task: Task, event: Event) -> Task | None:
    """The task after the event; None when the event does not tell it and the task must be read again."""
    if event.type is EventType.RESET or event.type is EventType.TASK_DELETED:
        return None
    if event.task_id != task.id:
        return task
    if event.type is EventType.TASK_PROGRESS:
        return task.model_copy(update=_progress(event.data))
    return Task.model_validate(event.data["task"])


def _progress(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": TaskStatus(data["status"]),
        "attempt": data["attempt"],
        "progress": Progress.model_validate(data["progress"]),
    }


def find_file(result: TaskResult, name: str) -> str:
    """The URL of an output file."""
    urls = result.output_files
    if name in urls:
        return urls[name]
    if name + COMPRESSED in urls:
        return urls[name + COMPRESSED].removesuffix(COMPRESSED)
    if removed := result.files_removed_at:
        detail = f"the files of task {result.task_id} were removed by their age at {removed:%Y-%m-%d %H:%M} UTC"
        raise NotFound(f"{detail}; submit it again to have them", code=404, type="FilesRemoved", field="name")
    detail = f"task {result.task_id} has no file {name!r}; its files: {', '.join(urls) or 'none'}"
    raise NotFound(detail, code=404, type="NotFound", field="name")
