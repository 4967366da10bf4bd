"""This machine around mofsim: who starts it again, its logs, its backups, and how many files it may open."""

import json
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.reading import open_files as of_process
from mofsim.cli.deployment.reading import said
from mofsim.cli.text import duration
from mofsim.db.backup import last_backup
from mofsim.db.engine import Database
from mofsim.db.tables import Task
from mofsim.logs import files
from mofsim.settings import Settings
from mofsim.settings.places import server_note_file

UNITS = ("mofsim-server.service", "mofsim-worker.service")
#: A backup that is older protects little.
OLD = timedelta(days=7)
#: Chores tidy logs each day; what is so late was not tidied.
UNTIDY = files.COMPRESS_AFTER + timedelta(days=2)
#: Each client that follows events takes one, and each request that is under way another.
LEAST_FILES = 4096
FILES_USED = 0.8


def service() -> Iterator[Check]:
    wanted = "--property=Id,LoadState,UnitFileState,ActiveState"
    shown = said("systemctl", "show", wanted, *UNITS)
    if shown is None:
        found = "no systemd here: something else has to start server and workers again"
        yield Check("service", Verdict.WARN, found, "deploy/ has units, containers and batch jobs")
        return
    units = [dict(line.split("=", 1) for line in unit.splitlines() if "=" in line) for unit in shown.split("\n\n")]
    loaded = [unit for unit in units if unit.get("LoadState") == "loaded"]
    if not loaded:
        found = f"systemd knows neither {' nor '.join(UNITS)}: nothing starts them again after a reboot"
        yield Check("service", Verdict.WARN, found, "how to install them is at the top of deploy/systemd/*.service")
    for unit in loaded:
        yield _unit(unit["Id"], unit.get("UnitFileState", ""), unit.get("ActiveState", ""))


def _unit(name: str, enabled: str, active: str) -> Check:
    found = f"{name} is {enabled or 'not enabled'} and {active}"
    if active == "failed":
        return Check("service", Verdict.FAIL, found, f"journalctl -u {name}, then systemctl restart {name}")
    if enabled != "enabled" or active != "active":
        return Check("service", Verdict.WARN, found, f"systemctl enable --now {name}")
    return Check("service", Verdict.OK, found)


def logs(settings: Settings) -> Iterator[Check]:
    folder = settings.logs_dir
    if not settings.logging.to_files:
        found = "logging.to_files is off: they are on stderr only, and `mofsim logs` finds none"
        yield Check("logs", Verdict.WARN, found, "turn it on, or see that what gets stderr keeps and rotates it")
        return
    try:
        live = [(path, path.stat().st_size) for path in files.live_files(folder)]
        full = files.full_files(folder) if folder.is_dir() else []
    except OSError as error:
        yield Check("logs", Verdict.FAIL, f"{folder} can not be read: {error.strerror}", "run this as its owner")
        return
    most = 2e6 * settings.logging.max_file_MB
    if huge := [path.name for path, size in live if size > most]:
        found = f"{', '.join(huge)} grew past logging.max_file_MB: its process can not begin a new file"
        yield Check("logs", Verdict.FAIL, found, f"let the account of mofsim write {folder}, and restart it")
    elif old := [each for each in full if each.path.suffix != ".gz" and datetime.now(UTC) - each.end > UNTIDY]:
        found = f"{len(old)} full files of {folder} are not compressed, the oldest of {old[-1].end:%Y-%m-%d}"
        yield Check("logs", Verdict.WARN, found, "a worker does that: is one running on this machine?")
    else:
        total = sum(size for _, size in live) + sum(each.path.stat().st_size for each in full)
        yield Check("logs", Verdict.OK, f"{len(live)} in {folder}, rotated by mofsim; {total / 1e6:.1f} MB unpacked")


def backups(settings: Settings, rows: Database | None) -> Iterator[Check]:
    found = last_backup(settings.storage.root)
    archived = _archived(rows) if rows else None
    at = max((each for each in (found and found.at, archived) if each), default=None)
    advice = "`mofsim db backup FILE`, each night"
    if not settings.database_url.startswith("sqlite"):
        advice = f"pg_dump and a copy of the files each night, then: touch {settings.storage.root}/last-backup"
    if at is None:
        if rows and _has_tasks(rows):
            yield Check("backups", Verdict.WARN, "none was ever made", advice)
        else:
            yield Check("backups", Verdict.OK, "none yet, and nothing to lose", advice)
        return
    age = datetime.now(UTC) - at
    where = f" ({found.destination})" if found and found.at == at and found.destination else ""
    told = f"the last one is {duration(max(age.total_seconds(), 0))} old{where}"
    yield Check("backups", Verdict.WARN if age > OLD else Verdict.OK, told, advice if age > OLD else "")


def _has_tasks(rows: Database) -> bool:
    with rows.read() as session:
        return session.scalar(select(Task.id).limit(1)) is not None


def _archived(rows: Database) -> datetime | None:
    """When PostgreSQL gave away its write-ahead log last, where it does."""
    if rows.url.get_backend_name() != "postgresql":
        return None
    with rows.read() as session:
        at: datetime | None = session.scalar(text("SELECT last_archived_time FROM pg_stat_archiver"))
        return at


def open_files(settings: Settings) -> Iterator[Check]:
    """Of the server where it runs here, else what this account would give it."""
    try:
        pid = json.loads(server_note_file(settings.server.port).read_text())["pid"]
        used, most = of_process(int(pid))
        who = f"the server (process {pid})"
    except (OSError, ValueError, KeyError, TypeError):
        used, most, who = 0, resource.getrlimit(resource.RLIMIT_NOFILE)[0], "this account"
    found = f"{who} may have {most} open{f', and has {used}' if used else ''}"
    if used > FILES_USED * most:
        yield Check("open files", Verdict.FAIL, found, f"LimitNOFILE={16 * LEAST_FILES} in its unit, or ulimit -n")
    elif most < LEAST_FILES:
        advice = f"LimitNOFILE={16 * LEAST_FILES} in its unit, or ulimit -n: each console takes one"
        yield Check("open files", Verdict.WARN, found, advice)
    else:
        yield Check("open files", Verdict.OK, found)
