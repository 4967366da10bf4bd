from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mofsim.tui.looks import PLAIN
from mofsim.tui.widgets.table import Column, Table, fit


class Numbers:
    """Rows that are their own keys; None where one is not loaded."""

    def __init__(self, values: Sequence[int | None]) -> None:
        self.values = list(values)

    def __len__(self) -> int:
        return len(self.values)

    def at(self, index: int) -> int | None:
        return self.values[index]

    def index_of(self, key: int) -> int | None:
        return self.values.index(key) if key in self.values else None


def column(title: str, width: int, drop: int = 0, flex: int = 0) -> Column[int]:
    return Column(title, width, lambda row, _: (f"{title}{row}", PLAIN), drop=drop, flex=flex)


class TableApp(App[None]):
    def __init__(self, rows: Numbers) -> None:
        super().__init__()
        self.rows = rows
        self.table = Table([column("row", 8)], rows, lambda row: row, id="table")

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()


def shown(pilot: Pilot[None]) -> list[str]:
    strips = pilot.app.screen._compositor.render_strips()
    return [strip.text.strip() for strip in strips[1:] if strip.text.strip()]


async def test_only_the_rows_in_view_are_drawn() -> None:
    app = TableApp(Numbers(range(100_000)))
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        app.table.go(50_000)
        await pilot.pause()
        assert shown(pilot) == ["row49996", "row49997", "row49998", "row49999", "▌  row50000"]


async def test_what_an_empty_table_says_is_wrapped() -> None:
    app = TableApp(Numbers([]))
    app.table.empty = "nothing is here, and that takes more than a line", "", "so:   a b"
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        assert shown(pilot) == ["nothing is here, and that takes", "more than a line", "so:   a b"]


async def test_the_cursor_stays_on_its_row_and_that_row_where_it_is() -> None:
    app = TableApp(Numbers(range(100)))
    async with app.run_test(size=(40, 11)) as pilot:
        app.table.go(20)
        app.table.move(-3)
        await pilot.pause()
        before = shown(pilot)
        app.rows.values[:0] = [1001, 1002]
        app.table.changed()
        await pilot.pause()
        assert shown(pilot) == before
        assert app.table.cursor == 17


async def test_at_the_top_new_rows_come_into_view() -> None:
    app = TableApp(Numbers(range(100)))
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        app.rows.values.insert(0, 1001)
        app.table.changed()
        await pilot.pause()
        assert shown(pilot)[:2] == ["row1001", "▌  row0"]


async def test_when_its_row_goes_the_cursor_takes_the_next_one() -> None:
    app = TableApp(Numbers(range(10)))
    async with app.run_test(size=(40, 6)) as pilot:
        app.table.go(4)
        app.rows.values.remove(4)
        app.table.changed()
        await pilot.pause()
        assert app.table.cursor == 5


async def test_a_page_down_shows_the_next_page() -> None:
    app = TableApp(Numbers(range(100)))
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        app.table.page_by(1)
        await pilot.pause()
        assert shown(pilot) == ["▌  row5", "row6", "row7", "row8", "row9"]


async def test_a_row_that_is_not_loaded_is_shown_as_such() -> None:
    app = TableApp(Numbers([0, None, 2]))
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert shown(pilot) == ["▌  row0", "…", "row2"]


async def test_a_table_may_be_empty() -> None:
    app = TableApp(Numbers([]))
    app.table.empty = ("nothing here",)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert shown(pilot) == ["nothing here"]
        assert app.table.cursor is None


def test_columns_that_do_not_fit_are_dropped_by_rank() -> None:
    columns = [column("a", 10), column("b", 10, drop=1), column("c", 10, drop=2)]
    assert [[c.title for c, _ in fit(columns, width)] for width in (40, 25, 12, 3)] == [
        ["a", "b", "c"],
        ["a", "b"],
        ["a"],
        ["a"],
    ]


def test_room_that_is_left_over_is_shared() -> None:
    columns = [column("a", 10, flex=3), column("b", 10, flex=1), column("c", 10)]
    assert [width for _, width in fit(columns, 52)] == [25, 15, 10]


def test_a_column_shrinks_only_where_nothing_is_left_to_drop() -> None:
    def column(title: str, width: int, **more: int) -> Column[object]:
        return Column(title, width, lambda row, width: ("", PLAIN), **more)

    columns = [column("A", 10), column("B", 10, drop=1), column("C", 20, least=5, flex=1)]

    def widths(room: int) -> dict[str, int]:
        return {column.title: width for column, width in fit(columns, room)}

    assert widths(45) == {"A": 10, "B": 10, "C": 23}
    assert widths(41) == {"A": 10, "C": 30}
    assert widths(25) == {"A": 10, "C": 14}
    assert widths(12) == {"A": 10}, "the first says what a row is"
