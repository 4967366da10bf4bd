"""The server as a process: where it listens, who may ask, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.db.engine import Database
from mofsim.server.run import run
from mofsim.settings import Settings

MakeSettings = Callable[..., Settings]
ServeWith = Callable[..., Any]


def test_one_line_tells_that_it_is_ready(settings: Settings, serve_with: ServeWith) -> None:
    with serve_with(settings) as running:
        assert [line for line in running.log if line == f"mofsim serves at {running.url}\n"]
        assert httpx.get(f"{running.url}/api/v1/health").json()["data"]["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(settings: Settings, serve_with: ServeWith, number: signal.Signals) -> None:
    with serve_with(settings) as running:
        httpx.get(f"{running.url}/health")
        running.process.send_signal(number)
        assert running.process.wait(5) == 0


def test_each_request_has_its_line_in_the_log(
    settings: Settings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    with serve_with(settings) as running:
        httpx.get(f"{running.url}/api/v1/tasks/7", headers=with_key | {"X-Request-ID": "look-for-me"})
    lines = [json.loads(line) for line in running.log if "look-for-me" in line]
    [line] = lines
    told = line.pop("extra")
    assert told.pop("ms") > 0
    assert told.pop("status") == 404
    assert told == {"method": "GET", "route": "/api/v1/tasks/{id}", "key": "local", "address": "127.0.0.1"}
    assert (line["level"], line["logger"], line["message"], line["process"], line["request_id"]) == (
        "INFO",
        "mofsim.access",
        "request",
        "server",
        "look-for-me",
    )
    kept = (settings.storage.root / "logs" / "server.jsonl").read_text().splitlines()
    [again] = [json.loads(each) for each in kept if "look-for-me" in each]
    assert again["extra"].items() >= told.items() and again.keys() == {*line, "extra"}


def test_a_port_in_use_is_told_and_the_data_folder_left_alone(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in settings.storage.root.iterdir())
    with socket.create_server(("127.0.0.1", settings.server.port)):
        assert run(settings) == 1
    assert f"port {settings.server.port} is in use" in capfd.readouterr().err
    assert sorted(path.name for path in settings.storage.root.iterdir()) == before


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_not_let_in_unless_the_settings_say_so(
    make_settings: MakeSettings, capfd: pytest.CaptureFixture[str], host: str
) -> None:
    local = make_settings()
    settings = local.model_copy(update={"server": local.server.model_copy(update={"host": host})})
    assert run(settings) == 1
    said = capfd.readouterr().err
    assert "lets other machines in" in said and f"ssh -L {settings.server.port}:127.0.0.1" in said


def test_they_are_let_in_when_the_settings_allow_it(make_settings: MakeSettings, serve_with: ServeWith) -> None:
    settings = make_settings({"server.host": "0.0.0.0", "security.allow_remote": True})
    with serve_with(settings) as running:
        for host in ("10.1.2.3", socket.gethostname()):
            assert httpx.get(f"{running.url}/health", headers={"Host": host}).status_code == 200
        assert httpx.get(f"{running.url}/health", headers={"Host": "evil.example"}).status_code == 400


def test_a_database_of_a_newer_version_is_told(
    settings: Settings, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    with database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert run(settings) == 1
    assert "newer mofsim" in capfd.readouterr().err


def test_a_data_folder_that_can_not_be_used_is_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = os.environ | {"MOFSIM_SETTINGS": str(settings.file), "MOFSIM_STORAGE__ROOT": str(tmp_path / "file")}
    program = "import sys; from mofsim.settings import load_settings; from mofsim.server.run import run; "
    program += "sys.exit(run(load_settings()))"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "data folder" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:8321", "[::1]:8321", "127.1.2.3", "LOCALHOST"])
async def test_names_of_this_machine_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[", "localhost.evil:80"])
async def test_other_names_are_refused_against_rebinding(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/health", headers={"Host": host})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["field"]) == (400, "UnknownHost", "Host")


async def test_pages_of_others_can_not_change_anything(client: httpx.AsyncClient) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9999"):
        answer = await client.post("/api/v1/tasks/1/cancel", headers={"Origin": origin})
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "ForeignOrigin")
    same = await client.post("/api/v1/tasks/1/cancel", headers={"Origin": "http://127.0.0.1"})
    assert same.status_code == 404


def test_pages_that_the_settings_name_may_call(
    make_settings: MakeSettings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    origin = "https://lab.example.org"
    with serve_with(make_settings({"server.cors_origins": [origin]})) as running:
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        preflight = httpx.options(f"{running.url}/api/v1/tasks/optimization", headers=asked)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
        refused = httpx.post(f"{running.url}/api/v1/tasks/1/cancel", headers=with_key | {"Origin": origin})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, origin)
        other = httpx.get(f"{running.url}/health", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
