"""The columns of the dashboard's lists, but for the devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mofsim.tui import format
from mofsim.tui.attention import Matter
from mofsim.tui.looks import ALERT_STYLES, DIM, PLAIN, Glyphs
from mofsim.tui.overview_words import FailureRow, LaneRow
from mofsim.tui.widgets.table import Cell, Column

if TYPE_CHECKING:
    from mofsim.schemas.overview import Lane

Clock = Callable[[], datetime]


def matter_columns(glyphs: Glyphs) -> list[Column[Matter]]:
    return [
        Column("LEVEL", 10, lambda matter, _: _level(matter, glyphs)),
        Column("WHAT", 14, lambda matter, width: (format.shorten(matter.kind, width, glyphs), PLAIN), drop=1),
        Column("NEEDS YOU", 20, lambda matter, width: (format.shorten(matter.text, width, glyphs), PLAIN), flex=1),
    ]


def _level(matter: Matter, glyphs: Glyphs) -> Cell:
    return f"{glyphs.levels[matter.level]} {matter.level}", ALERT_STYLES[matter.level]


def lane_columns(glyphs: Glyphs, now: Clock) -> list[Column[LaneRow]]:
    return [
        Column("PRIORITY", 8, lambda row, _: (row.lane.priority.lower(), PLAIN if row.lane.waiting else DIM)),
        Column("WAITING", 9, lambda row, _: _waiting(row.lane, glyphs), right=True),
        Column("OLDEST", 9, lambda row, _: _oldest(row.lane, now(), glyphs), right=True),
    ]


def _waiting(lane: Lane, glyphs: Glyphs) -> Cell:
    return (format.grouped(lane.waiting), PLAIN) if lane.waiting else (glyphs.none, DIM)


def _oldest(lane: Lane, now: datetime, glyphs: Glyphs) -> Cell:
    if lane.oldest_queued_at is None:
        return glyphs.none, DIM
    return format.age((now - lane.oldest_queued_at).total_seconds()), PLAIN


def failure_columns(glyphs: Glyphs, now: Clock) -> list[Column[FailureRow]]:
    """What is dropped first: AGO, MODEL."""
    return [
        Column("N", 4, lambda row, _: (format.grouped(row.failures.n), PLAIN), right=True),
        Column("FAILED BY", 14, lambda row, width: (format.shorten(row.failures.reason, width, glyphs), PLAIN), flex=2),
        Column(
            "MODEL",
            8,
            lambda row, width: (format.shorten(row.failures.model, width, glyphs), DIM),
            flex=1,
            most=20,
            drop=1,
        ),
        Column("AGO", 9, lambda row, _: _ago(row, now()), right=True, drop=2),
    ]


def _ago(row: FailureRow, now: datetime) -> Cell:
    return f"{format.age((now - row.failures.last_at).total_seconds())} ", DIM
