"""The whole at a glance, and where each line leads."""

from datetime import timedelta

import pytest

from mofsim.schemas.overview import Ended, Stuck, Want
from mofsim.schemas.tasks import Span
from mofsim.tui import overview_words
from mofsim.tui.attention import Leads, matters
from mofsim.tui.looks import ASCII
from mofsim.tui.screens import dashboard
from mofsim.tui.store import Store
from mofsim.vocabulary import AlertLevel, RuleKind, WorkerState
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, alert, some_alerts, worker, world
from tests.tui.fake_machines import busy, cpu_worker, quiet


def day() -> World:
    """Something of everything."""
    known = world(alerts=some_alerts())
    known.machines.overview = busy()
    workers = known.machines.workers
    workers["gpu-box-1:gpu0"] = worker(0).model_copy(update={"task_id": 8124})
    workers["gpu-box-1:gpu2"] = worker(2, WorkerState.PAUSED).model_copy(update={"note": "GPU is lost"})
    workers["old:cpu0"] = cpu_worker(
        0, WorkerState.LOST, id="old:cpu0", host="old", heartbeat_at=NOW - timedelta(minutes=42)
    )
    return known


def needs(c: Driver) -> list[str]:
    """The words behind the levels, in their order."""
    levels = tuple(AlertLevel)
    lines = [line.strip("│▌ ").split(maxsplit=2) for line in c.lines]
    return [line[2][:14].strip() for line in lines if len(line) == 3 and line[1] in levels]


async def test_what_needs_a_person_comes_first_and_the_most_urgent_at_its_top(run: Run) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("[1 Dashboard]", "needs you: 7", "8124 relax ZIF-8")
        assert needs(c) == [
            "gpu hot", "worker paused", "worker lost", "model fails", "no progress", "no structure", "held",
        ]  # fmt: skip
        await c.sees("nothing was heard of it for 42 min", "4 tasks of 7net-l3i5 failed in a row")
        assert "5 of gpu-box-1" not in c.text, "somebody looks after that alert"


async def test_queue_throughput_and_failures_are_told(run: Run) -> None:
    async with run(day(), size=(140, 36)) as c:
        await c.press("1")
        await c.sees("1 204    5 h 12", "high             1     3 min", "all done in ~3 h 20 m", "2 wait for a time")
        await c.sees("ended: 15/h, 286 in 24 h", "24 h ago", "█", "3 SimulationExploded", "7net-0", "2 min")


@pytest.mark.parametrize(
    ("down", "lands"),
    [
        (0, ["[5 Alerts³]", "4 gpu hot: GPU-4"]),
        (1, ["[3 GPUs]", "gpu-box-1:gpu2  H100"]),
        (2, ["[3 GPUs]", "old:cpu0  CPU"]),
        (3, ["[2 Tasks]", "status:failed model:7net-l3i5"]),
        (4, ["[5 Alerts³]", "3 no progress: task 8125"]),
        (5, ["› 8119"]),  # noqa: RUF001
        (6, ["› 8129"]),  # noqa: RUF001
    ],
)
async def test_enter_leads_to_where_it_is_dealt_with(run: Run, down: int, lands: list[str]) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("needs you: 7")
        await c.press(*["j"] * down, "enter")
        await c.sees(*lands)


async def test_tab_goes_through_the_lists_and_enter_leads_on_from_each(run: Run) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("needs you: 7", "8124 relax ZIF-8", "SimulationExpl")
        await c.press("tab", "j", "j", "enter")
        await c.sees("[3 GPUs]", "gpu-box-1:gpu2  H100")
        await c.press("1", "tab", "j", "j", "enter")
        await c.sees("[2 Tasks]", "status:queued priority:normal")
        await c.press("1", "tab", "enter")
        await c.sees("[2 Tasks]", "status:failed SimulationExploded model:7net-0")
        await c.press("1", "j", "enter")
        await c.sees("[2 Tasks]", "status:timeout model:7net-l3i5")
        await c.press("1", "tab", "shift+tab", "shift+tab", "enter")
        await c.sees("[2 Tasks]", "status:queued priority:normal")


async def test_it_follows_alerts_workers_and_tasks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "SOON", 0.05)
    async with run(world()) as c:
        await c.press("1")
        await c.sees("Nothing needs you.", "nothing ended", "Nothing failed in the last 24 hours.")
        await c.press("enter")
        await c.sees("there is nothing under the cursor")
        await c.world.raise_alert(alert(7))
        await c.sees("GPU 7 of gpu-box-1", "needs you: 1")
        await c.world.worker(1, WorkerState.PAUSED)
        await c.sees("worker paused", "needs you: 2")
        await c.world.worker(1, WorkerState.IDLE)
        await c.sees("needs you: 1")
        c.world.machines.overview = busy()
        await c.world.put(c.world.tasks[8124].model_copy(update={"attempt": 2}))
        await c.sees("1 204", "needs you: 4")


async def test_the_cursor_stays_on_its_matter(run: Run) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("needs you: 7")
        await c.press("j", "j", "j")
        for id in range(20, 23):
            await c.world.raise_alert(alert(id, AlertLevel.CRITICAL))
        await c.sees("needs you: 10")
        (line,) = [line for line in c.lines if "▌" in line and "ERROR" in line]
        assert "model fails" in line


async def test_without_a_server_the_last_picture_stays(run: Run) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("needs you: 7", "SimulationExpl")
        await c.world.go_down()
        await c.sees("does not answer", "needs you: 7", "8124 relax ZIF-8", "1 204")
        c.world.up = True
        await c.sees("● live")


async def test_idle_nothing_is_drawn(run: Run) -> None:
    async with run(day()) as c:
        await c.press("1")
        await c.sees("needs you: 7", "SimulationExpl", "8124 relax ZIF-8")
        await c.pilot.pause(0.3)
        drawn: list[object] = []
        c.app.screen._update_timer.pause()
        for table in c.app.screen.query("Table, BarChart, QueueNotes, HeaderBar, FooterBar"):
            table.refresh = lambda *regions, **_: drawn.append(regions)  # type: ignore[method-assign]
        c.app.screen._show()  # type: ignore[attr-defined]
        c.app.screen.look()  # type: ignore[attr-defined]
        await c.pilot.pause(0.3)
        assert drawn == []


async def test_small_terminals_keep_what_matters(run: Run) -> None:
    async with run(day(), size=(80, 24)) as c:
        await c.press("1")
        await c.sees("needs you: 7", "8124 relax", "1 204", "all done in ~3 h 20 m", "TIMEOUT")
        assert len(needs(c)) >= 3 and max(map(len, c.lines)) == 80
        await c.press("G")
        await c.sees("held")
    async with run(day(), size=(40, 24)) as c:
        await c.press("1")
        await c.sees("GPU 4 of gpu-box-1", "GPU 0 gpu-box-1", "1 204")
        assert "failed in the last" not in c.text
        await c.press("tab", "tab", "tab")
        await c.until(lambda: c.app.screen.table.id == "needs")  # type: ignore[attr-defined]


async def test_without_unicode_the_dashboard_is_ascii_too(run: Run) -> None:
    async with run(day(), glyphs=ASCII) as c:
        await c.press("1")
        await c.sees("x CRITICAL", "* busy", "= paused", "###")


async def test_a_house_without_workers_says_how_to_start_one(run: Run) -> None:
    known = world()
    known.machines.workers.clear()
    known.machines.gpus.clear()
    sentence = "3 tasks wait and no worker takes tasks: start one with `mofsim worker`"
    known.machines.overview = quiet().model_copy(
        update={"stuck": [Stuck(want=Want.WORKER, n=3, task_id=8127, sentence=sentence)]}
    )
    async with run(known) as c:
        await c.press("1")
        await c.sees("No worker was ever here; start one:   mofsim worker", "✗ ERROR    no worker", sentence)
        await c.press("enter")
        await c.sees("[3 GPUs]", "No worker was ever here.")


def held(store: Store) -> list[tuple[str, Leads, str]]:
    return [(each.kind, each.leads, each.to) for each in matters(store, store.overview, NOW).rows]


def test_what_an_alert_tells_is_not_told_twice() -> None:
    store = Store(overview=busy())
    store.workers = {"box:gpu2": worker(2, WorkerState.PAUSED).model_copy(update={"id": "box:gpu2"})}
    assert [kind for kind, _, _ in held(store)][:2] == ["worker paused", "model fails"]
    store.alerts.hold([
        alert(1, subject="box:gpu2", acknowledged_at=NOW),
        alert(2, subject="7net-l3i5", alert_type=RuleKind.MODEL_FAILING),
    ])  # fmt: skip
    kinds = [kind for kind, _, _ in held(store)]
    assert "worker paused" not in kinds and "model fails" not in kinds and kinds.count("model failing") == 1


def test_a_worker_that_is_gone_for_long_or_was_stopped_needs_nobody() -> None:
    store = Store()
    long_ago = {"heartbeat_at": NOW - timedelta(days=3)}
    store.workers = {
        "a": worker(1, WorkerState.LOST).model_copy(update=long_ago),
        "b": worker(2, WorkerState.STOPPED),
        "c": worker(3, WorkerState.BUSY),
    }
    assert held(store) == []
    store.workers["c"] = worker(3, WorkerState.IDLE).model_copy(update={"note": "x was not loaded: no file"})
    assert held(store) == [("worker", Leads.WORKER, "gpu-box-1:gpu3")]


def test_several_held_tasks_lead_to_their_list() -> None:
    stuck = Stuck(want=Want.RELEASE, n=4, task_id=7, sentence="4 tasks are held")
    store = Store(overview=quiet().model_copy(update={"stuck": [stuck]}))
    assert held(store) == [("held", Leads.TASKS, "status:pending")]


def test_hours_are_those_of_the_clock() -> None:
    def ended(minutes_ago: int, n: int) -> Ended:
        return Ended(begin=NOW - timedelta(minutes=minutes_ago), by_status={"COMPLETED": n})

    # It is 14:07.
    found = [ended(23 * 60 + 8, 9), ended(23 * 60, 1), ended(68, 2), ended(67, 3), ended(8, 4), ended(7, 5)]
    hours = overview_words.hourly(quiet().model_copy(update={"ended": found}), NOW)
    assert len(hours) == 24 and hours[-3:] == [2, 3 + 4, 5] and hours[0] == 1
    assert sum(hours) == 15, "what was before that is not shown"
    caption = overview_words.ended_caption(quiet().model_copy(update={"ended": found}), NOW)
    assert caption == "ended: 9/h, 24 in 24 h"


@pytest.mark.parametrize(
    ("span", "running", "said"),
    [
        (Span(median=100, low=100, high=100), 1, ["all done in ~2 min"]),
        (Span(median=600, low=300, high=1200), 1, ["all done in ~10 min (5 min to 20 min)"]),
        (None, 1, ["when all is done is not known yet"]),
        (None, 0, []),
    ],
)
def test_the_end_of_the_queue_is_told_with_its_range(span: Span | None, running: int, said: list[str]) -> None:
    overview = quiet().model_copy(update={"ends_in": span, "running": running})
    assert overview_words.queue_lines(overview, 60) == said
    assert overview_words.queue_lines(None, 60) == []
