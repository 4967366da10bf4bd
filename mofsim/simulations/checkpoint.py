"""Checkpoints of a task: a folder that outlives attempts, with the two newest in it.

A checkpoint holds what cannot be computed again. The files that grow with a run stay where they are, in the directory
of the attempt that wrote them; the checkpoint knows how much of them belongs to it, and the next attempt takes a copy
of that much. So the directory of each attempt is complete by itself.
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .checkpoint_format import Unusable, decode, encode
from .protocol import CheckpointEvery, RunRequest

log = logging.getLogger(__name__)

KEPT = 2
_NAME = re.compile(r"(\d+)-(\d+)\.checkpoint")

#: of the provenance: what a checkpoint must share with the run that takes it
_IDENTITY = (
    "task_type",
    "parameters",
    "framework",
    "checkpoint",
    "model_sha256",
    "model_options",
    "d3",
    "dtype",
    "structure_sha256",
)


@dataclass(frozen=True)
class Checkpoint:
    """A run after `step`, in the state from which the next step follows."""

    attempt: int
    step: int
    #: hash of structure, model and parameters
    identity: str
    #: of the attempt that wrote `files`, seen from the folder of the checkpoint
    directory: str
    #: name → bytes that belong to this checkpoint, and their CRC-32
    files: dict[str, list[int]]
    #: positions and cell in Å, momenta in ASE's unit where there are any
    atoms: dict[str, Any]
    rng: dict[str, Any]
    seconds: float
    steps_made: int
    #: what the task type said of itself
    task: dict[str, Any]


class CheckpointFolder:
    """Files named <attempt>-<step>.checkpoint: those of a later attempt count more.

    So an attempt that was given up, but still lives somewhere, cannot push out what its successor wrote.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity

    def usable(self) -> Iterator[Checkpoint]:
        """Newest first; what cannot be used is told in the log."""
        for path in reversed(self._files()):
            try:
                yield self._read(path)
            except (Unusable, OSError) as error:
                log.warning("Checkpoint %s is not used: %s", path.name, error)

    def write(self, checkpoint: Checkpoint) -> None:
        """There is never half a checkpoint under its name, also when the power fails."""
        name = f"{checkpoint.attempt:06d}-{checkpoint.step:09d}.checkpoint"
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        content = encode({field.name: getattr(checkpoint, field.name) for field in fields(Checkpoint)})
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path / name)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(self.path)
        for old in self._files()[:-KEPT]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        found = [path for path in self.path.glob("*.checkpoint") if _NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: [int(number) for number in path.stem.split("-")])

    def _read(self, path: Path) -> Checkpoint:
        document = decode(path.read_bytes())
        if document.get("identity") != self.identity:
            raise Unusable("it belongs to another structure, model or set of parameters")
        try:
            return Checkpoint(**document)
        except TypeError as error:
            raise Unusable(f"it has other fields than this version writes ({error})") from error


class Cadence:
    """Says when the next checkpoint is due: after so many steps or seconds, whichever comes first."""

    def __init__(self, steps: int, seconds: float) -> None:
        self._steps = steps
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self._made = 0
        self._since = time.monotonic()

    def step(self) -> bool:
        """Count a step; whether it is time."""
        self._made += 1
        return self._made >= self._steps or time.monotonic() - self._since >= self._seconds


def folder_of(request: RunRequest, provenance: dict[str, Any]) -> CheckpointFolder | None:
    """The folder that `request` names, for exactly the run that `provenance` describes."""
    if "checkpoint" not in request:
        return None
    text = json.dumps([provenance[name] for name in _IDENTITY], sort_keys=True)
    return CheckpointFolder(Path(request["checkpoint"]), hashlib.sha256(text.encode()).hexdigest())


def cadence_of(request: RunRequest) -> Cadence:
    usual: CheckpointEvery = {"steps": 100, "seconds": 60.0}
    every = request.get("checkpoint_every", usual)
    return Cadence(every["steps"], every["seconds"])


def sync_folder(path: Path) -> None:
    """Have the disk keep the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
