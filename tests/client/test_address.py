from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.client.address import server_url


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_without_a_url_the_settings_say_where_the_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOFSIM_SERVER__PORT", "9123")
    assert Client().url == "http://127.0.0.1:9123"


def test_a_url_may_be_given_without_its_scheme() -> None:
    assert server_url("box:8321/") == "http://box:8321"


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ValueError, match="ftp://box"):
        server_url("ftp://box")
