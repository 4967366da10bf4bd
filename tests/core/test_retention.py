"""Old files on a real disk; kills are played by doing only the first of two writes."""

import gzip
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mofsim.core import alerts, audit, compression, dependencies, leases, rescue, steering
from mofsim.core.errors import Invalid
from mofsim.core.leases import Outcome
from mofsim.core.retention import Policy, Retention
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Audit, Task, TaskResult, utcnow
from mofsim.settings import load_settings
from mofsim.vocabulary import AlertType, TaskStatus
from mofsim.worker.tidying import Tidier

CONTENT = {
    "trajectory.extxyz": b"frame 1.25 2.5\n" * 2000,
    "points.csv": b"0,1.0\n" * 1000,
    "series.csv": b"0,1.0\n" * 1000,
    "optimized.extxyz": b"C 0 0 0\n" * 1000,
    "plot.png": b"\x89PNG" * 2000,
    "optimized.cif": b"data_x\n",
}
POLICY = Policy(timedelta(days=30), timedelta(days=180), timedelta(days=30))


def always() -> bool:
    return True


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(tmp_path)
    storage.create()
    return storage


@pytest.fixture
def retention(database: Database, storage: Storage) -> Retention:
    return Retention(database, storage, POLICY)


@pytest.fixture
def finished(database: Database, storage: Storage, new_task: Callable[..., Task]) -> Callable[..., int]:
    def create(days_ago: float, status: TaskStatus = TaskStatus.COMPLETED) -> int:
        with database.write() as session:
            new_task(session)
            claimed = leases.claim(
                session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=30, affinity_seconds=0
            )
            assert claimed
            lease, task = claimed
            leases.start(session, lease, 10)
            folder = storage.attempt(task.id, lease.attempt)
            folder.mkdir(parents=True)
            for name, content in CONTENT.items():
                (folder / name).write_bytes(content)
            files = {name: len(content) for name, content in CONTENT.items()}
            leases.finish(session, lease, Outcome(status, output_files=files))
            session.flush()
            then = utcnow() - timedelta(days=days_ago)
            session.execute(update(TaskResult).where(TaskResult.task_id == task.id).values(created_at=then))
            task.completed_at = then
            return task.id

    return create


def result_of(database: Database, task_id: int) -> TaskResult:
    with database.read() as session:
        return session.get_one(TaskResult, task_id)


def published(database: Database, storage: Storage, task_id: int) -> dict[str, bytes]:
    """What the row names, unpacked; the row must name only what is there, and its size."""
    result = result_of(database, task_id)
    content = {}
    for name, size in result.output_files.items():
        data = (storage.attempt(task_id, result.attempt) / name).read_bytes()
        assert len(data) == size
        content[name.removesuffix(".gz")] = gzip.decompress(data) if name.endswith(".gz") else data
    return content


def make_old(path: Path, days: float = 2) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_files_of_an_old_result_are_compressed_and_nothing_of_them_is_lost(database, storage, retention, finished):
    old, young = finished(31), finished(29)
    retention.tidy(always)
    names = list(result_of(database, old).output_files)
    assert names == [f"{name}.gz" if name in ("trajectory.extxyz", "points.csv") else name for name in CONTENT]
    assert published(database, storage, old) == CONTENT
    assert sorted(names) == sorted(each.name for each in storage.attempt(old, 1).iterdir())
    assert result_of(database, old).compressed_at is not None
    assert list(result_of(database, young).output_files) == list(CONTENT)


def test_one_step_compresses_one_file(database, retention, finished):
    task_id = finished(31)
    assert retention.compress_one()
    assert [name for name in result_of(database, task_id).output_files if name.endswith(".gz")] == [
        "trajectory.extxyz.gz"
    ]


def test_nothing_is_left_to_do_after_all_was_done(retention, finished):
    finished(31)
    retention.tidy(always)
    assert not retention.compress_one() and not retention.remove_one()


def test_a_kill_between_the_row_and_the_original_leaves_one_file_in_the_end(database, storage, retention, finished):
    task_id = finished(31)
    original = storage.attempt(task_id, 1) / "trajectory.extxyz"
    retention.compress_one()
    original.write_bytes(CONTENT["trajectory.extxyz"])
    retention.tidy(always)
    assert not original.exists() and published(database, storage, task_id) == CONTENT


def test_a_kill_before_the_row_leaves_the_original_published(database, storage, retention, finished):
    task_id = finished(31)
    (storage.attempt(task_id, 1) / "trajectory.extxyz.gz").write_bytes(b"half a fi")
    assert published(database, storage, task_id) == CONTENT
    retention.tidy(always)
    assert published(database, storage, task_id) == CONTENT


def compress_for_ever(url: str, root: Path) -> None:
    retention = Retention(Database(url), Storage(root), POLICY)
    while retention.compress_one():
        pass


def test_kill_nine_at_any_moment_loses_no_byte(database, storage, retention, finished, tmp_path):
    tasks = [finished(31) for _ in range(8)]
    context = multiprocessing.get_context("spawn")
    for n in range(4):
        process = context.Process(target=compress_for_ever, args=(str(database.url), tmp_path))
        process.start()
        compressed = wait_for_some(database, tasks, more_than=n)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for task_id in tasks:
            assert published(database, storage, task_id) == CONTENT, compressed
    retention.tidy(always)
    for task_id in tasks:
        assert published(database, storage, task_id) == CONTENT
        there = {path.name for path in storage.attempt(task_id, 1).iterdir() if not path.name.endswith(".tmp")}
        assert there == set(result_of(database, task_id).output_files)


def wait_for_some(database: Database, tasks: list[int], more_than: int) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        names = [name for task_id in tasks for name in result_of(database, task_id).output_files]
        if (n := sum(name.endswith(".gz") for name in names)) > more_than:
            return n
    raise AssertionError("nothing was compressed")


def test_a_result_that_was_dropped_by_a_retry_meanwhile_is_left_alone(database, storage, finished):
    task_id = finished(31, TaskStatus.FAILED)
    seen = result_of(database, task_id)
    with database.write() as session:
        steering.retry(session, task_id)
    assert compression._publish(database, seen, "points.csv", 1) is False
    compression.compress_next(database, storage, task_id)
    assert (storage.attempt(task_id, 1) / "points.csv").read_bytes() == CONTENT["points.csv"]


def test_what_can_not_be_written_is_left_as_it_is_and_tried_later(database, storage, retention, finished):
    first, second = finished(33), finished(32)
    blocked = storage.attempt(first, 1) / "trajectory.extxyz.gz"
    blocked.mkdir()
    retention.tidy(always)
    retention.tidy(always)
    assert published(database, storage, first) == CONTENT and result_of(database, first).compressed_at is None
    assert result_of(database, second).compressed_at is not None
    assert list(retention.failed) == [first]
    blocked.rmdir()
    retention._retry_at = 0.0
    retention.tidy(always)
    assert result_of(database, first).compressed_at is not None and not retention.failed


def test_a_result_that_can_not_be_compressed_is_an_alert_until_it_can(database, storage, finished, tmp_path):
    url = database.url.render_as_string(hide_password=False)
    settings = load_settings(env={"MOFSIM_STORAGE__ROOT": str(tmp_path), "MOFSIM_DATABASE__URL": url}, cwd=tmp_path)
    tidier = Tidier(settings)
    blocked = storage.attempt(finished(33), 1) / "trajectory.extxyz.gz"
    blocked.mkdir()
    tidier.tidy()
    tidier.tidy()
    with database.read() as session:
        [alert] = alerts.history(session, 10)
        assert alert.alert_type == AlertType.RETENTION and "of task 1" in alert.message and not alert.resolved
    blocked.rmdir()
    tidier.close()
    after_a_restart = Tidier(settings)
    after_a_restart.tidy()
    with database.read() as session:
        assert alerts.active(session) == [] and len(alerts.history(session, 10)) == 1
    after_a_restart.close()


def test_files_that_are_too_old_are_removed_and_the_row_says_so(database, storage, retention, finished):
    old, young = finished(181), finished(1)
    retention.tidy(always)
    result = result_of(database, old)
    assert result.output_files == {} and result.files_removed_at is not None
    assert not (storage.results / str(old)).exists() and published(database, storage, young) == CONTENT


def test_a_kill_before_the_files_are_removed_is_mended_by_the_sweep(database, storage, retention, finished):
    task_id = finished(181)
    with database.write() as session:
        session.execute(update(TaskResult).values(output_files={}, files_removed_at=utcnow()))
    make_old(storage.results / str(task_id))
    retention.tidy(always)
    assert not (storage.results / str(task_id)).exists()


def test_a_retry_that_began_keeps_its_new_folder_and_its_checkpoint(database, storage, retention, finished):
    task_id = finished(181, TaskStatus.FAILED)
    for folder in (storage.attempt(task_id, 2), storage.checkpoint(task_id)):
        folder.mkdir()
    with database.write() as session:
        task = session.get_one(Task, task_id)
        task.status = TaskStatus.RUNNING
    retention.tidy(always)
    assert sorted(each.name for each in (storage.results / str(task_id)).iterdir()) == ["2", "checkpoint"]


def test_the_checkpoint_of_an_old_task_goes_with_its_files(storage, retention, finished):
    task_id = finished(181, TaskStatus.FAILED)
    storage.checkpoint(task_id).mkdir()
    retention.tidy(always)
    assert not (storage.results / str(task_id)).exists()


def test_files_of_an_old_task_that_ended_without_a_result_are_removed(database, storage, retention, new_task):
    with database.write() as session:
        task = new_task(session)
        leases.claim(session, "b", gpu_id=None, loaded_models=[], lease_seconds=1, affinity_seconds=0)
        steering.request_cancel(session, task.id)
        rescue.requeue_from(session, "b")
        task.completed_at = utcnow() - timedelta(days=181)
    storage.attempt(task.id, 1).mkdir(parents=True)
    make_old(storage.results / str(task.id))
    retention.tidy(always)
    assert not (storage.results / str(task.id)).exists()


def test_a_structure_that_another_task_waits_for_is_kept_until_it_is_taken(
    database, storage, retention, finished, new_task
):
    old = finished(181)
    with database.write() as session:
        child = new_task(session, parent_id=old, awaits_parent=True)
    retention.tidy(always)
    assert published(database, storage, old) == CONTENT
    with database.write() as session:
        session.get_one(Task, child.id).awaits_parent = False
    retention.tidy(always)
    assert result_of(database, old).files_removed_at is not None
    with database.read() as session, pytest.raises(Invalid, match="removed by their age"):
        dependencies.parent(session, old)


def test_zero_days_means_never(database, storage, finished):
    task_id = finished(10_000)
    Retention(database, storage, Policy(None, None, None)).tidy(always)
    assert list(result_of(database, task_id).output_files) == list(CONTENT)


def test_what_a_deleted_task_or_a_broken_upload_left_is_swept_when_it_is_old(storage, retention, database, finished):
    kept = finished(1)
    make_old(storage.results / str(kept))
    for name in ("77", "78", "notes"):
        (storage.results / name / "1").mkdir(parents=True)
    for name in ("old", "new"):
        (storage.incoming / name).mkdir()
    for path in (storage.results / "77", storage.results / "notes", storage.incoming / "old"):
        make_old(path)
    retention.tidy(always)
    assert sorted(each.name for each in storage.results.iterdir()) == sorted([str(kept), "78", "notes"])
    assert [each.name for each in storage.incoming.iterdir()] == ["new"]


def test_what_a_killed_writer_left_half_done_is_swept_when_it_is_old(storage, retention, finished):
    task_id = finished(1)
    folder = storage.attempt(task_id, 1)
    for name in (".old.1.tmp", ".new.1.tmp"):
        (folder / name).write_bytes(b"half")
    for path in (folder / ".old.1.tmp", storage.results / str(task_id)):
        make_old(path)
    retention.tidy(always)
    assert sorted(each.name for each in folder.iterdir()) == sorted([*CONTENT, ".new.1.tmp"])


def test_a_round_ends_when_its_time_is_over_and_the_next_goes_on(database, retention, finished):
    task_id = finished(31)
    for _ in range(3):
        steps = iter([True, True, True, False, False, False, False, False])
        retention.tidy(lambda: next(steps))  # noqa: B023
    assert result_of(database, task_id).compressed_at is not None


def test_lines_of_the_audit_are_forgotten_by_their_age(database, tmp_path):
    """By the settings of a data folder, as the chore does it."""
    ages = [364, 366, 400]
    with database.write() as session:
        for days in ages:
            what = {"method": "POST", "route": "/r", "subject": "tasks/1", "status": 202, "request_id": ""}
            line = Audit(time=utcnow() - timedelta(days=days), key_name="local", address="127.0.0.1", **what)
            audit.append(session, line)

    def tidied(**security: float) -> int:
        url = database.url.render_as_string(hide_password=False)
        values = {"storage.root": str(tmp_path), "database.url": url} | {
            f"security.{key}": value for key, value in security.items()
        }
        tidier = Tidier(load_settings(env={}, cwd=tmp_path, overrides=values))
        tidier.tidy()
        tidier.close()
        with database.read() as session:
            return len(audit.page(session, 10).items)

    assert [tidied(audit_keep_days=0.0), tidied(), tidied(audit_keep_days=1.0)] == [3, 1, 0]
