"""The Python of README.md and docs/client.md runs as it is written there."""

import ast
import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.client import Client
from tests.client.conftest import hands, own_client, own_server
from tests.client.running import Hands, Server
from tests.client.test_client import XYZ

__all__ = ["hands", "own_client", "own_server"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def worker(own_client: Client, hands: Hands) -> Iterator[None]:
    """Somebody who ends each task that is submitted, with the files and numbers that the pages name."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.05):
            if own_client.queue().by_status["QUEUED"]:
                lease = hands.take()
                hands.step(lease, 1)
                files = hands.write(lease, "optimized.cif", "data_x") | hands.write(lease, "eos.png", "\x89PNG")
                files |= hands.write(lease, "series.csv", "step,fmax_eV_per_A\n0,1.5\n1,0.5\n")
                hands.end(
                    lease,
                    result={"final_energy_eV": -725.9},
                    output_files=files,
                    provenance={"versions": {"torch": "2.6"}},
                )

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_python_of_the_pages_runs(
    own_server: Server, worker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("MOFSIM_SERVER__PORT", own_server.url.rpartition(":")[2])
    Path("my-mof.cif").write_text(XYZ)
    for page in ("README.md", "docs/client.md"):
        names: dict[str, object] = {}
        assert blocks(page)
        for block in blocks(page):
            # A notebook, too, lets `await` and `async with` stand at the top.
            code = compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if (awaited := eval(code, names)) is not None:
                asyncio.run(awaited)
    assert {"optimized.cif", "eos.png"} < {path.name for path in Path("results").iterdir()}
