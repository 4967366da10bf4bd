"""Back up and restore from the command line; what is in a backup is held in tests/db."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.settings import Settings
from tests import engines
from tests.client.running import Hands, Server, wait_until

from .conftest import Mofsim
from .processes import Commands, first_document

pytestmark = pytest.mark.files


@pytest.fixture
def settled(own_server: Server, command: Mofsim, monkeypatch: pytest.MonkeyPatch) -> Mofsim:
    """Run a command line with the settings of `own_server`."""
    for name in ("MOFSIM_SETTINGS", "MOFSIM_STORAGE__ROOT", "MOFSIM_SERVER__PORT"):
        monkeypatch.setenv(name, own_server.environment[name])
    return command


@pytest.fixture
def task_id(own_client: Client, hands: Hands) -> int:
    """A task with a result that has a file."""
    task_id = own_client.submit("single-point", "MOF-5").id
    lease = hands.take()
    hands.end(lease, output_files=hands.write(lease, "energy.txt", "-1.5"))
    return task_id


@pytest.mark.parametrize("name", ["backup.tar", "backup"])
def test_a_backup_of_a_server_that_runs_is_restored_when_it_is_stopped(
    settled: Mofsim, own_server: Server, own_client: Client, hands: Hands, task_id: int, tmp_path: Path, name: str
) -> None:
    said = settled("db", "backup", name, "--json")
    assert said.status == 0, said.stderr
    assert said.document["manifest"]["counts"]["tasks"] == 1 and (tmp_path / name).exists()

    refused = settled("db", "restore", name, "--force", "--json")
    assert (refused.status, refused.document["error"]["type"]) == (1, "BackupRefused")
    assert "stop it first" in refused.stderr

    lost = own_client.submit("single-point", "ZIF-8").id
    hands.database.close()
    own_server.stop()
    refused = settled("db", "restore", name)
    assert (refused.status, refused.stdout) == (1, "") and "holds data" in refused.stderr
    said = settled("db", "restore", name, "--force")
    assert said.status == 0 and "holds 1 task and" in said.stdout
    assert "what was there before is in" in said.stderr

    own_server.start()
    assert [task.id for task in own_client.tasks().items] == [task_id] != [lost]
    assert own_client.download(task_id, "energy.txt", tmp_path).read_text() == "-1.5"


def test_a_restore_into_an_empty_folder_moves_nothing_aside(
    settled: Mofsim, task_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it was read back" in settled("db", "backup", "backup.tar").stdout
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "new"))
    restored = settled("db", "restore", "backup.tar", "--json").document
    assert (restored["moved_aside"], restored["upgraded"]) == (None, False)
    assert (tmp_path / f"new/results/{task_id}/1/energy.txt").read_text() == "-1.5"


def test_a_backup_never_writes_over_anything(settled: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_text("precious")
    said = settled("db", "backup", "backup.tar")
    assert said.status == 1 and "is there already" in said.stderr
    assert (tmp_path / "backup.tar").read_text() == "precious"


def test_a_backup_that_can_not_be_used_is_refused_with_its_reason(
    settled: Mofsim, task_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("damaged", "newer"):
        settled("db", "backup", name)
    (tmp_path / f"damaged/results/{task_id}/1/energy.txt").unlink()
    with closing(sqlite3.connect(tmp_path / "newer/mofsim.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "new"))
    reasons = {"damaged": "BackupDamaged", "not-there.tar": "BackupDamaged", "newer": "NewerDatabaseError"}
    for name, reason in reasons.items():
        said = settled("db", "restore", name, "--json")
        assert (said.status, said.document["error"]["type"]) == (1, reason), said.stderr
        assert said.stderr.startswith("mofsim: ")
    assert not list((tmp_path / "new").iterdir())


def test_a_database_that_can_not_be_read_is_told(
    settled: Mofsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "other"))
    said = settled("db", "backup", "backup.tar")
    assert said.status == 1 and "nothing was ever stored there" in said.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mofsim.db").write_bytes(b"this is no database " * 100)
    said = settled("db", "backup", "backup.tar")
    assert said.status == 1 and "can not be copied" in said.stderr
    assert not (tmp_path / "backup.tar").exists()


@pytest.fixture
def postgresql() -> Iterator[str]:
    """An empty database, as its server's admin makes one: without a table."""
    url = engines.new_postgresql(template=None)
    yield url.render_as_string(hide_password=False)
    engines.drop_postgresql(url)


def test_an_installation_moves_to_postgresql_and_back_when_it_is_stopped(
    settled: Mofsim,
    own_server: Server,
    own_client: Client,
    hands: Hands,
    task_id: int,
    tmp_path: Path,
    postgresql: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = settled("db", "copy", postgresql, "--json")
    assert (refused.status, refused.document["error"]["type"]) == (1, "BackupRefused")
    assert "stop it first" in refused.stderr

    hands.database.close()
    own_server.stop()
    said = settled("db", "copy", postgresql, "--json")
    assert said.status == 0, said.stderr
    rows = said.document["rows"]
    assert rows["tasks"] == rows["task_results"] == 1 and rows["structures"] > 1 and rows["api_keys"] == 1
    again = settled("db", "copy", postgresql)
    assert (again.status, again.stdout) == (1, "") and "copy into an empty database" in again.stderr

    own_server.environment["MOFSIM_DATABASE__URL"] = postgresql
    own_server.start()
    # The key of its account went along, and files stay where they are.
    assert own_client.task(task_id).status == "COMPLETED"
    assert own_client.download(task_id, "energy.txt", tmp_path).read_text() == "-1.5"
    assert own_client.submit("single-point", "ZIF-8").id > task_id
    # What was counted came along, and is counted on.
    counted = own_client.queue()
    assert counted.by_status["COMPLETED"] == counted.by_status["QUEUED"] == 1
    assert counted.queued_by_priority["NORMAL"] == 1

    monkeypatch.setenv("MOFSIM_DATABASE__URL", postgresql)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    refused = settled("db", "copy", back)
    assert refused.status == 1 and "stop server and workers first" in refused.stderr
    own_server.stop()
    said = settled("db", "copy", back)
    assert said.status == 0 and "2 of them tasks" in said.stdout, said.stderr


@pytest.mark.parametrize("url", ["postgresql://anna:hush@127.0.0.1:1/mofsim", "no-url"])
def test_a_copy_to_where_no_database_is_writes_nothing(command: Mofsim, settings: Settings, url: str) -> None:
    said = command("--settings", settings.file, "db", "copy", url)
    assert said.status == 1 and "can not be copied" in said.stderr and "hush" not in said.stderr


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path)
    yield commands
    commands.close()


@pytest.mark.slow
def test_a_backup_is_taken_while_server_and_worker_run(commands: Commands, tmp_path: Path) -> None:
    url = first_document(commands.start("up", "--port", "0", "--json"))["url"]
    with Client(url) as client:
        wait_until(lambda: client.health().workers_online, lambda: "no worker came online")
        backup = commands.start("db", "backup", "backup.tar")
        stdout, stderr = backup.communicate(timeout=60)
        assert backup.returncode == 0 and "it was read back" in stdout, stderr
        refused = commands.start("db", "restore", "backup.tar", "--force")
        assert refused.wait(60) == 1 and client.health().workers_online
