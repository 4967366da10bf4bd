"""Something else than mofsim answers at the address."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mofsim.client import Client, ServerUnreachable


class Foreign(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(502 if "queue" in self.path else 200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def foreign() -> Iterator[Client]:
    server = HTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Client(f"127.0.0.1:{server.server_port}") as client:
        yield client
    server.shutdown()
    server.server_close()


def test_a_web_page_is_not_taken_for_an_answer(foreign: Client) -> None:
    with pytest.raises(ServerUnreachable, match="HTTP 200"):
        foreign.health()


def test_a_proxys_error_page_is_not_taken_for_an_error_of_ours(foreign: Client) -> None:
    with pytest.raises(ServerUnreachable, match="HTTP 502"):
        foreign.queue()
