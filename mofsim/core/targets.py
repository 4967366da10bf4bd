"""Where a webhook may go: a public http or https address, so that nobody reaches into our network through us."""

import ipaddress
import re
import socket
from collections.abc import Iterable

import httpx

from mofsim.core.errors import Invalid

FIELD = "options.callback.url"
HOST = re.compile(r"[A-Za-z0-9._:-]+")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Not private by what Python knows, and yet not the internet: the metadata services of Azure and Oracle (in the
#: block for protocols), and NAT64 of a local network.
LOCAL = [ipaddress.ip_network(each) for each in ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48")]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

#: Names that one batch may have looked up; those of the others are looked up when they are sent to.
MAX_LOOKUPS = 50


class Unresolvable(Exception):
    """The name of the receiver is not known to the DNS: correct the URL, or the DNS."""


def parse(url: str) -> httpx.URL:
    """Raises Invalid for what is no http or https URL, or carries a user or a password."""
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Invalid(f"is not a URL: {error}", field=FIELD) from None
    if parsed.scheme not in ("http", "https") or not host:
        raise Invalid("must be a whole URL that begins with http:// or https://", field=FIELD)
    if not HOST.fullmatch(parsed.raw_host.decode()) or not (port is None or 0 < port < 65536):
        raise Invalid("has a host or port that can not be", field=FIELD)
    if parsed.userinfo:
        raise Invalid("must not carry a user or password; use `secret` and check the signature", field=FIELD)
    return parsed


def resolve(url: httpx.URL, allow_private: bool, *, look_up: bool = True) -> list[str]:
    """The addresses of the receiver, in the order in which to try them; each of them may be connected to.

    Without `look_up` only an address that is written as such is known. May block for seconds.
    Raises Invalid when any of them is private, Unresolvable when there is none.
    """
    flags = 0 if look_up else socket.AI_NUMERICHOST
    host = url.raw_host.decode()
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        raise Unresolvable(f"{host} can not be resolved: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(text)):
            at = "" if text == host.strip("[]") else f" ({host} is {text})"
            raise Invalid(
                f"is not a public address{at}; settings can allow it (webhooks.allow_private)",
                field=FIELD,
                type="PrivateAddress",
            )
    return addresses


def is_public(address: Address) -> bool:
    """Whether it is an address of one machine in the internet, also by way of what an IPv6 address wraps."""
    if any(address in network for network in LOCAL):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address.is_site_local:
            return False
        inner = _wrapped(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which a gateway would send it on."""
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def check(url: str, allow_private: bool, *, look_up: bool) -> None:
    """Refuse at submit what would be refused at delivery. A name that is not known yet is let in.

    Raises Invalid.
    """
    parsed = parse(url)
    try:
        resolve(parsed, allow_private, look_up=look_up)
    except Unresolvable:
        return


def check_names(callbacks: Iterable[tuple[str, str]], allow_private: bool) -> None:
    """Look up the names of (field, url) pairs, each name once. Blocks: for a thread, and before the transaction.

    Raises Invalid with the field of the first one that is refused.
    """
    seen: set[str] = set()
    for field, url in callbacks:
        try:
            host = parse(url).host
            if host not in seen and len(seen) < MAX_LOOKUPS:
                seen.add(host)
                check(url, allow_private, look_up=True)
        except Invalid as error:
            raise Invalid(error.detail, field=field, type=error.type) from None
