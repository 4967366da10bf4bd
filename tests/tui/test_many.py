"""Many tasks at once: what they are together, and the form that sends them."""

import pytest

from mofsim.client import Invalid
from mofsim.schemas.batches import Batch
from mofsim.schemas.resources import Model, Structure, StructureSet
from mofsim.tui import many
from mofsim.tui.query import parse
from mofsim.tui.screens.many import ESTIMATE_AFTER, ManyForm
from mofsim.tui.screens.tasks import batch_words
from mofsim.vocabulary import Preset, TaskStatus, TaskType
from tests.tui.conftest import Driver, Run
from tests.tui.fake import NOW, structure, task, world
from tests.tui.fake_stock import model

OPT, BULK = TaskType.OPTIMIZATION, TaskType.BULK_MODULUS


def some(n: int) -> list[Structure]:
    return [structure(i, f"MOF-{i}") for i in range(1, n + 1)]


def zinc(n: int) -> Model:
    return model(f"zinc-{n}", elements=["Zn", "C", "H", "O"])


ORGANIC = model("organic", elements=["C", "H", "O"])


def test_tasks_are_counted_without_those_that_no_model_covers() -> None:
    product = many.Product(some(3), [zinc(1), ORGANIC], [OPT, BULK])
    assert (product.n_asked, product.n_tasks) == (12, 6)
    assert many.counted(product) == ("3 structures × 2 models × 2 types = 12 tasks, 6 left out: organic lacks Zn (3)")
    assert product.problem == ""


def test_tasks_of_a_model_follow_each_other() -> None:
    product = many.Product(some(2), [zinc(1), zinc(2)], [OPT])
    assert list(product.items()) == [
        ("zinc-1", OPT, "MOF-1"),
        ("zinc-1", OPT, "MOF-2"),
        ("zinc-2", OPT, "MOF-1"),
        ("zinc-2", OPT, "MOF-2"),
    ]


def test_what_can_not_be_sent_says_what_to_do() -> None:
    assert many.Product().problem == (
        "choose a structure and a model and a task type: space ticks a line, * all that are listed, - none of them"
    )
    assert "no model knows" in many.Product(some(1), [ORGANIC], [OPT]).problem
    assert "at most 10 000" in many.Product(some(101), [zinc(i) for i in range(100)], [OPT]).problem


def test_a_structure_counts_once_when_a_set_has_it_too() -> None:
    known = some(5)
    sets = [StructureSet(name="few", structure_ids=[2, 4])]
    assert [s.id for s in many.chosen_structures({"4", "5", "@few"}, known, sets)] == [2, 4, 5]


def test_the_server_is_asked_about_a_few_sizes_and_the_rest_follows_from_their_atoms() -> None:
    from tests.tui.fake import World

    structures = [structure(1, "A"), structure(100, "B"), structure(200, "C")]
    product = many.Product(structures, [zinc(1)], [OPT, BULK], Preset.QUICK)
    samples = list(product.samples())
    assert [(sample.n_atoms, sample.task_type) for sample in samples] == [
        (300, OPT), (200, OPT), (300, BULK), (200, BULK),
    ]  # fmt: skip
    assert samples[0].question.options == {"model": "zinc-1", "preset": "quick", "parameters": {}}
    needs = many.Needs(product, len(samples))
    assert needs.words == "estimating: 0 of 4"
    for sample in samples:
        needs.came(sample, estimated(World(structures=structures), sample))
    # 40 s for each sample: 101 atoms take 101/200 of the nearer one.
    median, low, high, unknown = needs.seconds()
    assert (round(median), round(low), round(high), unknown) == (200, 60, 476, 0)
    assert needs.words == "about 3 min on one device (1 min to 8 min), memory not known yet"


def estimated(known: object, sample: many.Sample) -> object:
    import asyncio

    from tests.tui.fake import FakeClient

    question = sample.question
    client = FakeClient(known)  # type: ignore[arg-type]
    return asyncio.run(client.estimate(question.task_type, question.structure, **question.options))


def test_a_type_that_never_ran_is_said_to_be_unknown() -> None:
    product = many.Product(some(2), [zinc(1)], [OPT])
    needs = many.Needs(product, 0)
    assert needs.words == "time not known yet, memory not known yet"


async def open_form(c: Driver) -> None:
    await c.press("N")
    await c.sees("many tasks", "HKUST-1", "8 structures", "7net-0", "stability")


async def test_structures_times_models_times_types_go_as_one_batch(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("space", "space", "space", "tab", "tab", "space")
        await c.sees("3 structures × 1 model × 2 types = 6 tasks", "about 4 min on one device")
        await c.press("ctrl+s")
        await c.sees("batch:1", "batch 1: 6 tasks")
        sent = c.world.submitted
        assert [(s["model"], s["task_type"], s["structure"]["name"]) for s in sent] == [
            ("7net-0", t, n) for t in ("single-point", "optimization") for n in ("HKUST-1", "IRMOF-1", "UiO-66")
        ]
        assert {(s["preset"], s["options"]["priority"]) for s in sent} == {("quick", "NORMAL")}


async def test_pairs_that_a_model_does_not_cover_are_named_and_left_out(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("asterisk", "tab", "j", "space")
        await c.sees("8 structures × 2 models × 1 type = 16 tasks, 8 left out: 7net-l3i5 lacks Zn (8)")
        await c.press("ctrl+s")
        await c.until(lambda: c.world.submitted)
        assert len(c.world.submitted) == 8 and {s["model"] for s in c.world.submitted} == {"7net-0"}


async def test_a_set_stands_for_its_structures_and_the_filter_narrows_what_a_star_ticks(run: Run) -> None:
    known = world()
    known.sets = [StructureSet(name="few", structure_ids=[2, 4])]
    async with run(known) as c:
        await open_form(c)
        await c.press("space")
        await c.sees("2 structures × 1 model")
        await c.press("slash")
        await c.type("mof")
        await c.sees("2 of 8 structures")
        await c.press("enter", "asterisk")
        # IRMOF-1 is in the set already, MOF-74-Zn is new.
        await c.sees("3 structures × 1 model")


async def test_without_a_choice_nothing_is_sent_and_what_lacks_is_said(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("ctrl+s")
        await c.sees("✗ choose a structure: space ticks")
        assert c.world.submitted == []


async def test_a_wrong_time_limit_is_said_before_sending(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("space")
        c.app.screen.query_one("#timeout").focus()
        await c.type("soon")
        await c.sees("time limit: write a time")
        await c.press("ctrl+s")
        await c.pilot.pause()
        assert c.world.submitted == []


async def test_what_the_server_refuses_is_said_in_the_form(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        c.world.refusal = Invalid("the model is gone", code=422, type="UnknownModel", field="tasks.3.model")
        await c.press("space")
        await c.press("ctrl+s")
        await c.sees("✗ the model is gone (tasks.3.model)", "many tasks")


async def test_the_estimate_waits_for_a_pause(run: Run) -> None:
    async with run() as c:
        await open_form(c)
        await c.press("space", "space")
        assert c.world.estimated == []
        await c.sees("about 1 min on one device")
        await c.pilot.pause(2 * ESTIMATE_AFTER)
        assert len(c.world.estimated) == 2


async def test_the_form_for_one_task_goes_on_as_many(run: Run) -> None:
    async with run() as c:
        await c.press("n")
        await c.sees("new task", "HKUST-1      101 atoms", "7net-0")
        await c.type("zif")
        await c.press("enter", "ctrl+n")
        await c.sees("many tasks", "1 structure × 1 model × 1 type = 1 task")
        await c.press("escape")
        await c.sees("[2 Tasks]")


async def test_the_filters_matches_of_the_structures_are_ticked(run: Run) -> None:
    async with run() as c:
        await c.press("7")
        await c.sees("7 Structures", "1 of 8")
        await c.press("slash")
        await c.type("mil")
        await c.sees("1 of 8")
        await c.press("enter", "N")
        await c.sees("many tasks", "1 structure × 1 model × 1 type = 1 task")
        assert isinstance(c.app.screen, ManyForm) and c.app.screen.structures.marked == {"4"}


def test_a_batch_says_how_far_it_is_and_what_failed() -> None:
    batch = Batch(
        id=3, name="", n_tasks=8, counts={TaskStatus.FAILED: 2}, percent=62.4, created_at=NOW, eta_seconds=7200
    )
    assert batch_words(batch) == "batch 3: 62 %, 2 failed, about 2 h 00 m left"
    assert batch_words(batch, roomy=False) == "batch 3: 62 %, 2 failed"
    assert batch_words(batch.model_copy(update={"completed_at": NOW, "percent": 100.0})) == "batch 3: 100 %, 2 failed"


@pytest.mark.parametrize(("text", "batch"), [("batch:3", 3), ("batch:3,4", None), ("!batch:3", None), ("mof", None)])
def test_a_filter_that_names_one_batch_is_about_it(text: str, batch: int | None) -> None:
    assert parse(text, "-id", NOW, ()).batch == batch


async def test_the_list_of_a_batch_says_how_far_it_is(run: Run) -> None:
    known = world()
    for id, status in enumerate((TaskStatus.COMPLETED, TaskStatus.RUNNING, TaskStatus.QUEUED), 9001):
        known.tasks[id] = task(id, status, batch_id=1)
    known.batches.append(Batch(id=1, name="", n_tasks=3, counts={}, created_at=NOW))
    async with run(known) as c:
        c.app.show_tasks("batch:1")
        await c.sees("batch 1: 33 %", "1 of 3")
        c.app.session.monotonic = lambda: 1e9
        await known.put(known.tasks[9002].model_copy(update={"status": TaskStatus.COMPLETED}))
        await c.sees("batch 1: 67 %")
        c.app.show_tasks("")
        await c.misses("batch 1:")
