"""Glyphs, words and colours. A state is always a glyph and a word; colour only repeats it.

Colours are the terminal's own sixteen: they suit its theme, light or dark, and cost few bytes on a slow line.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.style import Style

from mofsim.vocabulary import AlertLevel, TaskStatus

PLAIN: Final = Style.null()
DIM: Final = Style(dim=True)
BOLD: Final = Style(bold=True)
GOOD: Final = Style(color="green")
BAD: Final = Style(color="red")
WARN: Final = Style(color="yellow")
ACTIVE: Final = Style(color="cyan")
CURSOR: Final = Style(reverse=True)
KEY: Final = Style(color="cyan", bold=True)
DEMO: Final = Style(color="yellow", reverse=True, bold=True)

STATE_WORDS: Final[Mapping[TaskStatus, str]] = {
    TaskStatus.PENDING: "pending",
    TaskStatus.QUEUED: "wait",
    TaskStatus.ASSIGNED: "load",
    TaskStatus.RUNNING: "run",
    TaskStatus.COMPLETED: "done",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
    TaskStatus.TIMEOUT: "timeout",
}

STATE_STYLES: Final[Mapping[TaskStatus, Style]] = {
    TaskStatus.PENDING: DIM,
    TaskStatus.QUEUED: PLAIN,
    TaskStatus.ASSIGNED: ACTIVE,
    TaskStatus.RUNNING: ACTIVE,
    TaskStatus.COMPLETED: GOOD,
    TaskStatus.FAILED: BAD,
    TaskStatus.CANCELLED: DIM,
    TaskStatus.TIMEOUT: BAD,
}

ALERT_STYLES: Final[Mapping[AlertLevel, Style]] = {
    AlertLevel.INFO: PLAIN,
    AlertLevel.WARNING: WARN,
    AlertLevel.ERROR: BAD,
    AlertLevel.CRITICAL: Style(color="red", bold=True),
}


@dataclass(frozen=True)
class Glyphs:
    """Every character beyond the alphabet that the console draws, each one cell wide."""

    states: Mapping[TaskStatus, str]
    levels: Mapping[AlertLevel, str]
    live: str
    stale: str
    paused: str
    failed: str
    mark: str
    cursor: str
    rule: str
    rule_light: str
    bar: str
    #: an empty bar cell, then one for each eighth of a cell; only the first and last where there are none
    bar_steps: str
    corner: str
    tick: str
    side: str
    none: str
    dot: str
    dots: str
    up: str
    down: str
    at_most: str
    arrow: str
    braille: bool


UNICODE: Final = Glyphs(
    states={
        TaskStatus.PENDING: "◌",
        TaskStatus.QUEUED: "◌",
        TaskStatus.ASSIGNED: "◔",
        TaskStatus.RUNNING: "●",
        TaskStatus.COMPLETED: "✓",
        TaskStatus.FAILED: "✗",
        TaskStatus.CANCELLED: "⊘",
        TaskStatus.TIMEOUT: "✗",
    },
    levels={AlertLevel.INFO: "·", AlertLevel.WARNING: "▲", AlertLevel.ERROR: "✗", AlertLevel.CRITICAL: "✗"},
    live="●",
    stale="◌",
    paused="‖",
    failed="✗",
    mark="✓",
    cursor="▌",
    rule="─",
    rule_light="╌",
    bar="│",
    bar_steps=" ▏▎▍▌▋▊▉█",
    corner="└",
    tick="┤",
    side="│",
    none="–",
    dot="·",
    dots="…",
    up="▲",
    down="▼",
    at_most="≤",
    arrow="›",  # noqa: RUF001
    braille=True,
)

ASCII: Final = Glyphs(
    states={
        TaskStatus.PENDING: ".",
        TaskStatus.QUEUED: ".",
        TaskStatus.ASSIGNED: "o",
        TaskStatus.RUNNING: "*",
        TaskStatus.COMPLETED: "+",
        TaskStatus.FAILED: "x",
        TaskStatus.CANCELLED: "-",
        TaskStatus.TIMEOUT: "x",
    },
    levels={AlertLevel.INFO: ".", AlertLevel.WARNING: "^", AlertLevel.ERROR: "x", AlertLevel.CRITICAL: "x"},
    live="*",
    stale="?",
    paused="=",
    failed="x",
    mark="+",
    cursor=">",
    rule="-",
    rule_light="-",
    bar="|",
    bar_steps=" #",
    corner="+",
    tick="+",
    side="|",
    none="-",
    dot=".",
    dots="..",
    up="^",
    down="v",
    at_most="<=",
    arrow=">",
    braille=False,
)


_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def small(number: int, glyphs: Glyphs) -> str:
    """A number that is set behind a word, raised where the terminal can: Alerts², Alerts(2)."""
    return str(number).translate(_RAISED) if glyphs.braille else f"({number})"


#: What a terminal without Unicode shows in place of characters that we do not choose ourselves.
PLAIN_CHARACTERS: Final = str.maketrans(
    {
        **dict.fromkeys("─━═╌▔▁▂▄▅▆▇▀", "-"),
        **dict.fromkeys("│┃║▌▐▎▏▊█", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("–—−", "-"),
        "…": ".",
        "Å": "A",
        "³": "3",
        "²": "2",
        "×": "x",
        "°": "o",
        "·": ".",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        # Angles of a cell, beside its lengths a, b and c.
        "α": "A",
        "β": "B",
        "γ": "C",
    }
)


def plain(text: str) -> str:
    """ASCII only, as many cells wide."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text.translate(PLAIN_CHARACTERS))


def glyphs_for(environment: Mapping[str, str] | None = None) -> Glyphs:
    """ASCII where the locale is C or POSIX by name, or the terminal is the kernel's own; Unicode elsewhere.

    Python turns LANG=C into UTF-8 for itself, so its idea of the encoding says nothing about the terminal.
    """
    env = os.environ if environment is None else environment
    names = [env.get("LC_ALL"), env.get("LC_CTYPE"), env.get("LANG")]
    chosen = next((name for name in names if name), "")
    if env.get("LC_CTYPE") == "C.UTF-8" and env.get("LANG") in ("C", "POSIX") and not env.get("LC_ALL"):
        # Set by Python itself at start-up (PEP 538), not by the user.
        chosen = "C"
    return ASCII if chosen in ("C", "POSIX") or env.get("TERM") in ("linux", "dumb") else UNICODE
