"""Chores that are nobody's own: whose turn it is."""

from datetime import timedelta

from mofsim.core import turns
from mofsim.core.turns import Chores
from mofsim.db.engine import Database
from mofsim.db.tables import Turn

SECONDS = 30.0


def take(database: Database, box: str, chores: Chores = Chores.ROWS) -> bool:
    with database.write() as session:
        return turns.take(session, chores, box, SECONDS)


def look(database: Database, box: str, chores: Chores = Chores.ROWS) -> bool | None:
    """As chores do it before they write."""
    with database.read() as session:
        return turns.is_settled(session, chores, box, SECONDS)


def pass_by(database: Database, seconds: float) -> None:
    with database.write() as session:
        for turn in session.query(Turn):
            turn.until -= timedelta(seconds=seconds)


def test_one_box_has_the_turn_until_it_falls_silent(database: Database) -> None:
    assert look(database, "one") is None and take(database, "one")
    assert look(database, "one") is True and look(database, "two") is False and not take(database, "two")
    pass_by(database, SECONDS * 0.6)
    assert look(database, "one") is None, "it is time to renew it"
    assert not take(database, "two") and take(database, "one") and look(database, "one") is True
    pass_by(database, SECONDS + 1)
    assert look(database, "two") is None and take(database, "two")
    assert look(database, "one") is False and not take(database, "one")


def test_who_gives_up_leaves_it_to_the_next_and_takes_it_from_nobody(database: Database) -> None:
    assert take(database, "one") and take(database, "two", Chores.FILES)
    with database.write() as session:
        turns.give_up(session, "one")
    assert not take(database, "one", Chores.FILES), "it was not its own"
    assert take(database, "two")
    with database.write() as session:
        turns.give_up(session, "one")
    assert look(database, "two") is True


def test_chores_with_files_are_a_turn_of_their_own(database: Database) -> None:
    """A box without the files must not keep those from them that have them."""
    assert take(database, "without files") and take(database, "with files", Chores.FILES)
    assert look(database, "without files") is True and look(database, "with files", Chores.FILES) is True
