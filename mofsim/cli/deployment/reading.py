"""What the system tells: certificates, file systems, limits of processes."""

import socket
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

#: Seconds that a server may take to show its certificate, or a program to answer.
PATIENCE = 10

#: Kinds of file systems that several machines can have in common.
NETWORK = ("nfs", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb", "afs", "9p", "fuse.", "glusterfs", "virtiofs")


def certificate_end(host: str, port: int, trusting: ssl.SSLContext) -> datetime:
    """Until when the certificate holds that a server shows. Raises OSError, also for one that is not trusted."""
    with (
        socket.create_connection((host, port), timeout=PATIENCE) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as line,
    ):
        shown = line.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def file_system(path: Path) -> str:
    """The kind of the file system that a path is on, e.g. "ext4"; "" where the system does not tell."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for fields in map(str.split, lines):
        # proc(5): the fifth field is where it is mounted; the kind follows the dash.
        place = fields[4].encode().decode("unicode_escape")
        if path.resolve().is_relative_to(place) and len(place) >= len(best):
            best, kind = place, fields[fields.index("-") + 1]
    return kind


def is_network(kind: str) -> bool:
    return kind.startswith(NETWORK)


def said(*command: str) -> str | None:
    """What a program prints; None where it is not there, does not answer in time or fails."""
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout


def open_files(pid: int) -> tuple[int, int]:
    """How many files a process has open, and how many it may have at most. Raises OSError."""
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    soft = next(line for line in limits if line.startswith("Max open files")).split()[3]
    n_open = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return n_open, int(soft) if soft.isdigit() else 2**31
