"""Chores that are nobody's own: one box at a time does them, and another when that one falls silent.

Whatever a chore does is safe when two do it. It is only of no use, and a house of fifty boxes would ask the same of its
database fifty times.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from mofsim.db.tables import Turn, utcnow


class Chores(StrEnum):
    #: what needs the database only
    ROWS = "rows"
    #: what needs the files of results too, which not every box has
    FILES = "files"


def is_settled(session: Session, chores: Chores, box: str, seconds: float) -> bool | None:
    """Whether it is the box's turn, of those that last `seconds`; None when `take` has to find out."""
    turn, now = session.get(Turn, chores), utcnow()
    if turn is None or turn.until <= now:
        return None
    if turn.box != box:
        return False
    # Renewed in time, and not at each look: that would be a write.
    return True if turn.until > now + timedelta(seconds=seconds / 2) else None


def current(session: Session, now: datetime) -> dict[Chores, str]:
    """The boxes whose turn it is; without those chores that nobody does."""
    return {Chores(turn.chores): turn.box for turn in session.scalars(select(Turn).where(Turn.until > now))}


def take(session: Session, chores: Chores, box: str, seconds: float) -> bool:
    """Begin a turn or make it last longer; False while another box has it."""
    turn, now = session.get(Turn, chores, populate_existing=True), utcnow()
    if turn is None:
        turn = Turn(chores=chores, box=box, until=now)
        session.add(turn)
    elif turn.box != box and turn.until > now:
        return False
    turn.box, turn.until = box, now + timedelta(seconds=seconds)
    return True


def give_up(session: Session, box: str) -> None:
    """The next box that looks has the turns of this one."""
    for chores in Chores:
        turn = session.get(Turn, chores)
        if turn is not None and turn.box == box:
            turn.until = utcnow()
