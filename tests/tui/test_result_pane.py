import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mofsim.schemas.events import Event
from mofsim.schemas.keys import AuditLine
from mofsim.schemas.tasks import Attempt, TaskResult
from mofsim.schemas.webhooks import Delivery
from mofsim.tui import history, inputs, result_curves, result_warnings, result_words
from mofsim.tui.looks import ASCII, UNICODE
from mofsim.tui.sheet import BLANK, Entry, block, lay
from mofsim.vocabulary import (
    AttemptOutcome,
    DeliveryState,
    EventType,
    Preset,
    Priority,
    StopReason,
    TaskStatus,
    TaskType,
    WebhookEvent,
)
from tests.tui import found
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, task, world


def result(values: dict[str, Any], **changes: Any) -> TaskResult:
    fields: dict[str, Any] = {"task_id": 8117, "status": TaskStatus.COMPLETED, "attempt": 1, "result": values}
    fields |= {"output_files": {}, "metrics": {}, "provenance": {}}
    return TaskResult(**fields | changes)


def told(values: dict[str, Any], task_type: TaskType, **changes: Any) -> str:
    ended = task(8117, TaskStatus.COMPLETED, task_type=task_type, parameters={"fmax_eV_per_A": 0.001}, **changes)
    return " ".join(result_warnings.warnings(ended, result(values)))


@pytest.mark.parametrize(
    ("task_type", "values", "words"),
    [
        (TaskType.OPTIMIZATION, found.optimization(converged=False), "did not reach the goal of 0.001 eV/Å"),
        (TaskType.OPTIMIZATION, found.optimization(volume_change_percent=-23.0), "changed by -23.0 %"),
        (TaskType.BULK_MODULUS, found.bulk_modulus(fit_ok=False), "The fit is not to be trusted"),
        (TaskType.BULK_MODULUS, found.bulk_modulus(r_squared=0.91), "R² = 0.9100"),
        (TaskType.BULK_MODULUS, {"points": [], "fit_ok": False}, "there is no bulk modulus"),
        (TaskType.HEAT_CAPACITY, found.heat_capacity(imaginary_modes=3, lowest_frequency_THz=-1.2), "3 imaginary"),
        (TaskType.HEAT_CAPACITY, found.heat_capacity(imaginary_percent_of_mesh=0.4), "0.4 % of the modes"),
        (TaskType.HEAT_CAPACITY, found.heat_capacity(relaxation_converged=False), "not at its minimum"),
        (TaskType.STABILITY, found.stability(stable=False, volume_drift_percent=14.2), "drifted by +14.2 %"),
        (TaskType.STABILITY, found.stability(stable=None), "did not come to its end"),
        (TaskType.STABILITY, found.stability(metals_with_changed_coordination=2), "2 of 8 metals"),
        (TaskType.INTERACTION_ENERGY, found.interaction_energy(guest_intact=False), "energy of a reaction"),
        (TaskType.INTERACTION_ENERGY, found.interaction_energy(guest_image_distance_A=7.0), "7.0 Å from each other"),
    ],
)
def test_what_spoils_a_number_is_told(task_type: TaskType, values: dict[str, Any], words: str) -> None:
    assert words in told(values, task_type)


@pytest.mark.parametrize(
    ("task_type", "values"),
    [
        (TaskType.OPTIMIZATION, found.optimization()),
        (TaskType.BULK_MODULUS, found.bulk_modulus()),
        (TaskType.HEAT_CAPACITY, found.heat_capacity()),
        (TaskType.STABILITY, found.stability()),
        (TaskType.INTERACTION_ENERGY, found.interaction_energy()),
    ],
)
def test_a_sound_result_has_no_warning(task_type: TaskType, values: dict[str, Any]) -> None:
    assert told(values, task_type) == ""


def test_a_quick_result_a_reused_one_and_a_partial_one_are_told() -> None:
    assert "not to be compared with published" in told({}, TaskType.OPTIMIZATION, preset=Preset.QUICK)
    assert "the result of task 7" in told({}, TaskType.OPTIMIZATION, reused_from=7)
    failed = task(1, TaskStatus.FAILED)
    assert result_warnings.warnings(failed, result({}))[:2] == [
        "It did not complete (failed): what stands here is what it had reached.",
        "SimulationExploded: the structure blew up at step 143",
    ]


def test_a_result_that_did_not_come_is_not_said_to_be_none() -> None:
    says = {
        status: " ".join(entry.value for entry in result_words.entries(task(1, status), None, (), UNICODE, {}))
        for status in (TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.RUNNING)
    }
    assert "could not be read" in says[TaskStatus.COMPLETED]
    assert "without a result (cancelled)" in says[TaskStatus.CANCELLED]
    assert "No result yet" in says[TaskStatus.RUNNING]


def words(values: dict[str, Any], task_type: TaskType = TaskType.OPTIMIZATION, **changes: Any) -> dict[str, str]:
    ended = task(8117, TaskStatus.COMPLETED, task_type=task_type, **changes)
    entries = result_words.entries(ended, result(values), [], UNICODE, {})
    return {entry.label.strip(): entry.value for entry in entries if entry.label}


def test_numbers_stand_with_their_unit_and_their_change() -> None:
    said = words(found.optimization())
    assert said["final energy"] == "-1234.5120 eV"
    assert said["final volume"] == "4314.30 Å³"
    assert said["from the start"] == "+14.30 Å³, +0.33 %"
    assert said["largest force"] == "0.0153 eV/Å   goal 0.02"
    assert (said["cell"], said["its angles"]) == ("25.9120 25.9120 25.9120 Å", "90.000 90.000 90.000°")
    assert words(found.interaction_energy())["interaction energy"] == "-0.3127 eV   -30.17 kJ/mol"


def test_nothing_of_a_result_is_dropped_but_what_is_drawn() -> None:
    said = words(found.heat_capacity() | {"brand_new_thing_GPa": 1.5}, TaskType.HEAT_CAPACITY)
    assert said["brand new thing"] == "1.5 GPa"
    assert said["phonopy version"] == "2.43.1"
    assert "temperatures" not in said


def test_a_number_is_copied_with_all_its_digits() -> None:
    entries = result_words.entries(task(1, TaskStatus.COMPLETED), result({"rmsd_A": 0.12345678901}), [], UNICODE, {})
    assert next(entry for entry in entries if entry.label.startswith("atoms moved")).copy == "0.12345678901"


def test_the_equation_of_state_is_the_one_that_was_fitted() -> None:
    bulk = task(1, TaskStatus.COMPLETED, task_type=TaskType.BULK_MODULUS)
    (plot,) = result_curves.plots(bulk, found.bulk_modulus(), None)
    line, points = plot.traces
    assert points.points
    assert len(points.xs) == 11
    fitted = result_curves.fitted(found.bulk_modulus(), 4300.0, 4600.0)
    assert fitted is not None
    assert [found.energy(x) for x in fitted.xs if x] == pytest.approx(list(fitted.ys))
    assert min(y for y in line.ys if y is not None) == pytest.approx(0.0, abs=1e-4)


def test_dynamics_are_drawn_over_their_time_without_the_relaxation() -> None:
    ran = task(1, TaskStatus.COMPLETED, task_type=TaskType.STABILITY, parameters={"pressure_bar": 1.0})
    plots = result_curves.plots(ran, found.stability(), found.dynamics(1))
    assert [plot.title.split(" (")[0] for plot in plots] == ["temperature", "pressure", "volume"]
    assert plots[0].traces[0].xs[0] == pytest.approx(0.001)
    assert plots[1].goal == pytest.approx(1e-4)
    assert plots[2].goal == 4300.0


def test_values_stand_in_one_column_and_go_on_in_it() -> None:
    entries = [*block("a title", [Entry("short", "1 eV"), Entry("a longer label", "word " * 12)]), BLANK]
    lines = ["".join(text for text, _ in laid.parts) for laid in lay(entries, 40)]
    assert lines[:2] == ["a title", "short           1 eV"]
    assert lines[2].startswith("a longer label  word word")
    assert lines[3].startswith("                word")
    assert all(len(line) <= 40 for line in lines)


async def open_ended(c: Driver, *panes: str) -> None:
    """The task at the end of the list, which is completed, and its pane so many tabs further."""
    await c.press("G")
    await c.until(lambda: c.cursor == 8117)
    await c.press("enter", *panes)


def known_with(values: dict[str, Any], task_type: TaskType, **parameters: Any) -> World:
    known = world()
    known.tasks[8117] = task(8117, TaskStatus.COMPLETED, task_type=task_type, parameters=parameters)
    known.results[8117] = values
    return known


async def test_a_bulk_modulus_is_drawn_with_its_points(run: Run) -> None:
    async with run(known_with(found.bulk_modulus(), TaskType.BULK_MODULUS)) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees(
            "bulk modulus", "16.2 GPa", "energy above the minimum (eV)   B = 16.2 GPa", "volume (Å³)", "4263.84"
        )
        assert sum(line.count("●") for line in c.lines) >= 8


async def test_without_unicode_it_is_all_readable(run: Run) -> None:
    async with run(known_with(found.bulk_modulus(fit_ok=False), TaskType.BULK_MODULUS), glyphs=ASCII) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("^ The fit is not to be trusted", "bulk modulus", "volume (A3)")
        assert c.text.isascii()
        assert "*" in c.text


async def test_imaginary_modes_come_first(run: Run) -> None:
    values = found.heat_capacity(imaginary_modes=3, lowest_frequency_THz=-1.2)
    async with run(known_with(values, TaskType.HEAT_CAPACITY)) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("heat capacity at 300 K", "0.7125 J/g/K", "temperature (K)")
        assert "3 imaginary modes" in c.lines[3]


async def test_dynamics_show_temperature_pressure_and_volume(run: Run) -> None:
    known = known_with(found.stability(), TaskType.STABILITY, temperature_K=300.0, pressure_bar=1.0)
    known.curves[8117] = found.dynamics(8117)
    async with run(known) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("temperature (K)", "pressure (GPa)", "volume (Å³)   drift +1.62 %", "set 300", "time (ps)")


async def test_a_file_is_saved_in_the_folder_that_is_typed(run: Run, tmp_path: Path) -> None:
    known = world()
    known.download_held = asyncio.Event()
    async with run(known) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.press("G", "enter")
        await c.sees("Save final.cif of task 8117 in this folder:", "is made")
        c.app.screen.query_one("#path").value = str(tmp_path / "new")  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("final.cif     48 KB  50%")
        known.download_held.set()
        await c.sees("saved final.cif in", "(48 KB)")
        await c.misses("50%")
        assert (tmp_path / "new" / "final.cif").read_bytes() == known.contents["final.cif"]


async def test_all_files_are_saved_at_once(run: Run, tmp_path: Path) -> None:
    known = world()
    known.contents["trajectory.extxyz"] = b"frames" * 1000
    async with run(known) as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("all of them")
        await c.press("G", "enter")
        await c.sees("Save 2 files of task 8117")
        c.app.screen.query_one("#path").value = str(tmp_path)  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("saved 2 files of task 8117")
        assert all((tmp_path / name).read_bytes() == content for name, content in known.contents.items())


async def test_a_folder_that_can_not_be_is_refused_where_it_is_typed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with run() as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.press("G", "enter")
        c.app.screen.query_one("#path").value = str(tmp_path / "file")  # type: ignore[attr-defined]
        await c.press("enter")
        await c.sees("is a file; type a folder")
        await c.press("escape")
        await c.sees("[Result]", "final.cif")


async def test_where_there_is_no_file_enter_says_so(run: Run) -> None:
    async with run() as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.press("enter")
        await c.sees("no file under the cursor")


async def test_the_cursor_stays_on_its_value_when_others_come(run: Run) -> None:
    async with run() as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.press("j", "j")
        await c.sees("▌ steps")
        c.world.results[8117] = found.optimization()
        await c.world.put(task(8117, TaskStatus.QUEUED))
        await c.world.put(task(8117, TaskStatus.COMPLETED, completed_at=NOW))
        await c.sees("-5.6120 eV, -9.0 meV/atom")
        await c.sees("▌ steps")


async def test_the_last_result_stays_when_the_server_is_gone(run: Run) -> None:
    async with run() as c:
        await open_ended(c, "tab", "tab", "tab")
        await c.sees("final.cif")
        await c.world.go_down()
        await c.sees("old")
        await c.press("G", "enter")
        await c.sees("the server does not answer", "final.cif")


def test_parameters_that_differ_from_the_preset_are_marked() -> None:
    changed = task(1, parameters={"fmax_eV_per_A": 0.02, "max_steps": 5000, "optimizer": "LBFGS", "relax_cell": True})
    preset = {"fmax_eV_per_A": 0.001, "max_steps": 5000, "optimizer": "LBFGS", "relax_cell": True}
    entries = inputs.entries(changed, preset, None, None, None, UNICODE, NOW)
    said = {entry.label: entry.value for entry in entries}
    assert said["fmax"] == "0.02 eV/Å   ▲ mofsimbench has 0.001 eV/Å"
    assert said["max steps"] == "5000"
    assert any("1 parameter differs" in entry.value for entry in entries)


async def test_inputs_show_structure_model_hashes_and_options(run: Run) -> None:
    known = world()
    delivery = Delivery(
        id=1,
        task_id=8117,
        event=WebhookEvent.TASK_COMPLETED,
        state=DeliveryState.GIVEN_UP,
        attempts=5,
        created_at=NOW,
        last_attempt_at=NOW,
        next_attempt_at=None,
        delivered_at=None,
        response_status=500,
        last_error="HTTP 500",
    )
    known.told[8117] = [delivery]
    async with run(known) as c:
        await open_ended(c, "tab", "tab", "tab", "tab")
        await c.sees(
            "[Inputs]",
            "Zn4C24H12O13",
            "4321.00 Å³",
            "0" * 16 + "…",
            "ab" * 8 + "…",
            "sevenn, float32",
            "told of task.completed",
        )
        await c.sees("▲ mofsimbench has 0.001 eV/Å", "▲ mofsimbench has LBFGS", "2 parameters differ")
        await c.press("j", "j", "j", "j", "y")
        assert c.app.clipboard == "0" * 64
        await c.press("tab")
        await c.sees("[History]", "given up of task.completed after 5 tries: HTTP 500")


def event(number: int, type: EventType, changed: Any, minutes: float) -> Event:
    time = NOW - timedelta(minutes=minutes)
    return Event(id=number, time=time, type=type, task_id=changed.id, data={"task": changed.model_dump(mode="json")})


def test_the_past_is_told_by_what_each_event_changed() -> None:
    s = TaskStatus
    states = [
        (EventType.TASK_CREATED, task(1)),
        (EventType.TASK_CHANGED, task(1, priority=Priority.HIGH)),
        (EventType.TASK_STATUS, task(1, s.ASSIGNED, priority=Priority.HIGH)),
        (EventType.TASK_STATUS, task(1, s.RUNNING, priority=Priority.HIGH)),
        (EventType.TASK_CHANGED, task(1, s.RUNNING, priority=Priority.HIGH, stop_requested=StopReason.CANCELLED)),
        (EventType.TASK_CHANGED, task(1, s.RUNNING, priority=Priority.HIGH)),
        (EventType.TASK_STATUS, task(1, s.FAILED, priority=Priority.HIGH)),
    ]
    events = [event(i, type, changed, 30 - i) for i, (type, changed) in enumerate(states)]
    line = AuditLine(
        id=1,
        time=NOW - timedelta(minutes=28.5),
        key_id=3,
        key_name="ada",
        address="10.0.0.3",
        method="POST",
        route="/api/v1/tasks/{id}/priority",
        subject="tasks/1",
        status=202,
        request_id="r",
    )
    entries = history.entries(states[-1][1], history.Past([], events, [], [line]), NOW)
    said = [entry.value for entry in entries if entry.label]
    assert said == [
        "submitted, normal priority",
        "priority normal, now high",
        "by ada from 10.0.0.3: changed its priority",
        "taken by gpu-box-1:gpu1, attempt 1",
        "running: the model is loaded",
        "asked to stop after the current step: to cancel it",
        "goes on: the cancel was taken back",
        "failed: the structure blew up at step 143",
    ]


def test_a_reused_result_was_taken_by_no_worker() -> None:
    past = history.Past([], [], [])
    reused, waits = (
        " ".join(entry.value for entry in history.entries(each, past, NOW))
        for each in (task(9, TaskStatus.COMPLETED, reused_from=7), task(9))
    )
    assert "task 7 had the same result" in reused and "No worker" not in reused
    assert "No worker has taken it yet" in waits


def test_attempts_tell_where_they_ran_and_why_they_ended() -> None:
    begin = NOW - timedelta(minutes=20)
    lost = Attempt(
        attempt=1,
        worker_id="box:gpu0",
        gpu_id="GPU-7",
        assigned_at=begin,
        started_at=begin + timedelta(seconds=41),
        ended_at=begin + timedelta(seconds=341),
        outcome=AttemptOutcome.LOST,
        reason="the worker went away",
        steps=120,
    )
    again = lost.model_copy(
        update={"attempt": 2, "outcome": None, "ended_at": None, "reason": None, "resumed_from_step": 100}
    )
    entries = history.entries(task(1, TaskStatus.RUNNING), history.Past([lost, again]), NOW)
    said = [f"{entry.label.strip()}: {entry.value}" for entry in entries if entry.label]
    assert "attempt 1: lost, 120 steps, on box:gpu0 (GPU-7)" in said
    assert "because: the worker went away" in said
    assert any(line.startswith("ended: ") and line.endswith("after 05:00") for line in said)
    assert "attempt 2: under way, 120 steps, on box:gpu0 (GPU-7)" in said
    assert "resumed: from the checkpoint at step 100" in said


async def test_who_changed_a_task_is_told_to_admins(run: Run) -> None:
    known = world()
    values = {"key_id": 3, "address": "10.0.0.3", "method": "POST", "status": 202, "request_id": "r"}
    known.audit = [
        AuditLine(id=2, time=NOW, key_name="ada", route="/api/v1/tasks/{id}/retry", subject="tasks/8117", **values),
        AuditLine(id=1, time=NOW, key_name="eve", route="/api/v1/tasks/{id}/retry", subject="tasks/81", **values),
    ]
    async with run(known) as c:
        await open_ended(c, "tab", "tab", "tab", "tab", "tab")
        await c.sees("[History]", "attempt 1", "submitted", "completed", "by ada from 10.0.0.3: queued it again")
        assert "eve" not in c.text


async def test_what_happens_is_added_to_the_history(run: Run) -> None:
    async with run() as c:
        await c.press(*"jjjjjj", "enter", "tab", "tab", "tab", "tab", "tab")
        await c.sees("[History]", "attempt 1", "under way")
        await c.world.put(task(8125, TaskStatus.COMPLETED))
        await c.sees("✓ done", "completed")
