"""Bring about the real condition of each built-in alert rule, see it raised and resolved, and show what the log
channel was told; then acknowledge one in the console.

    .venv/bin/python scripts/show_alerts.py OUT

By hand, not in CI: it takes some minutes. A server, a worker and its chores run as they do in production, on a free
port and with a data folder of their own; the driver of the GPUs is the fake library of the tests, built with a C
compiler. Limits of time are shortened where nobody would wait for them, and said so. Writes OUT/alerts.log, and with
tmux OUT/console_before.txt and OUT/console_after.txt.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import text  # noqa: E402

from mofsim.cli import ports  # noqa: E402
from mofsim.client import Client, batch_item  # noqa: E402
from mofsim.core import structures  # noqa: E402
from mofsim.core.storage import Storage  # noqa: E402
from mofsim.schemas.logs import SystemLogLine  # noqa: E402
from mofsim.vocabulary import RuleKind, TaskStatus, WorkerState  # noqa: E402
from tests.worker.box import Box, wait_until  # noqa: E402
from tests.worker.fake_nvml import FakeNvml, build  # noqa: E402

PATIENCE = 120.0
#: requests that wait, which must be more than 1 % of those of five minutes
SLOW = 20
MOF = "Mg-MOF-74"
PHYSICS = {"optimizer": "FIRE", "max_steps": 95, "fmax_eV_per_A": 0.001}


class Show:
    """The house, and what is done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nvml = FakeNvml(build(folder / "nvml"), folder / "nvml.state")
        for index, memory in ((0, 24), (1, 80)):
            self.nvml.set(f"gpu {index} memory_total {memory}000000000", f"gpu {index} memory_used 500000000")
        port = {"MOFSIM_SERVER__PORT": str(ports.free("127.0.0.1")), "MOFSIM_WORKER__GPUS": "[]"}
        self.box = Box(folder, self.nvml.env() | port)
        built = Storage(folder / "built")
        built.create()
        self.box.fill(structures.build_builtins(built), built.structures / "builtin")
        self.client = Client(self.box.settings.server_url, settings=self.box.settings)

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            self._start("serve")
            wait_until(self._answers, (self.folder / "serve.log").read_text, PATIENCE)
            self._start("worker")
            wait_until(self._idle, lambda: str(self.box.workers()), PATIENCE)
            yield
        finally:
            self.client.close()
            self.box.close()

    def _start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "mofsim", name]
            process = subprocess.Popen(
                command, env=self.box.environment, cwd=self.folder, stdout=log, stderr=log, text=True
            )
        self.box.processes.append(process)

    def _answers(self) -> bool:
        try:
            return self.client.health().status != ""
        except Exception:
            return False

    def _idle(self) -> bool:
        return any(each.state == WorkerState.IDLE for each in self.box.workers()) and len(self.box.gpus()) == 2

    def rule(self, kind: RuleKind, **condition: float) -> None:
        rule = next(rule for rule in self.client.alert_rules() if rule.name == kind)
        self.client.change_alert_rule(rule.id, condition=condition)
        print(f"  {kind}: {', '.join(f'{name} = {value:g}' for name, value in condition.items())}", flush=True)

    def holds(self, kind: RuleKind) -> bool:
        """By the database: as requests these many questions would all be quick ones."""
        return bool(self.box.raised(kind))

    def shows(self, kind: RuleKind, do: Callable[[], object], undo: Callable[[], object]) -> None:
        """It does not hold, holds after `do`, and holds no more after `undo`."""
        assert not self.holds(kind), kind
        do()
        self.wait(kind, True)
        undo()
        self.wait(kind, False)
        print(f"{kind}: raised and resolved", flush=True)

    def wait(self, kind: RuleKind, holds: bool) -> None:
        wait_until(lambda: self.holds(kind) is holds, lambda: f"{kind} does not become {holds}", PATIENCE)

    def gpu(self, kind: RuleKind, trouble: str) -> None:
        line = f"gpu 0 {trouble}"
        self.shows(kind, lambda: self.nvml.set(line), lambda: self.nvml.unset(line))

    def gpus(self) -> None:
        for kind, seconds in ((RuleKind.GPU_MEMORY_LOW, 2.0), (RuleKind.GPU_HOT, 1.0)):
            self.rule(kind, for_seconds=seconds)
        self.gpu(RuleKind.GPU_LOST, "error GPU_IS_LOST")
        self.gpu(RuleKind.GPU_MEMORY_LOW, "memory_used 22500000000")
        self.gpu(RuleKind.GPU_HOT, "temperature 86")
        self.gpu(RuleKind.GPU_ERRORS, "ecc 1")

    def queue(self) -> None:
        """A drained worker takes none of 101 tasks; then one of them is cancelled."""
        (worker,) = self.client.workers()
        self.client.drain_worker(worker.id)
        item = batch_item("single-point", MOF, model="lj")
        tasks = self.client.submit_batch([item] * 101).task_ids
        self.shows(RuleKind.QUEUE_LONG, lambda: None, lambda: self.client.cancel(tasks[0]))
        for task_id in tasks[1:]:
            self.client.cancel(task_id)
        self.client.resume_worker(worker.id)

    def model(self) -> None:
        def fail() -> None:
            for _ in range(5):
                self.client.submit("single-point", MOF, model="failing")

        def mend() -> None:
            (self.folder / "mended").touch()
            self.client.submit("single-point", MOF, model="failing")

        self.shows(RuleKind.MODEL_FAILING, fail, mend)

    def disk(self) -> None:
        """A file of two gigabytes, one more than there is room for."""
        path = self.folder / "large"
        self.rule(RuleKind.DISK_LOW, threshold=round(shutil.disk_usage(self.folder).free / 1e9 - 1, 1))

        def fill() -> None:
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 2_000_000_000)

        self.shows(RuleKind.DISK_LOW, fill, path.unlink)

    def api(self) -> None:
        """Somebody holds the database for 6 seconds, and requests wait for it; then many are quick."""
        self.rule(RuleKind.API_SLOW, for_seconds=1.0)

        def slow() -> None:
            for _ in range(30):
                self.client.health()
            submit = partial(self.client.submit, "single-point", MOF, model="lj")
            waiting = [threading.Thread(target=submit) for _ in range(SLOW)]
            with self.box.database.write() as session:
                session.execute(text("UPDATE task_counts SET n = n"))
                for each in waiting:
                    each.start()
                time.sleep(6.0)
            for each in waiting:
                each.join()

        def quick() -> None:
            for _ in range(110 * SLOW):
                self.client.health()

        self.shows(RuleKind.API_SLOW, slow, quick)

    def worker(self) -> None:
        (worker,) = self.client.workers()
        self.rule(RuleKind.WORKER_LOST, threshold=3.0)
        self.shows(
            RuleKind.WORKER_LOST,
            lambda: os.kill(worker.pid, signal.SIGSTOP),
            lambda: os.kill(worker.pid, signal.SIGCONT),
        )

    def physics(self) -> None:
        """One relaxation by a calculator that has each plague once."""
        self.rule(RuleKind.ENERGY_EXPLOSION, steps=5)
        self.rule(RuleKind.CELL_COLLAPSE, threshold=0.98)
        self.rule(RuleKind.FMAX_RISING, steps=10)
        self.rule(RuleKind.NO_PROGRESS, steps=20)
        task = self.client.wait(self.client.submit("optimization", MOF, model="wild", parameters=PHYSICS).id)
        assert task.status is TaskStatus.COMPLETED, task.error
        over = {alert.alert_type for alert in self.client.alert_history() if alert.resolved}
        for kind in (RuleKind.ENERGY_EXPLOSION, RuleKind.CELL_COLLAPSE, RuleKind.FMAX_RISING, RuleKind.NO_PROGRESS):
            assert kind in over, kind
            print(f"{kind}: raised and resolved", flush=True)

    def told(self) -> list[SystemLogLine]:
        """The lines of the log channel, as the process of the chores wrote them, oldest first."""
        lines = self.client.system_logs(logger="mofsim.alerts", limit=500).items
        return [line for line in reversed(lines) if "news" in line.extra]

    def console(self, out: Path) -> None:
        """A GPU is hot again; it is seen and acknowledged in the console."""
        name, line = f"mofsim-alerts-{os.getpid()}", "gpu 0 temperature 91"
        # It was hot some minutes ago, and channels are told of one GPU once in five.
        hot = next(rule for rule in self.client.alert_rules() if rule.name == RuleKind.GPU_HOT)
        self.client.change_alert_rule(hot.id, cooldown_seconds=1.0)
        self.nvml.set(line)
        self.wait(RuleKind.GPU_HOT, True)
        command = f"{sys.executable} -m mofsim tui --server {self.box.settings.server_url}"
        environment = [f"-e{key}={value}" for key, value in self.box.environment.items() if key.startswith("MOFSIM_")]
        size = ["-x", "120", "-y", "36"]
        subprocess.run(["tmux", "new-session", "-d", "-s", name, *size, *environment, command], check=True)

        def screen() -> str:
            shown = subprocess.run(["tmux", "capture-pane", "-p", "-t", name], capture_output=True, text=True)
            return shown.stdout

        def press(key: str, *expected: str) -> str:
            subprocess.run(["tmux", "send-keys", "-t", name, key], check=True)
            return wait_until(lambda: found if all(e in (found := screen()) for e in expected) else "", screen, 30)

        try:
            wait_until(lambda: "! open  a ack" in screen(), screen, PATIENCE)
            (out / "console_tasks.txt").write_text(screen())
            (out / "console_before.txt").write_text(press("5", "[Active", "is at 91", "log: raised, told"))
            (out / "console_after.txt").write_text(press("a", "acknowledged", "by local"))
        finally:
            subprocess.run(["tmux", "kill-session", "-t", f"={name}"], check=False)
            self.nvml.unset(line)
        self.wait(RuleKind.GPU_HOT, False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mofsim-alerts-") as folder:
        show = Show(Path(folder))
        with show.running():
            for stage in (show.gpus, show.api, show.queue, show.model, show.disk, show.worker, show.physics):
                stage()
            wait_until(lambda: len(show.told()) >= 2 * len(RuleKind), lambda: str(show.told()), PATIENCE)
            order = {kind: number for number, kind in enumerate(RuleKind)}
            lines = sorted(show.told(), key=lambda line: order.get(line.extra["type"], len(order)))
            text_ = "\n".join(
                f"{line.timestamp:%H:%M:%S} {line.level:<8} {line.extra['news']:<14} {line.extra['type']:<16} "
                f"{line.message}"
                for line in lines
            )
            (out / "alerts.log").write_text(f"{text_}\n")
            print(text_)
            seen = {(line.extra["type"], line.extra["news"]) for line in lines}
            missing = {(kind, news) for kind in RuleKind for news in ("alert.raised", "alert.resolved")} - seen
            assert not missing, missing
            if shutil.which("tmux"):
                show.console(out)


if __name__ == "__main__":
    main()
