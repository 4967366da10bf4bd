"""The watch over the physics of a task, step by step as an executor tells it; test_alert_rules.py has real runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mofsim.core import alert_rules, alerts, leases, lifecycle, steering
from mofsim.core.leases import Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import AlertRule, Structure, Task, utcnow
from mofsim.schemas.alerts import AlertRuleChange
from mofsim.vocabulary import Priority, RuleKind, TaskStatus
from mofsim.worker import physics
from mofsim.worker.physics import PhysicsWatch
from tests.tables import make_tables

N_ATOMS, VOLUME = 100, 1000.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    make_tables(tmp_path / "mofsim.db")
    database = Database(f"sqlite:///{tmp_path / 'mofsim.db'}")
    Storage(tmp_path).create()
    structure = Structure(
        name="MOF-5", original_name="x", file_path="x", normalised_path="x", file_size=1, format="cif",
        checksum="x", n_atoms=N_ATOMS, formula="H", elements=["H"], volume_A3=VOLUME,
    )  # fmt: skip
    task = Task(
        task_type="stability", structure=structure, preset="quick", parameters={}, timeout_seconds=60.0,
        priority=Priority.NORMAL, model_name="lj", max_attempts=3, attempt=0, faults=0, progress={},
        held=False, awaits_parent=False, created_at=utcnow(),
    )  # fmt: skip
    with database.write() as session:
        alert_rules.add_builtin(session)
        lifecycle.accept(session, task)
    yield database
    database.close()


class Walk:
    """A task that runs, and what its executor tells."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            claimed = leases.claim(
                session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=60, affinity_seconds=0
            )
            assert claimed is not None
            self.lease = claimed[0]
            leases.start(session, self.lease, 1000)
        self.watch = PhysicsWatch(database, self.lease)
        self.number = 0

    def step(self, stage: str | None, fmax: float = 0.1, energy: float = -500.0, volume: float = VOLUME, **more: Any):
        self.number += 1
        told = {"step": self.number, "energy_eV": energy, "fmax_eV_per_A": fmax, "volume_A3": volume}
        self.watch.look(told | ({"stage": stage, "stage_step": self.number} if stage else {}) | more)

    def raised(self) -> list[str]:
        with self.database.read() as session:
            return sorted(alert.alert_type for alert in alerts.active(session))

    def end(self) -> None:
        with self.database.write() as session:
            leases.finish(session, self.lease, Outcome(TaskStatus.COMPLETED))


@pytest.fixture
def walk(database: Database) -> Walk:
    return Walk(database)


def change(database: Database, kind: RuleKind, **values: Any) -> None:
    with database.write() as session:
        rule = session.scalars(select(AlertRule).where(AlertRule.kind == kind)).one()
        alert_rules.change(session, rule.id, AlertRuleChange.model_validate(values), [])


def test_a_jump_of_the_energy_counts_by_the_atom_and_within_a_stage(walk: Walk) -> None:
    walk.step("relaxation")
    walk.step("relaxation", energy=-500.0 + 0.99 * N_ATOMS)
    walk.step("NVT", energy=500.0)
    walk.step("displacement", energy=0.0)
    walk.step("displacement", energy=500.0)
    assert walk.raised() == []
    walk.step("NPT", energy=0.0)
    walk.step("NPT", energy=1.01 * N_ATOMS)
    assert walk.raised() == ["energy_explosion"]
    for _ in range(49):
        walk.step("NPT", energy=1.01 * N_ATOMS)
    assert walk.raised() == ["energy_explosion"]
    walk.step("NPT", energy=1.01 * N_ATOMS)
    assert walk.raised() == [], "fifty steps without a jump"


def test_a_cell_that_collapses_is_measured_against_the_start_through_all_stages(walk: Walk) -> None:
    walk.step("NVT")
    walk.step("NPT", volume=0.61 * VOLUME)
    assert walk.raised() == []
    walk.step("NPT", volume=0.59 * VOLUME)
    assert walk.raised() == ["cell_collapse"]
    walk.step("NPT", volume=0.7 * VOLUME)
    assert walk.raised() == []
    walk.step("point", volume=0.5 * VOLUME)
    assert walk.raised() == [], "the points of an equation of state are compressed on purpose"


def test_an_attempt_that_begins_in_a_collapsed_cell_knows_the_start(walk: Walk) -> None:
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == ["cell_collapse"]


@pytest.mark.parametrize(("stage", "expected"), [("relaxation", ["no_progress"]), ("NVT", [])])
def test_only_a_relaxation_is_to_make_progress(walk: Walk, database: Database, stage: str, expected: list[str]) -> None:
    change(database, RuleKind.NO_PROGRESS, condition={"steps": 20})
    for _ in range(21):
        walk.step(stage, fmax=0.1)
    assert walk.raised() == expected
    walk.step(stage, fmax=0.0995)
    assert walk.raised() == expected, "less than one percent is none"
    walk.step(stage, fmax=0.098)
    assert walk.raised() == []


def test_each_point_of_an_equation_of_state_is_a_relaxation_of_its_own(walk: Walk, database: Database) -> None:
    change(database, RuleKind.NO_PROGRESS, condition={"steps": 20})
    for point in range(4):
        for _ in range(15):
            walk.step("point", fmax=0.1, energy=-500.0 + 200 * point, stage_step=point)
    assert walk.raised() == []
    for _ in range(10):
        walk.step("point", fmax=0.1, energy=100.0, stage_step=3)
    assert walk.raised() == ["no_progress"]


def test_forces_that_rise_are_told_and_one_odd_step_is_not(walk: Walk, database: Database) -> None:
    change(database, RuleKind.FMAX_RISING, condition={"steps": 30})
    for step in range(40):
        walk.step("relaxation", fmax=5.0 if step == 35 else 0.1)
    assert walk.raised() == []
    for step in range(30):
        walk.step("relaxation", fmax=0.1 * 1.1**step)
    assert walk.raised() == ["fmax_rising"]
    for _ in range(30):
        walk.step("relaxation", fmax=0.1)
    assert walk.raised() == []


def test_forces_of_dynamics_rise_as_they_like(walk: Walk, database: Database) -> None:
    change(database, RuleKind.FMAX_RISING, condition={"steps": 30})
    for step in range(60):
        walk.step("NVT", fmax=0.1 * 1.1**step)
    assert walk.raised() == []


def test_one_that_somebody_resolved_does_not_come_back_before_all_was_well(walk: Walk) -> None:
    walk.step("NPT")
    walk.step("NPT", volume=0.5 * VOLUME)
    with walk.database.write() as session:
        alerts.resolve_by_hand(session, 1, "ada")
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == []
    walk.step("NPT")
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == ["cell_collapse"]


def test_a_change_of_a_rule_reaches_a_task_that_runs(
    walk: Walk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(physics, "RELOAD_SECONDS", 0.0)
    walk.step("NPT", volume=0.5 * VOLUME)
    change(database, RuleKind.CELL_COLLAPSE, enabled=False)
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == []
    change(database, RuleKind.CELL_COLLAPSE, enabled=True)
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == ["cell_collapse"]


def test_a_step_without_numbers_is_left_out(walk: Walk, capfd: pytest.CaptureFixture[str]) -> None:
    for energy in (None, -500.0, None, -500.0):
        walk.step("NVT", energy=energy)
    walk.step("NVT", energy=+500.0)
    assert walk.raised() == ["energy_explosion"] and "could not be judged" not in capfd.readouterr().out


def test_a_rule_that_can_not_be_judged_harms_no_task(walk: Walk, database: Database) -> None:
    with database.write() as session:
        rule = session.scalars(select(AlertRule).where(AlertRule.kind == RuleKind.ENERGY_EXPLOSION)).one()
        rule.condition = {}
    walk.step("NVT")
    walk.step("NVT", energy=+500.0)
    assert walk.raised() == []


def test_who_lost_the_task_raises_nothing_about_it(walk: Walk) -> None:
    walk.step("NPT")
    walk.end()
    walk.step("NPT", volume=0.5 * VOLUME)
    assert walk.raised() == []


def test_a_cancelled_task_takes_its_alerts_along(walk: Walk) -> None:
    walk.step("NPT", volume=0.5 * VOLUME)
    with walk.database.write() as session:
        steering.request_cancel(session, 1)
    assert walk.raised() == ["cell_collapse"], "it runs until its executor has stopped"
    with walk.database.write() as session:
        leases.finish(session, walk.lease, Outcome(TaskStatus.CANCELLED))
    assert walk.raised() == []


def test_a_relaxation_is_one_though_its_executor_names_no_stage(walk: Walk, database: Database) -> None:
    change(database, RuleKind.NO_PROGRESS, condition={"steps": 5})
    with database.write() as session:
        session.get_one(Task, 1).task_type = "optimization"
    for _ in range(7):
        walk.step(None)
    assert walk.raised() == ["no_progress"]
