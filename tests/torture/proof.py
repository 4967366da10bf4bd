"""What must be true afterwards, read from the database and the files."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ase.io import read
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import queries
from mofsim.core.lifecycle import TRANSITIONS
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Attempt, Event, Task, TaskResult
from mofsim.vocabulary import EventType, TaskStatus, TaskType

#: what a COMPLETED task of each type has published; without the picture it is still a result
FILES = {
    TaskType.SINGLE_POINT: {"forces.extxyz"},
    TaskType.OPTIMIZATION: {"series.csv", "trajectory.extxyz", "optimized.cif", "optimized.extxyz"},
}
PICTURES = {TaskType.SINGLE_POINT: set(), TaskType.OPTIMIZATION: {"convergence.png"}}
#: chores remove progress that is older than this and a little more
UNTRIMMED = timedelta(minutes=10)


@dataclass
class Findings:
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def check(self, holds: bool, otherwise: str) -> bool:
        if not holds:
            self.wrong.append(otherwise)
        return holds


def examine(database: Database, storage: Storage, accepted: set[int]) -> Findings:
    findings = Findings()
    with database.read() as session:
        tasks = {task.id: task for task in session.scalars(select(Task))}
        findings.counts.update({f"tasks {task.status}": 0 for task in tasks.values()})
        findings.counts.update(f"tasks {task.status}" for task in tasks.values())
        findings.counts["attempts beyond the first"] = sum(max(0, task.attempt - 1) for task in tasks.values())
        for task_id in sorted(accepted - set(tasks)):
            findings.check(False, f"task {task_id} was accepted and is not there")
        for task in tasks.values():
            findings.check(TaskStatus(task.status).is_final, f"task {task.id} did not end: {task.status}")
            findings.check(
                task.error_type in (None, "AttemptsExhausted"),
                f"task {task.id}: {task.error_type} {task.error_message}",
            )
            _check_result(findings, session, storage, task)
        _check_attempts(findings, session, tasks)
        _check_events(findings, session)
        counted = queries.counts_by_status(session)
        real = Counter(task.status for task in tasks.values())
        findings.check(all(counted[s] == real[s] for s in TaskStatus), f"counts {counted} are not {real}")
    return findings


def _check_result(findings: Findings, session: Session, storage: Storage, task: Task) -> None:
    """A COMPLETED task has one, of its last attempt; whatever is published is whole."""
    result = session.get(TaskResult, task.id)
    completed = task.status == TaskStatus.COMPLETED
    if result is None:
        findings.check(not completed, f"task {task.id} is COMPLETED without a result")
        return
    findings.check(result.attempt == task.attempt, f"task {task.id}: result of attempt {result.attempt}")
    folder = storage.attempt(task.id, result.attempt)
    whole = [_check_file(findings, task, folder / name, size) for name, size in result.output_files.items()]
    if completed and all(whole):
        task_type, published = TaskType(task.task_type), set(result.output_files)
        without_pictures = published - PICTURES[task_type]
        findings.counts["results without their picture"] += not PICTURES[task_type] <= published
        if findings.check(without_pictures == FILES[task_type], f"task {task.id}: published {sorted(published)}"):
            _check_steps(findings, folder, task, result)


def _check_file(findings: Findings, task: Task, path: Path, size: int) -> bool:
    findings.check(not path.name.endswith(".tmp"), f"task {task.id}: published {path.name}, which is half a file")
    there = path.is_file() and path.stat().st_size == size
    return findings.check(there, f"task {task.id}: {path.name} is not as published")


def _check_steps(findings: Findings, folder: Path, task: Task, result: TaskResult) -> None:
    """Every step once, in the series and in the trajectory."""
    if task.task_type != TaskType.OPTIMIZATION:
        return
    with (folder / "series.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    expected = list(range(result.result_data["steps"] + 1))
    findings.check(steps == expected, f"task {task.id}: steps {steps} in its series")
    frames = read(folder / "trajectory.extxyz", ":")
    findings.check(len(frames) == len(expected), f"task {task.id}: {len(frames)} frames for {len(expected)} steps")


def _check_attempts(findings: Findings, session: Session, tasks: dict[int, Task]) -> None:
    numbers: dict[int, list[int]] = defaultdict(list)
    for attempt in session.scalars(select(Attempt).order_by(Attempt.task_id, Attempt.attempt)):
        numbers[attempt.task_id].append(attempt.attempt)
        findings.counts[f"attempts {attempt.outcome}"] += 1
        findings.counts["attempts that resumed"] += attempt.resumed_from_step is not None
        findings.check(attempt.outcome is not None, f"attempt {attempt.attempt} of {attempt.task_id} never ended")
    for task_id, found in numbers.items():
        findings.check(found == list(range(1, tasks[task_id].attempt + 1)), f"task {task_id}: attempts {found}")


def _check_events(findings: Findings, session: Session) -> None:
    """The changes of each task are a path through the allowed transitions, and no event id of SQLite is missing."""
    status: dict[int, str] = {}
    created = [EventType.TASK_CREATED, EventType.TASK_STATUS]
    for event in session.scalars(select(Event).where(Event.type.in_(created)).order_by(Event.id)):
        assert event.task_id is not None
        to = event.data["task"]["status"]
        if event.type == EventType.TASK_STATUS:
            before = event.data["previous"]
            findings.check(status.get(event.task_id) == before, f"event {event.id}: task was not {before} before")
            findings.check(to in TRANSITIONS[TaskStatus(before)], f"event {event.id}: {before} → {to}")
        status[event.task_id] = to
    newest = session.scalar(select(func.max(Event.time)))
    if newest is None:
        return
    untrimmed = select(func.count(), func.min(Event.id), func.max(Event.id)).where(Event.time > newest - UNTRIMMED)
    n, first, last = session.execute(untrimmed).one()
    # A transaction of PostgreSQL that is rolled back leaves a gap.
    if session.get_bind().dialect.name == "sqlite":
        findings.check(n == last - first + 1, f"{last - first + 1 - n} events are missing")
    findings.counts["events"] = n
