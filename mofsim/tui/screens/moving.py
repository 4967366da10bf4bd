"""The keys that move, for every screen that has something to move in."""

from __future__ import annotations

from typing import Protocol


class Movable(Protocol):
    """A table or a log."""

    def move(self, by: int) -> None: ...
    def page_by(self, by: int) -> None: ...
    def first(self) -> None: ...
    def last(self) -> None: ...


class Moving:
    """Subclasses tell what moves."""

    def moved(self) -> Movable:
        raise NotImplementedError

    def came(self) -> None:
        """The cursor was moved by a key: what is drawn now is shown in one picture with the move."""

    def do_move_down(self) -> None:
        self.moved().move(1)
        self.came()

    def do_move_up(self) -> None:
        self.moved().move(-1)
        self.came()

    def do_move_page_down(self) -> None:
        self.moved().page_by(1)
        self.came()

    def do_move_page_up(self) -> None:
        self.moved().page_by(-1)
        self.came()

    def do_move_first(self) -> None:
        self.moved().first()
        self.came()

    def do_move_last(self) -> None:
        self.moved().last()
        self.came()
