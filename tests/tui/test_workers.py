"""Workers, GPUs and CPU slots: the list, the charts, and what can be done."""

import asyncio
from datetime import timedelta

import pytest

from mofsim.tui.device_book import KEPT_TRACES, DeviceBook
from mofsim.tui.looks import ASCII
from mofsim.tui.screens import watching
from mofsim.tui.store import Store
from mofsim.tui.trace import GAP, LONGEST, Trace, overlaid, pieces
from mofsim.vocabulary import EventType, TaskStatus, WorkerState
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, task, worker, world
from tests.tui.fake_machines import FOREIGN, cpu_worker, gpu, history, host


def box() -> World:
    """Four GPUs, of which one is shared with somebody and one is lost, another that no worker uses, and a laptop."""
    known = world()
    machines = known.machines
    busy = {"task_id": 8124, "loaded_models": ["7net-0", "7net-l3i5"]}
    lost = {"state": WorkerState.PAUSED, "note": "GPU is lost: it fell off the bus"}
    for number, changes in ((0, busy), (1, {"task_id": 8125}), (2, lost), (3, {"state": WorkerState.IDLE})):
        known.machines.workers[f"gpu-box-1:gpu{number}"] = worker(number).model_copy(update=changes)
    machines.workers["laptop:cpu0"] = cpu_worker(0)
    nothing = dict.fromkeys(("memory_used_MB", "utilisation_percent", "temperature_C", "power_W", "processes"))
    machines.gpus[0] = gpu(0, processes=[*(machines.gpus[0].processes or ()), FOREIGN])
    machines.gpus[2] = gpu(2, fault="GPU is lost", **nothing)
    machines.gpus.append(gpu(4, host="gpu-box-2", memory_used_MB=500.0, processes=[]))
    machines.hosts += [host("laptop", cores=4, memory_total_MB=16e3, memory_used_MB=6.2e3, busy_percent=26.0)]
    return known


def posted(c: Driver) -> list[str]:
    return [path for method, path in c.world.asked if method == "POST"]


def row(c: Driver, device: str) -> str:
    (line,) = [line for line in c.lines if f" {device} " in line and "│" in line]
    return line


def under_cursor(c: Driver) -> str:
    (line,) = [line for line in c.lines if line[:2].endswith("▌")]
    return " ".join(line.strip("│▌ ").split()[2:5])


async def test_devices_are_listed_with_what_they_do(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("[3 GPUs]", "8124 relax ZIF-8", "worker and device")
        assert "● busy" in row(c, "GPU 0") and "97 %" in row(c, "GPU 0") and "9.5/86 GB" in row(c, "GPU 0")
        assert "61" in row(c, "GPU 0") and "512 W" in row(c, "GPU 0") and "7net-0" in row(c, "GPU 0")
        assert "‖ paused" in row(c, "GPU 2") and "GPU is lost" in row(c, "GPU 2") and "–" in row(c, "GPU 2")
        assert "◌ idle" in row(c, "GPU 3")
        assert "– unused" in row(c, "GPU 4") and "no worker uses it" in row(c, "GPU 4")
        assert "26 %" in row(c, "CPU 0") and "6.2/16 GB" in row(c, "CPU 0")
        await c.sees(
            "9.0 GB this worker, pid 400", "FOREIGN: python train.py", "of ben, pid 4711", "32 cores, load 6.4"
        )


async def test_charts_show_what_was_and_follow_the_cursor(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("of 86 GB, last 1 h", "temperature 64 °C", "of 700 W", "1 h ago")
        assert any("⠒" in line or "⠉" in line or "⡴" in line for line in c.lines)
        await c.press("t")
        await c.sees("last 6 h", "6 h ago")
        await c.press("t")
        await c.sees("last 5 min")
        await c.until(lambda: any(path.endswith("/history") for _, path in c.world.asked))
        asked = [path for _, path in c.world.asked if path.endswith("/history")]
        assert set(asked) == {"system/gpus/GPU-0/history"}
        await c.press("G")
        await c.sees("cores busy", "laptop:cpu0  4 cores")
        assert "temperature" not in c.text
        await c.until(lambda: ("GET", "system/hosts/laptop/history") in c.world.asked)
        await c.press("k", "k", "k")
        await c.sees("gpu-box-1:gpu2", "the driver does not tell", "fault")


async def test_what_is_read_later_goes_into_the_list_and_the_chart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.1)
    async with run(box()) as c:
        await c.press("3")
        await c.sees("temperature 64 °C")
        c.world.machines.gpus[0] = gpu(0, temperature_C=77.0, seen_at=NOW + timedelta(seconds=5))
        await c.sees("temperature 77 °C", " 77 ")
        points = len(c.app.session.store.devices.trace("GPU-0").times)
        await c.pilot.pause(0.3)
        assert len(c.app.session.store.devices.trace("GPU-0").times) == points, "the same reading is no news"


async def test_nothing_is_asked_while_another_screen_is_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.05)
    async with run(box()) as c:
        await c.press("3")
        await c.sees("temperature 64 °C")
        await c.press("2")
        await c.sees("[2 Tasks]")
        before = len(c.world.asked)
        await c.pilot.pause(0.3)
        assert not [path for _, path in c.world.asked[before:] if path.startswith("system/gpus")]


async def test_the_cursor_stays_on_its_worker(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press("j", "j", "j")
        await c.until(lambda: under_cursor(c) == "GPU 3 gpu-box-1")
        for number in range(3):
            await c.world.change_worker(cpu_worker(number, id=f"a-box:cpu{number}", host="a-box"))
        await c.sees("CPU 2 a-box")
        assert under_cursor(c) == "GPU 3 gpu-box-1"


async def test_a_busy_worker_is_drained_after_it_was_said_what_becomes_of_its_task(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press("d")
        await c.sees(
            "Drain gpu-box-1:gpu0?", "8124 relax ZIF-8 goes on to its end (step 143); then", "it takes no other"
        )
        await c.press("n")
        assert posted(c) == []
        await c.press("d", "y")
        await c.sees("‖ draining", "takes no task after the one")
        await c.press("d")
        await c.sees("it takes no tasks already; r resumes it")
        await c.press("r")
        await c.sees("takes tasks again", "● busy")
        assert posted(c) == ["system/workers/gpu-box-1%3Agpu0/drain", "system/workers/gpu-box-1%3Agpu0/resume"]
        await c.press("r")
        await c.sees("it takes tasks already; d drains it")


async def test_an_idle_worker_is_drained_at_once_and_several_together(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press("G", "k", "k", "d")
        await c.sees("‖ drained", "takes no task from now on")
        await c.press("g", "space", "space", "d")
        await c.sees("Drain 2 workers?", "8124 relax ZIF-8", "8125 relax MOF-74-Zn goes on")
        await c.press("y")
        await c.sees("2 workers take no task after those that run")
        assert len(posted(c)) == 3


async def test_models_are_loaded_and_unloaded(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press("j", "l")
        await c.sees("load which model on gpu-box-1:gpu1?", "7net-l3i5", "sevenn, float32")
        assert "unproven" not in c.text
        await c.type("l3")
        await c.press("enter")
        await c.sees("loads 7net-l3i5 before the", "to load 7net-l3i5")
        await c.press("u")
        await c.sees("no model is loaded there")
        await c.press("k", "u")
        await c.sees("unload which model on gpu-box-1:gpu0?", "Its memory is given back between two tasks")
        await c.press("enter")
        await c.sees("gives the memory of 7net-0", "to unload 7net-0")
        assert posted(c) == ["models/7net-l3i5/load", "models/7net-0/unload"]


async def test_enter_opens_the_task_that_runs(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press("G", "enter")
        await c.sees("no task runs there")
        await c.press("g", "enter")
        await c.sees("› 8124 relax ZIF-8", "[Plot]")  # noqa: RUF001
        await c.press("backspace")
        await c.sees("[3 GPUs]")


async def test_steps_of_what_runs_are_followed_though_the_list_of_tasks_does_not_show_it(run: Run) -> None:
    known = box()
    known.tasks[1] = task(1, TaskStatus.RUNNING, worker_id="gpu-box-1:gpu3")
    known.machines.workers["gpu-box-1:gpu3"] = worker(3).model_copy(update={"task_id": 1})
    async with run(known, size=(160, 40)) as c:
        await c.press("2", "slash")
        await c.type("status:failed")
        await c.press("enter", "3")
        await c.sees("1 relax IRMOF-1", "step 143")
        await c.world.progress(1, step=9876)
        await c.sees("step 9876")
        await c.world.put(task(1, TaskStatus.COMPLETED))
        await c.world.change_worker(worker(3, WorkerState.IDLE))
        await c.misses("1 relax IRMOF-1")


async def test_without_a_server_the_last_picture_stays_and_nothing_can_be_changed(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8", "temperature 64 °C")
        await c.world.go_down()
        await c.sees("does not answer")
        assert "8124 relax ZIF-8" in c.text and "d drain" not in c.lines[-1]
        await c.press("d")
        await c.sees("this works again as soon as")
        assert posted(c) == []


async def test_after_missed_events_workers_and_tasks_are_read_again(run: Run) -> None:
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        del c.world.machines.workers["laptop:cpu0"]
        c.world.tasks[8124] = task(8124, TaskStatus.COMPLETED)
        c.world.machines.workers["gpu-box-1:gpu0"] = worker(0, WorkerState.IDLE)
        await c.world.tell(EventType.RESET, {})
        await c.misses("8124 relax")
        assert "laptop" not in c.text


async def test_a_house_without_workers_says_how_to_start_one(run: Run) -> None:
    known = world([])
    known.machines.workers.clear()
    known.machines.gpus.clear()
    async with run(known) as c:
        await c.press("3")
        await c.sees("No worker was ever here.", "mofsim worker")
        await c.press("d")
        await c.sees("there is no worker under the cursor")


async def test_small_terminals_drop_columns_and_charts(run: Run) -> None:
    async with run(box(), size=(80, 24)) as c:
        await c.press("3")
        await c.sees("8124 relax", "GPU 98 %", "worker and device")
        assert "POWER" not in c.text and "temperature" not in c.text
        await c.press("z")
        await c.misses("STATE")
    async with run(box(), size=(40, 24)) as c:
        await c.press("3")
        await c.sees("GPU 0 gpu-box-1", "8124", "gpu-box-1:gpu0")
        assert max(map(len, c.lines)) == 40 and "USE" not in c.text


async def test_without_unicode_devices_are_ascii_too(run: Run) -> None:
    async with run(box(), glyphs=ASCII) as c:
        await c.press("3")
        await c.sees("* busy", "= paused", "####", "8124 relax ZIF-8", "*")
        await c.until(lambda: "last 1 h" in c.text)
        drawn = [segment.text for strip in c.app.screen._compositor.render_strips() for segment in strip]
        from mofsim.tui.looks import plain

        assert plain("".join(drawn)).isascii() and "⠒" not in c.text


def test_what_events_told_is_newer_than_a_list_that_was_asked_for_before() -> None:
    book = DeviceBook()
    book.running_asked()
    assert book.task_seen(task(1, TaskStatus.COMPLETED)) is False
    assert book.task_seen(task(2, TaskStatus.RUNNING)) is True
    book.running_came([task(1, TaskStatus.RUNNING), task(3, TaskStatus.RUNNING)])
    assert set(book.running) == {2, 3}
    store = Store(devices=book)
    store.workers = {"a": worker(1)}
    store.workers_told = {"b": worker(2)}
    store.workers_came([worker(3)])
    assert set(store.workers) == {"gpu-box-1:gpu3", "b"}


def test_only_histories_that_were_looked_at_last_are_kept() -> None:
    book = DeviceBook()
    first = book.trace("GPU-0")
    for number in range(1, KEPT_TRACES):
        book.trace(f"GPU-{number}")
    assert book.trace("GPU-0") is first
    book.trace("another")
    assert book.trace("GPU-0") is first
    first.add(1.0, {"power_W": 3.0})
    book.trace("GPU-1")
    book.trace("one more")
    assert book.trace("GPU-2").times == []


def test_a_trace_keeps_what_was_read_since_the_server_was_asked_and_forgets_what_is_old() -> None:
    trace = Trace()
    assert trace.add(100.0, {"power_W": 1.0}) and not trace.add(100.0, {"power_W": 2.0})
    trace.add(200.0, {"power_W": 2.0})
    trace.came({"time_s": [90.0, 150.0], "power_W": [7.0, None], "memory_used_MB": [1.0, 2.0]}, 3600)
    assert trace.times == [90, 150, 200] and trace.values["power_W"] == [7, None, 2]
    assert trace.values["memory_used_MB"] == [1, 2, None] and trace.values["temperature_C"] == [None] * 3
    trace.add(100 + LONGEST, {"power_W": 3.0})
    assert trace.times == [150, 200, 100 + LONGEST] and trace.last("power_W") == 3


def test_a_picture_stands_still_between_two_columns_and_has_gaps_where_nothing_was_read() -> None:
    trace = Trace()
    trace.came(history("GPU-0", 3600, on_gpu=True).columns, 3600)
    now = NOW.timestamp()
    before = trace.columns("power_W", 3600, now, 120)
    assert len(before) == 2, "one piece before the gap, one after it"
    begin, end = trace.window(3600, now, 120)
    assert end >= now and end - begin == 3600
    assert trace.columns("power_W", 3600, end - 0.5, 120) == before
    assert trace.columns("power_W", 3600, end + 0.5, 120) != before


def test_pieces_are_bridged_up_to_a_gap() -> None:
    one = (1.0, 1.0)
    columns = [one, None, one, None, None, None, one]
    assert pieces(columns, 1) == [[one, None, one, None, None, None, None], [None] * 6 + [one]]
    assert pieces(columns, 3) == [columns]
    assert pieces([None, None], 1) == []
    assert GAP > 2 * watching.EVERY


def test_curves_are_laid_over_each_other() -> None:
    assert overlaid([["⠁ *"], ["⠂⠄ "]]) == ["⠃⠄*"]
    assert overlaid([["  "], ["  "]]) == ["  "]


async def test_answers_that_come_late_do_no_harm(run: Run) -> None:
    """A history of a device that the cursor has left."""
    async with run(box()) as c:
        await c.press("3")
        await c.sees("8124 relax ZIF-8")
        await c.press(*["j", "k"] * 5, "j")
        await asyncio.sleep(0.3)
        await c.sees("gpu-box-1:gpu1", "temperature")
