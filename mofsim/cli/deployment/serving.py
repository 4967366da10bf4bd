"""The server: does it answer, is it this mofsim with these settings, and who can read what crosses the line to it."""

import ipaddress
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mofsim import __version__
from mofsim.cli.app import App
from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.reading import certificate_end
from mofsim.client import Client, ClientError
from mofsim.client.access import Access
from mofsim.client.address import is_local
from mofsim.client.request import API, Request, check, get
from mofsim.schemas.machines import Host
from mofsim.schemas.resources import Health, SettingValue, Worker
from mofsim.server.tls import BadCertificate, options
from mofsim.settings import Settings
from mofsim.settings.checks import is_loopback

#: A certificate should be replaced before it has only so long to go.
RENEWAL = timedelta(days=14)
#: Settings that each machine has for itself: a server elsewhere says nothing of them.
OWN = ("worker.", "logging.")
#: A network of so few fixed bits is no list of proxies.
LEAST_PREFIX = {4: 8, 6: 16}


@dataclass
class Server:
    """What it answered; None where it did not, and `trouble` says why."""

    url: str
    health: Health | None = None
    #: how far its clock is ahead of this machine's
    ahead: timedelta | None = None
    settings: list[SettingValue] | None = None
    workers: list[Worker] | None = None
    hosts: list[Host] = field(default_factory=list)
    trouble: str = ""


class _Clock(Request[datetime]):
    """The time at which the server wrote the answer, which is in its envelope."""

    def read(self, server: str, code: int, body: bytes) -> datetime:
        check(server, code, body)
        return datetime.fromisoformat(json.loads(body)["timestamp"])


def ask(client: Client) -> Server:
    server = Server(client.url)
    try:
        server.health = client.health()
        server.ahead = _ahead(client)
        server.settings = client.send(get("/system/config", _settings))
        server.workers, server.hosts = client.workers(), client.hosts()
    except ClientError as error:
        server.trouble = str(error)
    return server


def _settings(data: Any) -> list[SettingValue]:
    return [SettingValue.model_validate(each) for each in data["items"]]


def _ahead(client: Client) -> timedelta:
    """By the quickest of a few answers, half of whose time is the way back."""
    found = []
    for _ in range(3):
        asked = datetime.now(UTC)
        theirs = client.send(_Clock("GET", f"{API}/health", datetime.fromisoformat))
        answered = datetime.now(UTC)
        found.append((answered - asked, theirs - (asked + (answered - asked) / 2)))
    return min(found)[1]


def answers(server: Server, settings: Settings) -> Iterator[Check]:
    if server.health is None:
        yield Check("server", Verdict.FAIL, server.trouble, "start it, or name it with --server; its log says more")
        return
    version = server.health.version
    if version == __version__:
        yield Check("server", Verdict.OK, f"mofsim {version} at {server.url}")
    else:
        advice = "install one version everywhere, and restart server and workers"
        yield Check("server", Verdict.FAIL, f"is mofsim {version}, and this is {__version__}", advice)
    if server.settings is None:
        yield Check("settings", Verdict.FAIL, f"the server does not tell them: {server.trouble}", _KEY_ADVICE)
    else:
        yield _same_settings(server.settings, settings)


_KEY_ADVICE = "run this as the account of the server, or with the key of an admin (--key-file)"


def _same_settings(theirs: list[SettingValue], settings: Settings) -> Check:
    here = {line.key: line.value for line in settings.describe()}
    there = {line.key: line.value for line in theirs}
    differ = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    differ = [key for key in differ if not key.startswith(OWN)]
    if not differ:
        return Check("settings", Verdict.OK, f"those of the server ({settings.file or 'defaults'})")
    shown = ", ".join(differ[:4]) + (f" and {len(differ) - 4} more" if len(differ) > 4 else "")
    return Check(
        "settings",
        Verdict.WARN,
        f"the server runs with other ones than those here: {shown}",
        "restart the server, or name its file: --settings FILE (and the MOFSIM_ variables of its unit)",
    )


def line(app: App) -> Iterator[Check]:
    """Loopback or HTTPS, on both ends of it."""
    url, settings = app.server_url, app.settings
    if url.startswith("http:") and not is_local(url):
        advice = "give the server a certificate (server.tls_cert, server.tls_key), or a proxy with one"
        yield Check("line", Verdict.FAIL, f"{url} sends keys and results unencrypted", advice)
    elif url.startswith("https:"):
        yield _certificate_shown(url, Access(url, ca_file=app.ca_file, settings=settings).verification())
    host, port = settings.server.host, settings.server.port
    if settings.server.tls_cert:
        yield _own_certificate(settings)
    elif is_loopback(host):
        yield Check("address", Verdict.OK, f"{host}, port {port}: this machine only")
    else:
        yield _open_address(host, port)


def _open_address(host: str, port: int) -> Check:
    found = f"{host}, port {port}, without HTTPS: keys and results cross the network unencrypted"
    if any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")):
        advice = f"see that the container's port is published as 127.0.0.1:{port} only, with a proxy in front"
        return Check("address", Verdict.WARN, found, advice)
    return Check("address", Verdict.FAIL, found, "server.tls_cert and tls_key, or 127.0.0.1 behind a proxy with HTTPS")


def _own_certificate(settings: Settings) -> Check:
    host, port = settings.server.host, settings.server.port
    try:
        options(settings)
    except BadCertificate as error:
        return Check("address", Verdict.FAIL, str(error), "put the files there for the account of the server to read")
    return Check("address", Verdict.OK, f"{host}, port {port}, with HTTPS")


def _certificate_shown(url: str, trusting: "ssl.SSLContext | bool") -> Check:
    context = ssl.create_default_context() if isinstance(trusting, bool) else trusting
    parts = urlsplit(url)
    try:
        end = certificate_end(parts.hostname or "", parts.port or 443, context)
    except OSError as error:
        advice = "renew it, or say whom to trust: --ca-file (MOFSIM_CA_FILE)"
        return Check("line", Verdict.FAIL, f"HTTPS fails: {error}", advice)
    found = f"HTTPS; the certificate holds until {end:%Y-%m-%d}"
    if end - datetime.now(UTC) < RENEWAL:
        return Check("line", Verdict.WARN, found, "renew it, and restart the server")
    return Check("line", Verdict.OK, found)


def proxies(settings: Settings) -> Iterator[Check]:
    trusted = settings.server.trusted_proxies
    wide = []
    for proxy in trusted:
        network = ipaddress.ip_network(proxy)
        if network.prefixlen < LEAST_PREFIX[network.version]:
            wide.append(proxy)
    if wide:
        found = f"X-Forwarded-For of {', '.join(wide)} is believed: nearly anybody could claim to be anybody"
        yield Check("proxy", Verdict.FAIL, found, "write the addresses of the proxies only (server.trusted_proxies)")
    elif trusted:
        yield Check("proxy", Verdict.OK, f"X-Forwarded-For is believed of {', '.join(trusted)}")
    elif settings.server.names and is_loopback(settings.server.host):
        found = "server.names tells of a proxy, but none is trusted: all who come through it share one address"
        advice = 'server.trusted_proxies = ["127.0.0.1"], else limits and the audit know only the proxy'
        yield Check("proxy", Verdict.WARN, found, advice)
    else:
        yield Check("proxy", Verdict.OK, "none is trusted: X-Forwarded-For is nobody's word")
