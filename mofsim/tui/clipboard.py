"""The terminal's clipboard from within tmux or screen: OSC 52 goes through them only when it is wrapped.

tmux also takes an unwrapped one where its `set-clipboard` is `on`; wrapped it needs `allow-passthrough on`. Both are
sent, for either sets the same clipboard. Knows neither Textual nor HTTP.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

#: screen drops a string that is longer than this.
_SCREEN_PIECE = 250


def passed_through(text: str, environment: Mapping[str, str]) -> str:
    """What to write besides the plain OSC 52; empty where nothing stands between us and the terminal."""
    sequence = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    if environment.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("STY"):
        pieces = [sequence[start : start + _SCREEN_PIECE] for start in range(0, len(sequence), _SCREEN_PIECE)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return ""
