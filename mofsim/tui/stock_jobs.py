"""What the console asks of the server about models and structures: each job ends in a message, also when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mofsim.tui import messages, stock_messages, structure_words
from mofsim.tui.jobs import Post, _quietly
from mofsim.tui.molecule import molecule

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.resources import Geometry, Structure
    from mofsim.tui.molecule import Molecule

#: Of the tasks of a model or structure, the newest are named.
NEWEST = 4


async def models(client: AsyncClient, post: Post) -> None:
    """The list, and then each model with what is known of it, one after another."""
    found = await _quietly(client.models())
    if found is None:
        return
    post(stock_messages.ModelsCame(found))
    for each in found:
        await model(client, each.name, post)


async def model(client: AsyncClient, name: str, post: Post) -> None:
    detail = await _quietly(client.model(name))
    if detail is not None:
        post(stock_messages.ModelCame(detail))


async def tasks_of_model(client: AsyncClient, name: str, post: Post) -> None:
    found = await _quietly(client.tasks(model=[name], limit=NEWEST))
    if found is not None:
        post(stock_messages.TasksOfCame(name, found))


async def tasks_of_structure(client: AsyncClient, structure: Structure, post: Post) -> None:
    reference = structure.name if structure.is_builtin else str(structure.id)
    found = await _quietly(client.tasks(structure=reference, limit=NEWEST))
    if found is not None:
        post(stock_messages.TasksOfCame(structure.id, found))


async def load_model(client: AsyncClient, name: str, worker: str | None, post: Post) -> None:
    await _wish(client.load_model(name, worker), f"{name}: asked to load it", post)


async def unload_model(client: AsyncClient, name: str, worker: str | None, post: Post) -> None:
    await _wish(client.unload_model(name, worker), f"{name}: asked to unload it", post)


async def _wish(asked: Any, words: str, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        workers = await asked
    except ClientError as error:
        post(messages.Said(str(error), "error"))
        return
    if workers:
        post(messages.Said(f"{words}: {', '.join(worker.id for worker in workers)}, between two tasks"))
    else:
        post(messages.Said("no worker is online", "warning"))


async def validate_model(client: AsyncClient, name: str, tell: Post, post: Post) -> None:
    """`tell` is the screen's, `post` the app's."""
    from mofsim.client import ClientError

    try:
        task = await client.validate_model(name)
    except ClientError as error:
        post(messages.Said(str(error), "error"))
        return
    post(messages.Said(f"task {task.id} validates {name}"))
    tell(stock_messages.ModelsChanged())


async def delete_model(client: AsyncClient, name: str, tell: Post, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        await client.delete_model(name)
    except ClientError as error:
        post(messages.Said(str(error), "error"))
        return
    post(messages.Said(f"model {name} is removed, and its file"))
    tell(stock_messages.ModelsChanged())


async def add_model(client: AsyncClient, file: str, options: Mapping[str, Any], tell: Post, post: Post) -> None:
    """`tell` is the form's: it says what is wrong, or goes when the model is there."""
    from mofsim.client import ApiError, ClientError

    try:
        detail = await client.add_model(file, **options)
    except OSError as error:
        tell(stock_messages.UploadRefused(f"cannot be read: {error.strerror or error}", "file"))
    except ApiError as error:
        tell(stock_messages.UploadRefused(error.detail, error.field))
    except ClientError as error:
        tell(stock_messages.UploadRefused(str(error), None))
    else:
        checked = f"; task {detail.validation_task} validates it" if detail.validation_task else "; v validates it"
        tell(stock_messages.Uploaded(detail.name))
        post(messages.Said(f"model {detail.name} is there{checked}"))


async def structures(client: AsyncClient, post: Post) -> None:
    found, sets = await _quietly(client.structures()), await _quietly(client.structure_sets())
    if found is not None:
        post(stock_messages.StructuresCame(found, sets or ()))


async def delete_structure(client: AsyncClient, structure: Structure, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        await client.delete_structure(structure.id)
    except ClientError as error:
        post(messages.Said(str(error), "error"))
    else:
        post(messages.Said(f"structure {structure.id} {structure.name} is removed"))


@dataclass(frozen=True)
class Import:
    """What somebody wants to be structures: a file, or those of a folder."""

    path: Path
    #: of a single file; empty: that of the file
    name: str = ""
    #: that they are added to; empty: none
    set_name: str = ""
    recursive: bool = False
    #: a guest: an XYZ file may lack a cell
    molecule: bool = False


async def add_structures(client: AsyncClient, wanted: Import, tell: Post, post: Post) -> None:
    """One after another, those of a folder; one that is refused does not stop the rest.

    `tell` is the form's, which goes as soon as a folder is read; a file's refusal is shown in it.
    """
    if wanted.path.is_dir():
        await _add_folder(client, wanted, tell, post)
    else:
        await _add_file(client, wanted, tell, post)


async def _add_file(client: AsyncClient, wanted: Import, tell: Post, post: Post) -> None:
    from mofsim.client import ApiError, ClientError

    try:
        added = await client.add_structure(wanted.path, wanted.name or None, molecule=wanted.molecule)
        await _extend(client, {wanted.set_name: [added.id]} if wanted.set_name else {})
    except OSError as error:
        tell(stock_messages.UploadRefused(f"cannot be read: {error.strerror or error}", "file"))
    except ApiError as error:
        tell(stock_messages.UploadRefused(error.detail, error.field))
    except ClientError as error:
        tell(stock_messages.UploadRefused(str(error), None))
    else:
        tell(stock_messages.Uploaded(added.name))
        post(messages.Said(f"structure {added.id}: {added.name}, {added.formula}, {added.n_atoms} atoms"))


async def _add_folder(client: AsyncClient, wanted: Import, tell: Post, post: Post) -> None:
    from mofsim.client import ApiError, ClientError
    from mofsim.client.importing import SUFFIX, plan

    try:
        found = await asyncio.to_thread(plan, wanted.path, recursive=wanted.recursive, set_name=wanted.set_name or None)
    except OSError as error:
        tell(stock_messages.UploadRefused(f"cannot be read: {error.strerror or error}", "file"))
        return
    if not found.files:
        below = "" if wanted.recursive else "; say yes to folders below it to look there too"
        tell(stock_messages.UploadRefused(f"the folder has no {SUFFIX} file{below}", "file"))
        return
    post(messages.Said(f"importing {len(found.files)} files; each is listed as soon as it is there"))
    added: dict[Path, int] = {}
    refused = []
    try:
        for file in found.files:
            try:
                added[file] = (await client.add_structure(file, reuse=True)).id
            except (ApiError, OSError) as error:
                refused.append(f"{file.relative_to(wanted.path)}: {error}")
        await _extend(client, {name: [added[f] for f in files if f in added] for name, files in found.sets.items()})
    except ClientError as error:
        tell(stock_messages.UploadRefused(f"{error} ({len(added)} of {len(found.files)} files are there)", None))
        return
    text = f"{len(added)} of {len(found.files)} files are structures now"
    sets = f", in {', '.join(found.sets)}" if found.sets and added else ""
    post(messages.Said(text + sets, "warning" if refused else "information"))
    tell(stock_messages.Uploaded(text, refused))


async def _extend(client: AsyncClient, sets: Mapping[str, Sequence[int]]) -> None:
    """Add to named sets what is new in them."""
    known = {each.name: each.structure_ids for each in await client.structure_sets()} if sets else {}
    for name, ids in sets.items():
        if ids:
            await client.save_structure_set(name, [*known.get(name, []), *ids])


async def structure_molecule(client: AsyncClient, structure_id: int, post: Post) -> None:
    from mofsim.client import ApiError, ClientError

    try:
        found = await _built(await client.structure_geometry(structure_id))
        post(stock_messages.MoleculeCame(structure_id, found))
    except ApiError as error:
        post(stock_messages.MoleculeCame(structure_id, None, error.detail))
    except (ClientError, ValueError) as error:
        post(stock_messages.MoleculeCame(structure_id, None, str(error)))


async def task_molecules(client: AsyncClient, task_id: int, initial: Molecule | None, ended: bool, post: Post) -> None:
    """`initial` is known already, or asked for too; what has `ended` may have a result."""
    from mofsim.client import ApiError, ClientError

    problem = ""
    try:
        if initial is None:
            first = await client.task_geometry(task_id, "initial")
            initial = await _built(first, first.guest_indices)
        shown = await client.task_geometry(task_id)
        latest = None if shown.source == "submitted" else await _built(shown, shown.guest_indices)
    except ApiError as error:
        shown, latest, problem = None, None, error.detail
    except (ClientError, ValueError):
        # The feed sees a broken line too; a structure without a cell was refused before.
        return
    result = await _quietly(client.result(task_id)) if ended else None
    facts = await asyncio.to_thread(structure_words.changes, initial, latest, shown, result)
    is_final = ended and (result is not None or bool(problem))
    post(stock_messages.TaskMoleculesCame(task_id, initial, latest, facts, is_final, problem))


async def _built(geometry: Geometry, guest: Sequence[int] = ()) -> Molecule:
    """In a thread: keys are to be answered meanwhile."""
    return await asyncio.to_thread(molecule, geometry.symbols, geometry.positions_A, geometry.cell_A, guest)
