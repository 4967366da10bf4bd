"""What is written to this machine: files of results, told of while they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual.message import Message

from mofsim.tui import format, messages
from mofsim.vocabulary import COMPRESSED

if TYPE_CHECKING:
    from mofsim.client import AsyncClient

Post = Callable[[Message], object]

#: Seconds between two reports of how far a file is.
REPORT_EVERY = 0.25


async def save_files(
    client: AsyncClient, task_id: int, names: Sequence[str], row: str, folder: Path, post: Post
) -> None:
    """Save output files of a task in a folder; `row` is what the progress stands beside."""
    from mofsim.client import ClientError

    total = 0
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        for number, name in enumerate(names, start=1):
            place = f"{number} of {len(names)}, " if len(names) > 1 else ""
            path = await client.download(
                task_id, name.removesuffix(COMPRESSED), folder, on_progress=_reporter(post, task_id, row, place)
            )
            total += path.stat().st_size
    except OSError as error:
        post(messages.Said(f"cannot be written: {error.strerror or error} ({folder})", "error"))
    except ClientError as error:
        post(messages.Said(str(error), "error"))
    else:
        what = names[0] if len(names) == 1 else f"{len(names)} files of task {task_id}"
        post(messages.Said(f"saved {what} in {folder} ({format.size(total)})"))
    finally:
        post(messages.Saving(task_id, row, ""))


def _reporter(post: Post, task_id: int, row: str, place: str) -> Callable[[int, int], None]:
    told_at = float("-inf")

    def report(done: int, total: int) -> None:
        nonlocal told_at
        if done and monotonic() - told_at >= REPORT_EVERY:
            told_at = monotonic()
            part = f"{min(1.0, done / total):.0%}" if total else format.size(done)
            post(messages.Saving(task_id, row, f"{place}{part}"))

    return report
