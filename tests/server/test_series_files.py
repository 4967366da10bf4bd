"""The series of a run, read while it is written."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mofsim.core import leases
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.server.series import SeriesReader
from mofsim.settings import Settings

HEADER = "step,energy_eV,fmax_eV_per_A,volume_A3,time_s\n"


def row(step: int, energy: float) -> str:
    return f"{step},{energy},{1 / (step + 1)},{1000 + step % 7},{step * 0.5}\n"


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "series.csv"
    path.write_text(HEADER + "".join(row(n, -100.0) for n in range(10_000)))
    return path


def test_a_spike_survives_the_thinning(series: Path) -> None:
    text = series.read_text().replace(row(4321, -100.0), row(4321, 99.0)).replace(row(8765, -100.0), row(8765, -999.0))
    series.write_text(text)
    columns = SeriesReader().read(series, 200)
    assert all(100 < len(values) <= 200 for values in columns.values())
    assert (columns["step"][0], columns["step"][-1]) == (0, 9999)
    assert columns["energy_eV"][columns["step"].index(4321)] == 99.0
    assert columns["energy_eV"][columns["step"].index(8765)] == -999.0


def test_a_short_series_is_given_whole(series: Path) -> None:
    assert SeriesReader().read(series, 10_000)["step"] == list(range(10_000))


def test_only_what_was_added_is_read(series: Path) -> None:
    reader = SeriesReader()
    reader.read(series, 100)
    with series.open("r+") as file:
        # What was read before is not looked at again.
        file.write("x" * len(HEADER))
    with series.open("a") as file:
        file.write(row(10_000, 1.0))
    assert reader.read(series, 100)["step"][-1] == 10_000


def test_a_half_written_line_waits_for_its_rest(tmp_path: Path) -> None:
    path, reader = tmp_path / "series.csv", SeriesReader()
    with path.open("a", buffering=1) as file:
        for piece, steps in [
            (HEADER[:9], []),
            (HEADER[9:], []),
            (row(0, -1.0) + row(1, -2.5)[:4], [0]),
            (row(1, -2.5)[4:], [0, 1]),
            ("2,nan,,inf,3\ngarbage\n", [0, 1, 2]),
        ]:
            file.write(piece)
            file.flush()
            assert reader.read(path, 100).get("step", []) == steps
    columns = reader.read(path, 100)
    assert columns["energy_eV"] == [-1.0, -2.5, None]
    assert (columns["fmax_eV_per_A"][-1], columns["volume_A3"][-1], columns["time_s"][-1]) == (None, None, 3.0)


def test_a_file_that_was_replaced_is_read_anew(series: Path) -> None:
    reader = SeriesReader()
    reader.read(series, 100)
    other = series.with_name("other")
    other.write_text(HEADER + row(7, 0.0))
    other.replace(series)
    assert reader.read(series, 100)["step"] == [7]


async def test_the_series_of_each_attempt_is_served(
    client: httpx.AsyncClient, submit: Callable[..., int], database: Database, settings: Settings
) -> None:
    task_id = submit()
    path = f"/api/v1/tasks/{task_id}/series"
    empty = (await client.get(path)).json()["data"]
    assert empty == {"task_id": task_id, "attempt": 0, "columns": {}}
    with database.write() as session:
        leases.claim(session, "box/cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0)
    folder = Storage(settings.storage.root).attempt(task_id, 1)
    folder.mkdir(parents=True)
    (folder / "series.csv").write_text(HEADER + row(0, -1.0))
    for query in ("", "?attempt=1&points=10"):
        found = (await client.get(path + query)).json()["data"]
        assert (found["attempt"], found["columns"]["energy_eV"]) == (1, [-1.0])
    missing = await client.get(f"{path}?attempt=2")
    assert (missing.status_code, missing.json()["error"]["field"]) == (404, "attempt")
