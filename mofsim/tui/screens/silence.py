"""For how long no channel is told: a choice of times, or one that is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.screens.finder import Finder

UNITS = {"s": (1.0, "second"), "m": (60.0, "minute"), "h": (3600.0, "hour"), "d": (86_400.0, "day")}
TIMES = ("15m", "1h", "4h", "1d", "7d")
END = "0"


class Silence(Finder[tuple[float, str]]):
    """Dismissed with the seconds, and with what then is to be said of the thing."""

    def __init__(self, what: str, silent: bool) -> None:
        note = f"No channel is told of {what} meanwhile; it is listed all the same."
        super().__init__("for how long? type a time like 90m, 2h or 1d, or choose one", note)
        self._silent = silent

    def options(self, typed: str) -> Iterator[Option]:
        times = [typed] if seconds_of(typed) else [time for time in TIMES if typed.strip() in time]
        for time in times:
            yield Option(Text(f"for {_words(time)}"), id=time)
        if self._silent and not typed:
            yield Option(Text("no longer: channels are told again"), id=END)

    def choose(self, option: Option) -> None:
        time = option.id or ""
        seconds = seconds_of(time)
        self.dismiss((seconds, f"silent for {_words(time)}") if seconds else (0.0, "silent no longer"))


def seconds_of(text: str) -> float:
    """Of 90s, 15m, 2h or 1d; 0 for anything else."""
    found = _parts(text)
    return found[0] * UNITS[found[1]][0] if found else 0.0


def _words(text: str) -> str:
    """15 minutes, 1 hour."""
    found = _parts(text)
    return f"{found[0]:g} {UNITS[found[1]][1]}{'s' * (found[0] != 1)}" if found else ""


def _parts(text: str) -> tuple[float, str] | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    return (float(found[1]), found[2]) if found else None
