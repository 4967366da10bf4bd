"""What the demo tells of its boxes, its queue and its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mofsim.schemas.envelope import Page
from mofsim.schemas.keys import AuditLine
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.overview import Ended, Failures, Lane, Overview, Stuck, Want
from mofsim.schemas.resources import Health, Queue, Worker
from mofsim.schemas.tasks import Span, Task
from mofsim.tui.demo import machines
from mofsim.tui.demo.machines import BOX
from mofsim.tui.demo.steering import missing
from mofsim.vocabulary import LogLevel, Priority, TaskStatus, WorkerState

if TYPE_CHECKING:
    from mofsim.tui.demo.world import World

#: Stretches of the chart of what ended, in seconds.
STRETCH = 600.0
Given = Mapping[str, Any]


def health(world: World) -> Health:
    from mofsim import __version__

    states = [worker.state for worker in world.workers.values()]
    return Health(
        status="ok", version=__version__, database="simulated", workers_online=len(states),
        workers_busy=states.count(WorkerState.BUSY), queue=queue(world), last_event_id=world.n_events,
        alerts_active=sum(not alert.resolved for alert in world.alerts.values()),
    )  # fmt: skip


def queue(world: World) -> Queue:
    waiting = Counter(task.priority.name for task in world.tasks.values() if task.status is TaskStatus.QUEUED)
    return Queue(by_status=Counter(str(task.status) for task in world.tasks.values()), queued_by_priority=dict(waiting))


def answer(world: World, method: str, rest: list[str], query: Given) -> Any:
    rest = list(map(unquote, rest))
    match method, rest:
        case "GET", ["queue"]:
            return queue(world)
        case "GET", ["overview"]:
            return overview(world)
        case "GET", ["workers"]:
            return list(world.workers.values())
        case "POST", ["workers", id, "drain" | "resume" as verb] if id in world.workers:
            return _drain(world, world.workers[id], verb == "drain")
        case "GET", ["gpus"]:
            found = [(world.devices[id], worker) for id, worker in world.workers.items() if worker.gpu_id]
            return [device.gpu(world.now, worker) for device, worker in found]
        case "GET", ["hosts"]:
            busy = [worker.gpu_id is not None for worker in world.workers.values() if worker.task_id is not None]
            return machines.hosts(world.now, busy.count(True), busy.count(False))
        case "GET", ["gpus" | "hosts" as kind, id, "history"]:
            return _history(world, kind, id, query)
        case "GET", ["logs"]:
            return log_page(world, query)
        case "GET", ["audit"]:
            return Page[AuditLine](items=[], total=0)
    raise missing("/".join(["system", *rest]))


def _drain(world: World, worker: Worker, drain: bool) -> Worker:
    busy = WorkerState.DRAINING if drain else WorkerState.BUSY
    idle = WorkerState.DRAINED if drain else WorkerState.IDLE
    world.say("server", "drain" if drain else "resume", worker=worker.id, key="you")
    return world.change_worker(worker.id, drain=drain, state=busy if worker.task_id is not None else idle)


def _history(world: World, kind: str, id: str, query: Given) -> Any:
    """A box shows what its first device does; the cores of the one with the GPUs have less to do."""
    places = [world.devices[worker.id] for worker in world.workers.values() if id in (worker.gpu_id, worker.host)]
    if not places:
        raise missing(f"device {id}")
    found = places[0].history(id, world.now.timestamp(), float(query["seconds"]), int(query["points"]))
    if kind == "hosts" and id == BOX:
        share = {"utilisation_percent": 0.4, "memory_used_MB": 3.0}
        columns = {
            name: [
                None if name not in ("time_s", *share) else share.get(name, 1.0) * (value or 0.0) for value in values
            ]
            for name, values in found.columns.items()
        }
        return found.model_copy(update={"columns": columns})
    return found


def overview(world: World) -> Overview:
    tasks = world.tasks.values()
    waiting = [task for task in tasks if task.status is TaskStatus.QUEUED]
    gpus = sum(worker.gpu_id is not None and not worker.drain for worker in world.workers.values())
    left = sum((run.plan.steps - run.steps) / run.plan.steps_per_second for run in world.runs.values())
    left = (left + 80.0 * len(waiting)) / max(1, gpus)
    held = [task for task in tasks if task.held]
    stuck = [
        Stuck(
            want=Want.RELEASE, n=len(held), task_id=task.id,
            sentence=f"task {task.id} is held: `mofsim release {task.id}` lets it go on",
        )
        for task in held[:1]
    ]  # fmt: skip
    return Overview(
        queue=[_lane(priority, waiting) for priority in Priority],
        pending=sum(task.status is TaskStatus.PENDING for task in tasks),
        running=sum(task.status.is_active for task in tasks),
        ends_in=Span(median=left, low=0.6 * left, high=1.6 * left) if gpus and left else None,
        stretch_seconds=STRETCH,
        ended=_ended(world),
        failures=_failures(world),
        failing_models=[],
        stuck=stuck,
    )


def _lane(priority: Priority, waiting: Sequence[Task]) -> Lane:
    queued = [task.queued_at for task in waiting if task.priority is priority and task.queued_at]
    return Lane(priority=priority.name, waiting=len(queued), oldest_queued_at=min(queued, default=None))


def _recent(world: World) -> list[Task]:
    since = world.now - timedelta(hours=24)
    return [task for task in world.tasks.values() if task.completed_at and task.completed_at >= since]


def _ended(world: World) -> list[Ended]:
    stretches: dict[int, Counter[str]] = {}
    for task in _recent(world):
        if task.completed_at:
            stretches.setdefault(int(task.completed_at.timestamp() // STRETCH), Counter())[str(task.status)] += 1
    zone = world.now.tzinfo
    return [
        Ended(begin=datetime.fromtimestamp(at * STRETCH, zone), by_status=counts)
        for at, counts in sorted(stretches.items())
    ]


def _failures(world: World) -> list[Failures]:
    groups: dict[tuple[str, str], list[Task]] = {}
    for task in _recent(world):
        if task.status in (TaskStatus.FAILED, TaskStatus.TIMEOUT):
            reason = "TIMEOUT" if task.status is TaskStatus.TIMEOUT or task.error is None else task.error.type
            groups.setdefault((reason, task.model), []).append(task)
    found = []
    for (reason, model), tasks in groups.items():
        last = max(tasks, key=lambda task: task.completed_at or world.now)
        found.append(
            Failures(
                reason=reason, model=model, n=len(tasks), last_task=last.id, last_at=last.completed_at or world.now,
                last_message=last.error.message if last.error else "",
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: each.last_at, reverse=True)


def log_page(world: World, query: Given) -> Page[SystemLogLine]:
    since, until = (datetime.fromisoformat(v) if (v := query.get(name)) else None for name in ("since", "until"))
    names = {name: query.get(name) for name in ("level", "process", "task", "text")}
    fitting = [
        line
        for line in reversed(world.lines)
        if fits(line, **names)
        and (since is None or line.timestamp >= since)
        and (until is None or line.timestamp <= until)
    ]
    start, limit = int(query.get("cursor") or 0), int(query.get("limit", 200))
    more = start + limit < len(fitting)
    return Page(items=fitting[start : start + limit], next_cursor=str(start + limit) if more else None)


def fits(line: SystemLogLine, level: Any = "", process: Any = "", task: Any = None, text: Any = "") -> bool:
    levels = list(LogLevel)
    return (
        levels.index(line.level) >= (levels.index(LogLevel(level)) if level else 0)
        and (not process or line.process == process)
        and (task is None or line.task_id == task)
        and (not text or text.lower() in line.message.lower())
    )
