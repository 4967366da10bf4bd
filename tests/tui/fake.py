"""An AsyncClient whose requests are answered from memory: the same requests as for a server, no server."""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from mofsim.client import ApiError, AsyncClient, Conflict, KeyRefused, NotFound, ServerUnreachable
from mofsim.client.request import File, Request, Stream
from mofsim.schemas.alerts import AlertNotification, AlertRule
from mofsim.schemas.batches import Batch
from mofsim.schemas.benchmarks import BenchmarkDetail
from mofsim.schemas.envelope import Page
from mofsim.schemas.estimates import Estimate, TimeEstimate
from mofsim.schemas.events import Event
from mofsim.schemas.keys import AuditLine
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.resources import Alert, Health, Model, Queue, Structure, StructureSet, Validation, Worker
from mofsim.schemas.tasks import (
    Attempt,
    Explanation,
    LogLine,
    OutputFile,
    Progress,
    SeriesColumns,
    StructureBrief,
    Task,
    TaskError,
    TaskResult,
)
from mofsim.schemas.webhooks import Delivery
from mofsim.tui.query import Query, Term
from mofsim.vocabulary import (
    AlertLevel,
    AlertNews,
    DeliveryState,
    EventType,
    LogLevel,
    Preset,
    Priority,
    StopReason,
    TaskStatus,
    TaskType,
    WorkerState,
)
from tests.tui import fake_batches, fake_benchmarks, fake_log, fake_stock
from tests.tui.fake_machines import NOW, Machines

T = TypeVar("T")

URL = "http://gpu-box-1:8321"

STRUCTURES = ("HKUST-1", "IRMOF-1", "UiO-66", "MIL-53", "ZIF-8", "MOF-74-Zn", "DUT-49", "NU-1000")


def structure(id: int, name: str, builtin: bool = True) -> Structure:
    return Structure(
        id=id,
        name=name,
        original_name=f"{name}.cif",
        format="cif",
        file_size=12_345,
        checksum="0" * 64,
        n_atoms=100 + id,
        formula="Zn4C24H12O13",
        elements=["Zn", "C", "H", "O"],
        volume_A3=4321.0,
        is_builtin=builtin,
        created_at=NOW,
    )


def task(id: int, status: TaskStatus = TaskStatus.QUEUED, **changes: Any) -> Task:
    name = STRUCTURES[id % len(STRUCTURES)]
    values: dict[str, Any] = {
        "id": id,
        "task_type": TaskType.OPTIMIZATION,
        "status": status,
        "priority": Priority.NORMAL,
        "model": "7net-0",
        "structure": StructureBrief(id=id % 8 + 1, name=name, formula="Zn4C24H12O13", n_atoms=624, is_builtin=True),
        "preset": Preset.MOFSIMBENCH,
        "parameters": {"fmax_eV_per_A": 0.02, "max_steps": 5000, "optimizer": "FIRE", "relax_cell": True},
        "progress": Progress(),
        "attempt": 0 if status.is_waiting else 1,
        "max_attempts": 3,
        "timeout_seconds": 3600.0,
        "created_at": NOW - timedelta(minutes=30),
        "queued_at": NOW - timedelta(minutes=30),
    }
    if status.is_active or status.is_final:
        values |= {"worker_id": f"gpu-box-1:gpu{id % 4}", "started_at": NOW - timedelta(minutes=12, seconds=5)}
        values["progress"] = Progress(
            step=143, total_steps=5000, percent=2.86, energy_eV=-1234.512, fmax_eV_per_A=0.184
        )
    if status.is_final:
        values["completed_at"] = NOW - timedelta(minutes=2)
    if status is TaskStatus.FAILED:
        values["error"] = TaskError(type="SimulationExploded", message="the structure blew up at step 143")
    return Task(**(values | changes))


def worker(number: int, state: WorkerState = WorkerState.BUSY) -> Worker:
    return Worker(
        id=f"gpu-box-1:gpu{number}",
        host="gpu-box-1",
        slot=f"gpu{number}",
        pid=100 + number,
        state=state,
        gpu_id=f"GPU-{number}",
        task_id=None,
        loaded_models=[],
        started_at=NOW,
        heartbeat_at=NOW,
        note="",
    )


def alert(id: int, level: AlertLevel = AlertLevel.WARNING, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": id,
        "level": level,
        "alert_type": "gpu_hot",
        "subject": f"GPU-{id}",
        "message": f"GPU {id} of gpu-box-1 is at 9{id} °C",
        "details": {"value": 90.0 + id, "threshold": 85.0},
        "created_at": NOW - timedelta(minutes=60 - id),
        "resolved": False,
        "resolved_at": None,
        "rule_id": 1,
    }
    return Alert(**(values | changes))


def over(id: int, **changes: Any) -> Alert:
    return alert(id, resolved=True, resolved_at=NOW - timedelta(minutes=20), **changes)


def some_alerts() -> list[Alert]:
    about_task = {"alert_type": "no_progress", "subject": "task 8125", "details": {"task_id": 8125}, "rule_id": 2}
    heeded = {"acknowledged_at": NOW - timedelta(minutes=5), "acknowledged_by": "ada", "acknowledged_note": "on my way"}
    return [
        over(1),
        over(2, resolved_by="ada", resolved_note="dust"),
        alert(3, message="task 8125 (optimization of MOF-74-Zn): no progress for 500 steps", **about_task),
        alert(4, AlertLevel.CRITICAL, message="GPU 4 of gpu-box-1 can not be used: GPU is lost", rule_id=None),
        alert(5, AlertLevel.ERROR, **heeded),
    ]


def rule(id: int, name: str, says: str, **changes: Any) -> AlertRule:
    values: dict[str, Any] = {
        "id": id,
        "name": name,
        "kind": name,
        "condition": {"threshold": 85.0, "for_seconds": 10.0},
        "unit": "°C",
        "says": says,
        "level": AlertLevel.WARNING,
        "escalate_to": AlertLevel.ERROR,
        "escalate_after_seconds": 600.0,
        "cooldown_seconds": 300.0,
        "channels": None,
        "enabled": True,
        "is_builtin": True,
        "silenced_until": None,
    }
    return AlertRule(**(values | changes))


def some_rules() -> list[AlertRule]:
    never = {"escalate_to": None, "escalate_after_seconds": None}
    return [
        rule(1, "gpu_hot", "a GPU is hotter"),
        rule(2, "no_progress", "the largest force did not fall", unit="", condition={"threshold": 0.01, "steps": 500}),
        rule(3, "queue_long", "more tasks wait for a device", unit="tasks", condition={"threshold": 100}, **never),
    ]


def some_tasks() -> list[Task]:
    """Ten tasks in all states, newest first as ids go."""
    s = TaskStatus
    return [
        task(8117, s.COMPLETED),
        task(8119, s.FAILED),
        task(8124, s.RUNNING),
        task(8125, s.RUNNING),
        task(8126, s.ASSIGNED),
        task(8127, s.QUEUED, priority=Priority.HIGH),
        task(8128, s.QUEUED),
        task(8129, s.PENDING, not_before=NOW + timedelta(hours=1)),
        task(8130, s.CANCELLED),
        task(8131, s.TIMEOUT, task_type=TaskType.SINGLE_POINT, parameters={}),
    ]


def falling(task_id: int, steps: int = 143, seed: int = 1) -> SeriesColumns:
    """A relaxation whose force halves every 31 steps, with some noise."""
    noise = random.Random(seed)
    fmax = [2.0 * 2 ** (-i / 31) * (1 + 0.3 * noise.random()) for i in range(steps + 1)]
    columns: dict[str, list[float | None]] = {
        "step": [float(i) for i in range(steps + 1)],
        "energy_eV": [-1234.6 + 5.6 * math.exp(-i / 30) for i in range(steps + 1)],
        "fmax_eV_per_A": list(fmax),
        "fmax_filter_eV_per_A": [1.2 * value for value in fmax],
        "volume_A3": [4300.0 + i * 0.1 for i in range(steps + 1)],
        "time_s": [2.11 * i for i in range(steps + 1)],
    }
    return SeriesColumns(task_id=task_id, attempt=1, columns=columns)


@dataclass
class World:
    """What the server would know."""

    tasks: dict[int, Task] = field(default_factory=dict)
    structures: list[Structure] = field(default_factory=lambda: [structure(i, n) for i, n in enumerate(STRUCTURES, 1)])
    log: list[LogLine] = field(default_factory=list)
    #: what the processes log, and how many lines a page of it has at most
    system_log: fake_log.SystemLog = field(default_factory=fake_log.SystemLog)
    alerts: dict[int, Alert] = field(default_factory=dict)
    rules: list[AlertRule] = field(default_factory=some_rules)
    machines: Machines = field(default_factory=Machines)
    #: requests that were made: method and path
    asked: list[tuple[str, str]] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    benchmarks: dict[int, BenchmarkDetail] = field(default_factory=dict)
    #: what was asked for an estimate
    estimated: list[dict[str, Any]] = field(default_factory=list)
    #: set to refuse the next submit or estimate
    refusal: ApiError | None = None
    #: set to have no worker for what is estimated
    estimate_why_none: str | None = None
    up: bool = True
    #: set to take the key no longer: the server's words
    key_refused: str = ""
    events: list[Event] = field(default_factory=list)
    models: list[Model] = field(default_factory=fake_stock.some_models)
    validations: dict[str, Validation] = field(default_factory=dict)
    sets: list[StructureSet] = field(default_factory=list)
    #: files that were sent
    uploaded: list[File] = field(default_factory=list)
    #: ids of structures and tasks whose files are gone
    lost: set[int] = field(default_factory=set)
    #: what tasks found, where it is not the usual; their curves; the bytes of their files by name
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    curves: dict[int, SeriesColumns] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=lambda: {"final.cif": b"data_final" * 4821 + b"\n"})
    provenance: dict[str, Any] = field(default_factory=lambda: {"mofsim": "0.1.0", "torch": "2.6"})
    #: what an admin is told of who changed tasks; None where the key is none of an admin
    audit: list[AuditLine] | None = None
    #: attempts of tasks, where they are not the usual one; what their receivers were told
    tries: dict[int, list[Attempt]] = field(default_factory=dict)
    told: dict[int, list[Delivery]] = field(default_factory=dict)
    #: set to hold a download after its first piece
    download_held: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self._news = asyncio.Condition()
        self.machines.workers |= {each.id: each for each in map(worker, range(4))}

    async def tell(self, type: EventType, data: dict[str, Any], task_id: int | None = None) -> None:
        self.events.append(Event(id=len(self.events) + 1, time=NOW, type=type, task_id=task_id, data=data))
        async with self._news:
            self._news.notify_all()

    async def put(self, changed: Task) -> None:
        """A task is new or changed, and an event tells of it."""
        new = changed.id not in self.tasks
        self.tasks[changed.id] = changed
        kind = EventType.TASK_CREATED if new else EventType.TASK_STATUS
        await self.tell(kind, {"task": changed.model_dump(mode="json")}, changed.id)

    async def worker(self, number: int, state: WorkerState) -> None:
        """A worker does something else now."""
        await self.change_worker(worker(number, state))

    async def change_worker(self, changed: Worker) -> None:
        self.machines.workers[changed.id] = changed
        await self.tell(EventType.WORKER_STATE, {"worker": changed.model_dump(mode="json")})

    async def raise_alert(self, changed: Alert) -> None:
        """An alert is new or changed, and an event tells of it."""
        kind = EventType.ALERT_CHANGED if changed.id in self.alerts else EventType.ALERT_RAISED
        self.alerts[changed.id] = changed
        kind = EventType.ALERT_RESOLVED if changed.resolved else kind
        await self.tell(kind, {"alert": changed.model_dump(mode="json")})

    async def change_rule(self, changed: AlertRule) -> None:
        self.rules = [changed if each.id == changed.id else each for each in self.rules]
        await self.tell(EventType.ALERT_RULE_CHANGED, {"rule": changed.model_dump(mode="json")})

    async def refuse_key(self, why: str) -> None:
        """It was revoked: streams end, and nothing is answered but health."""
        self.key_refused = why
        async with self._news:
            self._news.notify_all()

    async def progress(self, task_id: int, **progress: Any) -> None:
        data = {"progress": progress, "status": "RUNNING", "attempt": 1}
        await self.tell(EventType.TASK_PROGRESS, data, task_id)

    async def go_down(self) -> None:
        self.up = False
        await self.system_log.end()
        async with self._news:
            self._news.notify_all()

    async def follow(self, last: int) -> AsyncGenerator[Event]:
        while self.up and not self.key_refused:
            while last < len(self.events):
                last += 1
                yield self.events[last - 1]
            async with self._news:
                await self._news.wait()
        raise ServerUnreachable(URL, "the connection broke")


def world(tasks: list[Task] | None = None, alerts: list[Alert] | None = None) -> World:
    found = World({t.id: t for t in (some_tasks() if tasks is None else tasks)})
    found.alerts = {each.id: each for each in alerts or ()}
    found.log = [
        LogLine(
            id=i,
            attempt=1,
            time=NOW + timedelta(seconds=2 * i),
            level=LogLevel.WARNING if i % 50 == 7 else LogLevel.INFO,
            logger="mofsim",
            message=f"step {i}  E=-1234.{i:03}  fmax={2 * 2 ** (-i / 31):.3g}",
        )
        for i in range(1, 144)
    ]
    return found


def _silenced(body: dict[str, Any]) -> dict[str, Any]:
    if not body.get("seconds"):
        return {"silenced_until": None, "silenced_by": None}
    return {"silenced_until": NOW + timedelta(seconds=body["seconds"]), "silenced_by": "local"}


def _notification(alert_id: int, channel: str, error: str | None) -> AlertNotification:
    return AlertNotification(
        id=alert_id,
        alert_id=alert_id,
        channel=channel,
        event=AlertNews.RAISED,
        state=DeliveryState.PENDING if error else DeliveryState.DELIVERED,
        attempts=1,
        created_at=NOW,
        last_attempt_at=NOW,
        next_attempt_at=None,
        delivered_at=None if error else NOW - timedelta(minutes=10),
        response_status=None,
        last_error=error,
    )


class FakeLine:
    """Files, as a server streams them."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def stream(self, stream: Stream) -> AsyncGenerator[bytes]:
        name = stream.path.rpartition("/")[2]
        if not self.world.up:
            raise ServerUnreachable(URL, "nothing listens there")
        content = self.world.contents.get(name, f"{stream.path} {stream.query}".encode())
        yield b""
        yield content[: len(content) // 2]
        if self.world.download_held:
            await self.world.download_held.wait()
        yield content[len(content) // 2 :]

    async def close(self) -> None:
        """There is no line."""


class FakeClient(AsyncClient):
    def __init__(self, world: World) -> None:
        super().__init__(URL)
        self.world = world
        self._line = FakeLine(world)  # type: ignore[assignment]

    async def send(self, request: Request[T]) -> T:
        if not self.world.up:
            raise ServerUnreachable(URL, "nothing listens there")
        path = request.path.removeprefix("/api/v1/")
        self.world.asked.append((request.method, path))
        first, *rest = path.split("/")
        if self.world.key_refused and first != "health":
            raise KeyRefused(self.world.key_refused, code=401, type="WrongKey")
        answer: Any = await self._answers()[first](request, rest)
        return answer  # type: ignore[no-any-return]

    def _answers(self) -> dict[str, Callable[[Request[Any], list[str]], Any]]:
        return {
            "health": self._health,
            "system": self._system,
            "tasks": self._tasks,
            "structures": self._structures,
            "models": self._models,
            "alerts": self._alerts,
            "batches": self._batches,
            "benchmarks": self._benchmarks,
        }

    async def events(
        self, last_event_id: int | None = None, task: int | None = None, **_: Any
    ) -> AsyncGenerator[Event]:
        async for event in self.world.follow(last_event_id or 0):
            yield event

    async def system_log_lines(self, **wanted: Any) -> AsyncGenerator[SystemLogLine]:
        if not self.world.up:
            raise ServerUnreachable(URL, "nothing listens there")
        async for line in self.world.system_log.follow(URL, **wanted):
            yield line

    async def close(self) -> None:
        """There is no line."""

    async def _health(self, request: Request[Any], rest: list[str]) -> Health:
        last = len(self.world.events)
        values = {"workers_online": 4, "workers_busy": 2, "queue": self._queue(), "last_event_id": last}
        return Health(status="ok", version="0.1.0", database="sqlite", **values)

    def _queue(self) -> Queue:
        statuses = [str(t.status) for t in self.world.tasks.values()]
        return Queue(by_status={s: statuses.count(s) for s in set(statuses)}, queued_by_priority={})

    async def _system(self, request: Request[Any], rest: list[str]) -> Any:
        if rest == ["queue"]:
            return self._queue()
        if rest == ["audit"]:
            return self._audit(request)
        if rest == ["logs"]:
            return self.world.system_log.page(request.query)
        if rest[-1] in ("drain", "resume"):
            return await self._drain(rest[1], rest[-1] == "drain")
        return self.world.machines.answer(request, rest)

    async def _drain(self, id: str, drain: bool) -> Worker:
        """As the server does: one that works drains, one that does not is drained."""
        found = self.world.machines.workers[unquote(id)]
        busy = WorkerState.DRAINING if drain else WorkerState.BUSY
        idle = WorkerState.DRAINED if drain else WorkerState.IDLE
        changed = found.model_copy(update={"drain": drain, "state": busy if found.task_id else idle})
        await self.world.change_worker(changed)
        return changed

    def _audit(self, request: Request[Any]) -> Page[AuditLine]:
        if self.world.audit is None:
            raise ApiError("this takes a key of an admin", code=403, type="Forbidden")
        lines = [line for line in self.world.audit if line.subject == request.query["subject"]]
        return Page(items=lines, next_cursor=None, total=len(lines))

    async def _alerts(self, request: Request[Any], rest: list[str]) -> Any:
        known = sorted(self.world.alerts.values(), key=lambda each: -each.id)
        match rest:
            case ["active"]:
                return [each for each in known if not each.resolved]
            case ["history"]:
                return known
            case ["rules"]:
                return self.world.rules
            case ["rules", id, *action]:
                found = next(each for each in self.world.rules if each.id == int(id))
                changed = found.model_copy(update=_silenced(request.json) if action else request.json)
                await self.world.change_rule(changed)
                return changed
            case [id]:
                if int(id) not in self.world.alerts:
                    raise NotFound(f"there is no alert {id}", code=404, type="NotFound")
                return self.world.alerts[int(id)]
            case [id, "notifications"]:
                return [_notification(int(id), "log", None), _notification(int(id), "lab", "no answer within 15 s")]
            case [id, action]:
                return await self._steer(self.world.alerts[int(id)], action, request)
        raise AssertionError(rest)

    async def _steer(self, found: Alert, action: str, request: Request[Any]) -> Alert:
        changes = {
            "ack": {"acknowledged_at": NOW, "acknowledged_by": "local"},
            "resolve": {"resolved": True, "resolved_at": NOW, "resolved_by": "local"},
            "silence": _silenced(request.json),
        }
        changed = found.model_copy(update=changes[action])
        await self.world.raise_alert(changed)
        return changed

    async def _tasks(self, request: Request[Any], rest: list[str]) -> Any:
        if rest == ["estimate"]:
            return self._estimate(request)
        if rest == ["batch"]:
            return await fake_batches.submit(self.world, request)
        if request.method == "POST" and not rest[0].isdecimal():
            return await self._submit(request, rest[0])
        if not rest:
            return self._page(request.query)
        found = self.world.tasks.get(int(rest[0]))
        if found is None:
            raise NotFound(f"there is no task {rest[0]}", code=404, type="NotFound")
        if len(rest) == 1:
            return found
        return await getattr(self, f"_{rest[1].replace('-', '_')}")(found, request)

    def _page(self, query: Any) -> Page[Task]:
        since = datetime.fromisoformat(query["since"]) if query.get("since") else None
        terms = [
            Term(
                {"task_type": "type"}.get(name, name),
                tuple(value if isinstance(value, tuple) else (str(value).lower(),)),
            )
            for name in ("status", "task_type", "model", "structure", "batch", "since")
            if (value := query.get(name))
        ]
        terms += [Term("text", (word.lower(),)) for word in query.get("text", "").split()]
        asked = Query(sort=query["sort"], terms=tuple(terms), since=since)
        fitting = sorted(filter(asked.matches, self.world.tasks.values()), key=asked.key, reverse=asked.descending)
        start, limit = int(query.get("cursor") or 0), query["limit"]
        more = start + limit < len(fitting)
        return Page(
            items=fitting[start : start + limit], next_cursor=str(start + limit) if more else None, total=len(fitting)
        )

    def _refuse(self) -> None:
        if self.world.refusal:
            refusal, self.world.refusal = self.world.refusal, None
            raise refusal

    def _estimate(self, request: Request[Any]) -> Estimate:
        self._refuse()
        self.world.estimated.append(request.json)
        found = next(s for s in self.world.structures if s.name == request.json["structure"]["name"])
        seconds = TimeEstimate(
            median=40, low=12, high=95, tasks=7, learnt_from_atoms=[found.n_atoms], same_parameters=True
        )
        return Estimate(
            task_type=request.json["task_type"],
            model=request.json.get("model", "7net-0"),
            preset=request.json["preset"],
            structure=StructureBrief.model_validate(found),
            n_atoms=found.n_atoms,
            memory=[],
            device="cuda",
            seconds=seconds,
            fits=["gpu-box-1:gpu0"] if self.world.estimate_why_none is None else [],
            why_none=self.world.estimate_why_none,
            known=True,
            sentence=f"about {found.n_atoms / 100:.1f} GB and 40 s (12–95 s, learnt from 7 tasks)",
        )

    async def _submit(self, request: Request[Any], task_type: str) -> Task:
        self._refuse()
        self.world.submitted.append({"task_type": task_type, **request.json})
        new = task(max(self.world.tasks, default=0) + 1, task_type=TaskType(task_type))
        await self.world.put(new)
        return new

    async def _cancel(self, found: Task, request: Request[Any]) -> Task:
        if found.status.is_final:
            raise Conflict(f"task {found.id} is {found.status} already", code=409, type="Conflict")
        if found.status.is_active:
            changed = found.model_copy(update={"stop_requested": StopReason.CANCELLED})
        else:
            changed = found.model_copy(update={"status": TaskStatus.CANCELLED})
        await self.world.put(changed)
        return changed

    async def _undo_cancel(self, found: Task, request: Request[Any]) -> Task:
        return await self._retry(found, request)

    async def _retry(self, found: Task, request: Request[Any]) -> Task:
        changed = found.model_copy(update={"status": TaskStatus.QUEUED, "error": None, "progress": Progress()})
        await self.world.put(changed)
        return changed

    async def _hold(self, found: Task, request: Request[Any]) -> Task:
        changed = found.model_copy(update={"status": TaskStatus.PENDING, "held": True})
        await self.world.put(changed)
        return changed

    async def _release(self, found: Task, request: Request[Any]) -> Task:
        changed = found.model_copy(update={"status": TaskStatus.QUEUED, "held": False})
        await self.world.put(changed)
        return changed

    async def _priority(self, found: Task, request: Request[Any]) -> Task:
        changed = found.model_copy(update={"priority": Priority[request.json["priority"]]})
        await self.world.put(changed)
        return changed

    async def _explain(self, found: Task, request: Request[Any]) -> Explanation:
        sentence = f"2 tasks are ahead of task {found.id} for 4 workers; a higher priority moves it up."
        if not found.status.is_waiting:
            sentence = f"It ended: {found.status}."
        return Explanation(task_id=found.id, status=found.status, sentence=sentence, ahead=2)

    async def _series(self, found: Task, request: Request[Any]) -> SeriesColumns:
        if found.id in self.world.curves:
            return self.world.curves[found.id]
        if found.progress.step is None:
            return SeriesColumns(task_id=found.id, attempt=1, columns={"step": []})
        return falling(found.id, found.progress.step)

    async def _logs(self, found: Task, request: Request[Any]) -> list[LogLine]:
        lines = [line for line in self.world.log if line.id > request.query.get("after", 0)]
        limit = request.query["limit"]
        return lines[-limit:] if request.query.get("newest") else lines[:limit]

    async def _result(self, found: Task, request: Request[Any]) -> TaskResult:
        if not found.status.is_final:
            raise NotFound("no result yet", code=404, type="NotFound")
        usual = {"converged": True, "steps": 143, "final_energy_eV": -1234.512, "volume_change_percent": 2.4}
        return TaskResult(
            task_id=found.id,
            status=found.status,
            attempt=1,
            result=self.world.results.get(found.id, usual),
            output_files={name: f"/api/v1/files/{found.id}/1/{name}" for name in self.world.contents},
            metrics={"duration_seconds": 725.0, "seconds_per_step": 2.11, "peak_memory_MB": 64000.0},
            provenance=self.world.provenance,
        )

    async def _files(self, found: Task, request: Request[Any]) -> list[OutputFile]:
        if not found.status.is_final:
            return []
        return [
            OutputFile(name=name, size_bytes=len(content), url=f"/api/v1/files/{found.id}/1/{name}")
            for name, content in self.world.contents.items()
        ]

    async def _events(self, found: Task, request: Request[Any]) -> list[Event]:
        of_task = [event for event in self.world.events if event.task_id == found.id]
        return [event for event in of_task if event.type is not EventType.TASK_PROGRESS]

    async def _deliveries(self, found: Task, request: Request[Any]) -> list[Delivery]:
        return self.world.told.get(found.id, [])

    async def _attempts(self, found: Task, request: Request[Any]) -> list[Attempt]:
        if found.id in self.world.tries:
            return self.world.tries[found.id]
        if found.worker_id is None:
            return []
        begin = NOW - timedelta(minutes=13)
        values = {"assigned_at": begin, "started_at": begin + timedelta(seconds=41), "steps": 143}
        return [
            Attempt(
                attempt=1, worker_id=found.worker_id, gpu_id=None, ended_at=None, outcome=None, reason=None, **values
            )
        ]

    async def _geometry(self, found: Task, request: Request[Any]) -> Any:
        return fake_stock.task_geometry(self.world, found, request.query["frame"])

    async def _batches(self, request: Request[Any], rest: list[str]) -> Any:
        return fake_batches.answer(self.world, rest)

    async def _benchmarks(self, request: Request[Any], rest: list[str]) -> Any:
        return fake_benchmarks.answer(self.world, request, rest)

    async def _structures(self, request: Request[Any], rest: list[str]) -> Any:
        return await fake_stock.structures(self.world, request, rest)

    async def _models(self, request: Request[Any], rest: list[str]) -> Any:
        return await fake_stock.models(self.world, request, rest)
