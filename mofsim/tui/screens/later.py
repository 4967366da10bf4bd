"""Screens that are loaded when they are first shown: the first frame of the console need not wait for them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from mofsim.tui.session import Session


def later(session: Session, module: str, name: str) -> Callable[[], Screen[None]]:
    """What makes the screen `name` of `mofsim.tui.screens.module`."""

    def make() -> Screen[None]:
        return cast(Screen[None], getattr(import_module(f"mofsim.tui.screens.{module}"), name)(session))

    return make
