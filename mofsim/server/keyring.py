"""The keys that were just used, so that not each request asks the database."""

import asyncio
import hashlib
from datetime import timedelta
from time import monotonic

import structlog

from mofsim.core import keys
from mofsim.core.keys import USE_EVERY, Holder, WrongKey
from mofsim.db.engine import AsyncDatabase
from mofsim.db.tables import utcnow

log = structlog.get_logger("mofsim.access")

#: A key that another process revoked is let in for so long, in seconds; one revoked here not at all.
REMEMBERED = 1.0
_MOST = 1000


class Keyring:
    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        #: by the hash of the key: its secret stays nowhere
        self._known: dict[bytes, tuple[float, Holder]] = {}
        self._written: dict[int, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def holder(self, token: str) -> Holder:
        """Who has this key; raises WrongKey, or what a database raises."""
        digest = hashlib.sha256(token.encode()).digest()
        until, holder = self._known.get(digest, (0.0, None))
        if holder is None or until < monotonic():
            holder = await self._database.read(keys.holder, token)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[digest] = monotonic() + REMEMBERED, holder
        if holder.has_expired():
            raise WrongKey("expired", holder.key_id)
        return holder

    def forget(self, key_id: int) -> None:
        """It was revoked."""
        self._known = {digest: known for digest, known in self._known.items() if known[1].key_id != key_id}

    def used(self, holder: Holder) -> None:
        """Have the time of its use written, now and then and without waiting for it."""
        every = USE_EVERY.total_seconds()
        written = self._written.get(holder.key_id)
        if written is None and holder.last_used_at is not None:
            written = monotonic() - (utcnow() - holder.last_used_at) / timedelta(seconds=1)
        if written is not None and monotonic() - written < every:
            return
        self._written[holder.key_id] = monotonic()
        # In a thread: nobody waits for it, so it must come to its end also while our loop is busy.
        task = asyncio.create_task(asyncio.to_thread(self._write, holder.key_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _write(self, key_id: int) -> None:
        try:
            with self._database.blocking.write() as session:
                keys.used(session, key_id)
        except Exception:
            log.exception("the last use of a key could not be written", key_id=key_id)

    async def close(self) -> None:
        await asyncio.gather(*self._under_way, return_exceptions=True)
