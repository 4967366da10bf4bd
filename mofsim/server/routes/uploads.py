"""Upload a structure: POST /structures."""

import shutil
from pathlib import PurePath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import structures
from mofsim.core.structures import NORMALISED, Limits
from mofsim.schemas.resources import Structure
from mofsim.server.answers import answer
from mofsim.server.context import Context, context
from mofsim.server.openapi import document
from mofsim.server.receiving import file_of
from mofsim.server.requests import FORM_BYTES, MB, limited, require_multipart, validated
from mofsim.settings import Settings
from mofsim.vocabulary import StructureFormat

File = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]


class UploadForm(BaseModel):
    file: File = Field(description="A CIF, XYZ, extXYZ or POSCAR file with a cell")
    name: str | None = Field(None, description="Null: the name of the file")
    format: StructureFormat | None = Field(None, description="Null: found out from name and content")
    reuse: bool = Field(False, description="Give the structure back that is there already and is the same, as 200")
    molecule: bool = Field(False, description="A guest molecule: an XYZ file may lack a cell, and gets a box of vacuum")


class UploadFields(BaseModel):
    """What stands beside the file."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    format: StructureFormat | None = None
    reuse: bool = False
    molecule: bool = False

    @field_validator("name")
    @classmethod
    def _printable(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("must be of printable characters")
        return value


@document("structures", form=UploadForm, answer=Structure, status=201, also=[200], errors=[400, 413, 415])
async def upload_structure(request: Request) -> Response:
    """Upload a structure file.

    It is read in a process of its own and stored only when a simulation can be made with it.
    """
    require_multipart(request)
    limit = context(request).settings.storage.max_upload_MB
    max_bytes = limit * MB + FORM_BYTES
    too_large = f"the file is larger than the {limit} MB that are taken (storage.max_upload_MB)"
    async with limited(request, max_bytes, too_large, "file").form(max_files=2, max_fields=10) as form:
        upload, fields = file_of(form, "a CIF, extXYZ or POSCAR file"), _fields(form)
        async with context(request).checks:
            structure, is_new = await run_in_threadpool(_accept, context(request), upload, fields)
    return answer(structure, 201 if is_new else 200, headers={"Location": f"/api/v1/structures/{structure.id}"})


def _fields(form: FormData) -> UploadFields:
    given = {name: value for name, value in form.multi_items() if name != "file" and value != ""}
    return validated(UploadFields, given)


def _accept(context: Context, upload: UploadFile, fields: UploadFields) -> tuple[Structure, bool]:
    """Check and store the file, which may be there already; blocks, up to the time limit of the check."""
    limits = _limits(context.settings)
    shown = _shown_name(upload.filename or "")
    with structures.incoming(context.storage) as folder:
        original = folder / _stored_name(shown)
        with original.open("wb") as target:
            shutil.copyfileobj(upload.file, target)
        if fields.reuse and not fields.format:
            with context.blocking_database.read() as session:
                if found := structures.same_file(session, context.storage, original):
                    return Structure.model_validate(found), False
        checked = structures.check(original, shown, limits, fields.format, fields.molecule)
        name = fields.name or PurePath(shown).stem
        with context.blocking_database.write() as session:
            if fields.reuse and (found := structures.same_structure(session, checked)):
                return Structure.model_validate(found), False
            return Structure.model_validate(structures.store(session, context.storage, checked, name)), True


def _limits(settings: Settings) -> Limits:
    storage = settings.storage
    return Limits(storage.max_upload_MB * MB, storage.max_atoms, storage.parse_timeout_seconds)


def _shown_name(client_name: str) -> str:
    """The client's name for the file, without folders and without what would move a terminal's cursor."""
    last = client_name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[-200:] or "structure"


def _stored_name(shown: str) -> str:
    name = structures.safe_name(shown)
    return f"original-{name}" if name == NORMALISED else name


routes = [Route("/api/v1/structures", upload_structure, methods=["POST"])]
