"""What boxes and GPUs showed of late."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from mofsim.core import readings, workers
from mofsim.core.errors import NotFound
from mofsim.db.engine import Database
from mofsim.db.tables import Device, Host, Reading, utcnow
from mofsim.schemas.machines import KEPT_SECONDS


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as session:
        yield session


def gpu(**values: float | None) -> Device:
    return Device(id="GPU-0", host="box", gpu_index=0, **values)


def host(busy: float | None = 25.0) -> Host:
    return Host(name="box", cores=4, load_1min=1.5, busy_percent=busy, memory_total_MB=16e3, memory_used_MB=4e3)


def fill(session: Session, n: int, every_seconds: float, until: datetime) -> None:
    for number in range(n):
        at = until - timedelta(seconds=(n - 1 - number) * every_seconds)
        session.add(Reading(subject="GPU-0", read_at=at, utilisation_percent=float(number), power_W=None))


def test_a_box_and_its_gpus_are_remembered_as_they_were(session: Session) -> None:
    for used in (1000.0, 2000.0):
        row = gpu(memory_used_MB=used, temperature_C=60.0)
        workers.record_gpu(session, row)
        readings.record(session, host(), [row])
        session.flush()
    columns = readings.history_of_gpu(session, "GPU-0", 3600, 300)
    assert columns["memory_used_MB"] == [1000, 2000] and columns["temperature_C"] == [60, 60]
    assert columns["power_W"] == [None, None]
    first, second = columns["time_s"]
    assert first and second and utcnow().timestamp() - 60 < first < second <= utcnow().timestamp()
    of_box = readings.history_of_host(session, "box", 3600, 300)
    assert (of_box["utilisation_percent"], of_box["memory_used_MB"]) == ([25, 25], [4000, 4000])
    [found] = readings.hosts(session)
    assert (found.cores, found.load_1min, found.memory_total_MB) == (4, 1.5, 16_000)


def test_a_gpu_that_tells_nothing_leaves_a_gap(session: Session) -> None:
    row = gpu(fault="GPU is lost")
    workers.record_gpu(session, row)
    readings.record(session, host(busy=None), [row])
    session.flush()
    assert set(map(len, readings.history_of_gpu(session, "GPU-0", 3600, 300).values())) == {0}
    assert readings.history_of_host(session, "box", 3600, 300)["utilisation_percent"] == [None]


@pytest.mark.parametrize("points", [10, 100, 360])
def test_a_long_history_is_thinned_to_means_and_loses_nothing(session: Session, points: int) -> None:
    workers.record_gpu(session, gpu())
    fill(session, 720, 5, utcnow())
    columns = readings.history_of_gpu(session, "GPU-0", 3600, points)
    values = columns["utilisation_percent"]
    assert points / 2 < len(values) <= points
    assert values == sorted(values)
    assert values[0] < 720 / points * 2 and values[-1] > 719 - 720 / points * 2
    assert columns["power_W"] == [None] * len(values)


def test_the_same_history_has_the_same_stretches_a_moment_later(session: Session) -> None:
    workers.record_gpu(session, gpu())
    fill(session, 720, 5, utcnow() - timedelta(seconds=60))
    before = readings.history_of_gpu(session, "GPU-0", 3600, 60)["utilisation_percent"]
    session.add(Reading(subject="GPU-0", read_at=utcnow(), utilisation_percent=1000.0))
    after = readings.history_of_gpu(session, "GPU-0", 3600, 60)["utilisation_percent"]
    assert after[-1] == 1000 and after[1:-1] == before[-len(after) + 2 :]


def test_only_so_far_back_is_told_and_kept(session: Session) -> None:
    workers.record_gpu(session, gpu())
    fill(session, 3, 1800, utcnow() - timedelta(seconds=10))
    assert readings.history_of_gpu(session, "GPU-0", 1000, 300)["utilisation_percent"] == [2]
    assert readings.history_of_gpu(session, "GPU-0", 2000, 300)["utilisation_percent"] == [1, 2]
    session.add(Reading(subject="GPU-0", read_at=utcnow() - timedelta(seconds=KEPT_SECONDS + 60), power_W=1.0))
    session.flush()
    readings.trim(session)
    assert session.query(Reading).count() == 3


def test_what_was_never_there_has_no_history(session: Session) -> None:
    with pytest.raises(NotFound, match="mofsim gpus --json"):
        readings.history_of_gpu(session, "GPU-7", 60, 10)
    with pytest.raises(NotFound, match="mofsim hosts"):
        readings.history_of_host(session, "elsewhere", 60, 10)
