"""Output files, whole or in ranges. Nothing that a browser would run is ever served as such."""

import gzip
from collections.abc import Iterator
from pathlib import Path, PurePath
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from mofsim.core import queries
from mofsim.core.errors import NotFound
from mofsim.db.tables import TaskResult
from mofsim.server.answers import refusal
from mofsim.server.context import context, read
from mofsim.server.openapi import document
from mofsim.server.requests import path_id

TEXT = "text/plain; charset=utf-8"
TYPES = {
    ".cif": TEXT,
    ".csv": TEXT,
    ".extxyz": TEXT,
    ".gz": "application/gzip",
    ".json": "application/json",
    ".log": TEXT,
    ".png": "image/png",
    ".txt": TEXT,
    ".vasp": TEXT,
    ".xyz": TEXT,
    ".yaml": TEXT,
}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
CHUNK_BYTES = 1 << 18


def media_type(name: str) -> str:
    return TYPES.get(PurePath(name).suffix.lower(), "application/octet-stream")


class RangeResponse(FileResponse):
    """A file; a range that can not be given is refused in our envelope, where Starlette's answer is plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused: Message | None = None

        async def watch(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message
            elif refused is None:
                await send(message)

        await super().__call__(scope, receive, watch)
        if refused:
            await _refused_range(refused)(scope, receive, send)


def _refused_range(start: Message) -> Response:
    headers = {name.decode(): value.decode() for name, value in start["headers"] if name == b"content-range"}
    detail = "write the header Range as bytes=FIRST-LAST, inside of the file"
    return refusal(start["status"], "RangeNotSatisfiable", detail, field="Range", headers=headers)


@document("files", media_type="*/*", also=[206], errors=[400, 404, 416])
async def get_file(request: Request) -> Response:
    """Download an output file; the header Range gives a part of it.

    One that was compressed is there under its first name too. It is unpacked while it is sent, always as a whole.
    """
    task_id, attempt = path_id(request, name="task"), path_id(request, "attempt", "attempt")
    name = request.path_params["name"]
    task, result = await read(request, queries.result, task_id)
    published = _published(result, attempt)
    path = await run_in_threadpool(context(request).storage.output, task.id, attempt, name, published)
    if path.name != name:
        return _unpacked(path, name, whole=request.method != "HEAD")
    return RangeResponse(path, media_type=media_type(name), filename=name, headers=NOSNIFF)


def _published(result: TaskResult | None, attempt: int) -> dict[str, int]:
    if result is None or result.attempt != attempt:
        return {}
    if result.files_removed_at:
        raise NotFound(
            f"the files of task {result.task_id} were removed by their age (storage.keep_days) at "
            f"{result.files_removed_at:%Y-%m-%d %H:%M} UTC; submit it again to have them",
            field="id",
            type="FilesRemoved",
        )
    return result.output_files


def _unpacked(path: Path, name: str, *, whole: bool) -> Response:
    headers = {"Accept-Ranges": "none", "Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    content = _unpack(path) if whole else iter(())
    return StreamingResponse(content, media_type=media_type(name), headers=NOSNIFF | headers)


def _unpack(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


routes = [Route("/api/v1/files/{task}/{attempt}/{name}", get_file)]
