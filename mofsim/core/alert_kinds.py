"""What alert rules can watch: each kind looks at the database, and names the subjects that are bad now.

The kinds about physics have no look: the worker that runs the task follows its steps (`mofsim.worker.physics`).
A value that nobody knows is neither good nor bad: what holds about its subject goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import workers
from mofsim.db.tables import Device, Measurement, ModelStreak, TaskCount, Worker, utcnow
from mofsim.vocabulary import AlertLevel, RuleKind, TaskStatus, WorkerState

MB_PER_GB = 1000
#: A reading of a GPU, or what a server measured of itself, that is older says nothing of now.
STALE = timedelta(seconds=60)
API_P99 = "api_p99_seconds"
#: Errors that programs bring about, or that killing them leaves behind; the GPU is well.
HARMLESS_XIDS = (13, 31, 43, 45, 68, 109)

Condition = Mapping[str, Any]


@dataclass(frozen=True)
class Box:
    """What only the box that looks knows."""

    host: str
    #: on the disk of the data folder
    disk_free_GB: float


@dataclass(frozen=True)
class Finding:
    """Why a subject is bad, in words for a person and in numbers."""

    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    bad: dict[str, Finding]
    #: whether it can not be told of this subject if it is well
    is_unknown: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True)
class Kind:
    says: str
    #: of the threshold
    unit: str
    level: AlertLevel
    #: all that it knows, with the values of the built-in rule
    condition: dict[str, Any]
    #: None: the workers look
    look: Callable[[Session, Condition, Box], Look] | None = None
    escalate_to: AlertLevel | None = None
    escalate_after_seconds: float | None = None


def _gpu_lost(session: Session, condition: Condition, box: Box) -> Look:
    """By what the driver says; or a worker that lives says nothing of its GPU, as after a reboot without it."""
    alive = utcnow() - STALE
    used = select(Worker.gpu_id).where(Worker.state.in_(workers.ONLINE), Worker.heartbeat_at > alive)
    in_use = set(session.scalars(used))
    bad = {}
    for gpu in workers.gpus(session):
        is_stale = gpu.seen_at <= alive
        if gpu.fault and not is_stale:
            bad[gpu.id] = _of_gpu(gpu, f"can not be used: {gpu.fault}")
        elif is_stale and gpu.id in in_use:
            bad[gpu.id] = _of_gpu(gpu, "was not seen lately though its worker is there")
    stale = _stale_gpus(session) - in_use
    return Look(bad, stale.__contains__)


def _gpu_memory_low(session: Session, condition: Condition, box: Box) -> Look:
    def free_GB(gpu: Device) -> float | None:
        if gpu.memory_total_MB is None or gpu.memory_used_MB is None:
            return None
        return (gpu.memory_total_MB - gpu.memory_used_MB) / MB_PER_GB

    threshold = condition["threshold"]
    return _by_gpu(
        session, free_GB, lambda free: free < threshold, lambda free: f"has {free:.1f} GB free of its memory", condition
    )


def _gpu_hot(session: Session, condition: Condition, box: Box) -> Look:
    threshold = condition["threshold"]
    return _by_gpu(
        session, lambda gpu: gpu.temperature_C, lambda C: threshold < C, lambda C: f"is at {C:g} °C", condition
    )


def _gpu_errors(session: Session, condition: Condition, box: Box) -> Look:
    since = utcnow() - timedelta(seconds=condition["window_seconds"])
    stale = _stale_gpus(session)
    bad, unknown = {}, set(stale)
    for gpu in workers.gpus(session):
        if gpu.id in stale:
            continue
        said = []
        if gpu.ecc_errors is not None and gpu.ecc_errors > condition["threshold"]:
            said.append(f"has had {gpu.ecc_errors} errors of its memory (ECC) that could not be corrected")
        if gpu.xid is not None and gpu.xid_at and gpu.xid_at > since and gpu.xid not in condition["ignored_xids"]:
            said.append(f"has had the error XID {gpu.xid}")
        if said:
            bad[gpu.id] = _of_gpu(gpu, " and ".join(said), ecc_errors=gpu.ecc_errors, xid=gpu.xid)
        elif gpu.ecc_errors is None and gpu.xid is None:
            unknown.add(gpu.id)
    return Look(bad, unknown.__contains__)


def _by_gpu(
    session: Session,
    value_of: Callable[[Device], float | None],
    is_bad: Callable[[float], bool],
    words: Callable[[float], str],
    condition: Condition,
) -> Look:
    stale = _stale_gpus(session)
    bad, unknown = {}, set(stale)
    for gpu in workers.gpus(session):
        value = value_of(gpu)
        if gpu.id in stale:
            continue
        if value is None:
            unknown.add(gpu.id)
        elif is_bad(value):
            bad[gpu.id] = _of_gpu(gpu, words(value), value=value, threshold=condition["threshold"])
    return Look(bad, unknown.__contains__)


def _of_gpu(gpu: Device, what: str, **numbers: Any) -> Finding:
    return Finding(f"GPU {gpu.gpu_index} of {gpu.host} {what}", {"host": gpu.host, "gpu": gpu.gpu_index, **numbers})


def _stale_gpus(session: Session) -> set[str]:
    return set(session.scalars(select(Device.id).where(Device.seen_at <= utcnow() - STALE)))


def _queue_long(session: Session, condition: Condition, box: Box) -> Look:
    """Those that wait for a device; who waits for a time or for another task is no sign of trouble."""
    n = session.scalar(select(TaskCount.n).where(TaskCount.status == TaskStatus.QUEUED)) or 0
    if n <= condition["threshold"]:
        return Look({})
    return Look({"queue": Finding(f"{n} tasks wait for a device", {"value": n, "threshold": condition["threshold"]})})


def _model_failing(session: Session, condition: Condition, box: Box) -> Look:
    streaks = session.scalars(
        select(ModelStreak).where(ModelStreak.failures > 0, ModelStreak.failures >= condition["threshold"])
    )
    return Look({streak.model_name: _streak(streak, condition["threshold"]) for streak in streaks})


def _streak(streak: ModelStreak, threshold: float) -> Finding:
    last = f"task {streak.last_task_id}" + (f" ({streak.last_error})" if streak.last_error else "")
    # Not "task_id": the alert is about the model.
    details = {"value": streak.failures, "threshold": threshold, "last_task": streak.last_task_id}
    return Finding(
        f"{streak.failures} tasks of the model {streak.model_name} failed in a row, the last was {last}", details
    )


def _disk_low(session: Session, condition: Condition, box: Box) -> Look:
    free, threshold = box.disk_free_GB, condition["threshold"]
    bad = {}
    if free < threshold:
        bad[box.host] = Finding(
            f"{free:.1f} GB are free on the disk of the data folder of {box.host}",
            {"value": free, "threshold": threshold},
        )
    # Every box looks at its own disk.
    return Look(bad, lambda subject: subject != box.host)


def _api_slow(session: Session, condition: Condition, box: Box) -> Look:
    """A server that hangs tells nothing either; one that ended has taken back what it told."""
    threshold, fresh = condition["threshold"], utcnow() - STALE
    bad, unknown = {}, set()
    for row in session.scalars(select(Measurement).where(Measurement.name == API_P99)):
        if row.measured_at <= fresh:
            unknown.add(row.subject)
        elif row.value > threshold:
            bad[row.subject] = Finding(
                f"1 % of the requests to the server at {row.subject} wait {row.value:.2g} s or longer for an answer",
                {"value": row.value, "threshold": threshold},
            )
    return Look(bad, unknown.__contains__)


def _worker_lost(session: Session, condition: Condition, box: Box) -> Look:
    """A worker that was stopped says goodbye."""
    silent = utcnow() - timedelta(seconds=condition["threshold"])
    supposed = [*workers.ONLINE, WorkerState.LOST]
    lost = session.scalars(select(Worker).where(Worker.state.in_(supposed), Worker.heartbeat_at < silent))
    return Look({worker.id: _silent(worker) for worker in lost})


def _silent(worker: Worker) -> Finding:
    since = worker.heartbeat_at.isoformat(timespec="seconds")
    return Finding(f"the worker {worker.id} says nothing since {since}", {"heartbeat_at": since})


def _steps(steps: int) -> dict[str, Any]:
    return {"steps": steps}


def _held_for(seconds: float) -> dict[str, Any]:
    return {"for_seconds": seconds}


KINDS: dict[RuleKind, Kind] = {
    RuleKind.GPU_LOST: Kind(
        "the driver can not use a GPU any more", "", AlertLevel.CRITICAL, _held_for(0.0), _gpu_lost
    ),
    RuleKind.GPU_MEMORY_LOW: Kind(
        "less memory of a GPU is free", "GB", AlertLevel.WARNING, {"threshold": 2.0, **_held_for(60.0)}, _gpu_memory_low
    ),
    RuleKind.GPU_HOT: Kind(
        "a GPU is hotter",
        "°C",
        AlertLevel.WARNING,
        {"threshold": 85.0, **_held_for(10.0)},
        _gpu_hot,
        AlertLevel.ERROR,
        600.0,
    ),
    RuleKind.GPU_ERRORS: Kind(
        "a GPU has had more memory errors that could not be corrected (ECC), or an error of the driver (XID) within "
        "window_seconds",
        "errors",
        AlertLevel.ERROR,
        {"threshold": 0, "window_seconds": 3600.0, "ignored_xids": list(HARMLESS_XIDS), **_held_for(0.0)},
        _gpu_errors,
    ),
    RuleKind.QUEUE_LONG: Kind(
        "more tasks wait for a device", "tasks", AlertLevel.WARNING, {"threshold": 100, **_held_for(0.0)}, _queue_long
    ),
    RuleKind.MODEL_FAILING: Kind(
        "so many tasks of a model failed in a row",
        "tasks",
        AlertLevel.ERROR,
        {"threshold": 5, **_held_for(0.0)},
        _model_failing,
    ),
    RuleKind.DISK_LOW: Kind(
        "less room is on the disk of the data folder",
        "GB",
        AlertLevel.WARNING,
        {"threshold": 50.0, **_held_for(0.0)},
        _disk_low,
        AlertLevel.ERROR,
        3600.0,
    ),
    RuleKind.API_SLOW: Kind(
        "1 % of the requests of the last five minutes waited longer for their answer",
        "s",
        AlertLevel.WARNING,
        {"threshold": 5.0, **_held_for(30.0)},
        _api_slow,
    ),
    RuleKind.WORKER_LOST: Kind(
        "a worker said nothing for so long",
        "s",
        AlertLevel.ERROR,
        {"threshold": 30.0, **_held_for(0.0)},
        _worker_lost,
        AlertLevel.CRITICAL,
        900.0,
    ),
    RuleKind.ENERGY_EXPLOSION: Kind(
        "the energy jumped by more between two reports of a relaxation or of dynamics; over after so many steps "
        "without a jump",
        "eV/atom",
        AlertLevel.WARNING,
        {"threshold": 1.0, **_steps(50)},
    ),
    RuleKind.CELL_COLLAPSE: Kind(
        "the volume fell below this share of what it was at the start", "", AlertLevel.WARNING, {"threshold": 0.6}
    ),
    RuleKind.NO_PROGRESS: Kind(
        "the smallest of the largest forces of a relaxation did not fall by this share for so many steps",
        "",
        AlertLevel.WARNING,
        {"threshold": 0.01, **_steps(500)},
    ),
    RuleKind.FMAX_RISING: Kind(
        "the largest force of a relaxation grew to so many times what it was, over so many steps",
        "",
        AlertLevel.WARNING,
        {"threshold": 3.0, **_steps(100)},
    ),
}
