"""The structures that tasks can name."""

import shutil

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import structures
from mofsim.core.errors import NotFound
from mofsim.schemas.envelope import Page
from mofsim.schemas.resources import Structure
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query
from mofsim.server.routes.files import NOSNIFF, TEXT, RangeResponse
from mofsim.vocabulary import StructureFile


class StructureQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    builtin: bool | None = Field(None, description="Only built-in ones, or only uploaded ones")
    set: str | None = Field(None, max_length=100, description="Only those of this named set")


@document("structures", query=StructureQuery, answer=Page[Structure], errors=[404])
async def list_structures(request: Request) -> Response:
    """List the structures."""
    given = query(request, StructureQuery)
    return await _listed(request, given.builtin, given.set)


@document("structures", answer=Page[Structure])
async def list_builtin(request: Request) -> Response:
    """List the built-in structures."""
    return await _listed(request, True)


async def _listed(request: Request, builtin: bool | None, set: str | None = None) -> Response:
    found = await read(request, structures.listing, builtin, set)
    return whole(Structure.model_validate(structure) for structure in found)


@document("structures", answer=Structure, errors=[404])
async def get_structure(request: Request) -> Response:
    """See one structure."""
    structure = await read(request, structures.get, path_id(request, "structure"))
    return answer(Structure.model_validate(structure))


@document("structures", answer=None, errors=[404, 409])
async def delete_structure(request: Request) -> Response:
    """Forget an uploaded structure that no task refers to, and no set."""
    structure_id = path_id(request, "structure")
    folder = await write(request, structures.remove, structure_id)
    await run_in_threadpool(shutil.rmtree, context(request).storage.structures / folder, ignore_errors=True)
    return answer(message=f"structure {structure_id} was deleted")


class FileQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    form: StructureFile = Field(
        StructureFile.UPLOADED, description="As it was uploaded, the extXYZ that simulations read, or a CIF in P 1"
    )


@document("structures", query=FileQuery, media_type="text/plain", also=[206], errors=[400, 404, 416])
async def get_structure_file(request: Request) -> Response:
    """Download the file of a structure; the header Range gives a part of it."""
    structure = await read(request, structures.get, path_id(request, "structure"))
    form = query(request, FileQuery).form
    is_original = form is StructureFile.UPLOADED
    storage, settings = context(request).storage, context(request).settings.storage
    path = storage.structures / (structure.file_path if is_original else structure.normalised_path)
    if not await run_in_threadpool(path.is_file):
        raise NotFound(f"the file of structure {structure.id} is gone from the data folder; upload it again")
    if form is StructureFile.CIF:
        async with context(request).checks:
            cif = await run_in_threadpool(structures.as_cif, storage, structure, settings.parse_timeout_seconds)
        return Response(cif, media_type=TEXT, headers=NOSNIFF | {"Content-Disposition": "attachment"})
    return RangeResponse(
        path, media_type=TEXT, filename=structure.original_name if is_original else path.name, headers=NOSNIFF
    )


routes = [
    Route("/api/v1/structures", list_structures),
    Route("/api/v1/structures/builtin", list_builtin),
    Route("/api/v1/structures/{id}", get_structure),
    Route("/api/v1/structures/{id}", delete_structure, methods=["DELETE"]),
    Route("/api/v1/structures/{id}/file", get_structure_file),
]
