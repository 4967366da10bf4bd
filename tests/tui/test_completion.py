"""What the filter line goes on with."""

from mofsim.schemas.resources import StructureSet
from mofsim.tui.completion import completions, of_structures, of_tasks
from mofsim.tui.stock import StructureBook
from mofsim.tui.store import Store
from mofsim.tui.window import Fetch
from tests.tui.conftest import Run
from tests.tui.fake import some_tasks, structure

VALUES = {"status": lambda: ["run", "failed", "completed"], "structure": lambda: ["MOF-5", "two words"]}


def test_the_last_word_is_completed_as_a_field_or_as_its_value() -> None:
    assert completions("st", VALUES) == ["status:", "structure:"]
    assert completions("relax !stat", VALUES) == ["relax !status:"]
    assert completions("status:f", VALUES) == ["status:failed"]
    assert completions("a !status:run,c", VALUES) == ["a !status:run,completed"]
    assert completions("status:run,", VALUES) == ["status:run,failed", "status:run,completed"]


def test_nothing_is_completed_where_nothing_begins_so() -> None:
    assert completions("", VALUES) == completions("zz", VALUES) == completions("colour:r", VALUES) == []
    assert completions("status:failed", VALUES) == []


def test_a_value_with_a_gap_is_no_word_of_the_filter() -> None:
    assert completions("structure:", VALUES) == ["structure:MOF-5"]
    assert completions("structure:mof", VALUES) == ["structure:MOF-5"]


def test_tasks_offer_what_is_loaded() -> None:
    from mofsim.schemas.envelope import Page

    store = Store()
    fetch = store.wanted(0, 10)
    assert isinstance(fetch, Fetch)
    store.page(fetch, Page(items=some_tasks(), next_cursor=None, total=10))
    complete = of_tasks(store)
    assert complete("model:") == ["model:7net-0"]
    assert complete("structure:nu") == ["structure:NU-1000"]
    assert complete("type:bulk") == ["type:bulk-modulus"]
    assert complete("status:wait") == ["status:waiting"]
    assert complete("priority:h") == ["priority:high"]
    assert complete("id:8") == []


def test_structures_offer_their_elements_and_sets() -> None:
    book = StructureBook()
    book.came([structure(1, "MOF-5")], [StructureSet(name="few", structure_ids=[1])])
    complete = of_structures(book)
    assert complete("metal:") == ["metal:Zn"]
    assert complete("element:") == ["element:C", "element:H", "element:O", "element:Zn"]
    assert complete("set:") == ["set:few"]
    assert complete("source:u") == ["source:upload"]


async def test_tab_completes_and_goes_through_what_there_is(run: Run) -> None:
    async with run() as c:
        await c.press("slash")
        await c.type("sta")
        await c.press("tab")
        value = lambda: c.app.screen.query_one("#filter-input").value  # type: ignore[attr-defined]  # noqa: E731
        assert value() == "status:"
        await c.press("tab")
        assert value() == "status:run"
        await c.press("tab")
        assert value() == "status:active"
        await c.type(",fai")
        await c.press("tab")
        assert value() == "status:active,failed"
        await c.sees("1 of 4")


async def test_tab_without_a_completion_goes_back_to_the_list(run: Run) -> None:
    async with run() as c:
        await c.press("slash", "tab")
        await c.press("j")
        await c.until(lambda: c.cursor == 8130)
