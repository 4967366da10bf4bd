"""Reports of benchmarks, made in a process of their own: scoring takes a core for seconds, and requests would wait."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from mofsim.benchmark.references import BUILTIN, References
from mofsim.benchmark.report import exports, text
from mofsim.benchmark.report.page import Sources, as_html
from mofsim.benchmark.scoring import score
from mofsim.core import benchmark_results, benchmarks, queries
from mofsim.core.errors import NotFound, Unavailable
from mofsim.db.engine import Database
from mofsim.db.tables import Benchmark, TaskResult
from mofsim.schemas.scores import Reference, Scores
from mofsim.vocabulary import ReportFormat

#: for one report; that of 10 000 tasks takes a tenth of it
PATIENCE_SECONDS = 600.0
#: of the log of a task that gave no answer
LOG_LINES = 20


@dataclass(frozen=True)
class Order:
    """What the process is told, on its stdin: a database's address may hold a password."""

    database_url: str
    busy_timeout_seconds: float
    benchmark_id: int
    format: ReportFormat


def make(order: Order) -> bytes:
    """The report, of JSON the scores alone; blocks. Raises Unavailable."""
    command = [sys.executable, "-m", "mofsim.server.reporting"]
    said = json.dumps(asdict(order)).encode()
    try:
        done = subprocess.run(command, input=said, capture_output=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"the report took longer than {PATIENCE_SECONDS:.0f} s; make it from the rows (…/results) with "
            "mofsim.benchmark instead"
        ) from None
    if done.returncode:
        raise RuntimeError(f"the report could not be made: {done.stderr.decode(errors='replace')[-4000:]}")
    return done.stdout


def scores_of(database: Database, benchmark_id: int) -> Scores:
    """Raises NotFound."""
    with database.read() as session:
        benchmark = benchmarks.find(session, benchmark_id)
        not_covered = benchmark_results.not_covered(session, benchmark_id)
    return score(
        (row for rows in benchmark_results.pages(database, benchmark_id) for row in rows),
        references_of(benchmark),
        title=f"Benchmark {benchmark.id}: {benchmark.name}",
        made_at=datetime.now(UTC),
        not_covered=not_covered,
    )


def references_of(benchmark: Benchmark) -> References:
    own = [Reference.model_validate(each.model_dump()) for each in benchmarks.references_of(benchmark)]
    return References(BUILTIN, own)


def written(database: Database, order: Order) -> str:
    scores = scores_of(database, order.benchmark_id)
    match ReportFormat(order.format):
        case ReportFormat.JSON:
            return exports.as_json(scores)
        case ReportFormat.CSV:
            return exports.scores_csv(scores)
        case ReportFormat.OUTCOMES:
            return exports.outcomes_csv(scores)
        case ReportFormat.TEXT:
            return text.as_text(scores)
        case ReportFormat.HTML:
            result, log = (lambda id: _result(database, id)), (lambda id: _log(database, id))
            return as_html(scores, Sources(result, log))


def _result(database: Database, task_id: int) -> dict[str, Any] | None:
    with database.read() as session:
        found = session.get(TaskResult, task_id)
        return {"result": found.result_data, "provenance": found.provenance} if found else None


def _log(database: Database, task_id: int) -> list[str]:
    with database.read() as session, suppress(NotFound):
        lines = queries.logs(session, task_id, after=0, limit=LOG_LINES, newest=True)
        return [f"{line.time:%Y-%m-%d %H:%M:%S} {line.level} {line.message}" for line in lines]
    return []


def main() -> None:
    order = Order(**json.load(sys.stdin))
    database = Database(order.database_url, order.busy_timeout_seconds)
    try:
        sys.stdout.buffer.write(written(database, order).encode())
    finally:
        database.close()


if __name__ == "__main__":
    main()
