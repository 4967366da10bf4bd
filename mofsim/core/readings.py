"""What boxes and GPUs show: as it is now, and for some hours what it was."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from math import ceil
from statistics import fmean

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mofsim.core.errors import NotFound
from mofsim.db.tables import Device, Host, Reading, utcnow
from mofsim.schemas.machines import KEPT_SECONDS

COLUMNS = ("memory_used_MB", "utilisation_percent", "temperature_C", "power_W")


def hosts(session: Session) -> list[Host]:
    return list(session.scalars(select(Host).order_by(Host.name)))


def record(session: Session, host: Host, gpus: Sequence[Device]) -> None:
    """A box as it is now; what it shows, and its GPUs, goes into the history. A GPU that tells nothing leaves a gap."""
    now = host.seen_at = utcnow()
    session.merge(host)
    values = {"memory_used_MB": host.memory_used_MB, "utilisation_percent": host.busy_percent}
    session.add(Reading(subject=host.name, read_at=now, **values))
    for gpu in gpus:
        told = {column: getattr(gpu, column) for column in COLUMNS}
        if any(value is not None for value in told.values()):
            session.add(Reading(subject=gpu.id, read_at=now, **told))


def history_of_gpu(session: Session, id: str, seconds: float, points: int) -> dict[str, list[float | None]]:
    """Raises NotFound."""
    if session.get(Device, id) is None:
        raise NotFound(f"there is no GPU {id[:80]!r}; `mofsim gpus --json` has the ids of those there are", field="id")
    return _history(session, id, seconds, points)


def history_of_host(session: Session, name: str, seconds: float, points: int) -> dict[str, list[float | None]]:
    """Raises NotFound."""
    if session.get(Host, name) is None:
        raise NotFound(f"there is no box {name[:80]!r}; `mofsim hosts` lists those there are", field="host")
    return _history(session, name, seconds, points)


def _history(session: Session, subject: str, seconds: float, points: int) -> dict[str, list[float | None]]:
    """Columns of about equal stretches of time, each with the means of its readings; where none was read is none."""
    # Columns and not objects, which for some thousand rows take longer than all the rest.
    query = select(Reading.read_at, *(getattr(Reading, column) for column in COLUMNS))
    since = utcnow() - timedelta(seconds=seconds)
    found = session.execute(query.where(Reading.subject == subject, Reading.read_at >= since).order_by(Reading.read_at))
    rows = [(at.timestamp(), *values) for at, *values in found]
    if len(rows) <= points:
        groups = [[row] for row in rows]
    else:
        # On whole stretches since 1970, so that a picture that is asked for again does not tremble. One lies on either
        # edge, so that there is one more.
        stretch = ceil(seconds / (points - 1))
        groups = [list(group) for _, group in groupby(rows, lambda row: row[0] // stretch)]
    names = ("time_s", *COLUMNS)
    return {name: [_mean([row[number] for row in group]) for group in groups] for number, name in enumerate(names)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(fmean(known), 3) if known else None


def trim(session: Session) -> None:
    session.execute(delete(Reading).where(Reading.read_at < utcnow() - timedelta(seconds=KEPT_SECONDS)))
