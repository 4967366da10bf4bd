"""A finished result instead of the same computation once more, where the request allows it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mofsim.core.hashing import sha256
from mofsim.core.listing import plain
from mofsim.core.storage import Storage
from mofsim.core.weights import weights_sha256
from mofsim.db.tables import Model, Structure, Task, TaskResult, utcnow
from mofsim.vocabulary import TaskStatus

#: of those that look alike, the newest so many are compared
CANDIDATES = 50


@dataclass(frozen=True)
class Reuse:
    """Finds the result of an equal task; the same weights, to the byte, make models equal, and not their name."""

    storage: Storage

    def find(self, session: Session, task: Task) -> TaskResult | None:
        """A result whose structure, weights, settings of the model, parameters and preset are those of `task`."""
        if task.awaits_parent:
            # Nobody knows its structure yet.
            return None
        model = session.get_one(Model, task.model_name)
        weights = weights_sha256(model, self.storage.root)
        if weights is None:
            return None
        wanted = _identity(model) | {
            "model_sha256": weights,
            "structure_sha256": sha256(self.storage.structures / task.structure.normalised_path),
            "parameters": task.parameters,
        }
        for result in session.scalars(_alike(task)):
            found = {name: result.provenance.get(name) for name in wanted} | {"d3": bool(result.provenance.get("d3"))}
            if found == wanted and self._has_its_files(result):
                return result
        return None

    def give(self, session: Session, task: Task, result: TaskResult) -> None:
        """Publish a copy of the result as that of `task`, with files of its own: either task may be deleted."""
        task.progress = dict(session.get_one(Task, result.task_id).progress)
        source, target = self._files_of(result), self.storage.attempt(task.id, task.attempt)
        target.mkdir(parents=True, exist_ok=True)
        for name in result.output_files:
            _link(source / name, target / name)
        session.add(
            TaskResult(
                task_id=task.id,
                attempt=task.attempt,
                result_data=result.result_data,
                output_files=result.output_files,
                metrics=result.metrics,
                provenance=result.provenance | {"reused_from_task": result.task_id},
                duration_seconds=result.duration_seconds,
                created_at=utcnow(),
                compressed_at=result.compressed_at,
            )
        )

    def _files_of(self, result: TaskResult) -> Path:
        return self.storage.attempt(result.task_id, result.attempt)

    def _has_its_files(self, result: TaskResult) -> bool:
        return all((self._files_of(result) / name).is_file() for name in result.output_files)


def _identity(model: Model) -> dict[str, Any]:
    """What a result says of its model besides the weights."""
    config = model.config
    return {
        "framework": model.framework,
        "model_options": config.get("options", {}),
        "dtype": config.get("dtype", "float32"),
        "d3": bool(config.get("d3")),
    }


def _alike(task: Task) -> Select[TaskResult]:
    same_structure = select(Structure.id).where(Structure.checksum == task.structure.checksum)
    return (
        select(TaskResult)
        .join(Task, Task.id == TaskResult.task_id)
        .where(
            # Of one structure there are the fewest tasks.
            Task.structure_id.in_(same_structure),
            plain(Task.status) == TaskStatus.COMPLETED,
            plain(Task.task_type) == task.task_type,
            plain(Task.model_name) == task.model_name,
            Task.preset == task.preset,
            TaskResult.files_removed_at.is_(None),
        )
        .order_by(TaskResult.task_id.desc())
        .limit(CANDIDATES)
    )


def _link(source: Path, target: Path) -> None:
    """The same file under another name costs no room; not every file system can do it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
