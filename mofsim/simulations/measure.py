"""What a run cost: time and memory."""

import contextlib
import resource
import sys
import time
from pathlib import Path
from typing import Any

from .protocol import Metrics

_MB = 1e6


class Meter:
    """Counts from its creation; `device` is the model's, known once it is loaded."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._last_step = self._started
        self._steps = 0
        self._seconds_before = 0.0
        self._load_seconds = 0.0
        self._device = "cpu"
        _forget_peak_of_process()

    def model_ready(self, device: str, load_seconds: float) -> None:
        """The simulation's time starts now."""
        self._device = device
        self._load_seconds = load_seconds
        self._started = self._last_step = time.perf_counter()
        if torch := self._torch_on_gpu():
            torch.cuda.reset_peak_memory_stats(device)

    def go_on(self, seconds: float, steps: int) -> None:
        """Earlier attempts have made `steps` in `seconds`, which count as if they were of this one."""
        self._seconds_before = seconds
        self._steps = steps

    @property
    def made(self) -> tuple[float, int]:
        """Seconds from the start to the last step, and the number of steps."""
        return self._seconds_before + self._last_step - self._started, self._steps

    def step(self) -> float:
        """Count a step; seconds since the start."""
        self._last_step = time.perf_counter()
        self._steps += 1
        return self.made[0]

    def metrics(self) -> Metrics:
        spent, steps = self.made
        return {
            "duration_seconds": self._seconds_before + time.perf_counter() - self._started,
            "seconds_per_step": spent / steps if steps else None,
            "load_seconds": self._load_seconds,
            "peak_memory_MB": self._peak_memory(),
        }

    def _peak_memory(self) -> float | None:
        torch = self._torch_on_gpu()
        if torch is None:
            return _peak_of_process()
        # The report of a run that lost its GPU must not fail for this number.
        with contextlib.suppress(RuntimeError):
            return float(torch.cuda.max_memory_allocated(self._device)) / _MB
        return None

    def _torch_on_gpu(self) -> Any:
        """A worker's device may be a GPU though its model, one without torch, makes no use of it."""
        return sys.modules.get("torch") if self._device.startswith("cuda") else None


def _forget_peak_of_process() -> None:
    """Linux can reset the high-water mark, so that a big run does not follow the small ones after it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_of_process() -> float | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / _MB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MB
