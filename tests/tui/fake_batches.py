"""Batches of the fake world."""

from typing import TYPE_CHECKING, Any

from mofsim.client.request import Request
from mofsim.schemas.batches import Batch
from mofsim.schemas.envelope import Page
from mofsim.schemas.tasks import BatchCreated
from mofsim.vocabulary import TaskStatus, TaskType
from tests.tui.fake_machines import NOW

if TYPE_CHECKING:
    from tests.tui.fake import World


async def submit(world: "World", request: Request[Any]) -> BatchCreated:
    from tests.tui.fake import task

    if world.refusal:
        refusal, world.refusal = world.refusal, None
        raise refusal
    items = request.json["tasks"]
    world.submitted += items
    id = len(world.batches) + 1
    ids = []
    for item in items:
        new = task(max(world.tasks, default=0) + 1, task_type=TaskType(item["task_type"]), model=item["model"])
        await world.put(new.model_copy(update={"batch_id": id}))
        ids.append(new.id)
    world.batches.append(
        Batch(id=id, name=request.json["name"], n_tasks=len(ids), counts={}, percent=0.0, created_at=NOW)
    )
    return BatchCreated(id=id, name=request.json["name"], task_ids=ids)


def answer(world: "World", rest: list[str]) -> Any:
    known = [_now(world, batch) for batch in reversed(world.batches)]
    if not rest:
        return Page(items=known, next_cursor=None, total=len(known))
    return next(batch for batch in known if batch.id == int(rest[0]))


def _now(world: "World", batch: Batch) -> Batch:
    statuses = [task.status for task in world.tasks.values() if task.batch_id == batch.id]
    counts = {status: statuses.count(status) for status in TaskStatus if status in statuses}
    ended = sum(n for status, n in counts.items() if status.is_final)
    return batch.model_copy(update={"counts": counts, "percent": 100 * ended / max(1, len(statuses))})
