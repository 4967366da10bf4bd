"""Watches the physics of a task while it runs, and raises alerts of the rules about it.

They only warn: a simulation that has become nonsense is ended by its own guard.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from statistics import median
from typing import Any

import structlog
from sqlalchemy import select

from mofsim.core import alerts
from mofsim.core.alert_kinds import Finding
from mofsim.core.leases import Lease
from mofsim.db.engine import Database
from mofsim.db.tables import AlertRule, Task
from mofsim.vocabulary import PHYSICS, AlertLevel, RuleKind, TaskType

log = structlog.get_logger("mofsim.worker")

#: How often the rules are read again, in seconds.
RELOAD_SECONDS = 10.0

#: Stages in which the forces are to fall; the last two are many relaxations, one after the other.
RELAXING = frozenset({"relaxation", "point", "site"})
#: Stages in which one structure moves, so that its energy and volume belong together from step to step.
MOVING = RELAXING | {"NVT", "NPT"}
#: Stages whose cell is the cell that the task began with, grown or shrunk by the physics alone.
KEEPING_ITS_CELL = frozenset({"relaxation", "NVT", "NPT"})
#: In these, `stage_step` counts relaxations and not steps.
NUMBERED = frozenset({"point", "site"})


@dataclass(frozen=True)
class Report:
    """One step, as the executor told it."""

    step: int
    energy_eV: float
    fmax_eV_per_A: float
    volume_A3: float


@dataclass
class Trail:
    """The steps of one stage so far, as far as rules want to know them."""

    stage: str
    n_atoms: int
    start_volume_A3: float
    reports: deque[Report] = field(default_factory=lambda: deque(maxlen=5000))
    #: (step, jump of the energy to it in eV/atom)
    jumps: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=1000))
    #: rule id → the smallest largest force that counted as progress, and its step
    best: dict[int, tuple[float, int]] = field(default_factory=dict)

    def add(self, report: Report) -> None:
        if self.reports:
            jump = abs(report.energy_eV - self.reports[-1].energy_eV) / self.n_atoms
            self.jumps.append((report.step, jump))
        self.reports.append(report)

    @property
    def newest(self) -> Report:
        return self.reports[-1]

    def since(self, steps: int) -> list[Report]:
        """Those of the last so many steps; empty while there are not so many."""
        begin = self.newest.step - steps
        if self.reports[0].step > begin:
            return []
        return list(takewhile(lambda report: report.step >= begin, reversed(self.reports)))[::-1]


def _energy_explosion(trail: Trail, rule: AlertRule) -> Finding | None:
    threshold, begin = rule.condition["threshold"], trail.newest.step - rule.condition["steps"]
    if trail.stage not in MOVING:
        return None
    lately = takewhile(lambda each: each[0] > begin, reversed(trail.jumps))
    step, jump = max(lately, key=lambda each: each[1], default=(0, 0.0))
    if jump <= threshold:
        return None
    return Finding(f"the energy jumped by {jump:.3g} eV/atom at step {step}", {"value": jump, "step": step})


def _cell_collapse(trail: Trail, rule: AlertRule) -> Finding | None:
    ratio = trail.newest.volume_A3 / trail.start_volume_A3
    if trail.stage not in KEEPING_ITS_CELL or ratio >= rule.condition["threshold"]:
        return None
    return Finding(f"the volume of the cell fell to {ratio:.2f} of what it was at the start", {"value": ratio})


def _no_progress(trail: Trail, rule: AlertRule) -> Finding | None:
    if trail.stage not in RELAXING:
        return None
    fmax, step = trail.newest.fmax_eV_per_A, trail.newest.step
    best, best_step = trail.best.get(rule.id, (float("inf"), step))
    if fmax < best * (1 - rule.condition["threshold"]):
        trail.best[rule.id] = fmax, step
        return None
    waited = step - best_step
    if waited < rule.condition["steps"]:
        return None
    words = f"the largest force has not fallen below {best:.3g} eV/Å for {waited} steps, since step {best_step}"
    return Finding(words, {"value": waited, "fmax_eV_per_A": best, "step": best_step})


def _fmax_rising(trail: Trail, rule: AlertRule) -> Finding | None:
    """By the medians of the first and the last third, so that one odd step is no trend."""
    window = trail.since(rule.condition["steps"]) if trail.stage in RELAXING else []
    if len(window) < 6:
        return None
    forces = [report.fmax_eV_per_A for report in window]
    third = len(forces) // 3
    before, after = median(forces[:third]), median(forces[-third:])
    if before <= 0 or after <= before * rule.condition["threshold"]:
        return None
    words = f"the largest force rose from {before:.3g} to {after:.3g} eV/Å over {rule.condition['steps']} steps"
    return Finding(words, {"value": after / before})


LOOKS: Mapping[RuleKind, Callable[[Trail, AlertRule], Finding | None]] = {
    RuleKind.ENERGY_EXPLOSION: _energy_explosion,
    RuleKind.CELL_COLLAPSE: _cell_collapse,
    RuleKind.NO_PROGRESS: _no_progress,
    RuleKind.FMAX_RISING: _fmax_rising,
}


class PhysicsWatch:
    """Follows one attempt of a task. That its alerts end with it is the lifecycle's business."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._task: Task | None = None
        self._rules: list[AlertRule] = []
        #: ids of the rules that hold now
        self._bad: set[int] = set()
        self._reload_at = 0.0
        self._trail: Trail | None = None
        self._stage: tuple[str, int | None] | None = None

    def look(self, message: Mapping[str, Any]) -> None:
        """Take in what the executor told of a step. Nothing that goes wrong here harms the task."""
        try:
            if time.monotonic() >= self._reload_at:
                self._reload()
            if self._task is not None:
                self._follow(self._task, message)
        except Exception:
            # A full disk, a rule with an odd condition: no night of computing is lost for a warning.
            log.exception("the physics of a task could not be judged", task_id=self._lease.task_id)

    def _reload(self) -> None:
        self._reload_at = time.monotonic() + RELOAD_SECONDS
        with self._database.read() as session:
            self._task = session.get(Task, self._lease.task_id)
            rules = session.scalars(select(AlertRule).where(AlertRule.kind.in_(PHYSICS), AlertRule.enabled))
            self._rules = list(rules)
        # Not those whose alert somebody resolved: there is another one only after it was well once.
        self._bad &= {rule.id for rule in self._rules}

    def _follow(self, task: Task, message: Mapping[str, Any]) -> None:
        if message["energy_eV"] is None or message["fmax_eV_per_A"] is None:
            # No number: the simulation's own guard ends it, or its task is to find out just that.
            return
        name = message.get("stage") or ("relaxation" if task.task_type == TaskType.OPTIMIZATION else "")
        stage = name, message.get("stage_step") if name in NUMBERED else None
        report = Report(
            int(message["step"]), message["energy_eV"], message["fmax_eV_per_A"], message["volume_A3"] or 0.0
        )
        if self._trail is None or stage != self._stage:
            self._stage, self._trail = stage, self._new_trail(task, name, report)
        self._trail.add(report)
        found = {rule.id: LOOKS[RuleKind(rule.kind)](self._trail, rule) for rule in self._rules}
        changed = [rule for rule in self._rules if (found[rule.id] is not None) != (rule.id in self._bad)]
        if changed:
            self._tell({rule.id: (rule, found[rule.id]) for rule in changed})

    def _new_trail(self, task: Task, stage: str, report: Report) -> Trail:
        # A supercell is larger than the structure that it was made of, and an attempt may begin anywhere.
        start = max(task.structure.volume_A3, self._trail.start_volume_A3 if self._trail else report.volume_A3)
        return Trail(stage, task.structure.n_atoms, start)

    def _tell(self, changed: Mapping[int, tuple[AlertRule, Finding | None]]) -> None:
        subject = alerts.task_subject(self._lease.task_id)
        with self._database.write() as session:
            if session.scalar(select(Task.id).where(*self._lease.holds)) is None:
                # It was taken away meanwhile: nobody would resolve what is raised now.
                return
            for rule, finding in changed.values():
                kind = RuleKind(rule.kind)
                if finding is None:
                    alerts.resolve(session, kind, subject, rule)
                    continue
                assert self._task is not None
                message = f"task {self._lease.task_id} ({self._task.task_type} of {self._task.structure.name}): "
                details = {"task_id": self._lease.task_id, "threshold": rule.condition["threshold"], **finding.details}
                level = AlertLevel(rule.level)
                alerts.raise_alert(session, kind, subject, level, message + finding.message, details, rule)
        for rule, finding in changed.values():
            (self._bad.add if finding is not None else self._bad.discard)(rule.id)
