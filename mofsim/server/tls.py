"""The certificate that the settings name, tried before uvicorn would fail over it with less to say."""

import ssl
from pathlib import Path
from typing import Any

from mofsim.settings import Settings


class BadCertificate(Exception):
    """Its text says which file it is, and what is wrong with it."""


def options(settings: Settings) -> dict[str, Any]:
    """What uvicorn takes for HTTPS; empty for HTTP. Raises BadCertificate."""
    certificate, key = settings.server.tls_cert, settings.server.tls_key
    if not certificate:
        return {}
    for name, path in (("server.tls_cert", certificate), ("server.tls_key", key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise BadCertificate(f"{name}: {path} can not be read: {error.strerror or error}") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except _Encrypted as error:
        raise BadCertificate(f"server.tls_key: {key} wants a password, which nobody is there to type") from error
    except ssl.SSLError as error:
        raise BadCertificate(_why(error, certificate, key)) from error
    return {"ssl_certfile": certificate, "ssl_keyfile": key}


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted


def _why(error: ssl.SSLError, certificate: str, key: str) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"server.tls_key: {key} is not the key of the certificate {certificate}"
    reason = f" ({error.reason})" if error.reason else ""
    return f"server.tls_cert, server.tls_key: {certificate} and {key} can not be used{reason}; both must be PEM files"
