"""Keys and the audit on the command line."""

import os
import stat
from pathlib import Path

import pytest

from mofsim.client import Client
from tests.cli.conftest import Mofsim
from tests.client.running import Server


def test_a_key_is_made_listed_used_and_revoked(own_server: Server, own_mofsim: Mofsim, tmp_path: Path) -> None:
    made = own_mofsim("keys", "create", "bot", "--scope", "SUBMIT", "--expires", "90d")
    token = made.stdout.strip()
    assert token.startswith("mofsim_2_") and "shown this once" in made.stderr and token not in made.stderr
    (tmp_path / "key").write_text(f"{token}\n")
    using = ("--key-file", tmp_path / "key")
    assert own_mofsim(*using, "submit", "single-point", "--structure", "MOF-5").status == 0
    refused = own_mofsim(*using, "keys", "list")
    assert refused.status == 1 and "scope admin" in refused.stderr and "Authorization:" not in refused.stderr
    listed = own_mofsim("keys", "list")
    assert token not in listed.stdout
    assert [line.split()[:4] for line in listed.stdout.splitlines()[1:]] == [
        ["2", "bot", "submit", "valid"],
        ["1", "local", "admin", "valid"],
    ]
    assert own_mofsim("keys", "revoke", 2).stdout == "key 2 (bot) is revoked\n"
    assert own_mofsim(*using, "tasks").status == 1
    assert own_mofsim("--json", "keys", "list").document[0]["is_valid"] is False
    assert own_mofsim("keys", "revoke", 77).status == 1


def test_a_key_can_go_to_a_file_that_nobody_else_reads(own_mofsim: Mofsim, tmp_path: Path) -> None:
    file = tmp_path / "key"
    before = os.umask(0)
    try:
        made = own_mofsim("--json", "keys", "create", "bot", "--file", file)
    finally:
        os.umask(before)
    assert made.document["token"] is None and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert own_mofsim("--key-file", file, "tasks").status == 0
    again = own_mofsim("keys", "create", "other", "--file", file)
    assert again.status == 1 and "exists" in again.stderr
    taken = own_mofsim("keys", "create", "bot", "--file", tmp_path / "new")
    assert taken.status == 1 and not (tmp_path / "new").exists()
    assert len(own_mofsim("--json", "keys", "list").document) == 2


@pytest.mark.files
def test_without_a_server_keys_are_made_in_the_data_folder(
    own_server: Server, command: Mofsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.stop()
    monkeypatch.setenv("MOFSIM_STORAGE__ROOT", str(own_server.data))
    token = command("keys", "create", "first", "--scope", "admin", "--offline").stdout.strip()
    listed = command("--json", "keys", "list", "--offline").document
    assert [(key["name"], key["scope"]) for key in listed] == [("first", "admin"), ("local", "admin")]
    assert command("keys", "create", "first", "--offline").status == 1
    assert command("keys", "create", "a\x1bb", "--offline").status == 2
    own_server.start()
    with Client(own_server.url, api_key=token) as client:
        assert [key.name for key in client.api_keys()] == ["first", "local"]
        assert command("keys", "revoke", 2, "--offline").stdout == "key 2 (first) is revoked\n"
        assert command("keys", "revoke", 9, "--offline").status == 1
    said = command("--server", own_server.url, "--json", "audit").document["items"]
    assert [(line["route"], line["subject"]) for line in said] == [
        ("mofsim keys revoke", "keys/2"),
        ("mofsim keys create", "keys/2"),
    ]


def test_the_audit_says_who_changed_what(own_mofsim: Mofsim) -> None:
    own_mofsim("submit", "single-point", "--structure", "MOF-5")
    own_mofsim("cancel", 1)
    said = own_mofsim("audit").stdout.splitlines()
    assert len(said) == 3 and "local (1)" in said[1] and "POST /tasks/{id}/cancel" in said[1]
    page = own_mofsim("--json", "audit", "--limit", 1).document
    assert page["total"] == 2 and page["items"][0]["subject"] == "tasks/1"
    rest = own_mofsim("--json", "audit", "--cursor", page["next_cursor"]).document
    assert [line["route"] for line in rest["items"]] == ["/api/v1/tasks/single-point"]
    assert own_mofsim("--json", "audit", "--key", 99).document["items"] == []
    assert own_mofsim("--json", "audit", "--about", "tasks/99").document["items"] == []


@pytest.mark.parametrize("expires", ["soon", "1y", "2026-13-01", "9999999d"])
def test_an_odd_end_is_refused(command: Mofsim, expires: str) -> None:
    refused = command("keys", "create", "bot", "--expires", expires)
    assert refused.status == 2 and "write e.g. 90d" in refused.stderr


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff"], ids=["empty", "blank", "words", "bytes"])
def test_a_key_file_without_a_key_is_refused(command: Mofsim, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    refused = command("--key-file", tmp_path / "key", "tasks")
    assert refused.status == 2 and "holds no key" in refused.stderr


def test_a_wrong_key_of_the_environment_is_told(mofsim: Mofsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOFSIM_API_KEY", "mofsim_1_" + "0" * 64)
    refused = mofsim("--json", "tasks")
    assert (refused.status, refused.document["error"]["type"]) == (1, "WrongKey")
    assert mofsim("doctor").stdout.count("database ok") == 1
