"""The server of one's own account on this machine: its key and its certificate, found without being told.

The key lies in the data folder, for nobody else to read. Which folder that is a note says that the server left, by its
port, else the settings do. The key is shown only to a port that the key's owner listens at: while the server is down,
somebody else's program might wait there for it.
"""

import ipaddress
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from mofsim.client.address import is_local
from mofsim.settings import Settings, SettingsError, load_settings
from mofsim.settings.places import local_key_file, server_note_file

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class LocalServer:
    root: Path
    #: PEM file with the certificate that it shows; None without HTTPS
    certificate: str | None


def key_for(url: str, settings: Settings | None = None) -> str | None:
    """The key of this account for the server at `url`; None where that is not this account's, or has none."""
    port = _port(url)
    for server in _servers(url, port, settings):
        try:
            with local_key_file(server.root).open(encoding="ascii") as file:
                owner, key = os.fstat(file.fileno()).st_uid, file.read().strip()
        except (OSError, UnicodeDecodeError):
            continue
        if key and _listens_only(owner, url, port):
            return key
    return None


def key_in(root: Path) -> str | None:
    """The key in a data folder of one's own."""
    try:
        return local_key_file(root).read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def certificate_for(url: str, settings: Settings | None = None) -> str | None:
    """The file with the very certificate that the server at `url` shows, where it is one of this account."""
    servers = _servers(url, _port(url), settings)
    return next((server.certificate for server in servers if server.certificate), None)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def _servers(url: str, port: int, settings: Settings | None) -> Iterator[LocalServer]:
    if is_local(url) and (noted := _noted(port)):
        yield noted
    settings = settings or _settings()
    if settings and (url == settings.server_url or (is_local(url) and port == settings.server.port)):
        yield LocalServer(settings.storage.root, settings.server.tls_cert or None)


def _noted(port: int) -> LocalServer | None:
    try:
        note = json.loads(server_note_file(port).read_text(encoding="utf-8"))
        return LocalServer(Path(note["root"]), note["certificate"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def _settings() -> Settings | None:
    try:
        return load_settings()
    except SettingsError:
        # Whoever needs them says what is wrong with them.
        return None


def _listens_only(owner: int, url: str, port: int) -> bool:
    """Whether nobody but `owner` listens there. Where the system does not tell, that is believed of loopback."""
    host = urlsplit(url).hostname or ""
    try:
        listening = [uid for address, at, uid in _listeners() if at == port and _reaches(host, address)]
    except OSError:
        return is_local(url)
    return bool(listening) and all(uid == owner for uid in listening)


def _reaches(host: str, address: Address) -> bool:
    if address.is_unspecified:
        return True
    return address.is_loopback if host == "localhost" else str(address) == host


def _listeners() -> Iterator[tuple[Address, int, int]]:
    """Address, port and user id of each socket of this machine that waits for connections. Raises OSError."""
    found = False
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        found = True
        for fields in map(str.split, lines):
            if len(fields) > 7 and fields[3] == _LISTENING:
                address, _, port = fields[1].partition(":")
                yield _address(address), int(port, 16), int(fields[7])
    if not found:
        raise FileNotFoundError(_TABLES[0])


def _address(text: str) -> Address:
    """As the kernel writes it: words of 32 bits in the byte order of this machine."""
    words = [int(text[n : n + 8], 16).to_bytes(4, sys.byteorder) for n in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return getattr(address, "ipv4_mapped", None) or address
