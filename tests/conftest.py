"""A server to test against: its own data folder and port, in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from mofsim.client.local import key_in
from mofsim.db.copy import copy
from mofsim.server.app import prepare
from mofsim.settings import Settings, load_settings
from tests import engines

SERVE = "import sys; from mofsim.settings import load_settings; from mofsim.server.run import run; "
SERVE += "sys.exit(run(load_settings()))"
READY = "mofsim serves at"

#: Folders whose files take longest. Begun first, none of them is left to run alone at the end.
LONGEST = ("worker", "torture", "simulations")

MakeSettings = Callable[..., Settings]
Headers = dict[str, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "what has the rows of the servers that tests start; those of the core are tested on both anyway"
    parser.addoption("--rows", choices=("sqlite", "postgresql"), default="sqlite", help=help)


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs the tests has settings, a data folder and a console that remembers: none of it is theirs."""
    for name in [name for name in os.environ if name.startswith("MOFSIM_")]:
        del os.environ[name]
    engines.chosen = config.getoption("--rows")
    home = tempfile.TemporaryDirectory(prefix="mofsim-tests-home-")
    config.add_cleanup(home.cleanup)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[name] = str(Path(home.name) / name.lower())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if engines.chosen != "sqlite":
        for item in items:
            if item.get_closest_marker("files"):
                item.add_marker(pytest.mark.skip("is of rows in a file"))
    items.sort(key=lambda item: LONGEST.index(item.path.parent.name) if item.path.parent.name in LONGEST else 9)


@dataclass
class ServerProcess:
    url: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    def wait_until_ready(self, seconds: float) -> None:
        ready = threading.Event()
        threading.Thread(target=self._read_log, args=(ready,), daemon=True).start()
        assert ready.wait(seconds) and self.process.poll() is None, "\n".join(self.log)

    def _read_log(self, ready: threading.Event) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if line.startswith(READY):
                ready.set()
        ready.set()

    def stop(self, seconds: float = 10) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


ServeWith = Callable[[Settings], AbstractContextManager[ServerProcess]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers leave notes for the commands of their account; those of tests are nobody else's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@dataclass(frozen=True)
class Prepared:
    """A data folder with database and built-in structures, to be copied: making one takes seconds."""

    folder: Path
    #: of the database, where its rows are not in the folder
    url: URL | None = None

    @contextmanager
    def copied(self, folder: Path, *, on_postgresql: bool = False) -> Iterator[dict[str, str]]:
        """Make `folder`/data like it; the environment that a server wants for it."""
        data = folder / "data"
        shutil.copytree(self.folder, data, dirs_exist_ok=True)
        url = engines.new_postgresql(self.url.database) if self.url else None
        if url is None and on_postgresql:
            url = engines.new_postgresql()
            settings = load_settings(env={}, cwd=folder, overrides={"storage.root": str(data)})
            copy(settings, url.render_as_string(hide_password=False))
        yield engines.rows_at(url)
        if url:
            engines.drop_postgresql(url)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder, url = tmp_path_factory.mktemp("prepared"), engines.new_rows()
    prepare(load_settings(env=engines.rows_at(url), cwd=folder, overrides={"storage.root": str(folder)}))
    return Prepared(folder, url)


@pytest.fixture(scope="session")
def with_key(prepared: Prepared) -> Headers:
    """For requests that go past the clients: the key of all servers here, whose data folders begin as that copy."""
    return {"Authorization": f"Bearer {key_in(prepared.folder)}"}


@pytest.fixture
def make_settings(tmp_path: Path, prepared: Prepared) -> Iterator[MakeSettings]:
    """Settings of a new server, with a data folder and a port of its own: make_settings({"storage.max_atoms": 9})."""
    with prepared.copied(tmp_path) as rows:
        # In the file, which is all that the processes of some tests are given.
        kept = {name.removeprefix("MOFSIM_").lower().replace("__", "."): value for name, value in rows.items()}

        def make(changes: dict[str, Any] | None = None) -> Settings:
            root = tmp_path / "data"
            values = {"storage.root": str(root), "server.port": free_port(), **kept, **(changes or {})}
            lines = [
                f"{key} = {value!r}".replace("True", "true").replace("False", "false") for key, value in values.items()
            ]
            (tmp_path / "settings.toml").write_text("\n".join(lines))
            return load_settings(tmp_path / "settings.toml", env={}, cwd=tmp_path)

        yield make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture
def serve_with(tmp_path: Path) -> ServeWith:
    """Run a server with these settings for the length of a `with`; it must end well."""

    @contextmanager
    def serve(settings: Settings) -> Iterator[ServerProcess]:
        environment = os.environ | {"MOFSIM_SETTINGS": str(settings.file)}
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        server = ServerProcess(settings.server_url, process)
        try:
            server.wait_until_ready(60)
            yield server
            assert process.poll() is not None or server.stop() == 0
            assert not any("Traceback" in line for line in server.log), "".join(server.log)
        finally:
            process.kill()
            process.wait()

    return serve


@pytest.fixture
def server(settings: Settings, serve_with: ServeWith) -> Iterator[str]:
    """The URL of a running server."""
    with serve_with(settings) as running:
        yield running.url
