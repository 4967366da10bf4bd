"""Where the server is."""

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mofsim.settings import Settings


def server_url(url: str | None = None, settings: "Settings | None" = None) -> str:
    """`url` made complete; without one that of the settings (MOFSIM_SERVER__HOST and __PORT among them).

    Raises ValueError for what is no URL, SettingsError for settings that can not be read.
    """
    if url is None:
        from mofsim.settings import load_settings

        return (settings or load_settings()).server_url
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
