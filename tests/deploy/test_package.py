"""What is installed from a wheel, and what one can build and test from a source archive."""

import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from mofsim import __version__

ROOT = Path(__file__).parents[2]
INFO = f"mofsim-{__version__}.dist-info"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, made by the build backend of this environment, which fetches nothing."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(built / f"mofsim-{__version__}-py3-none-any.whl")


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(f"{INFO}/METADATA").decode())


def package_files() -> set[str]:
    """All that lies in the package, but what Python leaves there."""
    files = (path for path in (ROOT / "mofsim").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if not name.startswith(f"{INFO}/")}
    assert names == package_files()
    # Types, looks of the console and the template of migrations are no modules.
    assert {"mofsim/py.typed", "mofsim/tui/mofsim.tcss", "mofsim/db/migrations/script.py.mako"} <= names
    assert wheel.read(f"{INFO}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_has_a_command_and_says_what_it_is(wheel: zipfile.ZipFile, metadata: Message) -> None:
    assert "mofsim = mofsim.cli:main" in wheel.read(f"{INFO}/entry_points.txt").decode().splitlines()
    assert (metadata["Version"], metadata["License-Expression"]) == (__version__, "MIT")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_an_installation_without_extras_has_no_torch(metadata: Message) -> None:
    """Servers, consoles and notebooks do without the gigabyte that only workers need."""
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("textual") for line in needed)
    heavy = ("torch", "sevenn", "dftd3", "phonopy", "spglib", "asyncpg", "psycopg", "redis", "pytest")
    assert not [line for line in needed if line.startswith(heavy)]
    assert {"worker", "postgresql", "redis", "alerts"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_source_archive_can_be_tested_and_documented(built: Path) -> None:
    with tarfile.open(built / f"mofsim-{__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert package_files() <= names
    for needed in ("tests/conftest.py", "benchmarks/overhead.py", "docs/index.md", "mkdocs.yml", "deploy/compose.yaml"):
        assert needed in names, needed
    assert {"pyproject.toml", "constraints.txt", "settings.toml", "scripts/test", "CHANGELOG.md", "LICENSE"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", ".git/"))]
