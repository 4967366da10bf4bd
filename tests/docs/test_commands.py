"""Each `mofsim …` in the documentation is a command line that there is."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mofsim.cli.group import mofsim

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

#: A line of a code block: whatever variables stand before the command, and the command up to a comment.
_LINE = re.compile(r"^(?:\w+=\S* )*mofsim +(?!=)(.*?) *(?:#.*)?$")
#: A command within the text.
_INLINE = re.compile(r"`(?:\w+=\S* )*mofsim ([^`]+)`")
#: What stands for a value in the text: `mofsim show ID`.
_VALUE = re.compile(r"\b[A-Z]+\b")


def blocks(page: str) -> Iterator[str]:
    """The lines of the code blocks, fenced or indented."""
    is_fenced = False
    for line in page.splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    "):
            yield line.strip()


def lines() -> list[str]:
    found = [match[1] for path in PAGES for line in blocks(path.read_text("utf-8")) if (match := _LINE.match(line))]
    return list(dict.fromkeys(found))


def mentions() -> list[str]:
    found = [match[1] for path in PAGES for match in _INLINE.finditer(path.read_text("utf-8").replace("\n", " "))]
    return list(dict.fromkeys(found))


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a command line as click does, values and callbacks too, and run nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("of the examples")
    # The other files that the examples name need not be here.
    monkeypatch.setattr(click.Path, "convert", lambda self, value, *_: Path(value))
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)
    return lambda words: mofsim.main(words, standalone_mode=False)


@pytest.mark.parametrize("line", lines())
def test_an_example_is_a_valid_command_line(parse: Any, line: str) -> None:
    parse(shlex.split(line))


@pytest.mark.parametrize("mention", mentions())
def test_a_command_in_the_text_is_there_with_its_options(parse: Any, mention: str) -> None:
    # "…" after a space is any command; after a value, more of its kind.
    words = shlex.split(_VALUE.sub("1", re.sub(r" …", " tasks", mention)).translate(str.maketrans("", "", "…[]")))
    try:
        parse(words)
    except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
        """Text may leave out what an example may not."""


def test_there_are_examples_and_a_wrong_one_is_found(parse: Any) -> None:
    assert len(lines()) > 50 and len(mentions()) > 20
    for wrong in ("tasks --stats RUNNING", "cancle 3", "show MOF-5", "batch submit --structures MOF-5", "why 3 4"):
        with pytest.raises(click.ClickException):
            parse(shlex.split(wrong))
