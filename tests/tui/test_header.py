"""What the header says of workers that compute less than they could."""

import pytest

from mofsim.vocabulary import WorkerState as State
from tests.tui.conftest import Driver, Run

ALL = range(4)


async def become(c: Driver, state: State, numbers: range) -> None:
    for number in numbers:
        await c.world.worker(number, state)
    workers = c.app.session.store.workers
    await c.until(lambda: all(workers[f"gpu-box-1:gpu{number}"].state is state for number in numbers))
    await c.pilot.pause()


def colour(c: Driver, word: str) -> str:
    """Of the piece of the header that has the word: the terminal's number, or dim."""
    (style,) = [each.style for each in c.app.screen._compositor.render_strips()[0] if word in each.text]
    assert style is not None
    return "dim" if style.dim else style.color.name if style.color else ""


async def test_workers_that_do_their_work_are_not_spoken_of(run: Run) -> None:
    async with run() as c:
        await c.sees("3 run  3 wait")
        await become(c, State.IDLE, range(2))
        assert "worker" not in c.lines[0]


@pytest.mark.parametrize("state", [State.STOPPED, State.LOST])
async def test_when_all_are_gone_there_is_no_worker(run: Run, state: State) -> None:
    async with run() as c:
        await become(c, state, ALL)
        await c.sees("no worker  3 run")


async def test_a_paused_worker_is_trouble_whatever_the_others_do(run: Run) -> None:
    async with run() as c:
        await become(c, State.DRAINED, range(2))
        await become(c, State.PAUSED, range(2, 3))
        await c.sees("1 worker paused  3 run")
        assert colour(c, "paused") == "yellow"


async def test_drained_workers_are_out_and_no_trouble_until_all_are(run: Run) -> None:
    async with run() as c:
        await become(c, State.DRAINED, range(1))
        await become(c, State.DRAINING, range(1, 2))
        await c.sees("2 workers drained  3 run")
        assert colour(c, "drained") == "dim"
        await become(c, State.DRAINED, ALL)
        await c.sees("4 workers drained  3 run")
        assert colour(c, "drained") == "yellow"


async def test_where_there_is_no_room_the_counts_stay(run: Run) -> None:
    async with run(size=(66, 24)) as c:
        await become(c, State.PAUSED, ALL)
        await c.sees("3 run  3 wait  2 ✗")
        assert "paused" not in c.lines[0]
