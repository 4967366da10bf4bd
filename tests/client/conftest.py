from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.client import Client
from tests.conftest import Prepared

from .running import Hands, Server


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Server]:
    """A server that tests share: none may count on being alone there. It has no worker."""
    yield from serve(tmp_path_factory.mktemp("shared"), prepared)


@pytest.fixture
def client(shared_server: Server) -> Iterator[Client]:
    with Client(shared_server.url) as client:
        yield client


@pytest.fixture(scope="module")
def server_of_file(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Server]:
    """A server that the tests of one file share, where its tests leave nothing behind that disturbs the next one."""
    yield from serve(tmp_path_factory.mktemp("file"), prepared)


@pytest.fixture
def own_server(tmp_path: Path, prepared: Prepared) -> Iterator[Server]:
    """A server of this test alone, which it may stop and start."""
    yield from serve(tmp_path / "own", prepared)


def serve(folder: Path, prepared: Prepared) -> Iterator[Server]:
    """A server with its data in the folder, for a fixture."""
    with prepared.copied(folder) as rows:
        server = Server(folder, rows)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_client(own_server: Server) -> Iterator[Client]:
    with Client(own_server.url) as client:
        yield client


@pytest.fixture
def hands(own_server: Server) -> Iterator[Hands]:
    """What a worker would do to the tasks of `own_server`."""
    with own_server.hands() as hands:
        yield hands
