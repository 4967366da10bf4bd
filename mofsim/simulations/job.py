"""One run, from its request to the one message that ends it."""

import logging
import traceback
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.data import chemical_symbols

from .channel import Inbox, Writer
from .checkpoint import CheckpointFolder, folder_of
from .errors import InvalidInput, Stopped, broke_the_device, error_type, is_out_of_memory
from .guards import Guard
from .inputs import StructureCache
from .loading import Loader
from .measure import Meter
from .models import LoadedModel
from .outputs import Outputs
from .protocol import Completed, Failed, RunEnd, RunRequest
from .protocol import Stopped as StoppedMessage
from .provenance import provenance
from .run import Run, Task
from .tasks import TASK_TYPES

log = logging.getLogger(__name__)

_TRACEBACK_LIMIT = 20_000


class Job:
    """Holds what is known so far, so that any end can report it."""

    def __init__(
        self, request: RunRequest, writer: Writer, inbox: Inbox, loader: Loader, structures: StructureCache
    ) -> None:
        self._request = request
        self._writer = writer
        self._inbox = inbox
        self._loader = loader
        self._structures = structures
        self._meter = Meter()
        self._outputs = Outputs(Path(request["directory"]))
        self._task: Task | None = None
        self._provenance: dict[str, Any] = {}
        #: memory ran out, so what is no longer used should be given back before the next run
        self.out_of_memory = False
        #: this process can compute no more on its device
        self.device_broken = False

    def run(self) -> Completed | StoppedMessage | Failed:
        """Never raises for what the simulation does: each outcome has its message."""
        try:
            self._task = self._prepare()
            self._task.work()
            self._task.conclude(complete=True)
            self._outputs.close()
            return {"type": "completed", **self._end(self._task.result())}
        except Stopped as stop:
            if stop.reason != "shutdown":
                self._conclude_partly()
            log.info("Stopped: %s", stop.reason)
            return {"type": "stopped", "reason": stop.reason, **self._end(self._partial_result())}
        except (Exception, SystemExit) as error:
            return self._failed(error)

    def _prepare(self) -> Task:
        """Raises InvalidInput and ModelLoadFailed, before a step is made."""
        request = self._request
        self._stop_if_asked()
        if request["task_type"] not in TASK_TYPES:
            raise InvalidInput(f"Task type {request['task_type']!r} is not one of {', '.join(TASK_TYPES)}.")
        atoms, sha256 = self._structures.read(Path(request["structure"]))
        model, load_seconds = self._loader.get(request["model"], request["task_id"])
        self._meter.model_ready(model.device, load_seconds)
        self._provenance = provenance(model, sha256, request["task_type"], request["parameters"])
        self._stop_if_asked()
        _check_elements(atoms, model)
        run = self._begin(atoms, model)
        assert run.task
        run.start(run.task.total_steps)
        return run.task

    def _begin(self, atoms: Atoms, model: LoadedModel) -> Run:
        """The run as its newest usable checkpoint left it, else a fresh one."""
        folder = folder_of(self._request, self._provenance)
        for checkpoint in folder.usable() if folder else ():
            run = self._fresh(atoms, model, folder)
            try:
                run.resume(checkpoint)
            except Exception as error:
                log.warning("Checkpoint of step %d is not used: %s: %s", checkpoint.step, type(error).__name__, error)
                self._outputs.abandon()
                continue
            log.info("Goes on after step %d, from a checkpoint of attempt %d", checkpoint.step, checkpoint.attempt)
            return run
        return self._fresh(atoms, model, folder)

    def _fresh(self, atoms: Atoms, model: LoadedModel, folder: CheckpointFolder | None) -> Run:
        attached = _attach(atoms.copy(), model)
        run = Run(self._request, attached, model, self._writer, self._inbox, self._meter, self._outputs, folder)
        run.task = TASK_TYPES[self._request["task_type"]](run)
        return run

    def _stop_if_asked(self) -> None:
        reason = self._inbox.stop_reason(self._request["task_id"], self._request["attempt"])
        if reason:
            raise Stopped(reason)

    def _failed(self, error: BaseException) -> Failed:
        self.out_of_memory = is_out_of_memory(error)
        self.device_broken = broke_the_device(error)
        self._conclude_partly()
        log.error("%s: %s", error_type(error), error)
        return {
            "type": "failed",
            "error_type": error_type(error),
            "error_message": str(error) or type(error).__name__,
            "traceback": "".join(traceback.format_exception(error))[-_TRACEBACK_LIMIT:],
            **self._end(self._partial_result()),
        }

    def _conclude_partly(self) -> None:
        """What can be kept of a run that did not get to its end."""
        try:
            if self._task:
                self._task.conclude(complete=False)
        except Exception as error:
            log.warning("Partial results are incomplete: %s: %s", type(error).__name__, error)

    def _end(self, result: dict[str, Any]) -> RunEnd:
        self._close_outputs()
        return {
            "task_id": self._request["task_id"],
            "result": result,
            "output_files": self._outputs.sizes(),
            "metrics": self._meter.metrics(),
            "provenance": self._provenance,
        }

    def _partial_result(self) -> dict[str, Any]:
        """A second error must not hide the first."""
        try:
            return self._task.result() if self._task else {}
        except Exception as error:
            log.warning("No partial result: %s: %s", type(error).__name__, error)
            return {}

    def _close_outputs(self) -> None:
        try:
            self._outputs.close()
        except OSError as error:
            log.warning("Output files may be incomplete: %s", error)


def _attach(atoms: Atoms, model: LoadedModel) -> Atoms:
    """A warm potential must not answer from its memory: the same structure is computed again."""
    model.potential.reset()
    model.potential.guard = Guard(float(atoms.cell.volume))
    atoms.calc = model.potential
    return atoms


def _check_elements(atoms: Atoms, model: LoadedModel) -> None:
    if model.elements is None:
        return
    unknown = [chemical_symbols[z] for z in sorted(set(atoms.numbers)) if chemical_symbols[z] not in model.elements]
    if unknown:
        raise InvalidInput(
            f"Model {model.name!r} does not know {', '.join(unknown)}. Choose a model that was trained on "
            "these elements."
        )
