"""The command line. Nothing of the other layers is imported before a command needs it."""

from mofsim.cli.entry import main

__all__ = ["main"]
