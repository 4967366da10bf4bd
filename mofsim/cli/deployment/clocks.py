"""Clocks: of this machine, of the server and of the database."""

from collections.abc import Iterator
from datetime import timedelta

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment.rows import Rows
from mofsim.cli.deployment.serving import Server

#: Leases and waits go by the database's clock, so this much does no harm but to who reads logs side by side.
TOLERATED = timedelta(seconds=2)
#: So much makes keys, certificates and times at which tasks may begin wrong.
WRONG = timedelta(minutes=5)


def agree(server: Server, database: Rows) -> Iterator[Check]:
    for name, ahead in (("clock of the server", server.ahead), ("clock of the database", database.ahead)):
        if ahead is not None:
            yield _check(name, ahead)


def _check(name: str, ahead: timedelta) -> Check:
    seconds, apart = ahead.total_seconds(), abs(ahead)
    size = f"{abs(seconds):.2f} s" if apart < timedelta(minutes=2) else f"{abs(seconds) / 60:.0f} minutes"
    found = f"{size} {'ahead of' if seconds > 0 else 'behind'} that of this machine"
    advice = "let NTP (chrony, systemd-timesyncd) set the clocks of all machines"
    if apart > WRONG:
        return Check(name, Verdict.FAIL, found, advice)
    if apart > TOLERATED:
        return Check(name, Verdict.WARN, found, advice)
    return Check(name, Verdict.OK, found)
