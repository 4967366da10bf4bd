"""Workers: are there some, do they live, and do they take tasks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.rows import Rows
from mofsim.cli.deployment.serving import Server
from mofsim.core import turns
from mofsim.schemas.resources import Worker
from mofsim.settings import Settings
from mofsim.vocabulary import TaskStatus, WorkerState

GONE = (WorkerState.STOPPED, WorkerState.LOST)
#: Heartbeats come every few seconds; a database that is busy delays them.
FRESH = timedelta(seconds=15)


def workers(server: Server, settings: Settings, database: Rows) -> Iterator[Check]:
    if server.workers is None or server.health is None:
        yield Check("workers", Verdict.FAIL, "not known: the server does not tell", "see `server` and `settings`")
        return
    # Heartbeats have the time of the database where that is a server, else that of the machine of the file.
    now = datetime.now(UTC) + (database.ahead or server.ahead or timedelta(0))
    silent = [each for each in server.workers if _is_silent(each, now, settings)]
    online = [each for each in server.workers if each.state not in GONE and each not in silent]
    waiting = server.health.queue.by_status.get(TaskStatus.QUEUED, 0)
    if silent:
        said = ", ".join(f"{each.id} for {(now - each.heartbeat_at).total_seconds():.0f} s" for each in silent[:4])
        advice = "look at its machine and at `mofsim logs`; start it again, and it takes the place of the lost one"
        yield Check("silent workers", Verdict.FAIL, said, advice)
    if not online:
        verdict = Verdict.FAIL if waiting else Verdict.WARN
        found = f"none online; {waiting} {'task waits' if waiting == 1 else 'tasks wait'}"
        yield Check("workers", verdict, found, "start `mofsim worker` on the machines that compute")
        return
    idle = [each for each in online if each.state in (WorkerState.PAUSED, WorkerState.DRAINED, WorkerState.DRAINING)]
    oldest = max((now - each.heartbeat_at).total_seconds() for each in online)
    found = f"{len(online)} online, the oldest heartbeat {max(oldest, 0):.1f} s ago"
    if len(idle) == len(online):
        told = ", ".join(f"{each.id} {each.state}{f' ({each.note})' if each.note else ''}" for each in idle[:4])
        advice = "`mofsim worker resume ID`, or do what the note says"
        yield Check("workers", Verdict.WARN, f"{found}; none takes tasks: {told}", advice)
    else:
        yield Check("workers", Verdict.OK, found + (f"; {len(idle)} take no tasks" if idle else ""))


def chores(database: Rows) -> Iterator[Check]:
    """Who brings back what was lost, and looks after results and webhooks."""
    if database.rows is None:
        return
    with database.rows.read() as session:
        boxes = turns.current(session, datetime.now(UTC) + (database.ahead or timedelta(0)))
    if len(boxes) == len(turns.Chores):
        yield Check("chores", Verdict.OK, f"done by {' and '.join(sorted(set(boxes.values())))}")
    elif turns.Chores.ROWS in boxes:
        found = f"{boxes[turns.Chores.ROWS]} does them, and nobody those that need the files of results"
        yield Check("chores", Verdict.WARN, found, "run `mofsim worker --chores` on the machine of the server")
    else:
        found = "done by nobody: what is lost stays lost, webhooks and mails wait"
        yield Check(
            "chores", Verdict.WARN, found, "they come with `mofsim worker`, and with `mofsim worker --chores` alone"
        )


def _is_silent(worker: Worker, now: datetime, settings: Settings) -> bool:
    if worker.state in GONE:
        return worker.state is WorkerState.LOST
    return now - worker.heartbeat_at > max(FRESH, timedelta(seconds=settings.scheduler.lease_seconds))
