"""Every screen at every size, with Unicode and without: nothing raises, and nothing reaches beyond the screen."""

from collections.abc import Iterator, Sequence

import pytest
from rich.cells import cell_len
from textual.screen import Screen
from textual.widget import Widget

from mofsim.schemas.resources import StructureSet
from mofsim.tui.looks import ASCII, UNICODE, Glyphs
from mofsim.vocabulary import TaskStatus
from tests.tui.conftest import Driver, Run
from tests.tui.fake import World, some_alerts, some_tasks, structure
from tests.tui.fake_benchmarks import some_benchmark
from tests.tui.test_workers import box

#: How each screen is reached from the list of tasks, what must be seen there, and the keys that lead back.
SCREENS: dict[str, tuple[Sequence[str], str, Sequence[str]]] = {
    "tasks": ((), "8131", ()),
    "task": (("j", "enter"), "8130", ("backspace",)),
    "structure of a task": (("j", "enter", "tab", "tab"), "Structure", ("backspace",)),
    "result": (("G", "enter", "tab", "tab", "tab"), "Result", ("backspace", "g")),
    "inputs": (("G", "enter", *["tab"] * 4), "Inputs", ("backspace", "g")),
    "history": (("G", "enter", *["tab"] * 5), "History", ("backspace", "g")),
    "log": (("l",), "step 143", ("backspace",)),
    "why": (("w",), "time limit", ("escape",)),
    "confirm": (("j", "j", "c"), "Cancel", ("escape", "g")),
    "columns": (("v",), "Columns", ("escape",)),
    "export": (("e",), "xport", ("escape",)),
    "comparison": (("space", "space", "C"), "compare", ("backspace", "minus", "g")),
    "form": (("n",), "structure", ("escape",)),
    "many": (("N",), "structures", ("escape",)),
    "help": (("question_mark",), "search", ("escape",)),
    "palette": (("colon",), "command", ("escape",)),
    "dashboard": (("1",), "needs you", ("2",)),
    "workers": (("3",), "gpu0", ("2",)),
    "load a model": (("3", "l"), "load", ("escape", "2")),
    "alerts": (("5",), "WARNING", ("2",)),
    "past alerts": (("5", "tab"), "WARNING", ("shift+tab", "2")),
    "rules": (("5", "tab", "tab"), "gpu_hot", ("tab", "2")),
    "models": (("6",), "7net-0", ("2",)),
    "upload of a model": (("6", "i"), "file", ("escape", "2")),
    "structures": (("7",), "HKUST-1", ("2",)),
    "picture": (("7", "enter"), "HKUST-1", ("escape", "2")),
    "import": (("7", "i"), "file", ("escape", "2")),
    "benchmarks": (("8",), "essential", ("2",)),
    "new benchmark": (("8", "n"), "tasks to compute", ("escape", "2")),
    "matrix": (("8", "enter"), "relax", ("backspace", "2")),
    "report": (("8", "e"), "benchmark-1.html", ("escape", "2")),
}


def everything() -> World:
    """With names that are longer than their columns, and numbers that are larger."""
    known = box()
    known.tasks = {each.id: each for each in some_tasks()}
    for id, each in list(known.tasks.items()):
        if each.status is TaskStatus.RUNNING:
            brief = each.structure.model_copy(update={"name": "a-very-long-name-of-a-structure-" * 3})
            known.tasks[id] = each.model_copy(
                update={"structure": brief, "model": "mace-mpa-0-medium-with-a-long-name"}
            )
    known.alerts = {each.id: each for each in some_alerts()}
    known.structures.append(structure(99, "hypothetical-MOF-" * 6, builtin=False))
    known.sets = [StructureSet(name="a-set-with-a-long-name-" * 3, structure_ids=[1, 2])]
    known.benchmarks[1] = some_benchmark(name="essential " + "and-more-" * 9, models=("7net-0", "a-model-" * 5))
    return known


def beyond(screen: Screen[object]) -> Iterator[str]:
    """What is shown and reaches beyond the screen, but for what is scrolled into view."""
    width, height = screen.size
    for widget in screen.walk_children(Widget):
        if not widget.display or not widget.region.area:
            continue
        if widget.is_scrollable and widget.show_horizontal_scrollbar:
            yield f"{widget} scrolls sideways"
        scrolled = any(parent.is_scrollable for parent in widget.ancestors if isinstance(parent, Widget))
        right, bottom = widget.region.right, widget.region.bottom
        if right > width or widget.region.x < 0 or (bottom > height and not scrolled):
            yield f"{widget} is at {widget.region}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "glyphs"),
    [((40, 15), UNICODE), ((80, 24), ASCII), ((200, 50), UNICODE)],
    ids=["40x15-unicode", "80x24-ascii", "200x50-unicode"],
)
async def test_no_screen_raises_or_reaches_beyond_its_edges(run: Run, size: tuple[int, int], glyphs: Glyphs) -> None:
    async with run(everything(), size=size, glyphs=glyphs) as c:
        for name, (keys, seen, back) in SCREENS.items():
            await c.press(*keys)
            await sees(c, name, seen)
            assert list(beyond(c.app.screen)) == [], f"{name}:\n{c.text}"
            assert {cell_len(line) for line in c.lines} == {size[0]}, name
            assert len(c.lines) == size[1]
            if glyphs is ASCII:
                strange = {character for character in c.text if not character.isascii()}
                assert not strange, f"{name}: {strange}\n{c.text}"
            await c.press(*back)
            await sees(c, f"back from {name}", "8131")


async def sees(c: Driver, name: str, text: str) -> None:
    try:
        await c.sees(text)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from None
