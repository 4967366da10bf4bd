"""The boxes of the demo: four GPUs, of which one has a bad fan and one a stranger on it, and a CPU slot."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, sin
from typing import Any

from mofsim.schemas.machines import GpuProcess, History, Host
from mofsim.schemas.resources import Gpu, Worker
from mofsim.vocabulary import WorkerState

BOX, LAPTOP = "demo-box", "demo-laptop"
N_GPUS = 4
#: The one with the bad fan, and the one that somebody else computes on.
HOT, SHARED = 2, 3
MEMORY_MB = 85_899.0
#: Seconds in which a GPU comes nearer to its temperature by 63 %.
WARMS_IN = 25.0
#: Readings of the last 6 hours, one each 10 s.
READ_EVERY, KEPT = 10.0, 2160


@dataclass
class Device:
    """What a worker computes on; readings are what it showed: time, memory, utilisation, temperature, power."""

    number: int
    on_gpu: bool
    temperature: float = 36.0
    utilisation: float = 0.0
    memory_MB: float = 600.0
    power: float = 70.0
    readings: deque[tuple[float, float, float, float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def id(self) -> str:
        return f"GPU-demo-{self.number}"

    def live(self, seconds: float, now: float, busy: bool, models: int, atoms: int) -> None:
        """So many seconds go by."""
        wave = sin(now / 7 + 2 * self.number)
        foreign = 21.0 if self.on_gpu and self.number == SHARED else 0.0
        self.utilisation = max(0.0, min(100.0, (93 + 5 * wave if busy else 1.0 + wave) + foreign * (not busy)))
        wanted = 33 + 0.34 * self.utilisation + (26 if self.number == HOT and busy else 0) + 1.5 * wave
        self.temperature += (wanted - self.temperature) * (1 - exp(-seconds / WARMS_IN))
        self.memory_MB = 600 + 3200 * models + 14.0 * atoms + 900 * foreign
        self.power = 68 + 5.4 * self.utilisation + 6 * wave
        if not self.readings or now - self.readings[-1][0] >= READ_EVERY:
            self.readings.append((now, self.memory_MB, self.utilisation, self.temperature, self.power))

    def gpu(self, now: datetime, worker: Worker) -> Gpu:
        ours = GpuProcess(
            pid=worker.pid, memory_MB=self.memory_MB, name="python -m mofsim.simulations", user="demo",
            worker_id=worker.id,
        )  # fmt: skip
        foreign = GpuProcess(pid=4711, memory_MB=18_900.0, name="python train.py --epochs 90", user="ben")
        return Gpu(
            id=self.id,
            host=BOX,
            gpu_index=self.number,
            name="NVIDIA H100 80GB HBM3 (simulated)",
            memory_total_MB=MEMORY_MB,
            memory_used_MB=self.memory_MB,
            utilisation_percent=round(self.utilisation),
            temperature_C=round(self.temperature),
            power_W=round(self.power),
            power_limit_W=700.0,
            fault=None,
            ecc_errors=0,
            processes=[ours, foreign] if self.number == SHARED else [ours],
            seen_at=now,
        )

    def history(self, subject: str, now: float, seconds: float, points: int) -> History:
        kept = [row for row in self.readings if row[0] >= now - seconds]
        every = max(1, len(kept) // max(1, points))
        rows: Sequence[tuple[float, ...]] = kept[::every]
        names = ("time_s", "memory_used_MB", "utilisation_percent", "temperature_C", "power_W")
        columns: dict[str, list[float | None]] = {name: [row[n] for row in rows] for n, name in enumerate(names)}
        if not self.on_gpu:
            columns |= {name: [None] * len(rows) for name in names[3:]}
        return History(subject=subject, columns=columns)


def workers(now: datetime) -> list[Worker]:
    begun = now - timedelta(hours=7, minutes=12)
    common: dict[str, Any] = {
        "state": WorkerState.IDLE, "task_id": None, "started_at": begun, "heartbeat_at": now, "note": "",
    }  # fmt: skip
    found = [
        Worker(
            id=f"{BOX}:gpu{n}", host=BOX, slot=f"gpu{n}", pid=3200 + n, gpu_id=f"GPU-demo-{n}",
            loaded_models=["7net-0"] if n < 2 else [], memory_MB=MEMORY_MB, **common,
        )
        for n in range(N_GPUS)
    ]  # fmt: skip
    laptop = Worker(
        id=f"{LAPTOP}:cpu0", host=LAPTOP, slot="cpu0", pid=880, gpu_id=None, loaded_models=[], memory_MB=16_000.0,
        **common,
    )  # fmt: skip
    return [*found, laptop]


def hosts(now: datetime, busy_gpus: int, busy_cpus: int) -> list[Host]:
    box = 4.0 + 9 * busy_gpus + 2 * sin(now.timestamp() / 11)
    return [
        Host(
            name=BOX, cores=64, load_1min=round(0.64 * box, 2), busy_percent=round(box, 1), memory_total_MB=512_000.0,
            memory_used_MB=41_000.0 + 9000 * busy_gpus, seen_at=now,
        ),
        Host(
            name=LAPTOP, cores=8, load_1min=0.4 + 6.8 * busy_cpus, busy_percent=6.0 + 84 * busy_cpus,
            memory_total_MB=16_000.0, memory_used_MB=5200.0 + 4100 * busy_cpus, seen_at=now,
        ),
    ]  # fmt: skip
