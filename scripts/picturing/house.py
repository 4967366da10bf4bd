"""A mofsim of its own, on a free port and in a folder of its own, and the real tasks that the pictures show."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from mofsim.cli import ports
from mofsim.client import Client, KeyRefused, ServerUnreachable

MODELS = ("7net-0", "7net-l3i5")
SMALL, LARGE = "Mg-MOF-74", "MOF-5"
#: Two tasks at a time, each on one core.
SETTINGS = """
[worker]
gpus = []
cpu_slots = 2
threads_per_slot = 1
"""
#: Whoever waits for tasks gives up after so many seconds: potentials on a slow, busy machine take long.
PATIENCE = 3600.0


class House:
    """`mofsim up`; what it computed stays in the folder, and is there when it is started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "settings.toml"
        settings.write_text(SETTINGS)
        self.port = ports.free("127.0.0.1")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")} | {
            "MOFSIM_SETTINGS": str(settings),
            "MOFSIM_STORAGE__ROOT": str(folder / "data"),
            "MOFSIM_SERVER__PORT": str(self.port),
        }
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        log = (self.folder / "up.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mofsim", "up"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, cwd=self.folder, start_new_session=True,
        )  # fmt: skip
        log.close()
        try:
            wait(self._answers, "the server answers")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(120)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise SystemExit(f"mofsim up ended with status {self._process.returncode}; see {self.folder / 'up.log'}")
        try:
            with Client(self.url) as client:
                return len(client.workers()) == 2
        except (ServerUnreachable, KeyRefused):
            # It leaves word of its key a moment after it begins to listen.
            return False


def wait(condition: Callable[[], object], what: str) -> None:
    """Raises TimeoutError when it never comes about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it never came about that {what}")
        # Rarely: each look is a line in the server's log, which is one of the pictures.
        time.sleep(5)


def compute(client: Client, folder: Path) -> None:
    """What is there before anybody looks: results of each kind, and what went wrong. Nothing twice."""
    if client.tasks().total:
        return
    broken = folder / "broken-7net.pth"
    # It is no model, which its validation finds.
    broken.write_bytes(b"not the weights of anything\n" * 64)
    client.add_model(broken, "our-7net", "sevenn", licence="MIT", description="fine-tuned on our own MOFs")
    tasks = [
        *(client.submit("single-point", structure, preset="quick") for structure in (SMALL, LARGE, "UiO-66")),
        client.submit("optimization", LARGE, preset="quick"),
        client.submit("bulk-modulus", SMALL, preset="quick"),
        client.submit("optimization", LARGE, model=MODELS[1], preset="quick", timeout_seconds=1800),
        client.submit("heat-capacity", SMALL, preset="quick"),
        client.submit("stability", LARGE, preset="quick", timeout_seconds=15),
        client.submit("optimization", "HKUST-1", preset="quick"),
        client.submit("interaction-energy", SMALL, preset="quick", parameters={"guest": "CO2"}),
    ]
    ended(client, (task.id for task in tasks))
    wait(lambda: not client.queue().by_status["RUNNING"], "the validation has ended")


def ended(client: Client, ids: Iterable[int]) -> None:
    waited = set(ids)
    wait(lambda: all(task.status.is_final for task in client.tasks().items if task.id in waited), "the tasks ended")


def go_on(client: Client) -> None:
    """What goes on while pictures are taken: a long relaxation, others that wait, and a benchmark in the middle."""
    if client.benchmarks().total:
        return
    long = client.submit("optimization", LARGE, preset="quick", priority="HIGH",
                         parameters={"fmax": 0.0005, "max_steps": 5000})  # fmt: skip
    client.start_benchmark(MODELS, name="two potentials, quick", preset="quick",
                           task_types=["optimization", "bulk-modulus", "heat-capacity"])  # fmt: skip
    later = client.submit("stability", "UiO-66", preset="quick", priority="LOW")
    client.hold(client.submit("heat-capacity", LARGE, priority="LOW").id)
    client.cancel(later.id)

    def far_enough() -> bool:
        task, done = client.task(long.id), client.benchmarks().items[0].counts["completed"]
        return task.status.is_final or ((task.progress.step or 0) >= 30 and done >= 6)

    wait(far_enough, "the relaxation made 30 steps, and the benchmark 6 cells")
