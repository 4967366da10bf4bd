from pathlib import Path

from mofsim.tui.column_choice import ColumnChoice
from mofsim.tui.looks import ASCII
from mofsim.tui.remembered import Remembered, recall
from mofsim.tui.screens.columns import Columns
from mofsim.tui.screens.tasks import SORTS
from mofsim.tui.store import Store
from mofsim.tui.task_columns import task_columns
from tests.tui.conftest import Run
from tests.tui.fake import NOW


def choice(*chosen: str) -> ColumnChoice:
    return ColumnChoice(("id", "name", "model", "energy"), ("id", "name", "model"), chosen)


def test_what_is_usual_is_not_remembered() -> None:
    it = choice()
    assert (it.shown, it.chosen) == (["id", "name", "model"], ())
    it.toggle("energy")
    assert it.chosen == ("id", "name", "model", "energy")
    it.toggle("energy")
    assert it.chosen == ()


def test_a_column_moves_with_its_mark() -> None:
    it = choice()
    it.move("model", -1)
    assert it.chosen == ("id", "model", "name")
    it.move("id", 9)
    assert it.names == ["model", "name", "energy", "id"]
    assert it.chosen == ("model", "name", "id")


def test_the_last_column_stays() -> None:
    it = choice("name")
    it.toggle("name")
    assert it.shown == ["name"]


def test_names_that_are_no_columns_are_left_out() -> None:
    assert choice("colour", "energy", "energy").chosen == ("energy",)
    assert choice("colour").chosen == ()
    titles = [column.title for column in task_columns(Store(), ASCII, lambda: NOW, ("energy", "colour", "id"))]
    assert titles == ["ENERGY", "ID"]


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "console.toml"
    assert recall(file) == (Remembered(file), [])
    assert Remembered(file).keep(columns=("id", "energy"), sort="-priority", folder='a "b" \\ ü') == ""
    found, problems = recall(file)
    assert (found.columns, found.sort, found.folder, problems) == (("id", "energy"), "-priority", 'a "b" \\ ü', [])
    assert found.query().sort == "-priority"
    assert [path.name for path in file.parent.iterdir()] == ["console.toml"]


def test_a_file_that_is_broken_is_told_and_one_with_odd_values_is_survived(tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    file.write_text("[tasks")
    assert "console.toml" in recall(file)[1][0]
    file.write_text('tasks = {columns = [1, "id"], sort = "colour"}\nexport = 3\n')
    found, problems = recall(file)
    assert (found.columns, found.query().sort, problems) == (("id",), "-id", [])


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "can not be written" in Remembered(tmp_path / "file" / "console.toml").keep(sort="id")


def test_each_order_of_the_list_can_be_remembered() -> None:
    assert all(Remembered(sort=sort).query().sort == sort for sort in SORTS)


async def test_a_column_is_chosen_seen_at_once_and_remembered(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    async with run(remembered=Remembered(file)) as c:
        await c.press("v")
        await c.sees("✓ ELAPSED", "ENERGY")
        await c.press(*"jjjjjjjjj")
        assert isinstance(c.app.screen, Columns)
        await c.press("space", "K", "K", "K", "K", "K", "K", "escape")
        await c.sees("-1234.5120")
        titles = next(line for line in c.lines if "NAME" in line).split()
        assert [title for title in titles if title.isupper()][:5] == ["ID", "NAME", "MODEL", "ENERGY", "STATE"]
    assert recall(file)[0].columns[:4] == ("id", "name", "model", "energy")
    async with run(remembered=recall(file)[0]) as c:
        await c.sees("-1234.5120")
        await c.press("v", "r", "escape")
        await c.misses("ENERGY")
    assert recall(file)[0].columns == ()


async def test_the_order_of_the_list_is_remembered(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "console.toml"
    async with run(remembered=Remembered(file)) as c:
        await c.press("S")
        await c.sees("ID ▲")
    async with run(remembered=recall(file)[0]) as c:
        await c.sees("ID ▲")
        assert c.cursor == 8117


async def test_the_list_of_columns_scrolls_on_a_low_screen(run: Run) -> None:
    async with run(size=(80, 24)) as c:
        await c.press("v", *["j"] * 30)
        await c.sees("BATCH", "esc closes")
