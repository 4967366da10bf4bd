"""Run one command line: exceptions become messages and exit statuses, in this one place."""

import os
import sys
from typing import Any

import click

from mofsim import collector
from mofsim.cli.app import FAILED, INTERRUPTED, OK, UNREACHABLE, WRONG_USE, App
from mofsim.cli.errors import describe, error_document
from mofsim.cli.group import mofsim


def main() -> None:
    collector.spare()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit status of the command line."""
    app = App()
    # Known before the options are parsed, since parsing is the first thing that can fail.
    app.out.json = "--json" in arguments
    try:
        status = mofsim.main(arguments, prog_name="mofsim", standalone_mode=False, obj=app)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        _document(app, {"type": "Interrupted", "detail": "interrupted by Ctrl-C", "field": None})
        return INTERRUPTED
    except BrokenPipeError:
        # `mofsim tasks | head`: nobody reads any more. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except click.ClickException as error:
        return _refuse_use(app, error)
    except Exception as error:
        status = _report(app, error)
        if status is None:
            raise
    return status if isinstance(status, int) else OK


def _refuse_use(app: App, error: click.ClickException) -> int:
    """Wrong use of the command line, or a file that can not be opened."""
    error.show()
    kind = "UsageError" if isinstance(error, click.UsageError) else "Error"
    _document(app, {"type": kind, "detail": error.format_message(), "field": None})
    return error.exit_code


def _report(app: App, error: Exception) -> int | None:
    """Say what a server, the settings or the database refused; None for an exception that is a bug."""
    from mofsim.settings import SettingsError

    if isinstance(error, SettingsError):
        return _say(app, error, WRONG_USE)
    from mofsim.client import ApiError, Invalid, ServerUnreachable

    if isinstance(error, ApiError):
        app.out.note(f"mofsim: {describe(error)}")
        _document(app, error_document(error))
        return WRONG_USE if isinstance(error, Invalid) else FAILED
    if isinstance(error, ServerUnreachable):
        return _say(app, error, UNREACHABLE)
    # By the name of its module: importing the database takes long, and few commands use it.
    if isinstance(error, OSError) or type(error).__module__.startswith("mofsim.db."):
        return _say(app, error, FAILED)
    return None


def _say(app: App, error: Exception, status: int) -> int:
    app.out.note(f"mofsim: {error}")
    _document(app, {"type": type(error).__name__, "detail": str(error), "field": None})
    return status


def _document(app: App, error: dict[str, Any]) -> None:
    if app.json and not app.out.documented:
        app.out.document({"error": error})
