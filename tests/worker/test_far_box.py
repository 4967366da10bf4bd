"""A worker whose data folder is not that of the server: files go there and come from there."""

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.core import custom_models, models
from mofsim.db.tables import Task, TaskLog
from mofsim.schemas.submission import TaskStructure
from mofsim.settings import load_settings
from mofsim.vocabulary import AlertType, AttemptOutcome, Scope, TaskStatus
from mofsim.worker import supply, transfer
from mofsim.worker.chores import Chores
from mofsim.worker.supply import Need
from mofsim.worker.transfer import Gone, Transfer, TransferFailed
from tests.client.running import Server
from tests.conftest import Prepared

from .box import SETTINGS, Box, wait_until

#: a relaxation that takes 60 steps of 0.05 s
LONG = {"fmax_eV_per_A": 1e-9, "max_steps": 60}


#: servers and workers start in between, which a busy machine takes its time for
PATIENCE_SECONDS = 240.0


class FarBox(Box):
    """A box with the database of the server, and a folder of its own."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        with Client(server.url, api_key=server.key) as client:
            key = folder / "key"
            key.write_text(client.create_key(folder.name, Scope.WORKER).token)
        own = {
            "MOFSIM_DATABASE__URL": server.database_url,
            "MOFSIM_WORKER__SERVER": server.url,
            "MOFSIM_WORKER__SERVER_KEY_FILE": str(key),
            "MOFSIM_WORKER__SEND_SECONDS": "0.1",
        }
        super().__init__(folder, own)
        with self.database.write() as session:
            models.synchronise(session, self.settings.models)

    def make_tables(self) -> None:
        """The server did."""

    def wait_for(self, task_id: int, *wanted: TaskStatus, seconds: float = PATIENCE_SECONDS) -> Task:
        return super().wait_for(task_id, *wanted, seconds=seconds)

    @property
    def results(self) -> Path:
        """Where the server has them."""
        return self.server.data / "results"

    def steps_of(self, task_id: int) -> list[int]:
        series = self.results / str(task_id) / str(self.result(task_id).attempt) / "series.csv"
        return [int(line.split(",")[0]) for line in series.read_text().splitlines()[1:]]

    def own_files(self) -> list[str]:
        """What of results lies on this box."""
        return [str(path) for path in self.storage.root.rglob("*") if path.is_file() and "results" in path.parts]

    def lines(self, task_id: int) -> list[str]:
        with self.database.read() as session:
            return [line.message for line in session.query(TaskLog).filter_by(task_id=task_id)]

    def kill_all(self) -> None:
        """As when the power fails."""
        for process in self.processes:
            process.kill()
            process.wait()


def wait(look: Callable[[], object], otherwise: Callable[[], str]) -> None:
    wait_until(look, otherwise, PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with prepared.copied(folder) as rows:
        server = Server(folder, rows)
        (folder / "settings.toml").write_text(SETTINGS)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def far_box(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[FarBox]:
    """It works, and the tests of this file share it."""
    box = FarBox(tmp_path_factory.mktemp("far"), server)
    box.start()
    yield box
    box.close()


def test_a_result_is_at_the_server_before_its_task_is_completed(far_box: FarBox) -> None:
    task_id = far_box.submit("lj", parameters={"max_steps": 12, "fmax_eV_per_A": 1e-9})
    assert far_box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    published = far_box.result(task_id).output_files
    folder = far_box.results / str(task_id) / "1"
    assert {"series.csv", "trajectory.extxyz", "optimized.cif", "convergence.png"} <= set(published)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == published
    assert far_box.steps_of(task_id) == list(range(13))
    wait(lambda: not far_box.own_files(), lambda: f"left behind: {far_box.own_files()}")
    wait(lambda: not (folder.parent / "checkpoint").exists(), lambda: "checkpoints are left")
    # The structure stays for the next task, and is the server's.
    [structure] = (far_box.storage.root / "structures").rglob("*.extxyz")
    assert structure.read_bytes() == (far_box.server.data / structure.relative_to(far_box.storage.root)).read_bytes()


def test_files_wait_for_a_server_that_was_killed(far_box: FarBox) -> None:
    task_id = far_box.submit("slow", parameters=LONG)
    far_box.wait_for_step(task_id, 8)
    far_box.server.stop(signal.SIGKILL)
    wait(
        lambda: any("files wait to be sent" in line for line in far_box.lines(task_id)),
        lambda: f"{far_box.task(task_id).status}: {far_box.lines(task_id)}",
    )
    assert far_box.task(task_id).status == TaskStatus.RUNNING and far_box.task(task_id).progress["step"] == 60
    far_box.server.start()
    assert far_box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert len(far_box.attempts(task_id)) == 1 and far_box.steps_of(task_id) == list(range(61))


def test_a_task_that_was_cancelled_does_not_wait_for_the_server(far_box: FarBox) -> None:
    task_id = far_box.submit("slow", parameters=LONG)
    far_box.wait_for_step(task_id, 8)
    far_box.server.stop(signal.SIGKILL)
    far_box.wait_for_step(task_id, 60)
    far_box.cancel(task_id)
    assert far_box.wait_for_end(task_id).status == TaskStatus.CANCELLED
    assert far_box.result(task_id).output_files == {}, "nothing is named that is not there"
    waiting = far_box.submit("lj")
    note = "does not answer"
    wait(lambda: any(note in worker.note for worker in far_box.workers()), lambda: str(far_box.workers()[0].note))
    assert far_box.task(waiting).attempt == 0
    far_box.server.start()
    assert far_box.wait_for_end(waiting).status == TaskStatus.COMPLETED


def test_a_server_whose_disk_is_full_gets_its_files_when_there_is_room(far_box: FarBox) -> None:
    task_id, server = far_box.submit("slow", parameters=LONG), far_box.server
    far_box.wait_for_step(task_id, 8)
    server.stop(signal.SIGKILL)
    server.environment["MOFSIM_STORAGE__MIN_FREE_MB"] = str(10**12)
    server.start()
    wait(lambda: AlertType.DISK_FULL in dict(far_box.alerts()), lambda: f"{far_box.task(task_id).status}")
    [first] = far_box.attempts(task_id)
    assert first.outcome == AttemptOutcome.RELEASED and "full" in first.reason
    server.stop()
    del server.environment["MOFSIM_STORAGE__MIN_FREE_MB"]
    server.start()
    assert far_box.wait_for_end(task_id).status == TaskStatus.COMPLETED
    assert far_box.task(task_id).faults == 0 and far_box.steps_of(task_id) == list(range(61))
    wait(lambda: not far_box.alerts(), lambda: str(far_box.alerts()))


def test_what_is_to_be_done_with_results_is_left_to_the_box_that_has_them(far_box: FarBox) -> None:
    parent = far_box.submit("lj", parameters={"max_steps": 2, "fmax_eV_per_A": 1e-9})
    assert far_box.wait_for_end(parent).status == TaskStatus.COMPLETED
    with Client(far_box.server.url, api_key=far_box.server.key) as client:
        child = client.submit("single-point", TaskStructure(source="task", id=parent), model="lj").id
    Chores(far_box.settings).round()
    assert far_box.task(child).awaits_parent
    chores = subprocess.Popen([sys.executable, "-m", "mofsim", "worker", "--chores"], env=far_box.server.environment)
    try:
        assert far_box.wait_for_end(child).status == TaskStatus.COMPLETED
    finally:
        chores.terminate()
        assert chores.wait(30) == 0


def test_another_box_goes_on_from_what_was_sent(far_box: FarBox, tmp_path: Path) -> None:
    task_id = far_box.submit("slow", parameters=LONG)
    checkpoints = far_box.results / str(task_id) / "checkpoint"
    wait(
        lambda: checkpoints.is_dir() and [path for path in checkpoints.iterdir() if path.suffix == ".checkpoint"],
        lambda: f"{far_box.task(task_id).progress}: {far_box.lines(task_id)}",
    )
    far_box.kill_all()
    other = FarBox(tmp_path, far_box.server)
    other.start()
    try:
        assert other.wait_for_end(task_id).status == TaskStatus.COMPLETED
        first, second = other.attempts(task_id)
        assert first.outcome == AttemptOutcome.LOST and second.resumed_from_step >= 4
        assert other.steps_of(task_id) == list(range(61))
    finally:
        other.close()


@pytest.fixture
def line(tmp_path: Path, server: Server) -> Iterator[Transfer]:
    key = tmp_path / "key"
    key.write_text(server.key)
    text = f'[database]\nurl = "sqlite:///{server.data / "mofsim.db"}"\n'
    text += f'[worker]\nserver = "{server.url}"\nserver_key_file = "key"\n'
    (tmp_path / "settings.toml").write_text(text)
    line = Transfer(load_settings(tmp_path / "settings.toml", env={}, cwd=tmp_path))
    yield line
    line.close()


def test_an_upload_goes_on_behind_what_a_killed_server_has(
    server: Server, line: Transfer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = hashlib.shake_256(b"mofsim").digest(6_000_000)
    (tmp_path / "best.cif").write_bytes(content)
    with Client(server.url, api_key=server.key) as client:
        client.submit("single-point", "MOF-5")
    with server.hands() as hands:
        lease = hands.take()
    monkeypatch.setattr(transfer, "PIECE_BYTES", 100_000)
    sent: list[int] = []
    ask = line._ask

    def watched(method: str, path: str, **more: object) -> object:
        answer = ask(method, path, **more)  # type: ignore[arg-type]
        if method == "PATCH":
            sent.append(len(more["content"]))  # type: ignore[arg-type]
            if len(sent) == 20:
                server.stop(signal.SIGKILL)
                threading.Thread(target=server.start).start()
        return answer

    monkeypatch.setattr(line, "_ask", watched)
    stop = threading.Event()
    assert line.send(lease.task_id, lease.attempt, tmp_path / "best.cif", stop) == len(content)
    assert sum(sent) == len(content), "no piece was sent twice"
    arrived = server.data / "results" / str(lease.task_id) / "1" / "best.cif"
    assert arrived.read_bytes() == content
    with server.hands() as hands:
        hands.end(lease)
    with pytest.raises(Gone):
        line.send(lease.task_id, lease.attempt, tmp_path / "best.cif", stop)


def test_weights_are_fetched_once_and_only_if_they_are_the_right_ones(
    server: Server, line: Transfer, tmp_path: Path
) -> None:
    content = b"weights" * 1000
    digest = hashlib.sha256(content).hexdigest()
    there = server.data / "models" / digest / "weights.pth"
    there.parent.mkdir()
    there.write_bytes(content)
    with server.hands() as hands, hands.database.write() as session:
        new = custom_models.NewModel("mine", "sevenn", {}, "weights.pth")
        custom_models.add(session, new, digest)
    needs = [Need(f"models/{digest}", tmp_path / digest / "weights.pth", digest)]
    supply.fetch(line, needs, threading.Event())
    assert needs[0].path.read_bytes() == content
    there.chmod(0o600)
    there.write_bytes(content + b"x")
    supply.fetch(line, needs, threading.Event())
    assert needs[0].path.read_bytes() == content
    needs[0].path.unlink()
    with pytest.raises(TransferFailed, match="not the file that the database names"):
        supply.fetch(line, needs, threading.Event())
    assert list(needs[0].path.parent.iterdir()) == []
