"""The style sheet of the console."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class Styles(Stylesheet):
    """Parses what is new, and all only for other colours.

    Textual's own parses all of it with each theme, mode and screen that comes, which at start is the same three times.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._known = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        # It forgets what was parsed.
        if variables != self._known:
            self._known = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
