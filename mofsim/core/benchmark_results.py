"""The rows of a benchmark, which its scores are made of: those of a batch, whatever batch they were submitted in."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.core.batch_results import PAGE, columns_of, row_of
from mofsim.core.benchmarks import find
from mofsim.db.engine import Database
from mofsim.db.tables import BenchmarkCell, Structure, Task, TaskResult
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import NotCovered
from mofsim.vocabulary import TaskType


def columns(session: Session, benchmark_id: int) -> list[str]:
    """As those of a batch. Raises NotFound."""
    find(session, benchmark_id)
    types = select(BenchmarkCell.task_type).where(BenchmarkCell.benchmark_id == benchmark_id).distinct()
    return columns_of(session.scalars(types))


def rows(session: Session, benchmark_id: int, after: int) -> list[BatchRow]:
    """The rows of the tasks that follow task `after`, at most PAGE of them."""
    query = (
        select(Task, TaskResult)
        .join(BenchmarkCell, BenchmarkCell.task_id == Task.id)
        .outerjoin(TaskResult, TaskResult.task_id == Task.id)
        .where(BenchmarkCell.benchmark_id == benchmark_id, Task.id > after)
        .order_by(Task.id)
        .limit(PAGE)
    )
    return [row_of(task, result) for task, result in session.execute(query)]


def pages(database: Database, benchmark_id: int) -> Iterator[list[BatchRow]]:
    """Each in a transaction of its own: one as long as a download would keep the database from tidying up."""
    after = 0
    while True:
        with database.read() as session:
            found = rows(session, benchmark_id, after)
        if not found:
            return
        yield found
        after = found[-1].task_id


def not_covered(session: Session, benchmark_id: int) -> list[NotCovered]:
    query = (
        select(BenchmarkCell, Structure.name)
        .join(Structure, Structure.id == BenchmarkCell.structure_id)
        .where(
            BenchmarkCell.benchmark_id == benchmark_id,
            BenchmarkCell.task_id.is_(None),
            BenchmarkCell.not_covered.is_not(None),
        )
        .order_by(BenchmarkCell.model_name, Structure.name, BenchmarkCell.task_type, BenchmarkCell.guest)
    )
    return [
        NotCovered(
            model=cell.model_name,
            structure=name,
            task_type=TaskType(cell.task_type),
            guest=cell.guest or None,
            reason=cell.not_covered or "",
        )
        for cell, name in session.execute(query)
    ]
