"""Events are kept across upgrades: what an older version wrote may lack what a task tells now."""

from mofsim.vocabulary import EventType, TaskStatus
from tests.tui.conftest import Run
from tests.tui.fake import task, world


async def test_an_event_of_an_older_version_is_left_out_of_the_history(run: Run) -> None:
    known = world()
    await known.tell(EventType.TASK_STATUS, {"task": {"id": 8131, "status": "QUEUED"}}, 8131)
    await known.put(task(8131, TaskStatus.FAILED))
    async with run(known) as c:
        await c.press("enter", *["tab"] * 5)
        await c.sees("[History]", "the structure blew up")
