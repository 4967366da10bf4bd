"""What following a task or all events means, apart from how bytes are waited for."""

from dataclasses import dataclass
from typing import Any

from mofsim.client.errors import NotFound
from mofsim.client.request import API, Stream
from mofsim.client.sse import Message
from mofsim.schemas.events import Event
from mofsim.schemas.tasks import OutputFile, Progress, Task
from mofsim.vocabulary import EventType, TaskStatus

#: Pauses between two attempts to connect again, in seconds.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class Place:
    """Where in the events a follower is, so that it goes on from there on a new connection."""

    last_event_id: int | None
    _pause: float = FIRST_PAUSE

    def passed(self, event: Event) -> None:
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


def find_file(task_id: int, files: list[OutputFile], name: str) -> OutputFile:
    for file in files:
        if file.name == name:
            return file
    names = ", ".join(file.name for file in files) or "none"
    raise NotFound(f"task {task_id} has no file {name!r}; its files: {names}", code=404, type="NotFound", field="name")
