"""What is handed to the executor for one attempt of a task."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from mofsim.core import guests, models
from mofsim.core.leases import Lease
from mofsim.core.storage import Storage
from mofsim.db.tables import Model, Task
from mofsim.settings import Settings
from mofsim.vocabulary import Preset
from mofsim.worker import supply
from mofsim.worker.executor import Message
from mofsim.worker.slots import Slot
from mofsim.worker.supply import Need


@dataclass(frozen=True)
class Job:
    """What the executor needs, and the limits that it does not keep itself."""

    lease: Lease
    preset: Preset
    timeout_seconds: float
    request: Message
    #: the interpreter that the model wants; "" is ours
    python: str = ""
    #: what it can have of its GPU's memory; None on a CPU, whose memory it shares with everybody, or if not known
    gpu_memory_MB: float | None = None
    #: what the executor reads, for a box that does not have the data folder of the server
    needs: list[Need] = field(default_factory=list)
    #: no checkpoint of an earlier attempt is to be used
    clean_start: bool = False


def prepare(
    session: Session, settings: Settings, slot: Slot, lease: Lease, task: Task, *, python: str, memory_MB: float | None
) -> Job:
    """The job of an attempt that was claimed for the slot; its folders are made."""
    storage = Storage(settings.storage.root)
    results = storage
    if settings.worker.server:
        results = storage.scratch(slot.name)
        supply.empty(results)
    folder = results.attempt(task.id, lease.attempt)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = _checkpoint_folder(results, task)
    every = {"steps": settings.worker.checkpoint_steps, "seconds": settings.worker.checkpoint_seconds}
    model = session.get_one(Model, task.model_name)
    request = {
        "type": "run",
        "task_id": task.id,
        "attempt": lease.attempt,
        "task_type": task.task_type,
        "directory": str(folder.resolve()),
        "structure": str((storage.structures / task.structure.normalised_path).resolve()),
        "structure_name": task.structure.name,
        "model": models.executor_entry(model, slot.device, storage.root),
        "parameters": task.parameters,
        "checkpoint": str(checkpoint.resolve()),
        "checkpoint_every": every,
    }
    needs = [supply.of_structure(storage, task.structure), *supply.of_model(storage, model)]
    if guest := guests.structure(session, task.parameters):
        request["guest"] = str((storage.structures / guest.normalised_path).resolve())
        needs.append(supply.of_structure(storage, guest))
    return Job(
        lease=lease,
        preset=Preset(task.preset),
        timeout_seconds=task.timeout_seconds,
        request=request,
        python=python,
        gpu_memory_MB=memory_MB if slot.gpu_id else None,
        needs=needs,
        clean_start=task.clean_start,
    )


def _checkpoint_folder(storage: Storage, task: Task) -> Path:
    """Made here and not by the executor: one that lives on after its task has ended must not make it anew."""
    folder = storage.checkpoint(task.id)
    if task.clean_start:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    return folder
