"""Exports: tables of many tasks, folders of a few, told of while they are written."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from mofsim.tui import destinations, export_table, format, messages

if TYPE_CHECKING:
    from mofsim.client import AsyncClient
    from mofsim.schemas.tasks import Task, TaskResult
    from mofsim.tui.query import Query

T = TypeVar("T")
Post = Callable[[Message], object]

#: Tasks that one export takes at most; more of them are for the command line, or a filter.
MOST_ROWS = 5000
MOST_FOLDERS = 200
PAGE = 500
#: Seconds between two reports.
REPORT_EVERY = 0.2


@dataclass(frozen=True)
class Wanted:
    """What is to be written where: a `csv` or `json` file, or a folder for each task, `folders`, below the path."""

    kind: str
    path: Path
    #: these tasks, or all that the list matches
    tasks: Sequence[Task] = ()
    query: Query | None = None

    @property
    def most(self) -> int:
        return MOST_FOLDERS if self.kind == "folders" else MOST_ROWS


async def export(client: AsyncClient, wanted: Wanted, post: Post) -> None:
    from mofsim.client import ClientError

    try:
        tasks, more = await _tasks(client, wanted)
        write = _folders if wanted.kind == "folders" else _file
        said = await write(client, wanted, tasks, post)
    except OSError as error:
        post(messages.Exported(f"cannot be written: {error.strerror or error} ({wanted.path})", failed=True))
    except ClientError as error:
        post(messages.Exported(str(error), failed=True))
    except asyncio.CancelledError:
        post(messages.Said("the export was stopped", "warning"))
        raise
    else:
        limit = f"; only the first {wanted.most}: a filter or `mofsim batch results` takes the others" if more else ""
        post(messages.Exported(said + limit, incomplete=more))


async def _tasks(client: AsyncClient, wanted: Wanted) -> tuple[Sequence[Task], bool]:
    """Those that are meant, and whether there are more than one export takes."""
    if wanted.query is None:
        return wanted.tasks[: wanted.most], len(wanted.tasks) > wanted.most
    found: list[Task] = []
    cursor = None
    while len(found) <= wanted.most:
        page = await client.tasks(**wanted.query.arguments(), limit=PAGE, cursor=cursor)
        found += [task for task in page.items if wanted.query.matches(task)]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found[: wanted.most], len(found) > wanted.most


async def _file(client: AsyncClient, wanted: Wanted, tasks: Sequence[Task], post: Post) -> str:
    from mofsim.client.saving import saved

    report = _Reporter(post, len(tasks))
    found: list[tuple[Task, TaskResult | None]] = []
    for number, task in enumerate(tasks):
        report(number)
        found.append((task, await _result(client, task)))
    write = export_table.as_json if wanted.kind == "json" else export_table.table
    content = (await asyncio.to_thread(write, found)).encode()
    await asyncio.to_thread(wanted.path.parent.mkdir, parents=True, exist_ok=True)
    with saved(wanted.path) as file:
        await asyncio.to_thread(file.write, content)
    return f"{_count(len(tasks))} in {wanted.path} ({format.size(len(content))})"


async def _result(client: AsyncClient, task: Task) -> TaskResult | None:
    """None for a task that goes on, or that ended before it had any."""
    from mofsim.client import ApiError

    if not task.status.is_final:
        return None
    try:
        return await client.result(task.id)
    except ApiError as error:
        if error.code in (404, 409):
            return None
        raise


async def _folders(client: AsyncClient, wanted: Wanted, tasks: Sequence[Task], post: Post) -> str:
    """One that can not be exported stops none of the others."""
    from mofsim.client import ApiError

    report, refused = _Reporter(post, len(tasks)), list[str]()
    for number, task in enumerate(tasks):
        report(number)
        try:
            await _folder(client, task, destinations.task_folder(wanted.path, task.id), report)
        except (ApiError, FileExistsError) as error:
            refused.append(error.detail if isinstance(error, ApiError) else str(error))
    fine = len(tasks) - len(refused)
    if not fine:
        raise OSError(refused[0])
    left = f"; {len(refused)} left out: {refused[0]}" if refused else ""
    where = destinations.task_folder(wanted.path, tasks[0].id) if len(tasks) == 1 else wanted.path
    return f"{_count(fine)} in {where}{left}"


async def _folder(client: AsyncClient, task: Task, target: Path, report: _Reporter) -> None:
    """What `mofsim export` writes."""
    from mofsim.client import ApiError
    from mofsim.client.exported import FILES, STRUCTURE, written
    from mofsim.client.exporting import CIF, Export, other_structure
    from mofsim.vocabulary import COMPRESSED, StructureFile

    found = Export(task, await client.result(task.id), await client.attempts(task.id))
    structure = await client.structure(task.structure.id)
    if problem := other_structure(found, structure):
        raise ApiError(problem, code=409, type="Conflict")
    async with in_thread(written(target)) as partial:
        await client.structure_file(structure.id, partial / STRUCTURE, StructureFile.NORMALISED)
        await client.structure_file(structure.id, partial / CIF, StructureFile.CIF)
        names = []
        if not found.result.files_removed_at:
            names = [file.name.removesuffix(COMPRESSED) for file in await client.files(task.id)]
            await asyncio.to_thread((partial / FILES).mkdir, exist_ok=True)
        for name in names:
            await client.download(task.id, name, partial / FILES, on_progress=report.bytes_of(name))
        await asyncio.to_thread(found.write, partial, structure, names)


@asynccontextmanager
async def in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """A context manager that reads and writes much: beside the loop, which has keys to take."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    except BaseException:
        if not await asyncio.shield(asyncio.to_thread(manager.__exit__, *sys.exc_info())):
            raise
    else:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def _count(n: int) -> str:
    return f"{format.grouped(n)} task{'s' * (n != 1)}"


class _Reporter:
    """Tells how many tasks are done, and of the file that comes how much, but not for each piece of it."""

    def __init__(self, post: Post, total: int) -> None:
        self._post = post
        self._total = total
        self._done = 0
        self._told_at = float("-inf")

    def __call__(self, done: int, words: str = "") -> None:
        self._done = done
        if monotonic() - self._told_at >= REPORT_EVERY:
            self._told_at = monotonic()
            self._post(messages.Exporting(done, self._total, words))

    def bytes_of(self, name: str) -> Callable[[int, int], None]:
        def report(done: int, total: int) -> None:
            self(self._done, f"{name} {format.size(done)}" + (f" of {format.size(total)}" if total else ""))

        return report
