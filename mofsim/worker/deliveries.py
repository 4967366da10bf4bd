"""Webhooks on their way: lanes that take what is due from the outbox, send it, and write down how it went."""

import asyncio
import threading
import time
from collections import Counter
from typing import ClassVar

import httpx
import structlog

from mofsim.core import outbox
from mofsim.core.outbox import Answer, Parcel
from mofsim.db.engine import Database
from mofsim.settings import Settings, load_settings
from mofsim.vocabulary import DeliveryState
from mofsim.worker import posting

log = structlog.get_logger("mofsim.webhooks")

#: A receiver that never answers must not hold every lane.
LANES_PER_URL = 2
#: After that a ticket ends, so that other chores get their turn; the next round of chores issues another one.
ROUND_SECONDS = 30.0


class Deliverer:
    """May be killed anywhere: what it held is sent again when its lease has run out, with the same delivery id."""

    #: the deliverer of this process
    current: ClassVar["Deliverer | None"] = None

    def __init__(self, settings: Settings, stopping: threading.Event | None = None) -> None:
        self.settings = settings.webhooks
        self.stopping = stopping or threading.Event()
        self._database = Database(settings.database_url, settings.database.busy_timeout_seconds)
        self._under_way: Counter[str] = Counter()

    def round(self) -> None:
        """Send all that is due, within a time that other chores can wait."""
        if self._is_due():
            asyncio.run(self._send_all())

    def close(self) -> None:
        self._database.close()

    async def _send_all(self) -> None:
        self._under_way.clear()
        end = time.monotonic() + ROUND_SECONDS
        # The environment's proxies are left out: one would connect to an address that nobody looked at.
        context = httpx.create_ssl_context(trust_env=True)
        timeout = httpx.Timeout(self.settings.timeout_seconds)
        async with httpx.AsyncClient(trust_env=False, verify=context, timeout=timeout) as client:
            await asyncio.gather(*(self._lane(client, end) for _ in range(self.settings.parallel)))

    async def _lane(self, client: httpx.AsyncClient, end: float) -> None:
        while time.monotonic() < end and not self.stopping.is_set():
            # Not in a thread: the counters and the claim that heeds them belong together.
            parcel = self._claim()
            if parcel is None:
                return
            self._under_way[parcel.url] += 1
            answer = await self._post(client, parcel)
            self._under_way[parcel.url] -= 1
            self._record(parcel, answer)

    async def _post(self, client: httpx.AsyncClient, parcel: Parcel) -> Answer:
        settings = self.settings
        try:
            return await posting.post(
                client, parcel, timeout_seconds=settings.timeout_seconds, allow_private=settings.allow_private
            )
        except Exception as error:
            # A bug that one delivery meets must not keep all the others from being sent.
            log.exception("webhook could not be sent", delivery_id=parcel.delivery_id)
            return Answer(None, f"it could not be sent ({type(error).__name__})")

    def _is_due(self) -> bool:
        with self._database.read() as session:
            return outbox.is_due(session)

    def _claim(self) -> Parcel | None:
        if not self._is_due():
            return None
        busy = [url for url, n in self._under_way.items() if n >= LANES_PER_URL]
        with self._database.write() as session:
            parcel = outbox.claim(session, self._lease_seconds, busy)
        if parcel is not None:
            self._complete(parcel)
        return parcel

    @property
    def _lease_seconds(self) -> float:
        return 3 * self.settings.timeout_seconds

    def _complete(self, parcel: Parcel) -> None:
        """What only the sender knows."""
        parcel.payload["delivery_id"] = parcel.delivery_id
        parcel.payload["result_url"] = self.settings.base_url + parcel.payload["result_url"]

    def _record(self, parcel: Parcel, answer: Answer) -> None:
        with self._database.write() as session:
            state = outbox.record(session, parcel, answer, self.settings.retry_delays_seconds)
        told = {"delivery_id": parcel.delivery_id, "task_id": parcel.task_id, "webhook": parcel.event}
        if state is DeliveryState.DELIVERED:
            log.info("webhook delivered", status=answer.status, attempt=parcel.attempt, **told)
        elif state is DeliveryState.PENDING:
            log.warning("webhook failed, to be tried again", reason=answer.error, attempt=parcel.attempt, **told)
        elif state is DeliveryState.GIVEN_UP:
            log.error("webhook given up", reason=answer.error, attempt=parcel.attempt, **told)


def deliver() -> None:
    """What a ticket calls."""
    if Deliverer.current is None:
        Deliverer.current = Deliverer(load_settings())
    Deliverer.current.round()
