"""Where atoms are, as numbers: for programs that draw them and do not read files."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import geometry, structures
from mofsim.schemas.resources import Geometry
from mofsim.schemas.tasks import TaskGeometry
from mofsim.server.answers import answer
from mofsim.server.context import context, read
from mofsim.server.openapi import document
from mofsim.server.requests import path_id, query
from mofsim.vocabulary import Frame


class FrameQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    frame: Frame = Field(Frame.LATEST, description="As far as the task came, or as it was submitted")


@document("structures", answer=Geometry, errors=[404])
async def structure_geometry(request: Request) -> Response:
    """See where the atoms of a structure are."""
    structure = await read(request, structures.get, path_id(request, "structure"))
    return answer(await run_in_threadpool(geometry.of_structure, context(request).storage, structure))


@document("tasks", query=FrameQuery, answer=TaskGeometry, errors=[404])
async def task_geometry(request: Request) -> Response:
    """See where the atoms of a task are, also while it runs.

    The latest ones are those of its result: the relaxed structure, the end of a dynamics, the best site of a guest.
    Of a task that runs, or that did not come to its end, they are the last frame of its trajectory.
    """
    task_id, frame = path_id(request), query(request, FrameQuery).frame
    place = await read(request, geometry.place, context(request).storage, task_id, frame)
    return answer(await run_in_threadpool(geometry.of_task, place, frame))


routes = [
    Route("/api/v1/structures/{id}/geometry", structure_geometry),
    Route("/api/v1/tasks/{id}/geometry", task_geometry),
]
