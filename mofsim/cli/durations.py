"""Times as people write them on the command line."""

import re

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def read(ctx: click.Context, option: click.Parameter, given: str | None) -> float | None:
    """Seconds of 90s, 15m, 2h or 1d; the callback of an option."""
    if given is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", given.strip())
    if not found:
        raise click.BadParameter("write a time like 90s, 15m, 2h or 1d", ctx, option)
    return float(found[1]) * _SECONDS[found[2] or "s"]
