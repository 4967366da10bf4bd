"""Tasks that take the optimized structure of another task."""

import shutil

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from mofsim.core import lifecycle
from mofsim.core.errors import Invalid
from mofsim.core.hashing import sha256
from mofsim.core.storage import Storage
from mofsim.core.structures import NORMALISED, incoming, publish
from mofsim.db.tables import Structure, Task, TaskResult, utcnow
from mofsim.vocabulary import StructureFormat, TaskStatus, TaskType

#: Task types that end with an optimized structure, and the files that hold it.
GIVES_STRUCTURE = frozenset({TaskType.OPTIMIZATION})
OPTIMIZED_CIF = "optimized.cif"
OPTIMIZED_EXTXYZ = "optimized.extxyz"

Parent = aliased(Task)


def parent(session: Session, task_id: int) -> Task:
    """The task that another one names as the source of its structure; raises Invalid when it can not be one."""
    found = session.get(Task, task_id)
    if found is None:
        raise Invalid(f"there is no task {task_id}", field="structure.id", type="UnknownTask")
    if found.task_type not in GIVES_STRUCTURE:
        givers = ", ".join(sorted(GIVES_STRUCTURE))
        raise Invalid(
            f"task {task_id} is a {found.task_type}, which gives no structure; name one of type {givers}",
            field="structure.id",
        )
    result = session.get(TaskResult, task_id)
    if result is not None and result.files_removed_at and _made_from(session, task_id) is None:
        raise Invalid(
            f"the files of task {task_id} were removed by their age (storage.keep_days); run it again",
            field="structure.id",
            type="FilesRemoved",
        )
    return found


def is_needed(session: Session) -> bool:
    """Whether a task waits for a parent that is COMPLETED; a cheap look before the write."""
    return session.scalar(_ready().limit(1)) is not None


def hand_over(session: Session, storage: Storage) -> list[Task]:
    """Tasks whose parent is COMPLETED get its structure, and are queued unless something else holds them."""
    tasks = list(session.scalars(_ready().with_for_update(skip_locked=True, of=Task)))
    for task in tasks:
        assert task.parent_id is not None
        task.structure = _optimized(session, storage, task.parent_id)
        task.awaits_parent = False
        if task.status == TaskStatus.PENDING and lifecycle.waiting_status(task) is TaskStatus.QUEUED:
            lifecycle.move(session, task, TaskStatus.QUEUED)
    return tasks


def _ready() -> Select[Task]:
    has_completed = select(Parent.id).where(Parent.id == Task.parent_id, Parent.status == TaskStatus.COMPLETED)
    # Nearly all that awaits a parent is looked at, and nothing else: it has an index of its own.
    return select(Task).where(Task.awaits_parent, Task.parent_id.is_not(None), has_completed.exists())


def _made_from(session: Session, task_id: int) -> Structure | None:
    return session.scalar(select(Structure).where(Structure.origin_task_id == task_id))


def _optimized(session: Session, storage: Storage, task_id: int) -> Structure:
    """The optimized structure of a COMPLETED task as a structure of its own; made once."""
    found = _made_from(session, task_id)
    if found:
        return found
    task, result = session.get_one(Task, task_id), session.get_one(TaskResult, task_id)
    results = storage.attempt(task_id, result.attempt)
    with incoming(storage) as folder:
        shutil.copy(results / OPTIMIZED_CIF, folder)
        shutil.copy(results / OPTIMIZED_EXTXYZ, folder / NORMALISED)
        structure = Structure(
            name=f"{task.structure.name} relaxed by {task_id}"[:200],
            original_name=OPTIMIZED_CIF,
            file_path=f"{folder.name}/{OPTIMIZED_CIF}",
            normalised_path=f"{folder.name}/{NORMALISED}",
            file_size=(folder / OPTIMIZED_CIF).stat().st_size,
            format=StructureFormat.CIF,
            checksum=sha256(folder / NORMALISED),
            n_atoms=task.structure.n_atoms,
            formula=task.structure.formula,
            elements=task.structure.elements,
            volume_A3=result.result_data["final_volume_A3"],
            description=f"optimized by task {task_id} with {task.model_name}, preset {task.preset}",
            origin_task_id=task_id,
            is_builtin=False,
            created_at=utcnow(),
        )
        publish(session, storage, structure, folder)
    return structure
