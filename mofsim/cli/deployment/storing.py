"""The data folder: its room, whether results can be written, and whether all machines have the same one."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator

from sqlalchemy import select

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.reading import file_system, is_network
from mofsim.cli.deployment.serving import Server
from mofsim.cli.deployment.work import GONE
from mofsim.core.alert_kinds import KINDS
from mofsim.db.engine import Database
from mofsim.db.tables import AlertRule
from mofsim.settings import Settings
from mofsim.vocabulary import RuleKind
from mofsim.worker.transfer import Transfer

#: Fewer free inodes than this share: a million small files end a disk that has room.
LEAST_INODES = 0.05
#: How long the server may take to say whether it takes files.
PATIENCE_SECONDS = 10.0


def room(settings: Settings, rows: Database | None) -> Iterator[Check]:
    root = settings.storage.root
    if not root.is_dir():
        advice = "mount it, or correct storage.root (MOFSIM_STORAGE__ROOT)"
        yield Check("storage", Verdict.FAIL, f"{root} is not there", advice)
        return
    free_GB, least_GB = shutil.disk_usage(root).free / 1e9, settings.storage.min_free_MB / 1000
    wanted_GB = _alert_at_GB(rows) if rows else KINDS[RuleKind.DISK_LOW].condition["threshold"]
    found = f"{free_GB:.1f} GB free on the disk of {root}"
    advice = "make room: storage.keep_days, `mofsim rm`, or a larger disk"
    if free_GB < least_GB:
        yield Check("storage", Verdict.FAIL, f"{found}; no task starts with less than {least_GB:g} GB", advice)
    elif wanted_GB is None:
        advice = "`mofsim alerts rules` switches the rule disk_low on"
        yield Check("storage", Verdict.WARN, f"{found}; no alert tells when it fills", advice)
    elif free_GB < wanted_GB:
        yield Check("storage", Verdict.WARN, f"{found}; an alert is raised below {wanted_GB:g} GB", advice)
    else:
        yield Check("storage", Verdict.OK, f"{found}; an alert tells when {wanted_GB:g} GB are left")
    disk = os.statvfs(root)
    if disk.f_files and disk.f_favail < LEAST_INODES * disk.f_files:
        found = f"{disk.f_favail} of {disk.f_files} inodes are free"
        yield Check("inodes", Verdict.WARN, found, "remove small files, or make the file system anew with more")


def _alert_at_GB(rows: Database) -> float | None:
    """Below which room the most careful rule raises an alert; None: all are off."""
    with rows.read() as session:
        rules = session.scalars(select(AlertRule).where(AlertRule.kind == RuleKind.DISK_LOW, AlertRule.enabled))
        return max((float(rule.condition["threshold"]) for rule in rules), default=None)


def results(settings: Settings) -> Iterator[Check]:
    """Write a small file as an executor would, and remove it."""
    folder = settings.results_dir
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor.") as file:
            file.write(b"mofsim doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = f"let the account of the worker own {folder}, with room on its disk"
        yield Check("results", Verdict.FAIL, f"{folder} can not be written: {error.strerror or error}", advice)
        return
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        advice = f"run this as the account with uid {owner}, e.g. sudo -u mofsim"
        yield Check("results", Verdict.WARN, f"{folder} is written by this account, which is not its owner", advice)
    else:
        yield Check("results", Verdict.OK, f"{folder} can be written")


def sent(settings: Settings) -> Iterator[Check]:
    """Ask what a worker here would ask before it takes a task: whether the server would have its files."""
    if not settings.worker.server:
        return
    key_file = settings.worker.server_key_file
    if key_file and (mode := _mode(key_file)) and mode & 0o077:
        advice = "revoke that key, make another with `mofsim keys create NAME --scope worker`, and chmod 600 its file"
        yield Check("worker key", Verdict.FAIL, f"{key_file} has mode {mode:03o}: others may have read it", advice)
    transfer = Transfer(settings)
    try:
        trouble, is_full = transfer.why_not(PATIENCE_SECONDS)
    finally:
        transfer.close()
    if is_full:
        yield Check("files", Verdict.FAIL, trouble, "make room there: storage.keep_days, `mofsim rm`, or a larger disk")
    elif trouble:
        advice = "no task starts here until it does: see worker.server, server_key_file and server_ca_file"
        yield Check("files", Verdict.FAIL, trouble, advice)
    else:
        yield Check("files", Verdict.OK, f"{settings.worker.server} takes those of this box")


def _mode(path: str) -> int | None:
    """None: it can not be looked at, which the server's answer will show."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


def shared(settings: Settings, server: Server) -> Iterator[Check]:
    """Where files are sent, as `sent` sees, no folder is shared."""
    if settings.worker.server:
        return
    boxes = sorted({each.host for each in server.workers or () if each.state not in GONE})
    if len(boxes) < 2:
        return
    kind, root = file_system(settings.storage.root), settings.storage.root
    said = f"workers on {len(boxes)} machines ({', '.join(boxes[:4])})"
    files = [name for name, backend in _files(settings) if backend]
    if files:
        found = f"{said}, and {' and '.join(files)} in a file of one machine"
        yield Check("sharing", Verdict.FAIL, found, "PostgreSQL for rows and tickets (docs/operations.md)")
    elif is_network(kind):
        yield Check("sharing", Verdict.OK, f"{said}; {root} is on {kind}")
    else:
        found = f"{said}, and {root} is on {kind or 'a file system of unknown kind'}"
        advice = f"see that the others have this very folder at {root} (e.g. by NFS), or send their files to the server"
        yield Check("sharing", Verdict.WARN, found, advice)


def _files(settings: Settings) -> Iterator[tuple[str, bool]]:
    yield "rows", settings.database_url.startswith("sqlite")
    yield "tickets", settings.queue.backend == "sqlite"
