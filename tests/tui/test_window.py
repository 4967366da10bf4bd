from collections.abc import Iterable

from mofsim.schemas.tasks import Task
from mofsim.tui.query import parse
from mofsim.tui.window import KEPT_PAGES, PAGE_SIZE, Fetch, Window
from mofsim.vocabulary import Priority, TaskStatus
from tests.tui.fake import NOW, task


class Backend:
    """Pages of a long list, by an opaque cursor."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.tasks = {t.id: t for t in tasks}
        self.pages = 0

    def answer(self, window: Window, fetch: Fetch) -> None:
        self.pages += 1
        sort, cursor = fetch.arguments["sort"], fetch.arguments["cursor"]
        query = parse("", sort)
        rows = sorted(self.tasks.values(), key=query.key, reverse=query.descending)
        start = int(cursor or 0)
        page = rows[start : start + PAGE_SIZE]
        more = start + PAGE_SIZE < len(rows)
        window.put(fetch, page, str(start + PAGE_SIZE) if more else None, len(rows))

    def show(self, window: Window, first: int, last: int) -> list[int | None]:
        while fetch := window.wanted(first, last):
            self.answer(window, fetch)
        return [row.id if (row := window.at(i)) else None for i in range(first, last + 1)]


def test_only_what_is_shown_and_a_screenful_beyond_is_fetched() -> None:
    backend, window = Backend(task(i) for i in range(1, 1001)), Window()
    assert backend.show(window, 0, 19) == list(range(1000, 980, -1))
    assert backend.pages == 1
    assert window.total == 1000


def test_going_on_reads_on() -> None:
    backend, window = Backend(task(i) for i in range(1, 1001)), Window()
    for first in range(0, 900, 20):
        assert None not in backend.show(window, first, first + 19)
    assert window.at(899) is not None


def test_far_pages_are_dropped_and_fetched_again() -> None:
    backend, window = Backend(task(i) for i in range(1, 3001)), Window()
    for first in range(0, 2900, 20):
        backend.show(window, first, first + 19)
    assert sum(1 for _ in window) <= (KEPT_PAGES + 1) * PAGE_SIZE
    assert window.at(0) is None
    assert backend.show(window, 0, 19) == list(range(3000, 2980, -1))


def test_the_tail_is_read_from_the_end_in_screen_order() -> None:
    backend, window = Backend(task(i) for i in range(1, 1001)), Window(tail=True)
    backend.show(window, 0, 19)
    assert [row.id for row in list(window)[-3:]] == [3, 2, 1]
    last = len(window) - 1
    assert window.place(last) == 1000


def test_a_new_task_comes_in_its_place() -> None:
    backend, window = Backend(task(i) for i in range(1, 11)), Window()
    backend.show(window, 0, 5)
    assert window.upsert(task(11), new=True)
    assert [window.index_of(i) for i in (11, 10)] == [0, 1]
    assert window.total == 11


def test_a_change_of_one_row_moves_nothing() -> None:
    backend, window = Backend(task(i) for i in range(1, 11)), Window()
    backend.show(window, 0, 5)
    assert not window.upsert(task(5, TaskStatus.RUNNING))
    found = window.get(5)
    assert found is not None and found.status is TaskStatus.RUNNING


def test_a_row_moves_when_what_it_is_sorted_by_changes() -> None:
    window = Window(parse("", "priority"))
    Backend(task(i) for i in range(1, 11)).show(window, 0, 5)
    assert window.upsert(task(9, priority=Priority.CRITICAL))
    assert window.index_of(9) == 0
    assert window.total == 10


def test_a_row_goes_when_the_filter_no_longer_fits_it() -> None:
    window = Window(parse("status:wait", now=NOW))
    Backend(task(i) for i in range(1, 11)).show(window, 0, 5)
    assert window.upsert(task(9, TaskStatus.RUNNING))
    assert 9 not in window
    assert window.total == 9


def test_a_task_beyond_what_is_loaded_is_only_counted() -> None:
    backend, window = Backend(task(i) for i in range(1, 301)), Window(parse("", "id"))
    backend.show(window, 0, 5)
    assert not window.upsert(task(301), new=True)
    assert (301 in window, window.total) == (False, 301)


def test_news_that_comes_while_a_page_is_under_way_is_not_lost() -> None:
    backend, window = Backend(task(i) for i in range(1, 11)), Window()
    fetch = window.wanted(0, 19)
    assert fetch is not None
    window.upsert(task(11), new=True)
    window.upsert(task(10, TaskStatus.RUNNING))
    backend.answer(window, fetch)
    found = window.get(10)
    assert 11 in window and found is not None and found.status is TaskStatus.RUNNING


def test_an_answer_to_an_older_list_is_left_out() -> None:
    old = Window()
    fetch = old.wanted(0, 19)
    assert fetch is not None
    new = Window(generation=1)
    assert not new.put(fetch, [task(1)], None, 1)
    assert len(new) == 0


def test_a_page_that_did_not_come_is_wanted_again() -> None:
    window = Window()
    fetch = window.wanted(0, 19)
    assert fetch is not None and window.wanted(0, 19) is None
    window.failed(fetch)
    assert window.wanted(0, 19) is not None


def test_rows_that_only_we_can_filter_are_searched_for_page_by_page() -> None:
    tasks = [task(i, TaskStatus.FAILED if i % 200 == 0 else TaskStatus.QUEUED) for i in range(1, 1001)]
    backend, window = Backend(tasks), Window(parse("!status:wait", now=NOW))
    assert backend.show(window, 0, 4) == [1000, 800, 600, 400, 200]
    assert (window.total, window.read) == (5, 1000)
