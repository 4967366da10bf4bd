"""Start of the executor: the parent hears `ready` before anything heavy is imported."""

import os

from .channel import Inbox, Writer, die_with_parent, take_standard_streams
from .collector import paused, spare_the_end
from .logs import report_logs
from .versions import versions

#: what the parent may want to show of this interpreter
_REPORTED = ("ase", "numpy", "torch", "sevenn", "dftd3", "phonopy", "mace-torch", "chgnet", "orb-models")


def serve(max_models: int, threads: int | None) -> int:
    """Take requests until `shutdown`; the exit status."""
    die_with_parent()
    spare_the_end()
    requests, reports = take_standard_streams()
    writer, inbox = Writer(reports), Inbox(requests)
    handler = report_logs(writer)
    inbox.start()
    writer.send({"type": "ready", "pid": os.getpid(), "versions": versions(_REPORTED)})

    with paused():
        from .executor import Executor  # imports ase

    return Executor(writer, inbox, handler, max_models, threads).serve()
