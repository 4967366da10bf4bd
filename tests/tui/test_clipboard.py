import base64

import pytest

from mofsim.tui.clipboard import passed_through
from tests.tui.conftest import Run


def test_where_nothing_is_between_nothing_is_wrapped() -> None:
    assert passed_through("8117", {"TERM": "xterm-256color"}) == ""


def test_tmux_hands_on_what_is_wrapped_with_its_escapes_doubled() -> None:
    wrapped = passed_through("Å", {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert wrapped == f"\x1bPtmux;\x1b\x1b]52;c;{base64.b64encode('Å'.encode()).decode()}\a\x1b\\"


def test_screen_gets_pieces_that_it_takes() -> None:
    wrapped = passed_through("x" * 1000, {"STY": "1.pts"})
    pieces = wrapped.removesuffix("\x1b\\").split("\x1b\\")
    assert all(piece.startswith("\x1bP") and len(piece) <= 252 for piece in pieces)
    whole = "".join(piece.removeprefix("\x1bP") for piece in pieces)
    assert base64.b64decode(whole.removeprefix("\x1b]52;c;").removesuffix("\a")) == b"x" * 1000


async def test_a_copy_goes_through_tmux(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    async with run() as c:
        written: list[str] = []
        assert c.app._driver is not None
        monkeypatch.setattr(c.app._driver, "write", written.append)
        await c.press("y")
        encoded = base64.b64encode(b"8131").decode()
        assert f"\x1bPtmux;\x1b\x1b]52;c;{encoded}\a\x1b\\" in written
