"""Commands that start processes, and what becomes of these."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.client.running import SETTINGS, wait_until


@dataclass
class Commands:
    """Starts command lines in a folder with settings of its own; at the end none of their processes is left."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "settings.toml").write_text(SETTINGS)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")}
        data = {"MOFSIM_STORAGE__ROOT": str(self.folder / "data")}
        self.environment = inherited | data | self.environment

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "mofsim", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(line, cwd=self.folder, env=self.environment, text=True, **pipes)
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def first_document(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr and process.stderr.read()
    return json.loads(line)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, its children first."""
    found = [pid]
    for each in found:
        for path in Path(f"/proc/{each}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split()]
    return found[1:]


def child_with(pid: int, word: str) -> int:
    """The child whose command line ends with a word, as soon as there is one."""

    def look() -> int | None:
        for child in descendants(pid):
            if Path(f"/proc/{child}/cmdline").read_bytes().rstrip(b"\0").endswith(word.encode()):
                return child
        return None

    return wait_until(look, lambda: f"there is no {word}")


def gone(pids: list[int]) -> bool:
    def lives(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return not any(map(lives, pids))


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: gone(pids), lambda: f"some of {pids} are left")
