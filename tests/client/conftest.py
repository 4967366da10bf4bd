import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.client import Client

from .running import Hands, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share: none may count on being alone there. It has no worker."""
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture
def own_server(server: Server, tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, which it may stop and start."""
    folder = tmp_path / "server"
    # The built-in structures take a while to make.
    shutil.copytree(server.data / "structures", folder / "data" / "structures")
    own = Server(folder)
    own.start()
    yield own
    own.stop()


@pytest.fixture
def own_client(own_server: Server) -> Iterator[Client]:
    with Client(own_server.url) as client:
        yield client


@pytest.fixture
def hands(own_server: Server) -> Iterator[Hands]:
    """What a worker would do to the tasks of `own_server`."""
    with own_server.hands() as hands:
        yield hands
