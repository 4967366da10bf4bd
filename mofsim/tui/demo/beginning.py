"""How the world of the demo begins: a day of tasks that ended, some that run, some that wait, models and rules."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.schemas.alerts import AlertRule
from mofsim.schemas.benchmarks import BenchmarkSubmit, BenchmarkType
from mofsim.schemas.resources import Check, Model, Structure, StructureSet, Validation
from mofsim.schemas.tasks import Progress, Task, TaskError
from mofsim.tui.demo import about_benchmarks, physics
from mofsim.tui.demo.crystals import NAMES, crystal, extxyz
from mofsim.vocabulary import AlertLevel, LogLevel, Preset, Priority, RuleKind, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.tui.demo.world import World

#: Tasks that ended, over so many minutes; seconds of readings of the devices.
ENDED, OVER_MINUTES = 56, 1330
READ_SECONDS, READ_STEP = 6 * 3600, 10
UPLOADED = "our-mace-v2"
#: What the benchmark is of, when it was begun, and how many of its tasks wait.
BENCHMARKED = (TaskType.OPTIMIZATION, TaskType.BULK_MODULUS)
BENCHMARK_MINUTES, BENCHMARK_LEFT = 40, 4


def fill(world: World) -> None:
    _stock(world)
    _rules(world)
    _yesterday(world)
    _benchmark(world)
    _readings(world)
    _today(world)


def _stock(world: World) -> None:
    for number, name in enumerate(NAMES, 1):
        found = crystal(name)
        content = extxyz(found.symbols, found.positions, found.cell)
        world.structures[number] = Structure(
            id=number, name=name, original_name=f"{name}.extxyz", format="extxyz", file_size=len(content),
            checksum=hashlib.sha256(content.encode()).hexdigest(), n_atoms=len(found.symbols), formula=found.formula,
            elements=sorted(set(found.symbols)), volume_A3=found.volume, is_builtin=True,
            description=found.description, created_at=world.now - timedelta(days=30),
        )  # fmt: skip
    world.sets = [StructureSet(name="open-metals", structure_ids=[2, 5])]
    for name, values in BUILTIN_MODELS.items():
        fields: dict[str, Any] = {key: values[key] for key in ("framework", "description", "licence", "d3", "elements")}
        world.models[name] = Model(
            name=name, is_default=name == "7net-0", is_custom=False, is_validated=True, dtype="float32", loaded_on=[],
            **fields,
        )  # fmt: skip
    world.models[UPLOADED] = Model(
        name=UPLOADED, framework="mace", description="fine-tuned on our frameworks", is_default=False, is_custom=True,
        is_validated=False, d3=False, dtype="float32", licence="", elements=["C", "H", "O", "Zn"], loaded_on=[],
    )  # fmt: skip
    checks = {
        "forces": Check(measured=0.21, limit=0.05, unit="eV/Å", passed=False),
        "stress": Check(measured=0.012, limit=0.05, unit="GPa", passed=True),
    }
    at = world.now - timedelta(hours=3)
    world.validations[UPLOADED] = Validation(passed=False, checks=checks, error=None, task_id=8009, at=at)


def _rules(world: World) -> None:
    says: dict[RuleKind, tuple[str, dict[str, float], str, AlertLevel]] = {
        RuleKind.GPU_HOT: ("a GPU is hotter", {"threshold": 85.0, "for_seconds": 8.0}, "°C", AlertLevel.WARNING),
        RuleKind.ENERGY_EXPLOSION: (
            "the energy jumped between two steps", {"threshold": 1.0}, "eV/atom", AlertLevel.ERROR,
        ),
        RuleKind.QUEUE_LONG: ("more tasks wait for a device", {"threshold": 100.0}, "tasks", AlertLevel.INFO),
        RuleKind.NO_PROGRESS: (
            "the largest force did not become smaller", {"threshold": 0.01, "steps": 500}, "", AlertLevel.WARNING,
        ),
    }  # fmt: skip
    for id, (kind, (words, condition, unit, level)) in enumerate(says.items(), 1):
        rises = level is AlertLevel.WARNING
        world.rules[id] = AlertRule(
            id=id, name=kind, kind=kind, condition=condition, unit=unit, says=words, level=level,
            escalate_to=AlertLevel.ERROR if rises else None, escalate_after_seconds=180.0 if rises else None,
            cooldown_seconds=300.0, channels=None, enabled=True, is_builtin=True, silenced_until=None,
        )  # fmt: skip


def _yesterday(world: World) -> None:
    for n in range(ENDED):
        minutes = OVER_MINUTES * (1 - n / ENDED) + world.chance.uniform(2, 20)
        task_type, structure, model, priority = world.draw()
        task = world.add_task(task_type, structure, model, priority=priority)
        ends = TaskStatus.CANCELLED if n % 19 == 7 else TaskStatus.TIMEOUT if n == 30 else None
        _ended(world, task, world.now - timedelta(minutes=minutes), n, ends)


def _benchmark(world: World) -> None:
    """Three quarters of it have ended; the rest waits."""
    asked = BenchmarkSubmit(
        models=["7net-0", "chgnet"],
        preset=Preset.QUICK,
        task_types=[BenchmarkType(task_type=each) for each in BENCHMARKED],
    )
    begun = timedelta(minutes=BENCHMARK_MINUTES)
    world.now -= begun
    about_benchmarks.start(world, asked)
    world.now += begun
    tasks = [id for id in world.benchmarks[1].cells.values() if id is not None]
    for n, id in enumerate(tasks[:-BENCHMARK_LEFT]):
        _ended(world, world.tasks[id], world.now - begun * (0.9 - 0.88 * n / len(tasks)), n)


def _ended(world: World, task: Task, end: datetime, n: int, ends: TaskStatus | None = None) -> None:
    """As it is after it ran; `ends` None: as its plan has it."""
    worker = list(world.workers.values())[n % 4]
    plan = physics.plan(task.model_copy(update={"attempt": 1}), world.seed)
    steps, ends = (plan.steps, plan.ends) if ends is None else (plan.steps // 2, ends)
    started = end - timedelta(seconds=plan.seconds)
    world.tasks[task.id] = task.model_copy(
        update={
            "status": ends,
            "attempt": 1,
            "worker_id": worker.id,
            "gpu_id": worker.gpu_id,
            "created_at": started - timedelta(minutes=7),
            "queued_at": started - timedelta(minutes=7),
            "started_at": started,
            "completed_at": end,
            "progress": Progress(**plan.progress(steps)),
            "error": _error(ends, steps),
        }
    )


def _error(ends: TaskStatus, steps: int) -> TaskError | None:
    if ends is TaskStatus.FAILED:
        words = f"the energy rose without end at step {steps}: the structure blew up"
        return TaskError(type="SimulationExploded", message=words)
    if ends is TaskStatus.TIMEOUT:
        return TaskError(type="Timeout", message="it ran for longer than its 3600 s")
    return None


def _readings(world: World) -> None:
    """What the devices showed until now: tasks came and went."""
    begin = world.now.timestamp() - READ_SECONDS
    for device in world.devices.values():
        busy = False
        for n in range(READ_SECONDS // READ_STEP):
            if n % 9 == 0:
                busy = world.chance.random() < (0.8 if device.on_gpu else 0.3)
            device.live(READ_STEP, begin + n * READ_STEP, busy, 1, 110 if busy else 0)


def _today(world: World) -> None:
    """The first four run already, at different places of their way."""
    wanted = [
        (TaskType.OPTIMIZATION, 1, "7net-0", Priority.NORMAL),
        (TaskType.STABILITY, 4, "7net-0", Priority.NORMAL),
        (TaskType.OPTIMIZATION, 2, "7net-l3i5", Priority.NORMAL),
        (TaskType.BULK_MODULUS, 3, "7net-0", Priority.HIGH),
        (TaskType.HEAT_CAPACITY, 5, "7net-0", Priority.NORMAL),
        (TaskType.OPTIMIZATION, 3, "chgnet", Priority.NORMAL),
        (TaskType.INTERACTION_ENERGY, 5, "7net-0", Priority.HIGH),
        (TaskType.OPTIMIZATION, 4, "7net-l3i5", Priority.LOW),
    ]
    tasks: list[Task] = []
    for n, (task_type, structure, model, priority) in enumerate(wanted):
        values: dict[str, Any] = {"created_at": world.now - timedelta(minutes=9 - n)}
        values["queued_at"] = values["created_at"]
        preset = Preset.MOFSIMBENCH if task_type is TaskType.OPTIMIZATION else Preset.QUICK
        tasks.append(world.add_task(task_type, world.structures[structure], model, preset, priority=priority, **values))
    held = world.add_task(TaskType.OPTIMIZATION, world.structures[1], "7net-l3i5", held=True)
    world.put(held.model_copy(update={"status": TaskStatus.PENDING}))
    for task, worker, share in zip(tasks, list(world.workers.values())[:4], (0.35, 0.3, 0.5, 0.1), strict=False):
        world.begin(task, worker)
        run = world.runs[task.id]
        run.steps = share * run.plan.steps
        ago = run.steps / run.plan.steps_per_second
        run.begun = world.now - timedelta(seconds=ago)
        loaded = list(dict.fromkeys([*world.workers[worker.id].loaded_models, task.model]))
        world.change_worker(worker.id, loaded_models=loaded)
        progress = Progress(**run.plan.progress(int(run.steps)))
        world.change(task.id, status=TaskStatus.RUNNING, started_at=run.begun, progress=progress)
    world.say("supervisor", "5 workers are there", boxes=2)
    world.say("chores", "the disk has 1.2 TB left", LogLevel.DEBUG)
    world.say("server", "the demo begins: nothing here is real")
