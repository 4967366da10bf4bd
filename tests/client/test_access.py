"""Which key a client shows, and to whom: its own account's key is found, and goes to nobody else."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mofsim.client import AsyncClient, Client, KeyRefused, Unavailable, line, local
from mofsim.client.access import Access
from mofsim.settings import load_settings
from mofsim.settings.places import local_key_file, server_note_file

from .running import Server, wait_until


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    local._settings.cache_clear()
    yield
    local._settings.cache_clear()


class Listener(BaseHTTPRequestHandler):
    """Keeps what it was shown."""

    shown: list[str | None]
    answers: list[tuple[int, dict[str, str]]]

    def do_GET(self) -> None:
        self.shown.append(self.headers["Authorization"])
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        envelope = {"success": False, "code": status, "message": "", "data": None, "request_id": ""}
        error = {"type": "X", "detail": "no", "field": None}
        body = json.dumps(envelope | {"timestamp": "2026-01-01T00:00:00Z", "error": error}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def listening(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[int, list[str | None]]]:
    """A port of this account, and the keys that come there."""
    handler = type("Handler", (Listener,), {"shown": [], "answers": list(answers or ((401, {}),))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, handler.shown  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def own_key(root: Path, key: str = "mofsim_1_abc") -> Path:
    file = local_key_file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{key}\n")
    return file


def leave_note(port: int, root: Path) -> None:
    file = server_note_file(port)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"root": str(root), "certificate": None}))


def ask(url: str, **options: str) -> None:
    with Client(url, **options) as client, pytest.raises(KeyRefused):
        client.queue()


def test_a_server_anywhere_on_this_machine_is_used_without_being_told_the_key(shared_server: Server) -> None:
    for host in ("127.0.0.1", "localhost"):
        with Client(f"http://{host}:{shared_server.port}") as client:
            assert client.queue().by_status
            assert client.create_key(f"by {host}").is_valid


async def test_so_does_the_async_client(shared_server: Server) -> None:
    async with AsyncClient(shared_server.url) as client:
        assert (await client.queue()).by_status


def test_the_note_of_a_server_holds_no_secret_and_goes_with_it(own_server: Server) -> None:
    note = server_note_file(own_server.port)
    assert oct(note.stat().st_mode)[-3:] == "600"
    assert json.loads(note.read_text())["root"] == str(own_server.data)
    assert own_server.key.rsplit("_", 1)[1] not in note.read_text()
    own_server.stop()
    assert not note.exists()


def test_without_a_note_the_settings_say_where_the_key_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_key(tmp_path / "root")
    with listening() as (port, shown):
        monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(tmp_path / "root"))
        monkeypatch.setenv("MOFSIM_SERVER__PORT", str(port))
        ask(f"http://127.0.0.1:{port}")
    with listening() as (other, elsewhere):
        ask(f"http://127.0.0.1:{other}")
    assert (shown, elsewhere) == (["Bearer mofsim_1_abc"], [None])


def test_settings_that_are_given_go_before_those_that_are_found(tmp_path: Path) -> None:
    own_key(tmp_path / "root")
    with listening() as (port, shown):
        (tmp_path / "my.toml").write_text(f"server.port = {port}\nstorage.root = 'root'")
        with Client(settings=load_settings(tmp_path / "my.toml")) as client, pytest.raises(KeyRefused):
            client.queue()
    assert shown == ["Bearer mofsim_1_abc"]


def test_a_given_key_goes_before_that_of_the_environment_and_that_before_a_found_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_key(tmp_path)
    with listening() as (port, shown):
        leave_note(port, tmp_path)
        ask(f"http://127.0.0.1:{port}")
        monkeypatch.setenv("MOFSIM_API_KEY", "of the environment")
        ask(f"http://127.0.0.1:{port}")
        ask(f"http://127.0.0.1:{port}", api_key="given")
    assert shown == ["Bearer mofsim_1_abc", "Bearer of the environment", "Bearer given"]


def test_the_key_that_was_found_goes_to_no_other_machine(tmp_path: Path) -> None:
    own_key(tmp_path)
    leave_note(8321, tmp_path)
    assert [Access(f"http://{host}:8321").key() for host in ("192.0.2.1", "box.example.org", "[2001:db8::1]")] == [
        None
    ] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two accounts at once")
def test_the_key_is_not_shown_to_another_account_that_took_the_port(tmp_path: Path) -> None:
    """While the server is down, anybody may listen at its port and wait for keys."""
    file = own_key(tmp_path)
    program = "import os, socket, time; os.setuid(65534); s = socket.create_server(('127.0.0.1', 0)); "
    program += "print(s.getsockname()[1], flush=True); time.sleep(60)"
    thief = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert thief.stdout is not None
        port = int(thief.stdout.readline())
        leave_note(port, tmp_path)
        assert Access(f"http://127.0.0.1:{port}").key() is None
        os.chown(file, 65534, 65534)
        assert Access(f"http://127.0.0.1:{port}").key() == "mofsim_1_abc", "the owner of both is the same"
    finally:
        thief.kill()
        thief.communicate()


def test_nobody_is_shown_a_key_where_nobody_listens(tmp_path: Path) -> None:
    own_key(tmp_path)
    with listening() as (port, _):
        pass
    leave_note(port, tmp_path)
    assert Access(f"http://127.0.0.1:{port}").key() is None


def test_a_key_that_is_made_anew_is_found_without_a_restart(tmp_path: Path) -> None:
    with listening() as (port, shown), Client(f"http://127.0.0.1:{port}") as client:
        leave_note(port, tmp_path)
        for key in (None, "first", "second"):
            if key:
                own_key(tmp_path, key)
            with pytest.raises(KeyRefused):
                client.queue()
    assert shown == [None, "Bearer first", "Bearer second"]


def test_a_note_that_makes_no_sense_is_passed_over() -> None:
    with listening() as (port, shown):
        file = server_note_file(port)
        file.parent.mkdir(parents=True, exist_ok=True)
        for text in ("", "[]", "{}", '{"root": 7, "certificate": null}', "\x00"):
            file.write_text(text)
            ask(f"http://127.0.0.1:{port}")
    assert shown == [None] * 5


def test_a_killed_server_is_found_again(own_server: Server) -> None:
    assert own_server.process is not None
    own_server.process.kill()
    own_server.process.wait()
    own_server.start()
    with Client(own_server.url) as client:
        assert client.queue().by_status


def test_a_client_that_asked_too_often_waits_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening((429, {"Retry-After": "1"}), (401, {})) as (port, shown):
        began = time.monotonic()
        ask(f"http://127.0.0.1:{port}")
        assert len(shown) == 2 and 1 <= time.monotonic() - began < 5
    monkeypatch.setattr(line, "PATIENCE", 0.5)
    for headers in ({"Retry-After": "1"}, {"Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT"}, {}):
        with listening((429, headers)) as (port, shown), Client(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(Unavailable):
                client.queue()
            assert len(shown) == 1


async def test_so_does_the_async_client_wait() -> None:
    with listening((429, {"Retry-After": "1"}), (401, {})) as (port, shown):
        async with AsyncClient(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(KeyRefused):
                await client.queue()
        assert len(shown) == 2


def test_a_limit_of_the_server_is_waited_for(own_server: Server) -> None:
    own_server.stop()
    own_server.environment["MOFSIM_SECURITY__SUBMITS_PER_MINUTE"] = "1"
    own_server.start()
    with Client(own_server.url) as client, pytest.MonkeyPatch.context() as patch:
        client.submit("single-point", "MOF-5")
        patch.setattr(line, "PATIENCE", 0.0)
        with pytest.raises(Unavailable, match="try again in"):
            client.submit("single-point", "MOF-5")
        assert wait_until(lambda: client.tasks().total, lambda: "no task") == 1
