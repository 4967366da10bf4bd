"""Options that commands about alerts share: for how long (90s, 15m, 2h, 1d), and a note."""

import re

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _read(ctx: click.Context, option: click.Parameter, given: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", given.strip())
    if not found:
        raise click.BadParameter("write a time like 90s, 15m, 2h or 1d", ctx, option)
    return float(found[1]) * _SECONDS[found[2] or "s"]


#: how long channels are left in peace, in seconds
silent_for = click.option(
    "--for", "seconds", default="1h", show_default=True, callback=_read, help="Like 15m, 2h, 1d; 0 ends it."
)

#: what others read beside the name of the key
noted = click.option(
    "--note", default="", metavar="TEXT", help="In your own words; others see it beside your key's name."
)
