"""The command line behind `:`: what can be done now, by name, and two commands with an argument. Knows no widgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mofsim.tui import paint
from mofsim.tui.actions import Context, Scope
from mofsim.tui.registry import NO_KEYS, possible

#: Asked for by keys only; as commands they would be noise.
UNNAMED = frozenset({"console.commands", "list.open", "list.select"})


@dataclass(frozen=True)
class Command:
    """`kind` is `do`, `tasks`, `task` or `theme`; `argument` an action's id, a filter, a task's id, or a name."""

    kind: str
    argument: str
    text: str
    help: str
    key: str = ""


def commands(
    typed: str, scopes: Sequence[Scope], context: Context, keymap: Mapping[str, str] = NO_KEYS
) -> list[Command]:
    """What fits the words typed so far, the best first."""
    typed = typed.strip()
    words = typed.lower().split()
    scored = [(_score(words, c), c) for c in _named(scopes, context, keymap)]
    fitting = [c for score, c in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
    return [*_with_argument(typed), *fitting]


def _with_argument(typed: str) -> Iterator[Command]:
    word, _, rest = typed.partition(" ")
    rest = rest.strip()
    if word in ("tasks", "t"):
        yield Command("tasks", rest, f"tasks {rest}".strip(), "The list with this filter; without one, all of it")
    elif word == "theme":
        names = [name for name in paint.NAMES if name.startswith(rest)]
        for name in names:
            yield Command("theme", name, f"theme {name}", paint.help_of(name))
    elif ":" in typed:
        yield Command("tasks", typed, f"tasks {typed}", "The list with this filter")
    number = rest if word in ("task", "open") else typed
    if number.isdecimal():
        yield Command("task", number, f"task {number}", "Open this task")


def _named(scopes: Sequence[Scope], context: Context, keymap: Mapping[str, str]) -> Iterator[Command]:
    for action in possible([scope for scope in scopes if scope is not Scope.MOVE], context, keymap):
        if action.id not in UNNAMED:
            yield Command("do", action.id, action.label, action.help, action.first_key)


def _score(words: Sequence[str], command: Command) -> int:
    """0 when a word is missing; a name that begins with the words counts most."""
    name, heap = command.text.lower(), f"{command.text} {command.help}".lower()
    if not all(word in heap for word in words):
        return 0
    return 1 + 2 * all(word in name for word in words) + name.startswith(" ".join(words))
