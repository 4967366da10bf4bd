"""The world of the demo: what a server would know, and how it goes on with the time.

`advance` makes it live up to now in small steps; each change is told by an event, as a server would. Chance is seeded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from mofsim.schemas.alerts import AlertRule
from mofsim.schemas.events import Event
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.resources import Alert, Model, Structure, StructureSet, Validation, Worker
from mofsim.schemas.simulations import resolve
from mofsim.schemas.tasks import Progress, Task, TaskError
from mofsim.tui.demo import physics, steering
from mofsim.tui.demo.about_benchmarks import DemoBenchmark
from mofsim.tui.demo.machines import HOT, Device, workers
from mofsim.vocabulary import (
    AlertLevel,
    EventType,
    LogLevel,
    Preset,
    Priority,
    RuleKind,
    TaskStatus,
    TaskType,
    WorkerState,
)

SEED: Final = 7
#: Seconds of one step of the world, and the most steps that are made up for after a sleep.
TICK, MOST_TICKS = 0.5, 1200
KEPT_EVENTS, KEPT_LINES = 5000, 5000
#: A model loads for so long; a running task stops so long after it was asked to.
LOADS, STOPS = 4.0, 1.5
#: When GPU is too hot, for how long it must be, and when it is well again.
TOO_HOT, HOT_FOR, COOL = 85.0, 8.0, 78.0
ESCALATES_AFTER = 180.0
#: Somebody else submits now and then, while so few wait.
FEW_WAIT, SUBMITS_EVERY = 7, (9.0, 24.0)


@dataclass
class Run:
    """A task on a worker."""

    worker: str
    plan: physics.Plan
    loads_until: datetime
    begun: datetime | None = None
    steps: float = 0.0
    stops_at: datetime | None = None


def utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    clock: Callable[[], datetime] = utc
    seed: int = SEED
    tasks: dict[int, Task] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    structures: dict[int, Structure] = field(default_factory=dict)
    sets: list[StructureSet] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)
    benchmarks: dict[int, DemoBenchmark] = field(default_factory=dict)
    validations: dict[str, Validation] = field(default_factory=dict)
    alerts: dict[int, Alert] = field(default_factory=dict)
    rules: dict[int, AlertRule] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    lines: deque[SystemLogLine] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    #: events and lines that were ever told
    n_events: int = 0
    n_lines: int = 0
    #: what was cancelled, as it was before, and until when that can be taken back
    cancelled: dict[int, tuple[Task, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from mofsim.tui.demo import beginning

        self.chance = Random(self.seed)
        self.now = self.clock()
        self._next_submit = self.now + timedelta(seconds=6)
        self._hot_since: datetime | None = None
        self._wishes: dict[tuple[str, str], datetime] = {}
        for n, worker in enumerate(workers(self.now)):
            self.workers[worker.id] = worker
            self.devices[worker.id] = Device(n, worker.gpu_id is not None)
        beginning.fill(self)

    # Time

    def advance(self) -> None:
        """Live up to now; of a long sleep only the end."""
        now = self.clock()
        ticks = int((now - self.now).total_seconds() / TICK)
        if ticks > MOST_TICKS:
            self.now = now - timedelta(seconds=MOST_TICKS * TICK)
            ticks = MOST_TICKS
        for _ in range(ticks):
            self.now += timedelta(seconds=TICK)
            self._tick()

    def _tick(self) -> None:
        self._wish()
        self._assign()
        for task_id in list(self.runs):
            self._run(task_id)
        self.warm(TICK)
        self._watch_heat()
        self._escalate()
        if self.now >= self._next_submit:
            self._somebody_submits()

    def warm(self, seconds: float) -> None:
        """The devices, by what is on them."""
        for id, device in self.devices.items():
            worker = self.workers[id]
            task = self.tasks.get(worker.task_id) if worker.task_id is not None else None
            busy = task is not None and task.status is TaskStatus.RUNNING
            atoms = task.structure.n_atoms if task else 0
            device.live(seconds, self.now.timestamp(), busy, len(worker.loaded_models), atoms)

    # Tasks

    def plan(self, task: Task) -> physics.Plan:
        run = self.runs.get(task.id)
        return run.plan if run else physics.plan(task, self.seed)

    def completed(self, task_type: TaskType) -> list[physics.Plan]:
        """The plans of tasks of a type that came to their end, the quickest first."""
        tasks = [task for task in self.tasks.values() if task.status is TaskStatus.COMPLETED]
        plans = [physics.plan(task, self.seed) for task in tasks if task.task_type is task_type]
        return sorted(plans, key=lambda plan: plan.seconds)

    def add_task(
        self,
        task_type: TaskType,
        structure: Structure,
        model: str = "7net-0",
        preset: Preset = Preset.QUICK,
        parameters: dict[str, Any] | None = None,
        priority: Priority = Priority.NORMAL,
        **values: Any,
    ) -> Task:
        """A new task that waits. Raises pydantic's ValidationError for wrong parameters."""
        begin = {"created_at": self.now, "queued_at": self.now, "status": TaskStatus.QUEUED, "timeout_seconds": 3600.0}
        task = Task(
            id=max(self.tasks, default=7999) + 1,
            task_type=task_type,
            priority=priority,
            model=model,
            structure=steering.brief(structure),
            preset=preset,
            parameters=resolve(task_type, preset, parameters or {}),
            progress=Progress(),
            attempt=0,
            max_attempts=3,
            **(begin | values),
        )
        self.tasks[task.id] = task
        return task

    def submitted(self, task: Task, by: str) -> Task:
        self.put(task, EventType.TASK_CREATED)
        words = f"{task.task_type} of {task.structure.name} submitted"
        self.say("server", words, task_id=task.id, key=by, model=task.model)
        return task

    def put(self, task: Task, kind: EventType = EventType.TASK_STATUS) -> Task:
        """It is as this now, and an event tells of it."""
        self.tasks[task.id] = task
        self.tell(kind, {"task": task.model_dump(mode="json")}, task.id)
        return task

    def change(self, task_id: int, kind: EventType = EventType.TASK_STATUS, **values: Any) -> Task:
        return self.put(self.tasks[task_id].model_copy(update=values), kind)

    def _assign(self) -> None:
        for worker in self.workers.values():
            if worker.state is not WorkerState.IDLE or worker.drain:
                continue
            waiting = [t for t in self.tasks.values() if t.status is TaskStatus.QUEUED and _may_run(t, worker)]
            task = min(waiting, key=lambda t: (t.priority, t.id), default=None)
            if task is not None:
                self.begin(task, worker)

    def begin(self, task: Task, worker: Worker) -> None:
        loaded = task.model in worker.loaded_models
        task = self.change(
            task.id, status=TaskStatus.ASSIGNED, attempt=task.attempt + 1, worker_id=worker.id, gpu_id=worker.gpu_id
        )
        loads = self.now + timedelta(seconds=0.5 if loaded else LOADS)
        self.runs[task.id] = Run(worker.id, physics.plan(task, self.seed), loads)
        self.change_worker(worker.id, state=WorkerState.BUSY, task_id=task.id)
        if not loaded:
            self.say(f"worker-{worker.slot}", f"loading {task.model}", task_id=task.id, gpu_id=worker.gpu_id)

    def _run(self, task_id: int) -> None:
        run, task = self.runs[task_id], self.tasks[task_id]
        if run.stops_at is not None and self.now >= run.stops_at:
            self._end(task, TaskStatus.CANCELLED)
        elif task.status is TaskStatus.ASSIGNED:
            if self.now >= run.loads_until:
                self._start(task, run)
        else:
            self._step(task, run)

    def _start(self, task: Task, run: Run) -> None:
        worker = self.workers[run.worker]
        if task.model not in worker.loaded_models:
            self.change_worker(worker.id, loaded_models=[*worker.loaded_models[-2:], task.model])
        run.begun = self.now
        self.change(task.id, status=TaskStatus.RUNNING, started_at=self.now)
        where = f"on {run.worker}"
        self.say(f"worker-{worker.slot}", f"{task.task_type} begins {where}", task_id=task.id, gpu_id=worker.gpu_id)

    def _step(self, task: Task, run: Run) -> None:
        before = int(run.steps)
        run.steps = min(run.steps + run.plan.steps_per_second * TICK, run.plan.steps)
        step = int(run.steps)
        if step > before:
            progress = run.plan.progress(step)
            self.tasks[task.id] = task.model_copy(update={"progress": Progress(**progress)})
            data = {"progress": progress, "status": "RUNNING", "attempt": task.attempt}
            self.tell(EventType.TASK_PROGRESS, data, task.id)
        if step >= run.plan.steps:
            self._end(self.tasks[task.id], run.plan.ends)

    def _end(self, task: Task, status: TaskStatus) -> None:
        run = self.runs.pop(task.id)
        worker = self.workers[run.worker]
        error = None
        if status is TaskStatus.FAILED:
            words = f"the energy rose without end at step {int(run.steps)}: the structure blew up"
            error = TaskError(type="SimulationExploded", message=words)
        self.change(task.id, status=status, completed_at=self.now, stop_requested=None, error=error)
        if task.task_type is TaskType.VALIDATION and status is TaskStatus.COMPLETED and task.model in self.models:
            self.models[task.model] = self.models[task.model].model_copy(update={"is_validated": True})
            self.validations[task.model] = Validation(passed=True, checks={}, error=None, task_id=task.id, at=self.now)
        idle = WorkerState.DRAINED if worker.drain else WorkerState.IDLE
        self.change_worker(worker.id, state=idle, task_id=None)
        level = LogLevel.ERROR if error else LogLevel.INFO
        said = f"{error.type}: {error.message}" if error else f"{task.task_type} ended as {status}"
        self.say(f"worker-{worker.slot}", said, level, task_id=task.id, gpu_id=worker.gpu_id)
        if error:
            about = f"task {task.id} ({task.task_type} of {task.structure.name})"
            self.raise_alert(
                RuleKind.ENERGY_EXPLOSION, AlertLevel.ERROR, f"task {task.id}", f"{about}: {error.message}",
                {"task_id": task.id},
            )  # fmt: skip

    def _somebody_submits(self) -> None:
        self._next_submit = self.now + timedelta(seconds=self.chance.uniform(*SUBMITS_EVERY))
        if sum(task.status.is_waiting for task in self.tasks.values()) < FEW_WAIT:
            task_type, structure, model, priority = self.draw()
            self.submitted(self.add_task(task_type, structure, model, priority=priority), self.chance.choice(PEOPLE))

    def draw(self) -> tuple[TaskType, Structure, str, Priority]:
        """What somebody might want."""
        builtin = [each for each in self.structures.values() if each.is_builtin]
        return (
            self.chance.choices(list(WANTED), list(WANTED.values()))[0],
            self.chance.choice(builtin),
            self.chance.choices(["7net-0", "7net-l3i5", "chgnet"], [6, 2, 1])[0],
            self.chance.choices(list(Priority), [0, 1, 6, 2])[0],
        )

    # Workers

    def change_worker(self, id: str, **values: Any) -> Worker:
        changed = self.workers[id].model_copy(update={"heartbeat_at": self.now} | values)
        self.workers[id] = changed
        self.tell(EventType.WORKER_STATE, {"worker": changed.model_dump(mode="json")})
        return changed

    def wish(self, worker: Worker, model: str, verb: str) -> Worker:
        """Load or unload it between two tasks."""
        self._wishes[worker.id, model] = self.now + timedelta(seconds=LOADS if verb == "load" else 1.0)
        return self.change_worker(worker.id, model_wishes={**worker.model_wishes, model: verb})

    def _wish(self) -> None:
        for (id, model), due in list(self._wishes.items()):
            worker = self.workers[id]
            if self.now < due or worker.task_id is not None:
                continue
            del self._wishes[id, model]
            wishes = dict(worker.model_wishes)
            verb = wishes.pop(model, "load")
            loaded = [name for name in worker.loaded_models if name != model]
            loaded += [model] if verb == "load" else []
            self.change_worker(id, loaded_models=loaded, model_wishes=wishes)
            self.say(f"worker-{worker.slot}", f"{model} {verb}ed", gpu_id=worker.gpu_id)

    # Alerts

    def raise_alert(
        self, kind: str, level: AlertLevel, subject: str, message: str, details: dict[str, Any]
    ) -> Alert | None:
        """None where its rule is off."""
        rule = next((rule for rule in self.rules.values() if rule.kind == kind), None)
        if rule is None or not rule.enabled:
            return None
        id = max(self.alerts, default=0) + 1
        alert = Alert(
            id=id, level=level, alert_type=kind, subject=subject, message=message, details=details,
            created_at=self.now, resolved=False, resolved_at=None, rule_id=rule.id,
            silenced_until=rule.silenced_until,
        )  # fmt: skip
        self.alerts[id] = alert
        self.tell(EventType.ALERT_RAISED, {"alert": alert.model_dump(mode="json")})
        self.say("chores", f"alert {id}: {message}", LogLevel.WARNING)
        return alert

    def change_alert(self, id: int, kind: EventType = EventType.ALERT_CHANGED, **values: Any) -> Alert:
        changed = self.alerts[id].model_copy(update=values)
        self.alerts[id] = changed
        self.tell(kind, {"alert": changed.model_dump(mode="json")})
        return changed

    def _watch_heat(self) -> None:
        device = next(device for device in self.devices.values() if device.number == HOT)
        name, heat = f"GPU {HOT} of demo-box", device.temperature
        kind: Any = RuleKind.GPU_HOT
        active = [a for a in self.alerts.values() if a.alert_type == kind and not a.resolved]
        self._hot_since = (self._hot_since or self.now) if heat > TOO_HOT else None
        if self._hot_since and self.now - self._hot_since >= timedelta(seconds=HOT_FOR) and not active:
            details = {"value": round(heat, 1), "threshold": TOO_HOT}
            self.raise_alert(kind, AlertLevel.WARNING, device.id, f"{name} is at {heat:.0f} °C", details)
        elif active and heat < COOL:
            for alert in active:
                self.change_alert(alert.id, EventType.ALERT_RESOLVED, resolved=True, resolved_at=self.now)
                self.say("chores", f"alert {alert.id} is over: {name} is at {heat:.0f} °C")

    def _escalate(self) -> None:
        late = self.now - timedelta(seconds=ESCALATES_AFTER)
        for alert in list(self.alerts.values()):
            new = not alert.resolved and alert.acknowledged_at is None and alert.escalated_at is None
            if new and alert.level is AlertLevel.WARNING and alert.created_at < late:
                self.change_alert(
                    alert.id, EventType.ALERT_ESCALATED, level=AlertLevel.ERROR, escalated_at=self.now
                )  # fmt: skip

    # What is told

    def tell(self, kind: EventType, data: dict[str, Any], task_id: int | None = None) -> None:
        self.n_events += 1
        self.events.append(Event(id=self.n_events, time=self.now, type=kind, task_id=task_id, data=data))

    def say(
        self, process: str, message: str, level: LogLevel = LogLevel.INFO, *, task_id: int | None = None,
        gpu_id: str | None = None, **extra: Any,
    ) -> None:  # fmt: skip
        """A line in the log of a process. No two have one time."""
        self.n_lines += 1
        time = self.now + timedelta(microseconds=self.n_lines % 100_000)
        logger = f"mofsim.{process.partition('-')[0]}"
        self.lines.append(
            SystemLogLine(
                timestamp=time, level=level, logger=logger, message=message, process=process, task_id=task_id,
                gpu_id=gpu_id, extra=extra,
            )
        )  # fmt: skip

    def events_after(self, last: int) -> Sequence[Event]:
        return [event for event in self.events if event.id > last]


PEOPLE: Final = ("ada", "ben", "carol")
WANTED: Final = {
    TaskType.OPTIMIZATION: 9,
    TaskType.STABILITY: 3,
    TaskType.BULK_MODULUS: 3,
    TaskType.HEAT_CAPACITY: 2,
    TaskType.INTERACTION_ENERGY: 2,
    TaskType.SINGLE_POINT: 2,
}


def _may_run(task: Task, worker: Worker) -> bool:
    """The laptop takes the small ones, of a potential that is light."""
    return worker.gpu_id is not None or (task.structure.n_atoms < 120 and task.model == "chgnet")
