"""Backups of a data folder in use, and what a restore makes of them."""

import fcntl
import gzip
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from mofsim.db.archive import BackupDamaged
from mofsim.db.backup import BackupRefused, backup
from mofsim.db.engine import Database
from mofsim.db.manifest import named_files
from mofsim.db.migrate import HEAD, MIGRATIONS, NewerDatabaseError, upgrade
from mofsim.db.restore import restore
from mofsim.db.tables import Model, Structure, Task, TaskKindCount, TaskResult, Worker, utcnow
from mofsim.settings import Settings

CONTENT = b"frame\n" * 2000

#: Publishes results with their files, compresses some, and deletes some, as fast as it can.
WRITER = """
import sys, itertools
from pathlib import Path
from mofsim.core import compression
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Task
from tests.db.test_backup import add_result

root = Path(sys.argv[1])
database = Database(f"sqlite:///{root / 'mofsim.db'}")
for n in itertools.count():
    task_id = add_result(database, root)
    if n % 3 == 1:
        compression.compress_next(database, Storage(root), task_id - 1)
    if n % 3 == 2:
        with database.write() as session:
            session.delete(session.get_one(Task, task_id - 2))
        Storage(root).forget_task(task_id - 2)
    print(n, flush=True)
"""


def new_settings(root: Path) -> Settings:
    return Settings.model_validate({"storage": {"root": root}})


def structure_columns() -> dict[str, Any]:
    columns = {"name": "MOF-5", "original_name": "x", "file_path": "abc/MOF-5.cif", "file_size": 9, "format": "cif"}
    columns |= {"normalised_path": "abc/structure.extxyz", "checksum": "x", "n_atoms": 1, "formula": "H"}
    return columns | {"volume_A3": 1.0, "is_builtin": False, "description": ""}


def add_result(database: Database, root: Path) -> int:
    with database.write() as session:
        task = Task(
            task_type="optimization", status="COMPLETED", priority=2, model_name="lj", preset="quick",
            structure=session.get_one(Structure, 1), parameters={}, timeout_seconds=1.0, created_at=utcnow(),
            held=False, awaits_parent=False, callback_url="https://lab.example.org", callback_secret="hush",
        )  # fmt: skip
        session.add(task)
        session.flush()
        folder = root / "results" / str(task.id) / "1"
        folder.mkdir(parents=True)
        (folder / "trajectory.extxyz").write_bytes(CONTENT)
        files = {"trajectory.extxyz": len(CONTENT)}
        result = TaskResult(task_id=task.id, attempt=1, output_files=files, duration_seconds=1.0)
        result.result_data = result.metrics = result.provenance = {}
        session.add(result)
        return task.id


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Settings]:
    """A data folder with an uploaded structure and three results."""
    root = tmp_path / "data"
    for name in ("structures/abc", "run", "incoming/half", "logs"):
        (root / name).mkdir(parents=True)
    (root / "queue.db").write_bytes(b"tickets")
    for name in ("MOF-5.cif", "structure.extxyz"):
        (root / "structures/abc" / name).write_text(name)
    database = Database(f"sqlite:///{root / 'mofsim.db'}")
    upgrade(database)
    with database.write() as session:
        session.add(Structure(elements=["H"], **structure_columns()))
    for _ in range(3):
        add_result(database, root)
    database.close()
    return new_settings(root)


@pytest.fixture(params=["backup", "backup.tar"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "backups" / request.param


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    return new_settings(tmp_path / "restored")


@contextmanager
def writing(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-c", WRITER, str(settings.storage.root)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def files_of(settings: Settings) -> dict[str, bytes]:
    root = settings.storage.root
    return {name: (root / name).read_bytes() for name in named_files(root / "mofsim.db")}


def query(settings: Settings, sql: str) -> Any:
    with closing(sqlite3.connect(settings.storage.root / "mofsim.db")) as connection:
        found = connection.execute(sql).fetchone()
        connection.commit()
        return found[0] if found else None


def n_tasks(settings: Settings) -> int:
    return int(query(settings, "SELECT count(*) FROM tasks"))


def test_a_restored_folder_holds_what_was_backed_up(source: Settings, empty: Settings, destination: Path) -> None:
    before = files_of(source)
    report = backup(source, destination)
    restored = restore(empty, destination)
    assert files_of(empty) == before and n_tasks(empty) == 3
    assert report.manifest == restored.manifest and restored.moved_aside is None and not restored.upgraded
    assert (report.manifest.n_files, report.manifest.schema) == (5, HEAD)
    database = Database(empty.database_url)
    assert upgrade(database) is False
    database.close()


def test_a_restored_database_goes_on_counting_tasks_by_kind(
    source: Settings, empty: Settings, destination: Path
) -> None:
    backup(source, destination)
    restore(empty, destination)
    database = Database(empty.database_url)
    for n in (4, 5):
        add_result(database, empty.storage.root)
        assert query(empty, "SELECT sum(n) FROM task_kind_counts") == n == n_tasks(empty)
    with database.write() as session:
        session.delete(session.get_one(Task, 2))
    database.close()
    assert query(empty, "SELECT sum(n) FROM task_kind_counts") == n_tasks(empty) == 4
    assert query(empty, "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'tasks'") > 10


def test_the_weights_of_uploaded_models_are_backed_up(source: Settings, empty: Settings, destination: Path) -> None:
    path = f"models/{'ab' * 32}/weights.pth"
    database = Database(source.database_url)
    with database.write() as session:
        for name in ("mine", "twin"):
            session.add(Model(name=name, framework="sevenn", file_path=path, is_custom=True, config={}))
    database.close()
    (source.storage.root / path).parent.mkdir(parents=True)
    (source.storage.root / path).write_bytes(b"weights")
    assert backup(source, destination).manifest.n_files == 6
    restore(empty, destination)
    assert (empty.storage.root / path).read_bytes() == b"weights"


def test_a_restore_forgets_the_workers_of_another_time(source: Settings, empty: Settings, destination: Path) -> None:
    """One that was drained then would take no task now."""
    database = Database(source.database_url)
    with database.write() as session:
        worker = Worker(id="box:cpu0", host="box", slot="cpu0", pid=1, incarnation="1", state="DRAINED", drain=True)
        session.add(worker)
    database.close()
    backup(source, destination)
    restore(empty, destination)
    assert query(source, "SELECT count(*) FROM workers") == 1
    assert query(empty, "SELECT count(*) FROM workers") == 0


def test_a_backup_says_what_it_left_out(source: Settings, destination: Path) -> None:
    (source.storage.root / "notes.txt").write_text("mine")
    (source.storage.root / "results/2/1/trajectory.extxyz").unlink()
    told = "\n".join(backup(source, destination).left_out)
    assert "queue.db: its tickets are issued again" in told and "incoming: uploads" in told
    assert "notes.txt: not known" in told and "results/2/1/trajectory.extxyz: was not there" in told
    assert "tasks that have not ended" in told and "mofsim.db" not in told and "structures" not in told


def test_a_backup_with_a_lost_file_can_be_restored(source: Settings, empty: Settings, destination: Path) -> None:
    (source.storage.root / "results/2/1/trajectory.extxyz").unlink()
    backup(source, destination)
    assert restore(empty, destination).manifest.missing == ["results/2/1/trajectory.extxyz"]


def test_a_backup_while_others_write_names_no_file_that_it_does_not_hold(source: Settings, tmp_path: Path) -> None:
    with writing(source) as writer:
        for n in range(10):
            path = tmp_path / (f"{n}.tar" if n % 2 else f"{n}")
            report = backup(source, path)
            assert report.manifest.missing == []
            empty = new_settings(tmp_path / f"restored-{n}")
            restore(empty, path)
            kept = files_of(empty)
            assert len(kept) == report.manifest.n_files and n_tasks(empty) == report.manifest.counts["tasks"]
            for name, content in kept.items():
                if name.startswith("results/"):
                    assert (gzip.decompress(content) if name.endswith(".gz") else content) == CONTENT
        assert writer.poll() is None, "the writer must not have been disturbed"


@pytest.mark.parametrize("links", [False, True])
def test_files_that_were_compressed_since_the_snapshot_are_backed_up_as_it_names_them(
    source: Settings, empty: Settings, tmp_path: Path, links: bool
) -> None:
    for task_id in (1, 2):
        path = source.storage.root / f"results/{task_id}/1/trajectory.extxyz"
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(b"task %d" % task_id))
        path.unlink()
    backup(source, tmp_path / "backup", links=links)
    restore(empty, tmp_path / "backup")
    assert [files_of(empty)[f"results/{n}/1/trajectory.extxyz"] for n in (1, 2)] == [b"task 1", b"task 2"]


def test_a_linked_backup_shares_its_files_and_survives_their_removal(source: Settings, tmp_path: Path) -> None:
    backup(source, tmp_path / "linked", links=True)
    name = "results/1/1/trajectory.extxyz"
    original, copy = source.storage.root / name, tmp_path / "linked" / name
    assert original.stat().st_ino == copy.stat().st_ino
    original.unlink()
    assert copy.read_bytes() == CONTENT


def test_a_backup_is_for_nobody_elses_eyes(source: Settings, destination: Path) -> None:
    backup(source, destination)
    assert stat.S_IMODE(destination.stat().st_mode) & 0o077 == 0


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(source: Settings, destination: Path) -> None:
    backup(source, destination)
    with pytest.raises(BackupRefused, match="there already"):
        backup(source, destination)
    assert list(destination.parent.iterdir()) == [destination]


def test_a_folder_without_a_database_is_told(empty: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="nothing was ever stored"):
        backup(empty, tmp_path / "backup")


def test_data_is_not_overwritten_unless_forced_and_then_it_is_kept(source: Settings, destination: Path) -> None:
    backup(source, destination)
    database = Database(source.database_url)
    later = add_result(database, source.storage.root)
    database.close()
    with pytest.raises(BackupRefused, match="holds data"):
        restore(source, destination)
    assert n_tasks(source) == 4
    report = restore(source, destination, force=True)
    assert n_tasks(source) == 3 and report.moved_aside is not None
    assert (report.moved_aside / "results" / str(later)).is_dir() and (report.moved_aside / "mofsim.db").is_file()
    assert not (source.storage.root / "queue.db").exists()


def test_a_fresh_folder_is_no_data(source: Settings, empty: Settings, destination: Path) -> None:
    backup(source, destination)
    (empty.storage.root / "results").mkdir(parents=True)
    database = Database(empty.database_url)
    upgrade(database)
    database.close()
    assert restore(empty, destination).moved_aside is None
    assert n_tasks(empty) == 3


def test_nothing_is_restored_under_a_running_worker(source: Settings, empty: Settings, destination: Path) -> None:
    backup(source, destination)
    run = empty.storage.root / "run"
    run.mkdir(parents=True)
    with (run / "box-gpu0.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        with pytest.raises(BackupRefused, match=r"box-gpu0 \(process 4711\)"):
            restore(empty, destination)
    restore(empty, destination)


def test_any_process_that_has_the_database_open_is_noticed(source: Settings, destination: Path) -> None:
    backup(source, destination)
    reads = "from mofsim.db.engine import Database\nfrom sqlalchemy import text\nimport sys\n"
    reads += "d = Database(sys.argv[1])\nwith d.read() as s: s.execute(text('SELECT 1 FROM tasks'))\n"
    reads += "print('open', flush=True); sys.stdin.read()"
    program = [sys.executable, "-c", reads, source.database_url]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        server.stdout.readline()
        with pytest.raises(BackupRefused, match=r"has .*mofsim\.db open"):
            restore(source, destination, force=True)
        server.stdin.close()
    restore(source, destination, force=True)


def make_first_database(settings: Settings) -> None:
    """What the first version of mofsim left behind: one uploaded structure and one result, without files."""
    root = settings.storage.root
    database = Database(settings.database_url)
    root.mkdir(parents=True)
    with database.writer.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    database.close()
    now = utcnow().isoformat(" ")
    task = {"task_type": "optimization", "status": "QUEUED", "priority": 2, "model_name": "lj", "structure_id": 1}
    task |= {"preset": "quick", "parameters": "{}", "options": "{}", "created_at": now, "attempt": 1, "faults": 0}
    task |= {"max_attempts": 3, "timeout_seconds": 1.0, "progress": "{}"}
    result = {"task_id": 1, "attempt": 1, "output_files": "{}", "duration_seconds": 1.0, "created_at": now}
    result |= {"result_data": "{}", "metrics": "{}", "provenance": "{}"}
    structure = structure_columns() | {"elements": '["H"]', "created_at": now}
    with closing(sqlite3.connect(root / "mofsim.db")) as connection:
        for table, columns in {"structures": structure, "tasks": task, "task_results": result}.items():
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
        connection.commit()


def test_a_backup_of_an_older_mofsim_is_upgraded(tmp_path: Path, empty: Settings, destination: Path) -> None:
    old = new_settings(tmp_path / "old")
    make_first_database(old)
    assert backup(old, destination).manifest.schema == "0001"
    assert restore(empty, destination).upgraded
    database = Database(empty.database_url)
    with database.read() as session:
        assert session.get_one(TaskResult, 1).files_removed_at is None
        assert session.get_one(Task, 1).status == "QUEUED"
        assert session.get_one(TaskKindCount, ("QUEUED", "optimization", "lj", 2)).n == 1
    assert upgrade(database) is False
    database.close()


def test_a_backup_of_a_newer_mofsim_is_refused_and_nothing_is_moved(source: Settings, destination: Path) -> None:
    query(source, "UPDATE alembic_version SET version_num = '9999'")
    backup(source, destination)
    before = files_of(source)
    with pytest.raises(NewerDatabaseError):
        restore(source, destination, force=True)
    assert files_of(source) == before
    assert not [each.name for each in source.storage.root.iterdir() if "restore" in each.name]


def damage(destination: Path, how: str) -> None:
    if destination.suffix == ".tar":
        unpacked = destination.with_suffix(".unpacked")
        with tarfile.open(destination) as tar:
            tar.extractall(unpacked, filter="data")
        damage(unpacked, how)
        with tarfile.open(destination, "w") as tar:
            for each in sorted(unpacked.iterdir()):
                tar.add(each, each.name)
        return
    match how:
        case "no manifest":
            (destination / "manifest.json").unlink()
        case "no json":
            (destination / "manifest.json").write_text("{")
        case "no file":
            (destination / "results/1/1/trajectory.extxyz").unlink()
        case "short file":
            os.truncate(destination / "results/1/1/trajectory.extxyz", 10)
        case "torn database":
            os.truncate(destination / "mofsim.db", (destination / "mofsim.db").stat().st_size // 2)
        case "other rows":
            manifest = json.loads((destination / "manifest.json").read_text())
            manifest["counts"]["tasks"] += 1
            (destination / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("how", ["no manifest", "no json", "no file", "short file", "torn database", "other rows"])
def test_a_damaged_backup_is_told_before_anything_is_touched(source: Settings, destination: Path, how: str) -> None:
    backup(source, destination)
    damage(destination, how)
    before = files_of(source)
    with pytest.raises(BackupDamaged):
        restore(source, destination, force=True)
    assert files_of(source) == before


def test_a_tar_that_was_cut_off_is_told(source: Settings, empty: Settings, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    backup(source, path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(BackupDamaged):
        restore(empty, path)


def test_a_name_that_leads_out_of_the_folder_is_not_followed(source: Settings, empty: Settings, tmp_path: Path) -> None:
    query(source, "UPDATE structures SET file_path = '../../../outside'")
    shutil.copy(source.storage.root / "structures/abc/MOF-5.cif", tmp_path / "outside")
    report = backup(source, tmp_path / "backup")
    assert report.manifest.missing == ["structures/../../../outside"]
    (tmp_path / "outside").unlink()
    restore(empty, tmp_path / "backup")
    assert not (tmp_path / "outside").exists()
