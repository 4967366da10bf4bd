"""Where the server is, and the key it wants."""

import ipaddress
import os
from urllib.parse import urlsplit

from mofsim.settings import Settings, load_settings

#: Addresses to listen on that nobody can connect to, and what reaches such a server from its own machine.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def server_url(url: str | None = None, settings: Settings | None = None) -> str:
    """`url` made complete; without one that of the settings (MOFSIM_SERVER__HOST and __PORT among them).

    Raises ValueError for what is no URL, SettingsError for settings that can not be read.
    """
    if url is None:
        server = (settings or load_settings()).server
        host = _ANY.get(server.host, server.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{server.port}"
    complete = url if "://" in url else f"http://{url}"
    parts = urlsplit(complete)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not the URL of a server; write e.g. http://127.0.0.1:8321")
    return complete.rstrip("/")


def is_local(url: str) -> bool:
    """Whether the server is on this machine, where no proxy must stand in between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def headers(api_key: str | None = None) -> dict[str, str]:
    key = api_key or os.environ.get("MOFSIM_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}
