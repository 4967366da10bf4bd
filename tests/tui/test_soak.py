"""An hour of a busy box, as fast as it goes, while somebody walks through all screens: memory stays flat.

    SOAK_SECONDS=120 pytest tests/tui/test_soak.py

goes on with further hours for so long.
"""

import asyncio
import gc
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from mofsim.schemas.events import Event
from mofsim.schemas.tasks import Progress, Task
from mofsim.vocabulary import EventType, TaskStatus, WorkerState
from tests.tui.conftest import Run
from tests.tui.fake import NOW, World, alert, some_rules, task, worker
from tests.tui.fake_benchmarks import some_benchmark

RUNNING, KEPT, HOUR = 20, 400, 3600
#: Seconds between two tasks that end, two changes of a worker, two alerts.
END, WORKER, ALERT = 20, 15, 60
#: What the allocator may keep of what was put away, in MiB.
GROWTH_MIB = 6.0
#: All modes, a task with its panes and its log, a selection, dialogs; it ends where it began.
TOUR = [
    *("1", "3", "5", "tab", "tab", "6", "j", "7", "j", "8", "enter", "right", "backspace", "2"),
    *("g", "enter", "tab", "tab", "tab", "tab", "l", "g", "G", "backspace"),
    *("s", "S", "s", "s", "s", "s", "j", "space", "space", "C", "backspace", "minus", "asterisk", "minus"),
    *("question_mark", "escape", "colon", "escape", "v", "escape", "w", "escape", "G", "g", "pagedown", "pageup"),
]


class Box(World):
    """Tells of RUNNING tasks that step each second and of all that goes on beside them; forgets what is long past."""

    def begin(self) -> None:
        self.at, self.n_events, self.hours = 0, 0, 0
        self.toured, self.over = asyncio.Event(), False
        self.until = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "0"))
        self.steps: dict[int, int] = {}
        self.ended: deque[int] = deque()
        self.next_id = 1
        self.benchmarks[1] = some_benchmark()
        for _ in range(RUNNING):
            list(self._starts())

    async def follow(self, last: int) -> AsyncGenerator[Event]:
        """The second half waits until all screens were seen once, so that what they hold for good counts as before."""
        while not self.over:
            for self.at in range(HOUR):
                if self.at == HOUR // 4 and not self.hours:
                    await self.toured.wait()
                for event in self._second():
                    self.n_events += 1
                    yield event
                    if self.n_events % 25 == 0:
                        await asyncio.sleep(0)
                self.asked.clear()
            self.hours += 1
            self.over = time.monotonic() > self.until
        await asyncio.Event().wait()

    def _second(self) -> Iterator[Event]:
        for id in self.steps:
            self.steps[id] += 1
            progress = self._progress(id)
            self.tasks[id] = self.tasks[id].model_copy(update={"progress": Progress(**progress)})
            yield self._event(EventType.TASK_PROGRESS, {"progress": progress, "status": "RUNNING", "attempt": 1}, id)
        if self.at % END == 0:
            yield from self._ends(next(iter(self.steps)))
            yield from self._starts()
        if self.at % WORKER == 0:
            state = WorkerState.IDLE if self.at % (2 * WORKER) else WorkerState.BUSY
            yield self._event(EventType.WORKER_STATE, {"worker": worker(1, state).model_dump(mode="json")})
        if self.at % ALERT == 0:
            yield from self._alerts()

    def _progress(self, id: int) -> dict[str, Any]:
        step = self.steps[id]
        return {"step": step, "total_steps": 5000, "energy_eV": -700 - 1 / step, "fmax_eV_per_A": 2 * 0.99**step}

    def _starts(self) -> Iterator[Event]:
        id, self.next_id = self.next_id, self.next_id + 1
        self.steps[id] = 1
        for status in (TaskStatus.QUEUED, TaskStatus.ASSIGNED, TaskStatus.RUNNING):
            yield self._put(task(id, status, progress=Progress()), EventType.TASK_CREATED)

    def _ends(self, id: int) -> Iterator[Event]:
        del self.steps[id]
        self.ended.append(id)
        yield self._put(task(id, TaskStatus.FAILED if id % 7 == 0 else TaskStatus.COMPLETED), EventType.TASK_STATUS)
        if len(self.ended) > KEPT // 4:
            gone = self.ended.popleft()
            del self.tasks[gone]
            yield self._event(EventType.TASK_DELETED, {}, gone)

    def _put(self, changed: Task, kind: EventType) -> Event:
        new = changed.id not in self.tasks
        self.tasks[changed.id] = changed
        kind = kind if new else EventType.TASK_STATUS
        return self._event(kind, {"task": changed.model_dump(mode="json")}, changed.id)

    def _alerts(self) -> Iterator[Event]:
        """Each holds until the next comes; those that are over are forgotten after a while."""
        id = self.n_events
        for each in list(self.alerts.values()):
            if not each.resolved:
                self.alerts[each.id] = each.model_copy(update={"resolved": True, "resolved_at": NOW})
                data = {"alert": self.alerts[each.id].model_dump(mode="json")}
                yield self._event(EventType.ALERT_RESOLVED, data)
        for old in sorted(self.alerts)[:-20]:
            del self.alerts[old]
        self.alerts[id] = alert(id)
        yield self._event(EventType.ALERT_RAISED, {"alert": self.alerts[id].model_dump(mode="json")})

    def _event(self, kind: EventType, data: dict[str, Any], task_id: int | None = None) -> Event:
        at = NOW + timedelta(hours=self.hours, seconds=self.at)
        return Event(id=self.n_events + 1, time=at, type=kind, task_id=task_id, data=data)


def resident_MiB() -> float:
    gc.collect()
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
async def test_an_hour_of_events_leaves_memory_flat_and_keys_answered(run: Run) -> None:
    box = Box(rules=some_rules())
    box.begin()
    async with run(box) as c:
        await c.press(*TOUR)
        await c.press(*TOUR)
        before = resident_MiB()
        box.toured.set()
        while not box.over:
            await c.press(*TOUR)
        await c.sees("● live", "[2 Tasks")
        assert box.n_events > HOUR * RUNNING
        grown = resident_MiB() - before
        store = c.app.session.store
        newest = max(box.steps)
        await c.until(lambda: store.window.get(newest) is not None)
        # Nothing is kept of tasks that are over, or gone.
        assert set(store._trails) <= set(box.tasks) and len(store._watched) == 0
        print(f"{grown:.1f} MiB more after {box.n_events} events")
        assert grown < GROWTH_MIB, f"{grown:.1f} MiB more after {box.n_events} events"
        before_key = c.cursor
        await c.press("g", "j")
        assert c.cursor is not None and c.cursor != before_key
