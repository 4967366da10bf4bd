from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from mofsim.core import events, leases, submission
from mofsim.core.leases import Outcome
from mofsim.core.submission import Defaults
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, Task
from mofsim.queue import Tickets
from mofsim.schemas.submission import OptimizationSubmit
from mofsim.server.app import create_app
from mofsim.settings import Settings
from mofsim.vocabulary import EventType, TaskStatus, TaskType

MOF5 = {"source": "builtin", "name": "MOF-5"}


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The database of the server, for what no request can bring about."""
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
async def client(settings: Settings, with_key: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process; streams need the `server`."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=with_key) as client,
    ):
        yield client


@pytest.fixture
def submit(database: Database) -> Callable[..., int]:
    """Accept a task by the core's own function; its id."""

    def submit(**body: Any) -> int:
        with database.write() as session:
            request = OptimizationSubmit.model_validate({"structure": MOF5} | body)
            defaults = Defaults("7net-0", 3600.0, 3)
            return submission.submit(session, TaskType.OPTIMIZATION, request, defaults).id

    return submit


@pytest.fixture
def count(database: Database) -> Callable[[type[Task | Structure]], int]:
    def count(table: type[Task | Structure]) -> int:
        with database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return count


Message = dict[str, str]


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """The server-sent events in these lines, each as its fields."""
    fields: Message = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


@pytest.fixture
def listen(server: str, with_key: dict[str, str]) -> Callable[..., AbstractContextManager[Iterator[Message]]]:
    """Open a stream of the server: `listen(path, last_event_id)` gives its messages."""

    @contextmanager
    def listen(path: str = "/api/v1/events", after: int | None = None) -> Iterator[Iterator[Message]]:
        headers = with_key | ({} if after is None else {"Last-Event-ID": str(after)})
        with (
            httpx.Client(base_url=server, timeout=20, headers=headers) as client,
            client.stream("GET", path) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield messages(answer.iter_lines())

    return listen


@pytest.fixture
def append(database: Database) -> Callable[..., int]:
    """Append events; the id of the last."""

    def append(n: int = 1, padding: int = 0, task_id: int | None = None) -> int:
        with database.write() as session:
            for number in range(n):
                data = {"number": number, "padding": "x" * padding}
                events.append(session, EventType.WORKER_STATE, data, task_id)
            session.flush()
            return events.last_id(session)

    return append


@pytest.fixture
def tickets(settings: Settings) -> Tickets:
    return Tickets(settings)


@pytest.fixture
def end(database: Database) -> Callable[..., int]:
    """Claim the next task and end it; its id."""

    def end(status: TaskStatus = TaskStatus.COMPLETED, **outcome: Any) -> int:
        with database.write() as session:
            values: dict[str, Any] = {"gpu_id": None, "loaded_models": [], "lease_seconds": 60, "affinity_seconds": 0}
            claimed = leases.claim(session, "box/cpu0", **values)
            assert claimed
            leases.start(session, claimed[0], 1)
            leases.finish(session, claimed[0], Outcome(status=status, **outcome))
            return claimed[0].task_id

    return end
