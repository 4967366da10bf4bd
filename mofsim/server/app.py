"""The application: what is prepared before it serves, and what surrounds each request."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from mofsim.core import alert_rules, local_key, models, structures
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.migrate import upgrade
from mofsim.server.context import open_context
from mofsim.server.errors import HANDLERS
from mofsim.server.middleware import middleware
from mofsim.server.routes import routes
from mofsim.server.timing import Timings, handing_over
from mofsim.settings import Settings


def create_app(settings: Settings) -> Starlette:
    """The server as an ASGI application; its lifespan prepares the data folder."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(prepare, settings)
        async with open_context(settings) as context:
            app.state.context = context
            async with handing_over(app.state.timings, context.database, settings):
                yield

    app = Starlette(
        routes=routes,
        middleware=middleware(settings),
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.timings = Timings()
    return app


def prepare(settings: Settings) -> None:
    """Make folders, database, the account's key and built-in structures, or bring them up to date.

    It is quick when all is there.
    Raises OSError, sqlalchemy.exc.SQLAlchemyError, NewerDatabaseError or MofsimError when it can not.
    """
    storage = Storage(settings.storage.root)
    storage.create()
    _empty(storage)
    database = Database(settings.database_url, settings.database.busy_timeout_seconds)
    try:
        upgrade(database)
        with database.write() as session:
            models.synchronise(session, settings.models)
            alert_rules.add_builtin(session)
        local_key.ensure(database, settings.storage.root)
        _complete_builtins(database, storage)
    finally:
        database.close()


def _empty(storage: Storage) -> None:
    """Uploads that a server did not live to see the end of."""
    for leftover in storage.incoming.iterdir():
        shutil.rmtree(leftover, ignore_errors=True)


def _complete_builtins(database: Database, storage: Storage) -> None:
    with database.read() as session:
        if structures.has_builtins(session, storage):
            return
    built = structures.build_builtins(storage)
    with database.write() as session:
        structures.store_builtins(session, storage, built)
