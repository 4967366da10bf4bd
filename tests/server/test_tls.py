"""HTTPS by the settings, and proxies that are believed and others that are not."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mofsim.client import Client, ServerUnreachable
from mofsim.server.run import run
from mofsim.settings import Settings

MakeSettings = Callable[..., Settings]
ServeWith = Callable[..., Any]


def certificate(folder: Path, name: str = "box.example.org", address: str = "127.0.0.1") -> dict[str, str]:
    """A self-signed certificate and its key, as the settings name them."""
    folder.mkdir(exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    names = f"subjectAltName=DNS:{name},IP:{address}"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}", "-addext", names]
    subprocess.run(command, check=True, capture_output=True)
    return {"server.tls_cert": str(cert), "server.tls_key": str(key)}


def test_it_speaks_https_to_clients_that_know_its_certificate(
    make_settings: MakeSettings, serve_with: ServeWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path / "tls")
    ours = files["server.tls_cert"]
    others = certificate(tmp_path / "others")["server.tls_cert"]
    settings = make_settings(files | {"server.host": "0.0.0.0", "security.allow_remote": True})
    with serve_with(settings) as running:
        assert running.url.startswith("https://127.0.0.1:")
        # Of this account, so that nothing need be said.
        with Client(running.url) as client:
            assert client.tasks().items == []
        with Client(running.url, ca_file=ours) as client:
            assert client.tasks().items == []
        with Client(running.url, ca_file=others) as client, pytest.raises(ServerUnreachable, match="--ca-file"):
            client.health()
        monkeypatch.setenv("MOFSIM_CA_FILE", others)
        with Client(running.url) as client, pytest.raises(ServerUnreachable, match="can not be trusted"):
            client.health()
        monkeypatch.setenv("MOFSIM_CA_FILE", ours)
        with Client(running.url) as client:
            assert client.health().status == "ok"
        with pytest.raises(httpx.TransportError):
            httpx.get(running.url.replace("https:", "http:") + "/health")
    assert not any("unencrypted" in line for line in running.log)


def test_its_own_account_knows_the_certificate_whatever_name_it_has_and_takes_no_other(
    make_settings: MakeSettings, serve_with: ServeWith, tmp_path: Path
) -> None:
    files = certificate(tmp_path / "tls", address="192.0.2.7")
    with serve_with(make_settings(files)) as running:
        with Client(running.url) as client:
            assert client.tasks().items == []
        # The file has another certificate since; the server still shows the first.
        certificate(tmp_path / "tls", address="192.0.2.7")
        with Client(running.url) as client, pytest.raises(ServerUnreachable, match="can not be trusted"):
            client.health()


def test_a_ca_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    for name, words in (("ca.pem", "must be a PEM file"), ("nothing.pem", "can not be read")):
        with pytest.raises(OSError, match=words):
            Client("https://127.0.0.1:1", ca_file=tmp_path / name).health()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("missing", ["server.tls_cert", "cert.pem can not be read: No such file"]),
        ("unreadable", ["server.tls_key", "key.pem can not be read: Is a directory"]),
        ("mismatch", ["server.tls_key", "is not the key of the certificate"]),
        ("garbage", ["server.tls_cert", "must be PEM files"]),
        ("encrypted", ["server.tls_key", "wants a password"]),
    ],
)
def test_files_that_can_not_be_used_are_told_before_anything_is_done(
    make_settings: MakeSettings, tmp_path: Path, capfd: pytest.CaptureFixture[str], trouble: str, words: list[str]
) -> None:
    files = certificate(tmp_path / "tls")
    cert, key = Path(files["server.tls_cert"]), Path(files["server.tls_key"])
    match trouble:
        case "missing":
            cert.unlink()
        case "unreadable":
            key.unlink()
            key.mkdir()
        case "mismatch":
            key.write_bytes(Path(certificate(tmp_path / "other")["server.tls_key"]).read_bytes())
        case "garbage":
            cert.write_text("not a certificate")
        case "encrypted":
            command = ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", str(key), "-out", str(key)]
            subprocess.run(command, check=True, capture_output=True)
    settings = make_settings(files)
    assert run(settings) == 1
    said = capfd.readouterr().err
    assert all(word in said for word in words) and "Traceback" not in said, said


def addresses(log: list[str]) -> list[str]:
    return [json.loads(line)["extra"]["address"] for line in log if '"message": "request"' in line]


def test_a_trusted_proxy_says_who_asks_and_calls_the_server_by_its_names(
    make_settings: MakeSettings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    settings = make_settings(
        {"server.trusted_proxies": ["127.0.0.1", "10.0.0.0/8"], "server.names": ["MOF.example.org"]}
    )
    with serve_with(settings) as running, httpx.Client(base_url=running.url) as client:
        for told in ("192.0.2.9", "198.51.100.1, 192.0.2.9", "198.51.100.1, 192.0.2.9, 10.1.2.3"):
            client.get("/api/v1/tasks", headers=with_key | {"X-Forwarded-For": told})
        headers = with_key | {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Host": "evil.example"}
        client.post("/api/v1/keys", headers=headers, json={"name": "bot"})
        (line,) = client.get("/api/v1/system/audit", headers=with_key).json()["data"]["items"]
        for host, status in (("mof.example.org", 200), ("mof.example.org:443", 200), ("other.example.org", 400)):
            assert client.get("/health", headers={"Host": host}).status_code == status
        page = with_key | {"Host": "mof.example.org", "Origin": "https://mof.example.org"}
        assert client.post("/api/v1/tasks/1/cancel", headers=page).status_code == 404
    assert addresses(running.log)[:4] == ["192.0.2.9"] * 4 and line["address"] == "192.0.2.9"


def test_anybody_else_can_not_say_who_asks_and_plain_http_for_others_is_warned_of(
    make_settings: MakeSettings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    settings = make_settings(
        {"server.trusted_proxies": ["10.0.0.0/8"], "server.host": "0.0.0.0", "security.allow_remote": True}
    )
    with serve_with(settings) as running, httpx.Client(base_url=running.url) as client:
        for headers in (with_key, {}):
            client.get("/api/v1/tasks", headers=headers | {"X-Forwarded-For": "10.1.2.3"})
    assert addresses(running.log) == ["127.0.0.1"] * 2
    assert any("unencrypted" in line for line in running.log)
