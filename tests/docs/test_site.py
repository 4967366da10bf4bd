"""The documentation can be built, its links lead somewhere, and its tables are those of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", "mkdocs.yml", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("tasks", ["npt_steps", "50000", "max_candidates", "symprec_A"]),
        ("settings", ["lease_seconds", "load_timeout_seconds", "max_atoms"]),
        ("command-line", ["mofsim batch submit", "--dry-run", "Exit status"]),
        ("console", ["everywhere", "In the list"]),
        ("client", ["Client", "on_progress", "ServerUnreachable"]),
        ("api", ["/api/v1/tasks/{id}/series", "/api/v1/system/logs"]),
    ],
)
def test_tables_are_made_from_the_code(site: Path, page: str, words: list[str]) -> None:
    text = (site / page / "index.html").read_text()
    assert not re.search(r"\[\[\w+( [\w-]+)?\]\]", text), "a table was not made"
    for word in words:
        assert word.lower() in text.lower(), word


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert not fetched, page
