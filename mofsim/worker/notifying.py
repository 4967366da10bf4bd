"""Channels are told of alerts: each in a lane of its own, so that none waits for another."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import httpx
import structlog

from mofsim.core import notifications
from mofsim.core.outbox import Answer, Parcel
from mofsim.db.engine import Database
from mofsim.settings import Settings, load_settings
from mofsim.settings.tables import ChannelSettings
from mofsim.vocabulary import AlertLevel, AlertNews, DeliveryState
from mofsim.worker import apprising, posting

log = structlog.get_logger("mofsim.alerts")

#: After that a ticket ends, so that other chores get their turn; the next round of chores issues another one.
ROUND_SECONDS = 30.0

_LEVELS: Mapping[str, str] = {
    AlertLevel.INFO: "info",
    AlertLevel.WARNING: "warning",
    AlertLevel.ERROR: "error",
    AlertLevel.CRITICAL: "critical",
}


class Notifier:
    """May be killed anywhere: what it held is sent again when its lease has run out, with the same delivery id."""

    #: the notifier of this process
    current: ClassVar["Notifier | None"] = None

    def __init__(self, settings: Settings, stopping: threading.Event | None = None) -> None:
        self.settings = settings.alerts
        self.stopping = stopping or threading.Event()
        self._root = settings.storage.root
        self._database = Database(settings.database_url, settings.database.busy_timeout_seconds)

    def round(self) -> None:
        """Tell all that is due, within a time that other chores can wait."""
        with self._database.read() as session:
            if not notifications.is_due(session):
                return
        channels = self.settings.channels
        with self._database.write() as session:
            notifications.address(session, {name: channel.min_level for name, channel in channels.items()})
        with self._database.read() as session:
            due = notifications.due_channels(session)
        if due:
            asyncio.run(self._tell(due))

    def close(self) -> None:
        self._database.close()

    async def _tell(self, names: list[str]) -> None:
        end = time.monotonic() + ROUND_SECONDS
        # As for webhooks: a proxy would connect to an address that nobody looked at.
        context = httpx.create_ssl_context(trust_env=True)
        timeout = httpx.Timeout(self.settings.timeout_seconds)
        async with httpx.AsyncClient(trust_env=False, verify=context, timeout=timeout) as client:
            await asyncio.gather(*(self._lane(client, name, end) for name in names))

    async def _lane(self, client: httpx.AsyncClient, name: str, end: float) -> None:
        while time.monotonic() < end and not self.stopping.is_set():
            parcel = self._claim(name)
            if parcel is None:
                return
            answer = await self._send(client, name, parcel)
            self._record(name, parcel, _in_our_words(answer))

    def _claim(self, name: str) -> Parcel | None:
        channel = self.settings.channels.get(name)
        url = channel.url.get_secret_value() if channel else ""
        secret = channel.secret.get_secret_value() or None if channel else None
        with self._database.write() as session:
            return notifications.claim(session, name, 3 * self.settings.timeout_seconds, url, secret)

    async def _send(self, client: httpx.AsyncClient, name: str, parcel: Parcel) -> Answer:
        channel = self.settings.channels.get(name)
        if channel is None:
            return Answer(None, f"there is no channel {name} in the settings any more")
        try:
            return await self._send_to(client, channel, parcel)
        except Exception as error:
            # A bug that one message meets must not keep all the others from being sent.
            log.exception("a channel could not be told", channel=name, delivery_id=parcel.delivery_id)
            return Answer(None, f"it could not be sent ({type(error).__name__})")

    async def _send_to(self, client: httpx.AsyncClient, channel: ChannelSettings, parcel: Parcel) -> Answer:
        limits = {"timeout_seconds": self.settings.timeout_seconds, "allow_private": self.settings.allow_private}
        match channel.kind:
            case "log":
                return _log(parcel)
            case "file":
                return await asyncio.to_thread(_append, self._root / channel.path, parcel)
            case "webhook":
                return await posting.post(client, parcel, **limits)  # type: ignore[arg-type]
            case "apprise":
                return await apprising.send(parcel, **limits)  # type: ignore[arg-type]

    def _record(self, name: str, parcel: Parcel, answer: Answer) -> None:
        with self._database.write() as session:
            state = notifications.record(session, parcel, answer, self.settings.retry_delays_seconds)
        told = {"channel": name, "delivery_id": parcel.delivery_id, "alert": parcel.payload["alert"]["id"]}
        if state is DeliveryState.PENDING:
            log.warning("a channel was not told, to be tried again", reason=answer.error, **told)
        elif state is DeliveryState.GIVEN_UP:
            log.error("a channel was not told, and is given up", reason=answer.error, **told)


def _in_our_words(answer: Answer) -> Answer:
    """What refuses a private address thinks of the webhooks of tasks."""
    error = answer.error and answer.error.replace("webhooks.allow_private", "alerts.allow_private")
    return Answer(answer.status, error)


def _log(parcel: Parcel) -> Answer:
    alert = parcel.payload["alert"]
    level = "info" if parcel.event == AlertNews.RESOLVED else _LEVELS[alert["level"]]
    told = {"alert": alert["id"], "type": alert["alert_type"], "subject": alert["subject"]}
    # What is said first is the line's message, in files too.
    getattr(log, level)(alert["message"], news=parcel.event, alert_level=alert["level"], **told)
    return Answer(None, None)


def _append(path: Path, parcel: Parcel) -> Answer:
    """One line of JSON, in one write, so that lines of several boxes do not get into each other."""
    line = json.dumps(parcel.payload, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return Answer(None, f"{path} can not be written: {error.strerror}")
    return Answer(None, None)


def notify() -> None:
    """What a ticket calls."""
    if Notifier.current is None:
        Notifier.current = Notifier(load_settings())
    Notifier.current.round()
