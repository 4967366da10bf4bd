"""What is said where there is no line to the server, and what to do about it. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from mofsim.tui.looks import Glyphs
from mofsim.tui.store import Store


def no_line(store: Store, glyphs: Glyphs) -> Sequence[str]:
    """For an empty screen: nothing came yet."""
    if not store.reason:
        to = f" to {store.server}" if store.server else ""
        return (f"connecting{to} {glyphs.dots}",)
    said = f"{store.reason[:1].upper()}{store.reason[1:]}"
    if store.key_refused:
        return (
            said,
            "",
            "An admin of the server makes one:   mofsim keys create NAME --scope submit",
            "Then leave with q, and show it:     MOFSIM_API_KEY=KEY mofsim tui",
            "Or keep it in a file:               mofsim --key-file FILE tui",
        )
    return (
        said,
        "",
        "Start one here, with a worker:      mofsim up",
        "Or look at one elsewhere:           mofsim tui --server http://HOST:PORT",
        "",
        "This screen tries again by itself; q quits.",
    )


def why_refused(store: Store) -> str:
    """The server's words without its advice: `the key was revoked`."""
    return store.reason.partition(";")[0]
