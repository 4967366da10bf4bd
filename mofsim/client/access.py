"""What a client shows to be let in, and by what it knows that the server is the right one."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mofsim.client import local
from mofsim.settings import Settings

# It takes 10 ms to import, which plain HTTP need not pay.
if TYPE_CHECKING:
    import ssl


@dataclass
class Access:
    """`api_key` and `ca_file` as they were given; else those of the environment, else what this account has here."""

    url: str
    api_key: str | None = None
    ca_file: Path | str | None = None
    #: where no note of a server tells, these say where its key is; None: those that are found
    settings: Settings | None = None
    _found: str | None = field(default=None, repr=False)

    def key(self) -> str | None:
        if given := self.api_key or os.environ.get("MOFSIM_API_KEY"):
            return given
        # Looked for again as long as there is none: the server may be about to make it.
        self._found = self._found or local.key_for(self.url, self.settings)
        return self._found

    def refused(self) -> None:
        """The server does not take the key: the next one may be another."""
        self._found = None

    def verification(self) -> "ssl.SSLContext | bool":
        """For httpx. Raises OSError for a CA file that can not be read."""
        if not self.url.startswith("https:"):
            # Certificates take 30 ms to load, which plain HTTP need not pay.
            return False
        if ca_file := self.ca_file or os.environ.get("MOFSIM_CA_FILE"):
            return _trusting(Path(ca_file))
        if certificate := local.certificate_for(self.url, self.settings):
            with suppress(OSError):
                return _knowing(Path(certificate))
        return True


def _trusting(ca_file: Path) -> "ssl.SSLContext":
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise OSError(f"{ca_file} holds no certificates that can be read; it must be a PEM file") from error
    except OSError as error:
        raise OSError(f"{ca_file} can not be read: {error.strerror or error}") from error


def _knowing(certificate: Path) -> "ssl.SSLContext":
    """Trusts this certificate and no other; its name does not matter then, which may be that for other machines."""
    import ssl

    # What follows the first one in the file are those it hangs from, which others hang from too.
    first, end, _ = certificate.read_text(encoding="ascii", errors="ignore").partition("-----END CERTIFICATE-----")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=first + end)
    return context
