"""Keys in the data folder, where no server runs or no key is left that it takes.

Whoever can write the database can do this anyway.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from mofsim.schemas.keys import CreatedKey, Key, NewKey
from mofsim.settings import Settings
from mofsim.vocabulary import Scope

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class KeysOffline:
    """The methods of a client that are about keys."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def api_keys(self) -> list[Key]:
        from mofsim.core import keys
        from mofsim.core.wire import key_to_wire

        with self._session() as session:
            return [key_to_wire(key) for key in keys.listing(session)]

    def create_key(self, name: str, scope: Scope | str, expires_at: datetime | None) -> CreatedKey:
        from mofsim.core import keys
        from mofsim.core.wire import key_to_wire

        try:
            new = NewKey(name=name, scope=Scope(scope), expires_at=expires_at)
        except ValidationError as error:
            raise click.UsageError(f"NAME: {error.errors()[0]['msg']}") from error
        with self._session() as session:
            key, token = keys.create(session, new.name, new.scope, new.expires_at)
            self._audit(session, "create", key.id)
            return CreatedKey(**key_to_wire(key).model_dump(), token=token)

    def revoke_key(self, id: int) -> Key:
        from mofsim.core import keys
        from mofsim.core.wire import key_to_wire

        with self._session() as session:
            key = keys.revoke(session, id)
            self._audit(session, "revoke", id)
            return key_to_wire(key)

    @contextmanager
    def _session(self) -> "Iterator[Session]":
        from mofsim.core.errors import MofsimError
        from mofsim.db.engine import Database
        from mofsim.db.migrate import upgrade

        database = Database(self._settings.database_url, self._settings.database.busy_timeout_seconds)
        try:
            upgrade(database)
            with database.write() as session:
                yield session
        except MofsimError as error:
            raise click.ClickException(error.detail) from error
        finally:
            database.close()

    def _audit(self, session: "Session", did: str, key_id: int) -> None:
        from mofsim.core import audit
        from mofsim.db.tables import Audit

        line = Audit(
            key_id=None,
            key_name=f"user {os.getuid()} of the machine",
            address="",
            method="offline",
            route=f"mofsim keys {did}",
            subject=f"keys/{key_id}",
            status=200,
            request_id="",
        )
        audit.append(session, line)
