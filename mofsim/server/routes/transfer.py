"""Files to and from workers that do not share the data folder: /transfer.

Each file comes in pieces: PATCH appends one behind the bytes that are here, HEAD or GET tell how many these are, and
PUT publishes the file when all of it is here and is what was sent. Nothing is taken from an attempt that does not hold
its task any more.
"""

import hashlib
import re
import shutil
from pathlib import Path

from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import arrivals, structures
from mofsim.core.arrivals import Arrival
from mofsim.core.errors import Invalid, NotFound
from mofsim.schemas.envelope import Page
from mofsim.schemas.transfer import Arrived, EarlierFile, Room, Whole
from mofsim.server.answers import answer, whole
from mofsim.server.context import Context, context, read, write
from mofsim.server.errors import Refused
from mofsim.server.openapi import document
from mofsim.server.requests import MB, json_body, limited, path_id
from mofsim.server.routes.files import NOSNIFF, RangeResponse

MAX_PIECE_BYTES = 8_000_000
BYTES = "application/octet-stream"

_CHECKSUM = re.compile(r"sha256 ([0-9a-f]{64})", re.ASCII)
_OFFSET = re.compile(r"[0-9]{1,18}", re.ASCII)


class PieceHeaders(BaseModel):
    """What stands beside a piece."""

    upload_offset: int = Field(
        alias="Upload-Offset", ge=0, description="Bytes that come before it: as many as are here", examples=[0]
    )
    upload_checksum: str = Field(
        alias="Upload-Checksum",
        description="`sha256 ` and the hash of this piece, in hexadecimal digits",
        examples=["sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


@document("transfer", answer=Room)
async def get_room(request: Request) -> Response:
    """See whether files are taken now."""
    storage, settings = context(request).storage, context(request).settings.storage
    free_MB = (await run_in_threadpool(shutil.disk_usage, storage.root)).free / 1e6
    return answer(
        Room(
            has_room=free_MB >= settings.min_free_MB,
            free_MB=round(free_MB, 1),
            max_file_MB=settings.max_result_MB,
            max_piece_bytes=MAX_PIECE_BYTES,
        )
    )


@document("transfer", media_type="*/*", also=[206], errors=[400, 404, 416])
async def get_structure(request: Request) -> Response:
    """Download the extXYZ of a structure, as simulations read it; the header Range gives a part of it."""
    structure = await read(request, structures.get, path_id(request, "structure"))
    return await _file(context(request).storage.structures / structure.normalised_path)


@document("transfer", media_type="*/*", also=[206], errors=[400, 404, 416])
async def get_weights(request: Request) -> Response:
    """Download the weights of an uploaded model by their SHA-256; the header Range gives a part of them."""
    storage, sha256 = context(request).storage, request.path_params["sha256"]
    return await _file(await read(request, arrivals.model_file, storage, sha256))


@document("transfer", answer=Page[EarlierFile], errors=[404, 409])
async def list_earlier(request: Request) -> Response:
    """List what earlier attempts left from which this one goes on; nothing when it is to begin anew."""
    task_id, attempt = _attempt(request)
    task = await read(request, arrivals.held, task_id, attempt)
    found = await run_in_threadpool(arrivals.earlier, context(request).storage, task)
    return whole(EarlierFile(attempt=n, name=path.name, size_bytes=path.stat().st_size) for n, path in found)


@document("transfer", media_type="*/*", also=[206], errors=[400, 404, 409, 416])
async def get_earlier(request: Request) -> Response:
    """Download such a file; the header Range gives a part of it."""
    task_id, attempt = _attempt(request)
    await read(request, arrivals.held, task_id, attempt)
    earlier = path_id(request, "attempt", "earlier")
    return await _file(arrivals.arrival(context(request).storage, task_id, earlier, request.path_params["name"]).target)


@document("transfer", answer=Arrived, errors=[404, 409])
async def get_arrival(request: Request) -> Response:
    """See how much of a file is here. HEAD tells it in the header Upload-Offset."""
    arrival = await _arrival(request)
    return await _arrived(arrival)


@document("transfer", takes_bytes=True, headers=PieceHeaders, answer=Arrived, errors=[404, 409, 422, 507])
async def append_piece(request: Request) -> Response:
    """Append a piece to a file.

    409 with the type WrongOffset when other bytes are here than those before it, 422 with WrongChecksum when it was
    damaged on its way: nothing of it is kept.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != BYTES:
        raise Refused(415, "UnsupportedMediaType", f"send the piece with Content-Type: {BYTES}", field="Content-Type")
    offset, sha256 = _headers(request)
    # Before the body is read, and again after it, which may take a while.
    await _arrival(request)
    content = await limited(request, MAX_PIECE_BYTES).body()
    storage, settings = context(request).storage, context(request).settings.storage
    if offset + len(content) > settings.max_result_MB * MB:
        detail = f"the file is larger than the {settings.max_result_MB} MB that are taken (storage.max_result_MB)"
        raise Refused(413, "FileTooLarge", detail)
    if await run_in_threadpool(lambda: hashlib.sha256(content).hexdigest()) != sha256:
        raise Invalid("the piece is not what was sent; send it again", field="Upload-Checksum", type="WrongChecksum")
    await run_in_threadpool(arrivals.require_room, storage, settings.min_free_MB, len(content))
    arrival = await _arrival(request)
    await run_in_threadpool(arrival.append, offset, content)
    return await _arrived(arrival)


@document("transfer", json=Whole, answer=Arrived, errors=[404, 409])
async def publish(request: Request) -> Response:
    """Say that all of a file was sent. It is there under its name when this is answered.

    409 with the type WrongChecksum when it is not what was sent: then it was forgotten, and has to be sent again.
    """
    arrival = await _arrival(request)
    given = await json_body(request, Whole)
    await run_in_threadpool(arrival.verify, given.size, given.sha256)
    await run_in_threadpool(_publish, context(request), *_attempt(request), arrival)
    return await _arrived(arrival)


def _publish(context: Context, task_id: int, attempt: int, arrival: Arrival) -> None:
    with context.blocking_database.write() as session:
        # Inside the transaction: the attempt can not lose the task meanwhile.
        arrivals.held(session, task_id, attempt)
        arrival.publish()
    # Not inside: others wait for their turn to write, and a busy disk may take seconds.
    arrival.settle()
    if arrival.target.parent == context.storage.checkpoint(task_id):
        arrivals.trim_checkpoints(context.storage, task_id)


@document("transfer", answer=None, errors=[404, 409])
async def forget_checkpoints(request: Request) -> Response:
    """Forget the checkpoints of a task that this attempt completed, or begins anew."""
    task_id, attempt = _attempt(request)
    await write(request, arrivals.forget_checkpoints, context(request).storage, task_id, attempt)
    return answer(message=f"task {task_id} has no checkpoints")


def _attempt(request: Request) -> tuple[int, int]:
    return path_id(request, name="task"), path_id(request, "attempt", "attempt")


async def _arrival(request: Request) -> Arrival:
    """Raises NotFound, and Conflict when the attempt does not hold its task."""
    task_id, attempt = _attempt(request)
    found = arrivals.arrival(context(request).storage, task_id, attempt, request.path_params["name"])
    await read(request, arrivals.held, task_id, attempt)
    return found


async def _arrived(arrival: Arrival) -> Response:
    offset, is_whole = await run_in_threadpool(lambda: (arrival.offset, arrival.is_whole))
    told = Arrived(name=arrival.target.name, offset=offset, is_whole=is_whole)
    return answer(told, headers={"Upload-Offset": str(offset), "Cache-Control": "no-store"})


def _headers(request: Request) -> tuple[int, str]:
    offset = request.headers.get("upload-offset", "")
    if not _OFFSET.fullmatch(offset):
        raise Invalid("must be the number of bytes before the piece", field="Upload-Offset")
    checksum = _CHECKSUM.fullmatch(request.headers.get("upload-checksum", ""))
    if not checksum:
        raise Invalid("must be `sha256 ` and the hash of the piece, as 64 digits", field="Upload-Checksum")
    return int(offset), checksum[1]


async def _file(path: Path) -> Response:
    if not await run_in_threadpool(path.is_file):
        raise NotFound(f"the file {path.name} is not there", field="name")
    return RangeResponse(path, media_type=BYTES, filename=path.name, headers=NOSNIFF)


_FILE = "/api/v1/transfer/tasks/{task}/{attempt}/files/{name}"

routes = [
    Route("/api/v1/transfer", get_room),
    Route("/api/v1/transfer/structures/{id}", get_structure),
    Route("/api/v1/transfer/models/{sha256}", get_weights),
    Route("/api/v1/transfer/tasks/{task}/{attempt}/earlier", list_earlier),
    Route("/api/v1/transfer/tasks/{task}/{attempt}/earlier/{earlier}/{name}", get_earlier),
    Route(_FILE, get_arrival),
    Route(_FILE, append_piece, methods=["PATCH"]),
    Route(_FILE, publish, methods=["PUT"]),
    Route("/api/v1/transfer/tasks/{task}/{attempt}/checkpoints", forget_checkpoints, methods=["DELETE"]),
]
