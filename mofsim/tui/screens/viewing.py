"""The keys that turn a structure, for every screen that shows one."""

from __future__ import annotations

from mofsim.tui.widgets.structure_view import StructureView


class Viewing:
    """Subclasses have the `view`."""

    view: StructureView

    def do_view_left(self) -> None:
        self.view.turn(right=-1)

    def do_view_right(self) -> None:
        self.view.turn(right=1)

    def do_view_up(self) -> None:
        self.view.turn(up=1)

    def do_view_down(self) -> None:
        self.view.turn(up=-1)

    def do_view_larger(self) -> None:
        self.view.zoom(1)

    def do_view_smaller(self) -> None:
        self.view.zoom(-1)

    def do_view_reset(self) -> None:
        self.view.reset()

    def do_view_repeat(self) -> None:
        if not self.view.repeat():
            self.view.app.notify("more cells would be too many atoms to tell apart", timeout=3)

    def do_view_bonds(self) -> None:
        self.view.switch_bonds()

    def do_view_letters(self) -> None:
        self.view.switch_letters()
