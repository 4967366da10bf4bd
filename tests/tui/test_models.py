"""The screen of models, and the form that uploads one."""

from pathlib import Path

from mofsim.models_builtin import BUILTIN_MODELS
from mofsim.tui.looks import ASCII
from mofsim.tui.model_words import Use, check_words, memory, origin, places, use, wishes
from mofsim.tui.stock import ModelBook, ModelRow
from mofsim.tui.widgets.path_input import completed
from mofsim.vocabulary import EventType, TaskStatus, WorkerState
from tests.tui import fake_stock
from tests.tui.conftest import Driver, Run
from tests.tui.fake import World, task, worker, world


def some() -> World:
    known = world()
    known.models.append(fake_stock.wide_model())
    known.validations["unproven"] = fake_stock.failed_validation()
    known.machines.workers["gpu-box-1:gpu0"] = worker(0).model_copy(update={"loaded_models": ["7net-0"]})
    return known


def changes(c: Driver) -> list[tuple[str, str]]:
    return [asked for asked in c.world.asked if asked[0] != "GET"]


def under_cursor(c: Driver) -> str:
    (line,) = [line for line in c.lines if "▌" in line]
    return line.strip("│▌ ").split()[0]


async def test_models_are_listed_with_whether_tasks_can_use_them_and_why_not(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6")
        await c.sees(
            "[6 Models]", "7net-0 (default)", "12.1 GB (624 at)", "✓ usable", "✗ failed its checks", "uploaded"
        )
        await c.sees(
            "built in, sevenn, float32, D3(BJ) added", "tasks can use it", "24.0 GB was too little", "sevenn 0.11.2"
        )
        await c.sees("used by     10 tasks: 8131 energy MIL-53", "elements: 4", "Zn ·")
        await c.press("j", "j")
        await c.sees(
            "forces: 0.21 eV/Å, at most 0.05: FAILED", "stress: not a number", "0.9 eV/Å, at least 0.05: passed"
        )
        await c.sees("elements    not told", "used by     0 tasks")
        await c.press("j")
        await c.sees("H–Pu without Po, At, Rn, Fr, Ra", "licence     not told", "elements: 89")


async def test_where_it_is_loaded_follows_the_workers(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6", "j")
        await c.sees("loaded on   no worker")
        await c.world.change_worker(worker(2).model_copy(update={"loaded_models": ["7net-l3i5"]}))
        await c.sees("loaded on   gpu2")
        await c.world.change_worker(worker(3).model_copy(update={"note": "7net-l3i5 can not be loaded: no memory"}))
        await c.sees("7net-l3i5 can not be loaded")
        assert under_cursor(c) == "7net-l3i5"
        await c.world.change_worker(worker(2, WorkerState.LOST).model_copy(update={"loaded_models": ["7net-l3i5"]}))
        await c.sees("loaded on   no worker")


async def test_a_model_is_loaded_on_a_worker_that_is_chosen_and_unloaded_where_it_is(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6", "l")
        await c.sees("all 4 workers", "gpu-box-1:gpu0  busy, has 7net-0", "between two tasks")
        await c.type("gpu2")
        await c.press("enter")
        await c.sees("7net-0: asked to load it: gpu-box-1:gpu2", "gpu0 loading gpu2")
        await c.press("u")
        await c.sees("all workers", "gpu-box-1:gpu0")
        await c.misses("gpu-box-1:gpu1  busy")
        await c.press("enter")
        await c.sees("7net-0: asked to unload it")
        assert changes(c) == [("POST", "models/7net-0/load"), ("POST", "models/7net-0/unload")]
        await c.press("l", "escape")
        await c.misses("all 4 workers")
        assert len(changes(c)) == 2


async def test_what_can_not_be_done_is_said(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6")
        await c.sees("✓ usable")
        await c.press("v")
        await c.sees("only uploaded models are validated")
        await c.press("D")
        await c.sees("it comes with the settings")
        await c.press("j", "u")
        await c.sees("no worker has it in memory")
        await c.press("j", "l")
        await c.sees("it can be used when its validation has passed")
        await c.press("n")
        assert "new task" not in c.lines[0]
        assert changes(c) == []


async def test_a_validation_is_queued_and_its_end_is_seen(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6", "j", "j", "v")
        await c.sees("task 8132 validates unproven", "◔ validating", "used by     1 task: 8132")
        await c.press("v")
        await c.sees("task 8132 does that already")
        passed = fake_stock.failed_validation().model_copy(update={"passed": True, "checks": {}})
        c.world.validations["unproven"] = passed
        c.world.models = [
            m.model_copy(update={"is_validated": True}) if m.name == "unproven" else m for m in c.world.models
        ]
        await c.world.put(c.world.tasks[8132].model_copy(update={"status": TaskStatus.COMPLETED}))
        await c.sees("can use it")
        await c.misses("validating")
        await c.press("v")
        await c.sees("Validate unproven again?", "no task can use it")
        await c.press("y")
        await c.sees("task 8133 validates unproven")


async def test_an_uploaded_model_is_removed_after_a_question(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6", "j", "j", "delete")
        await c.sees("Remove the model unproven?", "keep it (n)")
        await c.press("n", "D", "y")
        await c.sees("model unproven is removed")
        await c.misses("✗ failed its checks")
        assert changes(c) == [("DELETE", "models/custom/unproven")]


async def test_its_tasks_are_listed_and_a_new_one_begins_with_it(run: Run) -> None:
    known = some()
    known.tasks[8200] = task(8200, model="7net-0-copy")
    async with run(known) as c:
        await c.press("6", "n")
        await c.sees("new task", "[7net-0]")
        await c.press("escape")
        await c.sees("[6 Models]")
        await c.press("enter")
        await c.sees("[2 Tasks]", "model:7net-0")
        await c.misses("8200")
        await c.sees("8131")


async def test_weights_are_uploaded_and_what_is_wrong_is_said_beside_its_field(run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    async with run(some()) as c:
        await c.press("6", "i")
        await c.sees("upload a model", "path of the file with the weights")
        await c.press("ctrl+s")
        await c.sees("✗ type the path of a file", "✗ give it a name")
        await c.type(str(tmp_path / "nothing"))
        await c.press("ctrl+s")
        await c.sees("there is no such file on this machine")
        c.app.screen.query_one("#file").value = str(weights)  # type: ignore[attr-defined]
        c.app.screen.query_one("#name").value = "7net-0"  # type: ignore[attr-defined]
        c.app.screen.query_one("#elements").value = "H C Xx"  # type: ignore[attr-defined]
        c.app.screen.query_one("#options").value = "[1]"  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.sees("✗ Xx: no symbol of an element", "✗ write an object")
        c.app.screen.query_one("#elements").value = "H, C"  # type: ignore[attr-defined]
        c.app.screen.query_one("#options").value = '{"head": "pbe"}'  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.sees("✗ there is a model of that name")
        c.app.screen.query_one("#name").value = "mine"  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.sees("[6 Models]", "model mine is there", "◌ not validated")
        (sent,) = c.world.uploaded
        assert sent.fields | {"description": ""} == {
            "name": "mine",
            "framework": "chgnet",
            "dtype": "float32",
            "elements": "H C",
            "options": '{"head": "pbe"}',
            "validate": "true",
            "description": "",
        }


async def test_without_a_server_the_models_stay_and_nothing_is_asked_of_it(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6")
        await c.sees("used by     10 tasks")
        await c.world.go_down()
        await c.sees("does not answer", "7net-0 (default)")
        assert "l load" not in c.lines[-1]
        await c.press("l")
        await c.sees("the server does not answer; this works again")
        assert changes(c) == []


async def test_after_missed_events_the_models_are_read_again(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6")
        await c.sees("uploaded")
        c.world.models = [fake_stock.model("other", is_default=True)]
        await c.world.tell(EventType.RESET, {})
        await c.sees("other (default)")
        await c.misses("unproven")


async def test_a_server_without_models_says_what_to_press(run: Run) -> None:
    known = some()
    known.models = []
    async with run(known, glyphs=ASCII) as c:
        await c.press("6")
        await c.sees("The server has no models.", "i uploads one")
        await c.press("enter")
        await c.sees("there is no model under the cursor")
        assert c.text.isascii()


async def test_a_narrow_screen_keeps_what_matters(run: Run) -> None:
    async with run(some(), size=(80, 24)) as c:
        await c.press("6")
        await c.sees("7net-0", "✓ usable", "LOADED ON", "can use it")
    async with run(some(), size=(40, 20)) as c:
        await c.press("6")
        await c.sees("7net-0", "✓ usable", "[Models]", "can use it")


async def test_while_nothing_happens_nothing_is_asked(run: Run) -> None:
    async with run(some()) as c:
        await c.press("6")
        await c.sees("used by     10 tasks")
        await c.pilot.pause(0.3)
        asked = len(c.world.asked)
        await c.pilot.pause(0.6)
        assert len(c.world.asked) == asked


def row(**changes: object) -> ModelRow:
    return ModelRow(1, fake_stock.model("m", **changes))


def test_a_model_is_usable_or_it_is_said_why_not() -> None:
    known = world()
    custom = fake_stock.model("m", is_custom=True, is_validated=False)
    assert use(row()) is Use.USABLE
    assert use(ModelRow(1, custom)) is Use.NOT_VALIDATED
    known.validations["m"] = fake_stock.failed_validation()
    assert use(ModelRow(1, custom, fake_stock.detail(custom, known))) is Use.FAILED
    assert [origin(fake_stock.model(name)) for name in ("7net-0", "m")] == ["built in", "settings"]
    assert "7net-0" in BUILTIN_MODELS


def test_places_tell_what_is_under_way() -> None:
    workers = [worker(i).model_copy(update={"loaded_models": ["m"]}) for i in (0, 1)]
    workers[1] = workers[1].model_copy(update={"model_wishes": {"m": "unload"}})
    other = worker(2).model_copy(update={"host": "b", "id": "b:gpu2", "model_wishes": {"m": "load"}})
    assert places("m", workers) == "gpu0 unloading gpu1"
    assert places("m", [*workers, other]) == "gpu-box-1:gpu0 loading b:gpu2 unloading gpu-box-1:gpu1"
    assert wishes("m", [other.model_copy(update={"state": WorkerState.STOPPED})]) == {}
    assert memory(row()) == ""


def test_checks_are_told_with_their_limits() -> None:
    assert check_words("net_force", fake_stock.check(2e-5, 1e-3, "eV/Å per atom")) == (
        "net force: 2.0e-05 eV/Å per atom, at most 0.001: passed"
    )


def test_the_cursor_of_a_model_survives_the_list_and_details_stay() -> None:
    book, known = ModelBook(), world()
    book.came(known.models)
    ids = {r.name: r.id for r in book.listing.rows}
    book.detail_came(fake_stock.detail(known.models[0], known))
    book.came([*reversed(known.models), fake_stock.model("a-new-one")])
    assert {r.name: r.id for r in book.listing.rows if r.name in ids} == ids
    assert [r.name for r in book.listing.rows] == ["7net-0", "7net-l3i5", "a-new-one", "unproven"]
    assert book.listing.rows[0].detail is not None


def test_a_path_goes_on_as_the_folder_does(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "weights.pth").touch()
    (tmp_path / ".hidden").touch()
    assert completed(f"{tmp_path}/we") == f"{tmp_path}/weights.pth"
    assert completed(f"{tmp_path}/s") == f"{tmp_path}/sub/"
    assert completed(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    assert [completed(text) for text in ("", f"{tmp_path}/nothing", f"{tmp_path}/no/such", f"{tmp_path}/")] == [
        None
    ] * 4
