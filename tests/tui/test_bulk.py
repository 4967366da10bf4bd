"""Selections that are longer than what is loaded, and what is done to them."""

import pytest

from mofsim.tui import jobs
from mofsim.tui.window import KEPT_PAGES, PAGE_SIZE
from mofsim.vocabulary import TaskStatus
from tests.tui.conftest import Run
from tests.tui.fake import World, task, world

#: More than are ever loaded at once.
MANY = KEPT_PAGES * PAGE_SIZE + 200


def crowd(n: int = MANY) -> World:
    return world([task(i, TaskStatus.FAILED if i % 2 else TaskStatus.QUEUED) for i in range(1, n + 1)])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace is kept on the clock; here it need not be."""
    monkeypatch.setattr(jobs, "PER_SECOND", 1e6)


async def test_a_star_selects_all_that_the_filter_matches_loaded_or_not(run: Run) -> None:
    async with run(crowd()) as c:
        await c.press("asterisk")
        await c.sees("1 200 selected")
        await c.press("minus", "slash")
        await c.type("status:failed")
        await c.sees("1 of 600")
        await c.press("enter", "asterisk")
        await c.sees("600 selected")
        assert {t.status for t in c.app.session.store.selected.values()} == {TaskStatus.FAILED}


async def test_what_is_selected_is_retried_whole_and_told_of(run: Run) -> None:
    async with run(crowd()) as c:
        await c.press("slash")
        await c.type("status:failed")
        await c.sees("1 of 600")
        await c.press("enter", "asterisk")
        await c.sees("600 selected")
        await c.press("r")
        await c.sees("600 tasks queued again")
        assert sum(1 for method, path in c.world.asked if method == "POST" and path.endswith("/retry")) == 600
        assert all(t.status is TaskStatus.QUEUED for t in c.world.tasks.values())
        assert c.app.session.working == ""


async def test_how_far_a_long_change_is_stands_beside_the_filter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PER_SECOND", 40.0)
    monkeypatch.setattr(jobs, "TELL_EVERY", 0.05)
    async with run(crowd(120)) as c:
        await c.press("asterisk")
        await c.sees("120 selected")
        await c.press("r")
        await c.sees("of 60 tasks queued again")
        await c.sees("60 tasks queued again")
        await c.misses("of 60 tasks")


async def test_the_question_before_a_cancel_names_the_number_and_what_can_not_be_taken_back(run: Run) -> None:
    async with run(crowd(1300)) as c:
        await c.press("asterisk")
        await c.sees("1 300 selected")
        jobs.PER_SECOND = 50.0
        await c.press("c")
        await c.sees("Cancel 650 tasks?", "+645 more", "z takes only those back")


async def test_more_than_a_person_can_mean_is_cut_and_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SELECT_PAGES", 2)
    async with run(crowd()) as c:
        await c.press("asterisk")
        await c.sees("1 000 selected", "the first 1 000 are selected; a filter names fewer")


async def test_one_that_is_refused_does_not_stop_the_rest(run: Run) -> None:
    async with run(crowd(120)) as c:
        await c.press("asterisk")
        await c.sees("120 selected")
        # It ended meanwhile, and no event told of it yet.
        c.world.tasks[2] = task(2, TaskStatus.COMPLETED)
        await c.press("c", "y")
        await c.sees("59 tasks cancelled", "task 2 is COMPLETED already")
