from datetime import timedelta

import pytest

from mofsim.tui.query import QueryError, parse
from mofsim.vocabulary import Priority, TaskStatus, TaskType
from tests.tui.fake import NOW, some_tasks, task


def ids(text: str) -> list[int]:
    query = parse(text, now=NOW)
    return [t.id for t in some_tasks() if query.matches(t)]


def test_fields_that_the_server_knows_are_asked_of_the_server() -> None:
    query = parse("zif status:failed,done type:opt since:1h structure:ZIF-8 batch:3", now=NOW)
    assert query.exact
    assert query.arguments() == {
        "sort": "-id",
        "text": "zif",
        "status": ("FAILED", "COMPLETED"),
        "task_type": ("optimization",),
        "since": NOW - timedelta(hours=1),
        "structure": "zif-8",
        "batch": 3,
    }


def test_what_the_server_can_not_do_is_left_to_us() -> None:
    query = parse("!status:run gpu:1", now=NOW)
    assert not query.exact
    assert query.arguments() == {"sort": "-id"}


def test_an_exclamation_mark_inverts() -> None:
    assert set(ids("!status:run")) | set(ids("status:run")) == {t.id for t in some_tasks()}
    assert ids("status:run") == [8124, 8125, 8126]


def test_words_are_looked_for_in_names_and_all_must_be_there() -> None:
    assert ids("zif") == [8124]
    assert ids("zif nothing") == []
    assert ids("SimulationExploded") == [8119]


def test_the_words_that_the_list_shows_find_what_they_are_shown_for() -> None:
    assert parse("relax").arguments()["task_type"] == ("optimization",)
    assert parse("type:relax,stab").arguments()["task_type"] == ("optimization", "stability")
    assert set(parse("energy").arguments()["task_type"]) == {"single-point", "interaction-energy"}
    assert set(ids("!relax")) | set(ids("relax")) == {t.id for t in some_tasks()}
    assert ids("relax zif") == [8124]


def test_a_number_finds_the_task_with_that_id() -> None:
    assert ids("8117") == [8117]


def test_a_field_may_be_typed_in_part() -> None:
    assert ids("status:fai") == [8119]
    assert ids("priority:hi") == [8127]


def test_a_part_of_a_model_name_means_all_models_that_have_it() -> None:
    query = parse("model:7NET", models=["7net-0", "7net-l3i5", "mace"], now=NOW)
    assert query.arguments()["model"] == ("7net-0", "7net-l3i5")


def test_two_terms_on_one_field_must_both_hold() -> None:
    assert parse("status:failed,done status:done", now=NOW).arguments()["status"] == ("COMPLETED",)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("foo:1", "foo: is not a field"),
        ("status:bogus", "is none of"),
        ("since:soon", "no time span"),
        ("status:", "wants a value, e.g. status:failed"),
        ("batch:x", "wants a number"),
    ],
)
def test_a_mistake_says_what_would_be_right(text: str, part: str) -> None:
    with pytest.raises(QueryError, match=part):
        parse(text, now=NOW)


def test_the_order_is_that_of_the_server() -> None:
    tasks = [
        task(1, TaskStatus.QUEUED, priority=Priority.LOW),
        task(2, TaskStatus.FAILED, priority=Priority.HIGH, task_type=TaskType.SINGLE_POINT),
    ]
    orders = {
        sort: [t.id for t in sorted(tasks, key=parse("", sort).key)]
        for sort in ("id", "priority", "status", "task_type")
    }
    assert orders == {"id": [1, 2], "priority": [2, 1], "status": [2, 1], "task_type": [1, 2]}
