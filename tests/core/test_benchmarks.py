"""Benchmarks in the core: which cells there are, what is computed once, what is tried again, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core import (
    benchmark_plan,
    benchmark_progress,
    benchmark_results,
    benchmarks,
    leases,
    steering,
    structure_sets,
    structures,
)
from mofsim.core.benchmark_cells import state_of
from mofsim.core.benchmarks import Changed
from mofsim.core.errors import Conflict, Invalid, NotFound
from mofsim.core.hashing import sha256
from mofsim.core.leases import Outcome
from mofsim.core.reuse import Reuse
from mofsim.core.storage import Storage
from mofsim.core.submission import Defaults
from mofsim.db.engine import Database
from mofsim.db.tables import Batch, BenchmarkCell, Model, Structure, StructureSetMember, Task
from mofsim.schemas.benchmarks import BenchmarkDetail, BenchmarkPlan, BenchmarkSubmit
from mofsim.schemas.simulations import PRESETS
from mofsim.vocabulary import SCORED, CellState, Preset, TaskStatus, TaskType

DEFAULTS = Defaults("A", 3600.0, 3)
ELEMENTS = {"MOF-5": ["C", "H", "O", "Zn"], "HKUST-1": ["C", "Cu", "H", "O"], "oxide": ["Mg", "O"]}
OPTIMIZATION = {"task_types": [{"task_type": "optimization"}]}


@dataclass
class Bench:
    session: Session
    root: Path

    def start(self, *models: str, **changed: Any) -> Changed:
        body = BenchmarkSubmit.model_validate({"models": models, "preset": "quick"} | OPTIMIZATION | changed)
        return benchmarks.start(self.session, body, DEFAULTS, self.root)

    def plan(self, *models: str, **changed: Any) -> BenchmarkPlan:
        body = BenchmarkSubmit.model_validate({"models": models, "preset": "quick"} | OPTIMIZATION | changed)
        return benchmark_plan.plan(self.session, body, DEFAULTS)

    def retry(self, **more: Any) -> Changed:
        return benchmarks.retry(self.session, 1, DEFAULTS, self.root, **more)

    def add(self, *models: str) -> Changed:
        return benchmarks.add_models(self.session, 1, models, DEFAULTS, self.root)

    def see(self) -> BenchmarkDetail:
        self.session.flush()
        return benchmark_progress.describe(self.session, 1)

    def end(self, status: TaskStatus = TaskStatus.COMPLETED, **outcome: Any) -> int:
        """The task that is next."""
        values: dict[str, Any] = {"gpu_id": None, "loaded_models": [], "lease_seconds": 60, "affinity_seconds": 0}
        claimed = leases.claim(self.session, "box:cpu0", **values)
        assert claimed
        leases.start(self.session, claimed[0], 1)
        leases.finish(self.session, claimed[0], Outcome(status=status, **outcome))
        return claimed[0].task_id

    def weights(self, name: str, content: str) -> str:
        """Give a model these weights; their file."""
        path = self.root / f"{name}.model"
        path.write_text(content)
        self.session.get_one(Model, name).file_path = str(path)
        return str(path)


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Iterator[Bench]:
    """Three structures, of which two are built in, and three models; C knows neither copper nor what guests are of."""
    with database.write() as session:
        for number, (name, elements) in enumerate(ELEMENTS.items()):
            session.add(
                Structure(
                    name=name,
                    original_name=f"{name}.cif",
                    file_path=f"{name}/{name}.cif",
                    normalised_path=f"{name}/{name}.extxyz",
                    file_size=1,
                    format="cif",
                    checksum=str(number) * 64,
                    n_atoms=100 * (number + 1),
                    formula="X",
                    elements=elements,
                    volume_A3=1000.0,
                    is_builtin=name != "oxide",
                )
            )
        known = {"A": [], "B": ["C", "H", "O", "Zn", "Cu", "Mg"], "C": ["C", "O", "Zn", "Mg", "H"]}
        for name, elements in known.items():
            model = Model(name=name, framework="ase", file_path="", config={"elements": elements}, facts={})
            model.is_custom, model.is_available, model.is_validated = False, True, True
            session.add(model)
        session.flush()
        yield Bench(session, tmp_path)


def states(found: BenchmarkDetail) -> list[tuple[str, int, str]]:
    return [(cell.model, cell.structure_id, str(cell.state)) for cell in found.cells]


def test_every_model_does_every_task_type_for_every_structure_and_guest(bench: Bench) -> None:
    changed = bench.start("A", "B", task_types=[{"task_type": each} for each in SCORED])
    # Four types and two guests, for two structures and two models.
    assert changed.is_new and len(changed.submitted) == 6 * 2 * 2
    found = bench.see()
    assert found.guests == ["CO2", "H2O"] and found.set == "essential" and found.name == "essential, quick"
    bound = [cell for cell in found.cells if cell.task_type is TaskType.INTERACTION_ENERGY and cell.model == "A"]
    assert {(cell.guest, cell.structure_id) for cell in bound} == {(g, s) for g in ("CO2", "H2O") for s in (1, 2)}
    given = [bench.session.get_one(Task, cell.task_id).parameters["guest"] for cell in bound]
    assert given == [cell.guest for cell in bound]
    [batch] = bench.session.scalars(select(Batch))
    assert batch.n_tasks == 24 and {task.batch_id for task in changed.submitted} == {batch.id}


def test_the_same_again_computes_nothing_and_another_model_only_its_own(bench: Bench) -> None:
    first = bench.start("A")
    again = bench.start("A", "B", task_types=[{"task_type": "optimization", "parameters": {"fmax": 0.05}}])
    assert (first.is_new, again.is_new, again.benchmark.id) == (True, False, first.benchmark.id)
    assert [task.model_name for task in again.submitted] == ["B", "B"]
    assert bench.start("B", "A").submitted == [] and bench.add("A", "B").submitted == []
    assert [task.model_name for task in bench.add("C").submitted] == ["C"]
    assert bench.session.query(Task).count() == 5


@pytest.mark.parametrize(
    "other",
    [
        {"name": "mine"},
        {"preset": "mofsimbench"},
        {"set": "all"},
        {"task_types": [{"task_type": "optimization", "parameters": {"max_steps": 7}}]},
        {"task_types": [{"task_type": "optimization"}, {"task_type": "stability"}]},
    ],
)
def test_what_is_computed_otherwise_is_another_benchmark(bench: Bench, other: dict[str, Any]) -> None:
    structure_sets.replace(bench.session, "all", [1, 2, 3])
    bench.session.flush()
    first, second = bench.start("A"), bench.start("A", **other)
    assert second.is_new and second.benchmark.id != first.benchmark.id


def test_a_set_that_has_grown_is_another_benchmark_and_the_first_stays_as_it_was(bench: Bench) -> None:
    structure_sets.replace(bench.session, "own", [1])
    bench.start("A", set="own")
    structure_sets.replace(bench.session, "own", [1, 3])
    bench.session.flush()
    assert bench.start("A", set="own").is_new
    assert [cell.structure_id for cell in bench.see().cells] == [1]
    assert [task.structure_id for task in bench.add("B").submitted] == [1]


def test_what_a_model_does_not_cover_is_counted_and_named_and_not_computed(bench: Bench) -> None:
    types = [{"task_type": "optimization"}, {"task_type": "interaction-energy"}]
    changed = bench.start("C", task_types=types, guests=["CO2", "N2"])
    assert len(changed.submitted) == 2
    found = bench.see()
    assert (found.counts[CellState.NOT_COVERED], found.counts[CellState.WAITING], found.n_cells) == (4, 2, 6)
    reasons = {(c.guest, c.structure_id): c.reason for c in found.cells if c.state is CellState.NOT_COVERED}
    assert reasons[None, 2] == "C was not trained on Cu"
    assert reasons["N2", 1] == "C was not trained on N of the guest"
    assert reasons["N2", 2] == "C was not trained on Cu and N of the guest"
    told = benchmark_results.not_covered(bench.session, 1)
    assert {(each.structure, each.guest) for each in told} == {
        ("HKUST-1", None),
        ("HKUST-1", "CO2"),
        ("HKUST-1", "N2"),
        ("MOF-5", "N2"),
    }
    bench.end()
    bench.end()
    assert bench.see().percent == 100.0


def test_what_an_executor_told_of_a_models_elements_counts_and_is_heeded_when_it_is_tried_again(bench: Bench) -> None:
    model = bench.session.get_one(Model, "A")
    model.facts = {"elements": ["C", "H", "O", "Zn"]}
    assert len(bench.start("A").submitted) == 1
    assert bench.retry().submitted == []
    model.facts = {"elements": ["C", "H", "O", "Zn", "Cu"]}
    [task] = bench.retry().submitted
    assert task.structure.name == "HKUST-1"
    assert states(bench.see()) == [("A", 1, "waiting"), ("A", 2, "waiting")]


@pytest.mark.parametrize(
    ("status", "error_type", "state"),
    [
        (TaskStatus.PENDING, None, CellState.WAITING),
        (TaskStatus.ASSIGNED, None, CellState.RUNNING),
        (TaskStatus.COMPLETED, None, CellState.COMPLETED),
        (TaskStatus.FAILED, "SimulationExploded", CellState.FAILED),
        (TaskStatus.FAILED, "NobodyKnowsThis", CellState.FAILED),
        (TaskStatus.TIMEOUT, None, CellState.FAILED),
        (TaskStatus.FAILED, "AttemptsExhausted", CellState.LOST),
        (TaskStatus.FAILED, "OutOfMemory", CellState.LOST),
        (TaskStatus.FAILED, "ModelLoadFailed", CellState.LOST),
        (TaskStatus.CANCELLED, None, CellState.CANCELLED),
        (None, None, CellState.DELETED),
    ],
)
def test_a_cell_tells_whose_failure_it_was(status: TaskStatus | None, error_type: str | None, state: CellState) -> None:
    assert state_of(status, error_type) is state


def test_only_what_said_nothing_of_the_model_is_tried_again(bench: Bench) -> None:
    bench.start("A", "B")
    bench.end()
    exploded = bench.end(TaskStatus.FAILED, error_type="SimulationExploded", error_message="far")
    lost = bench.end(TaskStatus.FAILED, error_type="DeviceFault", error_message="it fell off")
    cancelled = bench.session.scalars(select(Task.id).where(Task.status == TaskStatus.QUEUED)).one()
    steering.request_cancel(bench.session, cancelled)
    found = bench.see()
    assert [each.state for each in found.cells] == ["completed", "failed", "lost", "cancelled"]
    assert found.cells[1].reason == "SimulationExploded: far" and found.percent == 100.0
    changed = bench.retry()
    assert [task.id for task in changed.retried] == [lost, cancelled] and changed.submitted == []
    assert [task.id for task in bench.retry(failed=True).retried] == [exploded]
    assert bench.retry(failed=True).tasks == []


def test_a_time_limit_that_was_given_since_is_that_of_the_next_try(bench: Bench) -> None:
    bench.start("A", options={"timeout_seconds": 10.0})
    late = bench.end(TaskStatus.TIMEOUT)
    bench.start("A", options={"timeout_seconds": 1000.0, "max_attempts": 7})
    [task] = bench.retry(failed=True).retried
    assert (task.id, task.timeout_seconds, task.max_attempts) == (late, 1000.0, 7)


def test_a_model_that_is_gone_keeps_no_other_from_being_tried_again(bench: Bench) -> None:
    bench.start("A", "C")
    for _ in range(3):
        bench.end(TaskStatus.FAILED, error_type="DeviceFault", error_message="")
    bench.session.get_one(Model, "C").is_available = False
    changed = bench.retry()
    assert [task.model_name for task in changed.retried] == ["A", "A"] and changed.left_out == ["C"]
    assert bench.see().counts[CellState.LOST] == 1


def test_a_deleted_task_is_submitted_again(bench: Bench) -> None:
    bench.start("A")
    gone = bench.end()
    steering.remove(bench.session, gone)
    bench.session.flush()
    bench.session.expire_all()
    assert states(bench.see()) == [("A", 1, "deleted"), ("A", 2, "waiting")]
    [task] = bench.retry().submitted
    assert task.id != gone and states(bench.see())[0] == ("A", 1, "waiting")


def test_a_cancel_ends_all_that_has_not_ended_and_only_then_it_can_be_forgotten(bench: Bench) -> None:
    bench.start("A", "B")
    done = bench.end()
    with pytest.raises(Conflict, match="benchmarks cancel 1"):
        benchmarks.remove(bench.session, 1)
    assert len(benchmarks.cancel(bench.session, 1).cancelled) == 3
    assert bench.see().counts[CellState.CANCELLED] == 3
    benchmarks.remove(bench.session, 1)
    assert bench.session.query(BenchmarkCell).count() == 0 and bench.session.get(Task, done)
    with pytest.raises(NotFound, match="no benchmark 1"):
        bench.see()


def test_a_model_with_other_weights_is_not_mixed_with_its_results(bench: Bench) -> None:
    path = bench.weights("A", "first")
    bench.start("A")
    bench.end(provenance={"model_sha256": sha256(Path(path))})
    bench.end(TaskStatus.FAILED, error_type="DeviceFault", error_message="")
    assert bench.start("A").submitted == []
    bench.weights("A", "the second")
    for again in (lambda: bench.start("A"), lambda: bench.add("A"), bench.retry):
        with pytest.raises(Conflict, match="weights of A are not those"):
            again()
    assert bench.start("B").submitted and bench.start("A", name="second").is_new


def test_a_benchmark_that_was_begun_with_other_presets_is_not_gone_on_with(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start("A")
    monkeypatch.setitem(PRESETS[TaskType.OPTIMIZATION], Preset.QUICK, {"fmax_eV_per_A": 0.04, "max_steps": 100})
    with pytest.raises(Conflict, match="other parameters in preset quick"):
        bench.add("B")
    assert bench.start("B").is_new


def test_a_structure_of_a_benchmark_can_not_be_removed(bench: Bench) -> None:
    structure_sets.replace(bench.session, "own", [3])
    bench.session.flush()
    changed = bench.start("A", set="own")
    bench.session.query(StructureSetMember).delete()
    benchmarks.cancel(bench.session, 1)
    steering.remove(bench.session, changed.submitted[0].id)
    bench.session.flush()
    with pytest.raises(Conflict, match="benchmarks rm 1"):
        structures.remove(bench.session, 3)
    benchmarks.remove(bench.session, 1)
    assert structures.remove(bench.session, 3) == "oxide"


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"models": ["A", "nope"]}, "models.1", "no model 'nope'"),
        ({"set": "nope"}, "set", "structures import DIR --set NAME"),
        (
            {"task_types": [{"task_type": "stability", "parameters": {"npt_step": 1}}]},
            "task_types.0.parameters.npt_step",
            "stability has fmax_eV_per_A",
        ),
        (
            {"task_types": [{"task_type": "optimization"}, {"task_type": "optimization"}]},
            "task_types.1.task_type",
            "asked for twice",
        ),
        (
            {"task_types": [{"task_type": "interaction-energy", "parameters": {"guest_structure": 99}}]},
            "task_types.0.parameters.guest_structure",
            "no structure 99",
        ),
    ],
)
def test_what_can_not_run_is_refused_with_its_field(
    bench: Bench, changed: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        bench.start(**({"models": ["A"]} | changed))
    assert refused.value.field == field


def test_more_cells_than_are_taken_at_a_time_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "MAX_CELLS", 3)
    with pytest.raises(Invalid, match="makes 4 tasks"):
        bench.start("A", "B")
    assert bench.start("A", "A").is_new


def test_a_guest_that_a_parameter_names_stands_instead_of_all_others(bench: Bench) -> None:
    bench.start("A", task_types=[{"task_type": "interaction-energy", "parameters": {"guest_structure": 1}}])
    assert [cell.guest for cell in bench.see().cells] == ["structure 1", "structure 1"]


def test_own_references_are_kept_until_others_are_given(bench: Bench) -> None:
    value = {"structure": "MOF-5", "quantity": "volume_A3", "value": 4440.0}
    bench.start("A", own_references=[value])
    changed = bench.start("B")
    assert [each.value for each in benchmarks.references_of(changed.benchmark)] == [4440.0]
    assert benchmarks.references_of(bench.start("A", own_references=[]).benchmark) == []


def test_its_pace_is_that_of_what_was_computed_since_it_was_given_something(bench: Bench) -> None:
    bench.start("A")
    assert bench.see().eta_seconds is None
    bench.end()
    assert bench.see().eta_seconds is not None and bench.see().percent == 50.0
    bench.end()
    assert bench.see().eta_seconds is None
    bench.start("B")
    assert bench.see().eta_seconds is None, "what A took long ago tells nothing of B"


def test_a_plan_says_what_is_there_covered_and_known_and_leaves_nothing(bench: Bench) -> None:
    before = bench.plan("A", "C")
    assert (before.benchmark_id, before.n_cells, before.n_new, before.n_there) == (None, 4, 3, 0)
    assert [(each.model, each.structure) for each in before.not_covered] == [("C", "HKUST-1")]
    assert before.n_unknown_time == before.n_unknown_memory == before.n_unknown_disk == 3
    assert (before.device_seconds, before.largest_memory_MB, before.disk_MB) == ({}, None, None)
    assert bench.session.query(Task).count() == bench.session.query(BenchmarkCell).count() == 0
    bench.start("A")
    for seconds in (20.0, 60.0):
        metrics = {"duration_seconds": seconds, "peak_memory_MB": 1000.0 * seconds / 20}
        bench.end(metrics=metrics, output_files={"series.csv": 5_000_000})
    bench.start("A", name="other")
    after = bench.plan("A", "B", name="another")
    assert after.n_new == 4
    # 100 atoms took 20 s and 200 took 60: the time of an atom is 0.2 to 0.3 s.
    assert after.device_seconds["cpu"].model_dump() == {"median": 75.0, "low": 60.0, "high": 90.0}
    assert (after.n_unknown_time, after.largest_memory_MB, after.n_unknown_memory) == (2, 3000.0, 2)
    # The median of 50 and 25 kB an atom, of both models' 300 atoms.
    assert (after.disk_MB, after.n_unknown_disk) == (22.5, 0)
    [of_a, of_b] = after.costs
    assert (of_a.model, of_a.learnt_from, of_a.device) == ("A", 2, "cpu") and of_b.seconds is None
    there = bench.plan("A", "B")
    assert (there.benchmark_id, there.n_there, there.n_new) == (1, 2, 2)


def test_finished_results_elsewhere_are_taken_instead_of_computing(bench: Bench) -> None:
    storage = Storage(bench.root)
    storage.create()
    for structure in bench.session.scalars(select(Structure)):
        file = storage.structures / structure.normalised_path
        file.parent.mkdir()
        file.write_text(structure.name)
    path = bench.weights("A", "weights")
    bench.start("A")
    task = bench.session.get_one(Task, 1)
    bench.end(
        provenance={
            "model_sha256": sha256(Path(path)),
            "structure_sha256": sha256(storage.structures / task.structure.normalised_path),
            "parameters": task.parameters,
            "framework": "ase",
            "model_options": {},
            "dtype": "float32",
            "d3": None,
        }
    )
    body = BenchmarkSubmit.model_validate({"models": ["A"], "preset": "quick", "name": "again"} | OPTIMIZATION)
    planned = benchmark_plan.plan(bench.session, body, DEFAULTS, Reuse(storage))
    assert (planned.n_reused, planned.n_new) == (1, 1)
    changed = benchmarks.start(bench.session, body, DEFAULTS, bench.root, Reuse(storage))
    assert [(each.status, each.reused_from) for each in changed.submitted] == [("COMPLETED", 1), ("QUEUED", None)]


def test_the_list_is_paged_and_the_rows_are_those_of_its_own_tasks(bench: Bench) -> None:
    bench.start("A")
    bench.start("A", name="second")
    page = benchmark_progress.page(bench.session, 1)
    assert ([each.name for each in page.items], page.total) == (["second"], 2)
    [older] = benchmark_progress.page(bench.session, 1, page.next_cursor).items
    assert older.name == "essential, quick"
    assert [row.task_id for row in benchmark_results.rows(bench.session, 1, 0)] == [1, 2]
    assert [row.task_id for row in benchmark_results.rows(bench.session, 2, 3)] == [4]


def test_the_name_of_the_built_in_set_is_taken(bench: Bench) -> None:
    with pytest.raises(Invalid, match="take another name"):
        structure_sets.replace(bench.session, "essential", [1])
