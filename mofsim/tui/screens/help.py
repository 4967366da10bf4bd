"""The keys of the screen it was opened on, to search in; enter runs the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text
from textual.widgets.option_list import Option

from mofsim.tui.actions import Action, Context, Scope
from mofsim.tui.looks import DIM, KEY
from mofsim.tui.registry import in_scopes
from mofsim.tui.screens.finder import Finder
from mofsim.tui.widgets.bars import key_name

FILTERS = (
    "The filter takes words, and field:value with status, type, model, structure, since, batch, gpu, priority, id; "
    "a,b means either; ! in front inverts. The server filters. What it can not (!, gpu, priority, id) is applied to "
    "the rows as they are read, of at most the newest 5 000."
)


class Help(Finder[str]):
    """Dismissed with the id of the action to run."""

    def __init__(self, scopes: Sequence[Scope], context: Context, keymap: Mapping[str, str]) -> None:
        super().__init__("search the keys; enter runs one, esc closes", FILTERS if Scope.LIST in scopes else "")
        self._scopes = scopes
        self._situation = context
        self._keymap_shown = keymap

    def choose(self, option: Option) -> None:
        self.dismiss(option.id)

    def options(self, typed: str) -> Iterator[Option]:
        words, scope = typed.lower().split(), None
        for action in in_scopes(self._scopes, self._keymap_shown):
            heap = f"{action.keys} {action.label} {action.help} {action.scope}".lower()
            if not all(word in heap for word in words):
                continue
            if action.scope is not scope:
                scope = action.scope
                yield Option(Text(str(scope), "bold"), disabled=True)
            yield Option(self._line(action), id=action.id)

    def _line(self, action: Action) -> Text:
        """Dimmed when it is not possible now; running it then says why."""
        keys = " ".join(key_name(key) for key in action.keys.split(","))
        line = Text(f"{keys:>12}  {action.help}")
        line.stylize(KEY, 0, 12)
        if action.why_not(self._situation) or not action.applies(self._situation):
            line.stylize(DIM)
        return line
