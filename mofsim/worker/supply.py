"""What a task needs, fetched from the server where this box does not share its data folder."""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mofsim.core.hashing import sha256
from mofsim.core.leases import Lease
from mofsim.core.storage import Storage
from mofsim.db.tables import Model
from mofsim.worker.transfer import Transfer


@dataclass(frozen=True)
class Need:
    """A file that has to be here, and where the server has it."""

    what: str
    path: Path
    sha256: str

    def is_met(self) -> bool:
        # Hashing gigabytes of weights each time is left to the executor, which does it when it loads them.
        return self.path.is_file() and (self.what.startswith("models/") or sha256(self.path) == self.sha256)


def of_structure(storage: Storage, structure: Any) -> Need:
    """Files of structures stay here: the next task of the same one finds it."""
    return Need(f"structures/{structure.id}", storage.structures / structure.normalised_path, structure.checksum)


def of_model(storage: Storage, model: Model) -> list[Need]:
    """The weights of an uploaded model; others come with packages, or lie where the settings of this box say."""
    if not model.is_custom:
        return []
    digest = model.config["sha256"]
    return [Need(f"models/{digest}", storage.root / model.file_path, digest)]


def fetch(transfer: Transfer, needs: list[Need], stop: threading.Event) -> None:
    """Blocks; raises TransferFailed and GivenUp."""
    for need in needs:
        if not need.is_met():
            transfer.fetch(need.what, need.path, stop, checksum=need.sha256)


def fetch_earlier(transfer: Transfer, scratch: Storage, lease: Lease, *, clean: bool, stop: threading.Event) -> None:
    """What this attempt goes on from; of one that begins anew the server forgets what there was."""
    if lease.attempt == 1:
        return
    if clean:
        transfer.forget_checkpoints(lease.task_id, lease.attempt, stop)
        return
    for each in transfer.earlier(lease.task_id, lease.attempt, stop):
        name, attempt = each["name"], each["attempt"]
        is_checkpoint = name.endswith(".checkpoint")
        folder = scratch.checkpoint(lease.task_id) if is_checkpoint else scratch.attempt(lease.task_id, attempt)
        what = f"tasks/{lease.task_id}/{lease.attempt}/earlier/{attempt}/{name}"
        transfer.fetch(what, folder / name, stop)


def empty(scratch: Storage) -> None:
    """Nothing lasts here from one attempt to the next: what is to last was sent."""
    shutil.rmtree(scratch.root, ignore_errors=True)
