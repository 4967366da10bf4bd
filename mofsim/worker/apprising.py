"""One message by apprise, which knows mail, chat and pagers by their URLs. It is an extra: `mofsim[alerts]`."""

import asyncio
import logging
from typing import Any

from mofsim.core import targets
from mofsim.core.errors import Invalid
from mofsim.core.outbox import Answer, Parcel
from mofsim.core.targets import Unresolvable
from mofsim.vocabulary import AlertLevel, AlertNews

MISSING = "apprise is not installed here; `pip install mofsim[alerts]` brings it"

#: what services show in their own colours
_TYPES = {
    AlertLevel.INFO: "info",
    AlertLevel.WARNING: "warning",
    AlertLevel.ERROR: "failure",
    AlertLevel.CRITICAL: "failure",
}
_WORDS = {AlertNews.RESOLVED: "over", AlertNews.ESCALATED: "still there", AlertNews.TEST: "a test"}


async def send(parcel: Parcel, *, timeout_seconds: float, allow_private: bool) -> Answer:
    """Send it once; it is over within the time, though a thread of apprise may live on a little."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await asyncio.to_thread(_send, parcel, timeout_seconds, allow_private)
    except TimeoutError:
        return Answer(None, f"no answer within {timeout_seconds:g} s")


def _send(parcel: Parcel, timeout_seconds: float, allow_private: bool) -> Answer:
    try:
        import apprise
    except ImportError:
        return Answer(None, MISSING)
    service = apprise.Apprise.instantiate(parcel.url, suppress_exceptions=True)
    if service is None:
        # Without the URL, which may hold a token.
        return Answer(None, "apprise does not know such a URL")
    service.socket_read_timeout = service.socket_connect_timeout = timeout_seconds
    if refusal := _refusal(service, allow_private):
        return Answer(None, refusal)
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        title, body = text(parcel)
        sent = service.notify(title=title, body=body, notify_type=_type(parcel))
    finally:
        logger.removeHandler(said)
    return Answer(None, None if sent else f"{service.service_name} did not take it{said.reason}")


def text(parcel: Parcel) -> tuple[str, str]:
    """Title and body for a person."""
    alert = parcel.payload["alert"]
    word = _WORDS.get(AlertNews(parcel.event))
    title = f"mofsim {alert['level']}: {alert['alert_type'].replace('_', ' ')}" + (f" ({word})" if word else "")
    return title, f"{alert['message']}\n(alert {alert['id']} about {alert['subject']}, since {alert['created_at']})"


def _type(parcel: Parcel) -> Any:
    import apprise

    if parcel.event == AlertNews.RESOLVED:
        return apprise.NotifyType.SUCCESS
    return apprise.NotifyType(_TYPES[AlertLevel(parcel.payload["alert"]["level"])])


def _refusal(service: Any, allow_private: bool) -> str:
    """Why the host of its URL may not be called; "" if it may. What is the name of no host is a service's own word."""
    host = getattr(service, "host", None)
    if allow_private or not host:
        return ""
    try:
        targets.resolve(targets.parse(f"http://{host}"), allow_private)
    except Unresolvable:
        return ""
    except Invalid as error:
        return f"the URL {error.detail}" if error.type == "PrivateAddress" else ""
    return ""


class _Said(logging.Handler):
    """Why it failed, which apprise tells its log only."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    @property
    def reason(self) -> str:
        return f": {self._lines[-1][:200]}" if self._lines else ""
