"""The screen of structures, the form that imports them, and the structure of a task."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mofsim.schemas.resources import StructureSet
from mofsim.schemas.tasks import TaskGeometry, TaskResult
from mofsim.tui.looks import ASCII
from mofsim.tui.molecule import molecule
from mofsim.tui.query import QueryError
from mofsim.tui.stock import StructureBook
from mofsim.tui.structure_filter import matches, parse
from mofsim.tui.structure_words import changes as cell_changes
from mofsim.vocabulary import EventType, Frame, TaskStatus, TaskType
from tests.tui import fake_stock
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, World, structure, task, world


def some() -> World:
    known = world()
    mine = structure(9, "my MOF", builtin=False).model_copy(update={"n_atoms": 2, "formula": "MgO", "volume_A3": 74.0})
    known.structures.append(mine.model_copy(update={"elements": ["Mg", "O"], "created_at": NOW - timedelta(days=3)}))
    known.sets = [StructureSet(name="main_set", structure_ids=[1, 9])]
    return known


def changes(c: Driver) -> list[tuple[str, str]]:
    return [asked for asked in c.world.asked if asked[0] != "GET"]


def under_cursor(c: Driver) -> str:
    (line,) = [line for line in c.lines if "▌" in line]
    return line.strip("│▌ ").split()[0]


def shown(c: Driver) -> str:
    """The picture, without the table beside it."""
    return "\n".join(line[65:] for line in c.lines[2:22])


async def test_structures_are_listed_with_a_picture_of_the_one_under_the_cursor(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7")
        await c.sees("[7 Structures]", "HKUST-1", "my MOF", "main_set", "1 of 9", "Zn")
        await c.sees("● Zn 1  · H 1  • C 2  • O 2", "cell 8.000 9.000 10.000 Å, 90.0 90.0 90.0°", "1 task: 8128")
        await c.press("G")
        await c.sees("9 my MOF", "MgO, 2 atoms, O Mg", "my MOF.cif (cif, 12 KB), 2026-02-2", "in the set main_set")
        await c.press("2")
        await c.sees("[2 Tasks]")


async def test_the_picture_turns_zooms_and_comes_back(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7")
        await c.sees("● Zn 1")
        first = shown(c)
        seen = {first}
        for keys in (["right"], ["shift+up"], ["plus"], ["x"], ["b"], ["m"]):
            await c.press(*keys)
            seen.add(shown(c))
        assert len(seen) == 7, "each key shows it differently"
        assert under_cursor(c) == "1"
        await c.press("b", "m", "0")
        await c.until(lambda: shown(c) == first)
        await c.press("left", "right", "shift+up", "shift+down", "minus", "plus")
        await c.until(lambda: shown(c) == first)


async def test_enter_shows_the_picture_alone_where_arrows_turn_it(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7")
        await c.sees("● Zn 1")
        await c.press("enter")
        await c.misses("METALS")
        large = c.text
        await c.press("j")
        await c.until(lambda: c.text != large)
        await c.press("k")
        await c.until(lambda: c.text == large)
        await c.press("escape")
        await c.sees("METALS")
        assert under_cursor(c) == "1"


async def test_the_list_is_filtered_as_it_is_typed_and_says_what_is_wrong(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7", "slash")
        await c.type("set:main metal:mg")
        await c.sees("1 of 9", "my MOF")
        await c.misses("HKUST-1")
        await c.press("escape", "slash")
        await c.type("kind:x")
        await c.sees("kind: is not a field; there are metal:")
        await c.press("escape", "slash")
        await c.type("nothing")
        await c.sees("No structure matches the filter.")
        await c.press("enter", "escape")
        await c.sees("HKUST-1", "1 of 9")


async def test_the_list_is_sorted_and_the_cursor_stays(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7", "j", "s", "s")
        await c.sees("ATOMS ▲")
        assert "my MOF" in c.lines[4] and under_cursor(c) == "2"
        await c.press("S")
        await c.sees("ATOMS ▼")
        assert "NU-1000" in c.lines[4] and under_cursor(c) == "2"


async def test_structures_of_others_come_and_go_while_the_cursor_stays(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7", "j", "j")
        new = structure(10, "of somebody", builtin=False)
        await c.world.tell(EventType.STRUCTURE_CREATED, {"structure": new.model_dump(mode="json")})
        await c.sees("of somebody", "3 of 10")
        await c.world.tell(EventType.STRUCTURE_DELETED, {"structure_id": 1})
        await c.misses("HKUST-1")
        assert under_cursor(c) == "3"


async def test_a_structure_is_removed_after_a_question_or_the_server_says_why_not(run: Run) -> None:
    known = some()
    known.tasks[8200] = task(8200).model_copy(
        update={"structure": task(8200).structure.model_copy(update={"id": 9, "name": "my MOF", "is_builtin": False})}
    )
    async with run(known) as c:
        await c.press("7")
        await c.sees("● Zn 1")
        await c.press("D")
        await c.sees("built-in structures stay")
        await c.press("G", "delete")
        await c.sees("Remove structure 9 my MOF?", "keep it (n)")
        await c.press("y")
        await c.sees("tasks refer to structure 9; delete them first")
        del c.world.tasks[8200]
        await c.press("D", "y")
        await c.sees("structure 9 my MOF is removed", "8 of 8")


async def test_its_tasks_are_listed_and_a_new_one_begins_with_it(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7", "G", "n")
        await c.sees("new task", "#9")
        await c.press("escape", "t")
        await c.sees("[2 Tasks]", "structure:9")
        await c.press("7", "g", "t")
        await c.sees("structure:HKUST-1", "8128")


async def typed(c: Driver, **fields: str) -> None:
    for name, value in fields.items():
        c.app.screen.query_one(f"#{name}").value = value  # type: ignore[attr-defined]
    await c.pilot.pause()


async def test_a_file_is_imported_or_its_refusal_stands_beside_its_field(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.cif", tmp_path / "bad.cif"
    good.write_text("data_good")
    bad.write_text("rubbish")
    async with run(some()) as c:
        await c.press("7", "i")
        await c.sees("import structures", "path of a file, or of a folder")
        await c.press("ctrl+s")
        await c.sees("✗ type the path of a file or folder")
        await typed(c, file=str(tmp_path / "none.cif"))
        await c.press("ctrl+s")
        await c.sees("✗ there is no such file or folder")
        await typed(c, file=str(bad))
        await c.press("ctrl+s")
        await c.sees("✗ the file has no atoms; look at it")
        await typed(c, file=str(good), name="mine", set="lab")
        await c.press("ctrl+s")
        await c.sees("[7 Structures]", "structure 10: mine", "lab")
        assert c.world.uploaded[0].fields == {"name": "mine"}
        assert c.world.sets[-1] == StructureSet(name="lab", structure_ids=[10])


async def test_a_folder_is_imported_and_what_was_refused_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name, text in (("a.cif", "data_a"), ("b.cif", "rubbish"), ("below/c.cif", "data_c"), ("notes.txt", "no")):
        (tmp_path / name).write_text(text)
    async with run(some()) as c:
        await c.press("7", "i")
        await typed(c, file=str(tmp_path), name="x")
        await c.press("ctrl+s")
        await c.sees("structures of a folder are called like")
        await typed(c, name="", set="main_set")
        c.app.screen.query_one("#recursive").choose("yes")  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.sees("1 file was refused", "b.cif: ", "the file has no atoms")
        await c.press("escape")
        await c.sees("[7 Structures]", "1 of 11")
        assert c.world.sets[-1] == StructureSet(name="main_set", structure_ids=[1, 9, 10, 11])
        await c.press("i")
        (tmp_path / "empty").mkdir()
        await typed(c, file=str(tmp_path / "empty"))
        await c.press("ctrl+s")
        await c.sees("✗ the folder has no .cif file")


async def test_a_structure_whose_file_is_gone_says_so(run: Run) -> None:
    known = some()
    known.lost = {1}
    async with run(known) as c:
        await c.press("7")
        await c.sees("the file of structure 1 is gone")
        await c.press("right")
        assert under_cursor(c) == "1"


async def test_without_a_server_the_picture_stays_and_still_turns(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7")
        await c.sees("● Zn 1")
        await c.world.go_down()
        await c.sees("does not answer")
        before = shown(c)
        await c.press("right")
        assert shown(c) != before and "HKUST-1" in c.text
        await c.press("i")
        await c.sees("the server does not answer; this works again")


async def test_on_small_screens_and_without_unicode_it_is_readable(run: Run) -> None:
    async with run(some(), size=(80, 24)) as c:
        await c.press("7")
        await c.sees("HKUST-1", "● Zn 1", "METALS")
    async with run(some(), size=(40, 20), glyphs=ASCII) as c:
        await c.press("7")
        await c.sees("HKUST-1", "ATOMS")
        await c.misses("@ Zn 1")
        await c.press("enter")
        await c.sees("@ Zn 1")
        assert c.text.isascii()


async def test_while_nothing_happens_nothing_is_asked(run: Run) -> None:
    async with run(some()) as c:
        await c.press("7")
        await c.sees("1 task: 8128")
        await c.pilot.pause(0.3)
        asked = len(c.world.asked)
        await c.press("right", "shift+up")
        await c.pilot.pause(0.6)
        assert len([a for a in c.world.asked[asked:] if a[1].endswith("geometry")]) == 0


async def pane(c: Driver, *keys: str) -> None:
    await c.press(*keys, "enter", "tab", "tab")
    await c.sees("[Structure]")


async def test_a_running_relaxation_shows_where_it_is_and_what_changed(run: Run) -> None:
    async with run() as c:
        await pane(c, *["j"] * 6)
        await c.sees("as it is now", "trajectory.extxyz, step 143", "a        8.000 →     8.080 Å   +1.00 %", "● Zn 1")
        await c.sees("V        720.0 →     727.2 Å³  +1.00 %", "moved farthest  H 5, 0.08")
        now = c.text
        await c.press("i")
        await c.sees("as submitted")
        await c.press("i", "right", "j")
        await c.sees("as it is now")
        assert c.text != now
        await c.press("plus")
        assert ("POST", "tasks/8125/priority") not in changes(c), "in this pane it is the size"


async def test_a_result_shows_the_relaxed_structure_and_is_asked_for_once(run: Run) -> None:
    async with run() as c:
        await pane(c, "G")
        await c.sees("as it ended", "optimized.extxyz", "+5.00 %", "moved farthest  H 5, 0.")
        await c.press("tab", "shift+tab")
        await c.pilot.pause(0.3)
        assert sum(path == "tasks/8117/geometry" for _, path in c.world.asked) == 2
        again = c.world.tasks[8117]
        await c.world.put(again.model_copy(update={"status": TaskStatus.RUNNING}))
        await c.sees("● run")
        await c.world.put(again)
        await c.sees("✓ done")
        await c.until(lambda: sum(path == "tasks/8117/geometry" for _, path in c.world.asked) > 2)


async def test_a_task_that_waits_has_only_what_was_submitted(run: Run) -> None:
    async with run() as c:
        await pane(c, "j", "j")
        await c.sees("as submitted", "● Zn 1", "V      720.0 Å³")
        await c.press("i")
        await c.sees("there is only what was submitted yet")


async def test_the_guest_in_its_best_site_is_marked(run: Run) -> None:
    known = world([task(1, TaskStatus.COMPLETED, task_type=TaskType.INTERACTION_ENERGY, parameters={})])
    async with run(known) as c:
        await pane(c)
        await c.sees("◆ guest CO2", "best.extxyz")
        assert "◆" in "".join(line[1:70] for line in c.lines[3:30])


async def test_a_task_whose_files_are_gone_says_so(run: Run) -> None:
    known = world()
    known.lost = {8117}
    async with run(known) as c:
        await pane(c, "G")
        await c.sees("the files of the task were removed by", "● Zn 1", "as submitted")


def found(*names: str, text: str) -> Sequence[str]:
    sets = {1: ["main_set"], 9: ["hcmof"]}
    return [each.name for each in some().structures if matches(each, sets.get(each.id, ()), parse(text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hkust", ["HKUST-1"]),
        ("#9", ["my MOF"]),
        ("mgo", ["my MOF"]),
        ("metal:mg,cu", ["my MOF"]),
        ("metal:o", []),
        ("!element:c", ["my MOF"]),
        ("atoms:<101", ["my MOF"]),
        ("atoms:101..102", ["HKUST-1", "IRMOF-1"]),
        ("atoms:>=108 source:built", ["NU-1000"]),
        ("volume:<100", ["my MOF"]),
        ("source:upload", ["my MOF"]),
        ("set:hc", ["my MOF"]),
        ("zif atoms:<", ["ZIF-8"]),
    ],
)
def test_filters_mean_what_they_say(text: str, names: list[str]) -> None:
    assert found(text=text) == names


@pytest.mark.parametrize("text", ["kind:x", "metal:", "atoms:many"])
def test_a_filter_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)


def test_what_events_told_is_newer_than_the_list_that_was_asked_for_before() -> None:
    book = StructureBook()
    book.asked()
    book.seen(structure(3, "new", builtin=False))
    book.gone(1)
    book.came([structure(1, "gone"), structure(2, "stays")], [])
    assert [each.name for each in book.listing.rows] == ["stays", "new"]


def lines_of(before: dict[str, Any], after: dict[str, Any], result: dict[str, Any] | None = None) -> str:
    one, two = (molecule(g["symbols"], g["positions_A"], g["cell_A"]) for g in (before, after))
    told = TaskGeometry(**after, task_id=1, frame=Frame.LATEST, source="best.extxyz")
    values = {"task_id": 1, "status": TaskStatus.COMPLETED, "attempt": 1, "output_files": {}, "metrics": {}}
    found = TaskResult(**values, provenance={}, result=result) if result is not None else None
    return "\n".join(cell_changes(one, two, told, found))


def test_a_host_that_was_repeated_is_not_compared_atom_by_atom() -> None:
    one, two = fake_stock.geometry(), fake_stock.geometry(guest=True)
    text = lines_of(one, two, {"interaction_energy_eV": -0.31})
    assert text.splitlines()[2:4] == ["cell", "a      8.000 Å"] and "moved" not in text
    two["cell_A"][2][2] *= 2
    assert "cell, repeated 1 × 1 × 2" in lines_of(one, two)


def test_a_change_too_small_to_be_seen_has_no_minus() -> None:
    one, two = fake_stock.geometry(), fake_stock.geometry()
    two["cell_A"][0][0] *= 1 - 1e-7
    two["cell_A"][1][0] += 1e-7
    text = lines_of(one, two)
    assert text.count("+0.00") == 7 and "-0.00" not in text
    two["cell_A"][0][0] *= 0.99
    assert "-1.00 %" in lines_of(one, two)


def test_the_best_site_is_told_with_what_is_near_the_guest() -> None:
    result = {
        "interaction_energy_eV": -0.3149,
        "guest_formula": "CO2",
        "nearest_host_A": 2.61,
        "nearest_host": "O",
        "nearest_metal_A": None,
        "at_open_metal": True,
    }
    text = lines_of(fake_stock.geometry(), fake_stock.geometry(), result)
    assert "CO2 at best site  -0.315 eV" in text and "nearest atom    O, 2.61 Å" in text and "open metal" in text
    assert "nearest metal" not in text
