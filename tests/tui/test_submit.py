from pathlib import Path

from mofsim.client import Invalid
from mofsim.schemas.resources import Structure
from mofsim.tui import form
from mofsim.tui.screens.submit import ESTIMATE_AFTER, SubmitForm
from mofsim.vocabulary import Preset, TaskType
from tests.tui.conftest import Driver, Run
from tests.tui.fake import structure, world

OPT = TaskType.OPTIMIZATION


def test_fields_know_unit_bounds_and_what_the_preset_sets() -> None:
    fields = {p.name: p for p in form.parameters(OPT, Preset.QUICK)}
    fmax, steps = fields["fmax_eV_per_A"], fields["max_steps"]
    assert (fmax.label, fmax.unit, fmax.bounds, fmax.preset_value) == ("fmax", "eV/Å", "> 0, at most 10", "0.05")
    assert (steps.bounds, steps.preset_value) == ("1 to 100 000", "100")
    assert fields["optimizer"].choices == ("LBFGS", "BFGS", "FIRE")
    assert fields["relax_cell"].choices == ("yes", "no")


def test_only_what_was_typed_is_sent() -> None:
    given, problems = form.check(OPT, Preset.QUICK, {"fmax_eV_per_A": "0.1", "max_steps": " ", "relax_cell": "no"})
    assert (given, problems) == ({"fmax_eV_per_A": "0.1", "relax_cell": False}, {})


def test_what_is_wrong_is_told_by_field() -> None:
    _, problems = form.check(OPT, Preset.QUICK, {"fmax_eV_per_A": "-1", "max_steps": "many"})
    assert problems["fmax_eV_per_A"] == "greater than 0"
    assert "valid integer" in problems["max_steps"]


def test_times_are_read_with_and_without_a_unit() -> None:
    assert [form.seconds(t) for t in ("", "90", "30m", "2 h", "1d")] == [None, 90.0, 1800.0, 7200.0, 86400.0]


KNOWN: list[Structure] = [
    structure(1, "MOF-5"),
    structure(7, "mine", builtin=False),
    structure(8, "mine", builtin=False),
]


def test_a_structure_is_meant_by_name_by_id_or_by_file(tmp_path: Path) -> None:
    file = tmp_path / "new.cif"
    file.write_text("data_x")
    assert form.choose("mof-5", KNOWN).reference == "MOF-5"
    assert form.choose("#7", KNOWN).reference == 7
    assert form.choose(str(file), KNOWN).file == file
    assert "2 uploads are called so" in form.choose("mine", KNOWN).problem
    assert "no such file" in form.choose("./none.cif", KNOWN).problem
    assert "neither" in form.choose("zzz", KNOWN).problem


def test_the_servers_fields_are_found_on_the_form() -> None:
    names = ("parameters.fmax_eV_per_A", "structure.name", "options.timeout_seconds", "model", "file", None)
    assert [form.field_of(n) for n in names] == ["fmax_eV_per_A", "structure", "timeout", "model", "structure", None]


async def open_form(c: Driver) -> None:
    await c.press("n")
    await c.sees("new task", "HKUST-1      101 atoms", "7net-0")


async def test_a_task_is_submitted_and_the_cursor_stands_on_it(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter")
        await c.sees("105 atoms, 4321 Å³")
        await c.press("ctrl+s")
        await c.sees("[2 Tasks]", "8132")
        await c.until(lambda: c.cursor == 8132)
        sent = c.world.submitted[0]
        assert sent["structure"] == {"source": "builtin", "name": "ZIF-8"}
        assert (sent["task_type"], sent["preset"]) == ("optimization", "quick")
        assert sent["options"] == {"priority": "NORMAL"}


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_sent(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("ctrl+s")
        await c.sees("✗ choose a structure")
        await c.type("zif")
        await c.press("enter", "tab", "tab", "tab")
        await c.type("-3")
        await c.sees("✗ greater than 0")
        await c.press("ctrl+s")
        assert c.world.submitted == []


async def test_parameters_follow_type_and_preset(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("tab", "tab", "tab", "left")
        await c.sees("0.001 (mofsimbench)", "the published protocol")
        await c.press("shift+tab", "shift+tab", "left")
        await c.misses("fmax")


async def test_a_choice_and_a_value_are_sent(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("mof-74")
        await c.press("enter", "tab", "right", "tab", "tab")
        await c.type("0.2")
        await c.press("tab", "tab", "right", "tab", "tab", "left", "tab")
        await c.type("30m")
        await c.press("ctrl+s")
        await c.until(lambda: c.world.submitted)
        sent = c.world.submitted[0]
        assert sent["parameters"] == {"fmax_eV_per_A": "0.2", "optimizer": "BFGS"}
        assert sent["options"] == {"priority": "HIGH", "timeout_seconds": 1800.0}


async def test_a_model_that_lacks_an_element_is_told_before_sending(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter", "tab", "right", "right")
        await c.sees("[7net-l3i5]", "✗ does not know Zn")
        await c.press("ctrl+s")
        assert c.world.submitted == []


async def test_only_what_can_be_used_is_offered(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        screen = c.app.screen
        assert isinstance(screen, SubmitForm)
        await c.until(lambda: len(screen.model.options) > 1)
        assert [value for value, _ in screen.model.options] == ["", "7net-0", "7net-l3i5"]
        assert TaskType.VALIDATION not in dict(screen.type.options)


async def test_a_refusal_of_the_server_stands_beside_the_field_it_names(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter")
        c.world.refusal = Invalid(
            "is more than 7 days", code=422, type="ValidationError", field="options.timeout_seconds"
        )
        await c.press("ctrl+s")
        await c.sees("✗ is more than 7 days")
        assert c.app.focused is not None and c.app.focused.id == "timeout"
        c.world.refusal = Invalid("the queue is full", code=422, type="Full")
        await c.press("ctrl+s")
        await c.sees("✗ the queue is full")


async def test_a_file_is_uploaded_and_its_structure_used(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.cif"
    file.write_text("data_mine")
    async with run() as c:
        await open_form(c)
        c.app.screen.query_one("PickInput").value = str(file)  # type: ignore[attr-defined]
        await c.sees("it is uploaded first")
        await c.press("ctrl+s")
        await c.until(lambda: c.world.submitted)
        assert c.world.submitted[0]["structure"] == {"source": "upload", "id": 9}


async def test_what_the_task_would_need_is_told_as_soon_as_it_is_known_what_it_is(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        assert c.world.estimated == []
        await c.type("zif")
        await c.press("enter")
        await c.sees("about 1.1 GB and 40 s (12–95 s, learnt from 7 tasks)")
        asked = {"task_type": "optimization", "structure": {"source": "builtin", "name": "ZIF-8"}, "preset": "quick"}
        assert c.world.estimated == [asked]
        assert c.world.submitted == []


async def test_an_estimate_follows_what_is_chosen_and_waits_for_a_pause(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter")
        await c.sees("about 1.1 GB")
        await c.press("tab", "tab", "tab")
        await c.type("0.25")
        await c.misses("about 1.1 GB")
        await c.sees("about 1.1 GB")
        assert [asked.get("parameters") for asked in c.world.estimated] == [None, {"fmax_eV_per_A": "0.25"}]
        await c.type("x")
        await c.misses("about 1.1 GB")
        await c.press("backspace")
        await c.sees("about 1.1 GB")
        await c.press(*["tab"] * 4)
        await c.sees("about 1.1 GB")
        assert len(c.world.estimated) == 3


async def test_priority_and_time_limit_ask_for_no_other_estimate(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter")
        await c.sees("about 1.1 GB")
        c.app.screen.query_one("#timeout").focus()
        await c.type("30m")
        await c.pilot.pause(2 * ESTIMATE_AFTER)
        assert len(c.world.estimated) == 1 and "about 1.1 GB" in c.text


async def test_the_estimate_stays_without_a_server_and_follows_when_it_is_back(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.type("zif")
        await c.press("enter")
        await c.sees("about 1.1 GB")
        await c.world.go_down()
        await c.sees("does not answer", "about 1.1 GB")
        await c.press("tab", "tab", "tab")
        await c.type("0.25")
        await c.misses("about 1.1 GB")
        await c.pilot.pause(2 * ESTIMATE_AFTER)
        assert len(c.world.estimated) == 1 and "about 1.1 GB" not in c.text
        c.world.up = True
        await c.sees("about 1.1 GB", "● live")
        assert len(c.world.estimated) == 2


async def test_why_no_worker_can_take_it_is_told_too(run: Run) -> None:
    known = world()
    known.estimate_why_none = "no worker takes tasks now; start one with `mofsim worker`, or resume one that is drained"
    async with run(known, size=(80, 24)) as c:
        await c.press("n")
        await c.sees("new task", "HKUST-1      101 atoms")
        await c.type("zif")
        await c.press("enter")
        await c.sees("about 1.1 GB and 40 s", "or resume one that is drained")


async def test_what_only_the_server_knows_to_be_wrong_is_told_before_sending(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        c.world.refusal = Invalid("the guest is gone", code=422, type="UnknownStructure", field="structure.id")
        await c.type("zif")
        await c.press("enter")
        await c.sees("✗ the guest is gone")


async def test_a_file_has_no_estimate_before_it_is_uploaded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.cif").write_text("data_mine")
    async with run() as c:
        await open_form(c)
        c.app.screen.query_one("PickInput").value = str(tmp_path / "mine.cif")  # type: ignore[attr-defined]
        await c.sees("it is uploaded first")
        await c.pilot.pause(2 * ESTIMATE_AFTER)
        assert c.world.estimated == []


async def test_esc_leaves_the_form_without_sending(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("escape")
        await c.sees("[2 Tasks]")
        assert c.world.submitted == []


def test_the_atoms_of_a_guest_are_typed_as_numbers_and_ranges() -> None:
    fields = {p.name: p for p in form.parameters(TaskType.INTERACTION_ENERGY, Preset.QUICK)}
    assert (fields["guest"].preset_value, fields["sites"].preset_value) == ("CO2", "3")
    assert fields["guest_indices"].preset_value == form.typed(None)
    assert form.check(TaskType.INTERACTION_ENERGY, Preset.QUICK, {"guest_indices": "54-56"})[1] == {}
    _, problems = form.check(TaskType.INTERACTION_ENERGY, Preset.QUICK, {"guest_indices": "a", "guest": "co2"})
    assert "54-56" in problems["guest_indices"] and "write CO2" in problems["guest"]
