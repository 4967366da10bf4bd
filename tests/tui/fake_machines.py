"""Boxes, GPUs and the whole at a glance, as the server of `fake` tells of them."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mofsim.client import NotFound
from mofsim.client.request import Request
from mofsim.schemas.machines import GpuProcess, History, Host
from mofsim.schemas.overview import Ended, FailingModel, Failures, Lane, Overview, Stuck, Want
from mofsim.schemas.resources import Gpu, Worker
from mofsim.schemas.tasks import Span
from mofsim.vocabulary import WorkerState

NOW = datetime(2026, 3, 2, 14, 7, 42, tzinfo=UTC)
FOREIGN = GpuProcess(pid=4711, memory_MB=20_400.0, name="python train.py --epochs 90", user="ben")


def gpu(number: int, **changes: Any) -> Gpu:
    ours = GpuProcess(
        pid=400 + number,
        memory_MB=9000.0 + 1000 * number,
        name="python -m mofsim.simulations",
        user="mofsim",
        worker_id=f"gpu-box-1:gpu{number}",
    )
    values: dict[str, Any] = {
        "id": f"GPU-{number}",
        "host": "gpu-box-1",
        "gpu_index": number,
        "name": "NVIDIA H100 80GB HBM3",
        "memory_total_MB": 85_899.0,
        "memory_used_MB": 9500.0 + 20_000 * number,
        "utilisation_percent": max(0.0, 97.0 - 30 * number),
        "temperature_C": 61.0 + 7 * number,
        "power_W": 512.0 - 100 * number,
        "power_limit_W": 700.0,
        "fault": None,
        "ecc_errors": 0,
        "processes": [ours],
        "seen_at": NOW,
    }
    return Gpu(**(values | changes))


def host(name: str = "gpu-box-1", **changes: Any) -> Host:
    values: dict[str, Any] = {
        "name": name,
        "cores": 32,
        "load_1min": 6.4,
        "busy_percent": 21.0,
        "memory_total_MB": 256_000.0,
        "memory_used_MB": 48_000.0,
        "seen_at": NOW,
    }
    return Host(**(values | changes))


def cpu_worker(number: int, state: WorkerState = WorkerState.IDLE, **changes: Any) -> Worker:
    values: dict[str, Any] = {
        "id": f"laptop:cpu{number}",
        "host": "laptop",
        "slot": f"cpu{number}",
        "pid": 900 + number,
        "state": state,
        "gpu_id": None,
        "task_id": None,
        "loaded_models": ["7net-0"],
        "started_at": NOW,
        "heartbeat_at": NOW,
        "note": "",
        "memory_MB": 16_000.0,
    }
    return Worker(**(values | changes))


def history(subject: str, seconds: float, on_gpu: bool) -> History:
    """A wave, with a stretch in which nothing was read."""
    times = [NOW.timestamp() - seconds + i * seconds / 200 for i in range(201) if not 60 <= i < 90]
    wave = [math.sin(i / 12) for i in range(len(times))]
    nothing: list[float | None] = [None] * len(times)
    columns: dict[str, list[float | None]] = {
        "time_s": list(times),
        "memory_used_MB": [9500.0 + 4000 * w for w in wave],
        "utilisation_percent": [max(0.0, 70 + 40 * w) if w < 0.7 else 98.0 for w in wave],
        "temperature_C": [58 + 6 * w for w in wave] if on_gpu else nothing,
        "power_W": [400 + 150 * w for w in wave] if on_gpu else nothing,
    }
    return History(subject=subject, columns=columns)


def quiet() -> Overview:
    """Nothing waits, nothing failed."""
    lanes = [Lane(priority=name, waiting=0, oldest_queued_at=None) for name in ("CRITICAL", "HIGH", "NORMAL", "LOW")]
    return Overview(
        queue=lanes, pending=0, running=0, ends_in=None, stretch_seconds=600, ended=[], failures=[],
        failing_models=[], stuck=[],
    )  # fmt: skip


def busy() -> Overview:
    """A day with something of everything."""
    lanes = [
        Lane(priority="CRITICAL", waiting=0, oldest_queued_at=None),
        Lane(priority="HIGH", waiting=1, oldest_queued_at=NOW - timedelta(minutes=3)),
        Lane(priority="NORMAL", waiting=1204, oldest_queued_at=NOW - timedelta(hours=5, minutes=12)),
        Lane(priority="LOW", waiting=0, oldest_queued_at=None),
    ]
    begin = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
    ended = [
        Ended(
            begin=begin + timedelta(minutes=10 * i),
            by_status={"COMPLETED": 2 + round(2 * math.sin(i / 20)), "FAILED": int(i % 40 == 7)},
        )
        for i in range(138)
    ]
    failures = [
        Failures(
            reason="SimulationExploded", model="7net-0", n=3, last_task=8119,
            last_at=NOW - timedelta(minutes=2), last_message="the structure blew up at step 143",
        ),
        Failures(
            reason="TIMEOUT", model="7net-l3i5", n=1, last_task=8131,
            last_at=NOW - timedelta(hours=3), last_message="",
        ),
    ]  # fmt: skip
    stuck = [
        Stuck(
            want=Want.PARENT,
            n=2,
            task_id=8119,
            sentence="2 tasks wait for the structure of task 8119, which ended as FAILED: retry that one, or "
            "`mofsim detach` lets them run without",
        ),
        Stuck(want=Want.RELEASE, n=1, task_id=8129, sentence="task 8129 is held: `mofsim release` lets it go on"),
    ]
    return Overview(
        queue=lanes,
        pending=2,
        running=3,
        ends_in=Span(median=12_000, low=7000, high=19_000),
        stretch_seconds=600,
        ended=ended,
        failures=failures,
        failing_models=[FailingModel(model="7net-l3i5", failures=4, last_task=8131, last_error="OutOfMemory")],
        stuck=stuck,
    )


@dataclass
class Machines:
    workers: dict[str, Worker] = field(default_factory=dict)
    gpus: list[Gpu] = field(default_factory=lambda: [gpu(number) for number in range(4)])
    hosts: list[Host] = field(default_factory=lambda: [host()])
    overview: Overview = field(default_factory=quiet)

    def answer(self, request: Request[Any], rest: list[str]) -> Any:
        match rest:
            case ["workers"]:
                return [self.workers[id] for id in sorted(self.workers)]
            case ["gpus"]:
                return self.gpus
            case ["hosts"]:
                return self.hosts
            case ["overview"]:
                return self.overview
            case ["gpus", id, "history"]:
                if id not in {gpu.id for gpu in self.gpus}:
                    raise NotFound(f"there is no GPU {id}", code=404, type="NotFound")
                return history(id, request.query["seconds"], on_gpu=True)
            case ["hosts", name, "history"]:
                return history(name, request.query["seconds"], on_gpu=False)
        raise AssertionError(rest)
