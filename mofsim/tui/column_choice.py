"""Which columns a list has, and in which order: those that are shown first, then the others. Knows no widgets."""

from __future__ import annotations

from collections.abc import Sequence


class ColumnChoice:
    """`all_names` in their own order, `usual` those that are shown where nobody chose."""

    def __init__(self, all_names: Sequence[str], usual: Sequence[str], chosen: Sequence[str]) -> None:
        self._all = tuple(all_names)
        self._usual = tuple(usual)
        known = [name for name in dict.fromkeys(chosen) if name in self._all]
        self._arrange(known or self._usual)

    def _arrange(self, shown: Sequence[str]) -> None:
        self.shown = list(shown)
        self.names = [*shown, *(name for name in self._all if name not in shown)]

    @property
    def chosen(self) -> tuple[str, ...]:
        """Empty where it is what is usual, so that a later version may change that."""
        return () if tuple(self.shown) == self._usual else tuple(self.shown)

    def toggle(self, name: str) -> None:
        """Show a column, or not; the last one stays. It keeps its place in the list."""
        if name in self.shown and len(self.shown) > 1:
            self.shown.remove(name)
        elif name not in self.shown:
            self.shown = [each for each in self.names if each in self.shown or each == name]

    def move(self, name: str, by: int) -> None:
        place = self.names.index(name)
        target = max(0, min(place + by, len(self.names) - 1))
        self.names.insert(target, self.names.pop(place))
        self.shown = [each for each in self.names if each in self.shown]

    def reset(self) -> None:
        self._arrange(self._usual)
