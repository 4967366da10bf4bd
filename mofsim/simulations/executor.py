"""The executor's loop: take a request, do it, report."""

import logging
from typing import cast

from .channel import Inbox, Writer
from .inputs import StructureCache
from .job import Job
from .loading import Loader
from .logs import ReportHandler
from .models import ModelShelf, free_memory
from .protocol import RunRequest

log = logging.getLogger(__name__)

#: exit status when the CUDA context is lost: nothing more can be computed in this process
DEVICE_BROKEN = 4


class Executor:
    """Does one request after the other, in the main thread; cancels alone overtake."""

    def __init__(
        self, writer: Writer, inbox: Inbox, handler: ReportHandler, max_models: int, threads: int | None
    ) -> None:
        self._writer = writer
        self._inbox = inbox
        self._handler = handler
        self._loader = Loader(ModelShelf(max_models, threads), writer)
        self._structures = StructureCache()

    def serve(self) -> int:
        """Returns the exit status, after `shutdown` or when the device is broken."""
        while True:
            message = self._inbox.next()
            match message["type"]:
                case "run":
                    if not self._run(cast(RunRequest, message)):
                        return DEVICE_BROKEN
                case "load":
                    self._loader.load(message["model"])
                case "unload":
                    self._loader.unload(message["name"])
                case "shutdown":
                    return 0
                case _:
                    log.error("A line on stdin is no request: %s", message.get("error", message))

    def _run(self, request: RunRequest) -> bool:
        """Whether this process can go on afterwards."""
        self._handler.task_id = request["task_id"]
        job = Job(request, self._writer, self._inbox, self._loader, self._structures)
        end = job.run()
        # Logs of the run come before its end, and nothing of it comes after.
        self._handler.task_id = None
        self._inbox.run_ended(request["task_id"])
        self._writer.send(end)
        if job.out_of_memory:
            del job, end
            free_memory()
            return True
        return not job.device_broken
