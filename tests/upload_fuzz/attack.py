"""One run: send mutants to a server of its own, one after the other or a few at a time, and examine what is left."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
from sqlalchemy import select

from mofsim.client.local import key_in
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Structure
from mofsim.settings import load_settings

from .mutations import Upload
from .sanity import faults
from .watch import held, left_behind

SETTINGS = """
[server]
port = {port}
[security]
requests_per_minute = 0
submits_per_minute = 0
"""
STRUCTURES = "/api/v1/structures"
AT_A_TIME = 3
#: Longer than this no answer may take: those before it, and the time limit of reading, included.
PATIENCE_SECONDS = 120.0
#: What a server may open after its start: the connections of its pools, of two files each, and those of the client.
MORE_FILES = 20
#: What a server may grow by after its first uploads.
GROWTH_MB = 60.0
WARM_AFTER = 30


@dataclass
class Findings:
    """Guarded by its lock: uploads are sent side by side."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    accepted: int = 0
    memory_MB: list[float] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


@dataclass
class Target:
    url: str
    pid: int
    root: Path
    temporary: Path
    log: Path
    headers: dict[str, str]


def attack(folder: Path, uploads: Iterable[Upload], port: int) -> dict[str, Any]:
    """What came of them, and under `wrong` all that should not be."""
    findings, began = Findings(), time.monotonic()
    with _serving(folder, port) as target:
        with (
            httpx.Client(base_url=target.url, headers=target.headers, timeout=PATIENCE_SECONDS) as client,
            ThreadPoolExecutor(AT_A_TIME) as pool,
        ):
            before = held(target.pid)
            for number in pool.map(lambda each: _send(client, findings, *each), enumerate(uploads)):
                if number % WARM_AFTER == WARM_AFTER - 1:
                    findings.memory_MB.append(round(held(target.pid).memory_MB, 1))
                    print(number + 1, dict(findings.answers), findings.wrong, file=sys.stderr, flush=True)
            _examine(client, target, findings, before.open_files)
        findings.wrong += left_behind(Storage(target.root), target.temporary, _folders(target.root))
    if "Traceback" in target.log.read_text(errors="replace"):
        findings.wrong.append(f"the server's log has a traceback: {target.log}")
    seconds, what = findings.slowest
    return {
        "sent": findings.answers.total(),
        "accepted": findings.accepted,
        "answers": dict(findings.answers.most_common()),
        "server_errors": sum(n for answer, n in findings.answers.items() if answer.startswith("5")),
        "slowest": {"seconds": seconds, "what": what},
        "memory_MB": findings.memory_MB,
        "seconds": round(time.monotonic() - began, 1),
        "wrong": findings.wrong,
    }


def _send(client: httpx.Client, findings: Findings, number: int, upload: Upload) -> int:
    what, began = f"{number} ({upload.mutation})", time.monotonic()
    answer, problems = None, []
    try:
        answer = client.post(STRUCTURES, files={"file": (upload.name, upload.content)}, data=upload.fields)
        problems = _problems(client, answer)
    except httpx.HTTPError as error:
        problems = [f"no answer: {error!r}"]
    seconds = round(time.monotonic() - began, 2)
    with findings.lock:
        findings.answers[_name(answer)] += 1
        findings.slowest = max(findings.slowest, (seconds, what))
        findings.accepted += answer is not None and answer.status_code == 201
        findings.wrong += [f"{what}: {problem}" for problem in problems]
    return number


def _name(answer: httpx.Response | None) -> str:
    if answer is None:
        return "none"
    error = answer.json().get("error") or {}
    return f"{answer.status_code} {error.get('type', '')}".strip()


def _problems(client: httpx.Client, answer: httpx.Response) -> list[str]:
    body = answer.json()
    if answer.status_code >= 500:
        return [f"{answer.status_code}: {answer.text[:300]}"]
    if answer.status_code >= 400:
        return [] if body["error"]["detail"] else ["refused without a word"]
    told = body["data"]
    normalised = client.get(f"{STRUCTURES}/{told['id']}/file", params={"form": "normalised"})
    original = client.get(f"{STRUCTURES}/{told['id']}/file")
    found = faults(told, normalised.text)
    if not all(told[name].isprintable() for name in ("name", "original_name")):
        found.append("has a name that moves the cursor of a terminal")
    return found + ["is not what was sent" for _ in [0] if len(original.content) != told["file_size"]]


def _examine(client: httpx.Client, target: Target, findings: Findings, open_files: int) -> None:
    """The server after all of them, when it has nothing to do."""
    if client.get("/health").status_code != 200:
        findings.wrong.append("the server is not well")
    now = held(target.pid)
    findings.memory_MB.append(round(now.memory_MB, 1))
    if now.children:
        findings.wrong.append(f"{now.children} processes were left behind")
    if now.open_files > open_files + MORE_FILES:
        findings.wrong.append(f"{now.open_files} files are open, {open_files} were at the beginning")
    if findings.memory_MB[-1] - findings.memory_MB[0] > GROWTH_MB:
        findings.wrong.append(f"the server grew: {findings.memory_MB} MB")


def _folders(root: Path) -> set[str]:
    settings = load_settings(env={}, cwd=root, overrides={"storage.root": str(root)})
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            paths = session.scalars(select(Structure.file_path).where(~Structure.is_builtin))
            return {path.partition("/")[0] for path in paths}
    finally:
        database.close()


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[Target]:
    """A server with its data, its settings and its temporary files below `folder`."""
    root, temporary, log = folder / "data", folder / "temporary", folder / "serve.log"
    temporary.mkdir(parents=True, exist_ok=True)
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS.format(port=port))
    own = {"MOFSIM_SETTINGS": str(settings), "MOFSIM_STORAGE__ROOT": str(root), "TMPDIR": str(temporary)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOFSIM_")} | own
    with log.open("wb") as target:
        command = [sys.executable, "-m", "mofsim", "serve"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=target, stderr=target)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(process, url, log)
        yield Target(url, process.pid, root, temporary, log, {"Authorization": f"Bearer {key_in(root)}"})
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str, log: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/health").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
