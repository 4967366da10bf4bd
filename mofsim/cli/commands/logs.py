"""`mofsim logs`: what a task said, or all processes of the machine that the server runs on."""

import time
from collections.abc import Iterable

import click

from mofsim.cli import text
from mofsim.cli.app import App, command
from mofsim.schemas.logs import SystemLogLine
from mofsim.schemas.tasks import LogLine
from mofsim.vocabulary import LogLevel

#: Time between two looks at a log that is followed, in seconds.
_INTERVAL = 1.0
#: as many lines as the server gives in one answer
_MOST = 2000


@command()
@click.argument("id", type=click.IntRange(min=1), required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on: until the task has ended, or for ever.")
@click.option("-n", "--lines", default=500, show_default=True, type=click.IntRange(1, _MOST), help="The newest N.")
@click.option(
    "--level", type=click.Choice([*LogLevel], case_sensitive=False), default=LogLevel.DEBUG, help="And above."
)
@click.option("--text", "wanted", default="", help="Only lines with this text.")
@click.pass_obj
def logs(app: App, id: int | None, follow: bool, lines: int, level: str, wanted: str) -> None:
    """Show the log of the task ID, or without it that of mofsim's processes; newest lines last.

    With --json: a list of {id, attempt, time, level, logger, message}; without ID of {timestamp, level, logger,
    message, process, task_id, gpu_id, request_id, exception, extra}.
    """
    if follow and app.json:
        raise click.UsageError("a log that is followed has no end to make one JSON document of; leave -f or --json")
    if id is None:
        return _of_the_system(app, follow, lines, level, wanted)
    found = app.client.logs(id, limit=lines, newest=True, level=level, text=wanted)
    if app.json:
        return app.out.document(found)
    _say(app, map(_task_line, found))
    if follow:
        _follow_task(app, id, found[-1].id if found else 0, level, wanted)


def _follow_task(app: App, id: int, after: int, level: str, wanted: str) -> None:
    while True:
        ended = app.client.task(id).status.is_final
        # Read after the status: what was said until the end is there then.
        while found := app.client.logs(id, after=after, level=level, text=wanted):
            _say(app, map(_task_line, found))
            after = found[-1].id
        if ended:
            return
        time.sleep(_INTERVAL)


def _of_the_system(app: App, follow: bool, lines: int, level: str, wanted: str) -> None:
    found = _newest(app, lines, level, wanted)
    if app.json:
        return app.out.document(found)
    _say(app, map(_system_line, found))
    while follow:
        time.sleep(_INTERVAL)
        # From the time of the last line on; what was there of that very time was told.
        since = found[-1].timestamp if found else None
        page = app.client.system_logs(level, wanted, since=since, limit=_MOST)
        new = [line for line in reversed(page.items) if line not in found]
        _say(app, map(_system_line, new))
        found += new
        found = [line for line in found if line.timestamp == found[-1].timestamp]


def _newest(app: App, lines: int, level: str, wanted: str) -> list[SystemLogLine]:
    """Oldest first; as far back as it takes."""
    found: list[SystemLogLine] = []
    cursor = None
    while len(found) < lines:
        page = app.client.system_logs(level, wanted, limit=lines - len(found), cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found[::-1]


def _task_line(line: LogLine) -> str:
    return f"{text.clock(line.time)}  {line.level:<7}  {line.message}"


def _system_line(line: SystemLogLine) -> str:
    about = {"task": line.task_id, "gpu": line.gpu_id, **line.extra}
    more = " ".join(f"{name}={value}" for name, value in about.items() if value is not None)
    first = f"{text.clock(line.timestamp)}  {line.level:<7}  {line.process:<11}  {line.message}  {more}".rstrip()
    return "\n".join(filter(None, (first, line.exception)))


def _say(app: App, lines: Iterable[str]) -> None:
    for line in lines:
        app.out.line(line)
