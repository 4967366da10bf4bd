"""Options that commands about alerts share: for how long, and a note."""

import click

from mofsim.cli import durations

#: how long channels are left in peace, in seconds
silent_for = click.option(
    "--for", "seconds", default="1h", show_default=True, callback=durations.read, help="Like 15m, 2h, 1d; 0 ends it."
)

#: what others read beside the name of the key
noted = click.option(
    "--note", default="", metavar="TEXT", help="In your own words; others see it beside your key's name."
)
