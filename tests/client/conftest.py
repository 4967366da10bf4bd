import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.client import Client

from .running import Hands, Server


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that has started once: the built-in structures take a while."""
    folder = tmp_path_factory.mktemp("prepared")
    server = Server(folder)
    server.start()
    server.stop()
    return folder / "data"


@pytest.fixture
def server(prepared: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone."""
    folder = tmp_path / "server"
    shutil.copytree(prepared, folder / "data")
    server = Server(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def hands(server: Server) -> Iterator[Hands]:
    hands = server.hands()
    yield hands
    hands.database.close()


@pytest.fixture
def server_results(server: Server) -> Path:
    """Where the server expects what attempts leave: TASK/ATTEMPT/NAME."""
    return server.folder / "data" / "results"
