"""A line that breaks after the server has done its work, but before its answer is there."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from mofsim.client import Client, ServerUnreachable, batch_item

from .running import Server


class LossyRelay:
    """A TCP relay to the server that hangs up instead of passing on the first answers."""

    def __init__(self, port: int, lose: int) -> None:
        self._port = port
        self._left_to_lose = lose
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
        except OSError:
            pass
        hang_up(server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                if self._left_to_lose:
                    self._left_to_lose -= 1
                    break
                client.sendall(data)
        except OSError:
            pass
        hang_up(client)


def hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def with_time_limit(client: Client, seconds: float) -> list[int]:
    """The tasks of one test, told apart by what nobody else asks for."""
    return [task.id for task in client.tasks(limit=500).items if task.timeout_seconds == seconds]


@pytest.fixture
def relayed(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    with (
        closing(LossyRelay(shared_server.port, request.param)) as relay,
        Client(relay.url, api_key=shared_server.key) as client,
    ):
        yield client


@pytest.mark.parametrize("relayed", [1], indirect=True)
def test_a_submit_whose_answer_is_lost_is_sent_again_and_makes_one_task(relayed: Client) -> None:
    task = relayed.submit("single-point", "MOF-5", timeout_seconds=11)
    assert with_time_limit(relayed, 11) == [task.id]


@pytest.mark.parametrize("relayed", [2], indirect=True)
def test_a_submit_is_not_sent_a_third_time(relayed: Client) -> None:
    with pytest.raises(ServerUnreachable, match="the connection broke"):
        relayed.submit("single-point", "MOF-5", timeout_seconds=12)
    assert len(with_time_limit(relayed, 12)) == 1


@pytest.mark.parametrize("relayed", [2], indirect=True)
def test_reading_is_tried_three_times(relayed: Client) -> None:
    assert relayed.health().status == "ok"


@pytest.mark.parametrize("relayed", [1], indirect=True)
def test_a_batch_whose_answer_is_lost_is_sent_again_and_makes_one_batch(relayed: Client) -> None:
    batch = relayed.submit_batch([batch_item("single-point", "MOF-5", timeout_seconds=13)] * 2)
    assert sorted(with_time_limit(relayed, 13)) == batch.task_ids
