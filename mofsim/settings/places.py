"""Files by which the programs of one account find each other."""

from pathlib import Path

import platformdirs


def local_key_file(root: Path) -> Path:
    """The key of the account that runs the server, in its data folder."""
    return root / "keys" / "local"


def server_note_file(port: int) -> Path:
    """Where a server notes, for the commands of its account, which data folder is served at a port."""
    return platformdirs.user_state_path("mofsim") / "servers" / f"{port}.json"
