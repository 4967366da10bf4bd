"""What a command says: results on stdout, messages on stderr, with --json one document and nothing else."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mofsim.cli.text import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {
    "COMPLETED": "green",
    "FAILED": "red",
    "TIMEOUT": "red",
    "CANCELLED": "dim",
    "PENDING": "dim",
    "QUEUED": "yellow",
    "ASSIGNED": "cyan",
    "RUNNING": "cyan",
    "LOST": "red",
    "STOPPED": "dim",
    "BUSY": "cyan",
    "PAUSED": "red",
    "DRAINING": "yellow",
    "DRAINED": "dim",
    "DELIVERED": "green",
    "GIVEN_UP": "red",
    "CRITICAL": "red",
    "ERROR": "red",
    "WARNING": "yellow",
    "missing": "red",
    "note": "yellow",
    "fail": "red",
    "warn": "yellow",
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    right: bool = False


@dataclass
class Output:
    json: bool = False
    #: the one JSON document was written
    documented: bool = False

    def document(self, value: Any) -> None:
        """The one JSON document, on one line."""
        assert not self.documented
        self.documented = True
        click.echo(json.dumps(plain(value), ensure_ascii=False))

    def line(self, text: str = "") -> None:
        click.echo(text)

    def note(self, text: str) -> None:
        click.echo(text, err=True)

    def fields(self, pairs: Mapping[str, str]) -> None:
        """One value a line, aligned."""
        width = max(map(len, pairs), default=0)
        for name, value in pairs.items():
            click.echo(f"{name:<{width}}  {value or UNKNOWN}")

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], empty: str = "") -> None:
        """`empty` is said when there is no row."""
        if not rows and empty:
            self.note(empty)
        elif sys.stdout.isatty():
            self._rich_table(columns, rows)
        else:
            self._plain_table(columns, rows)

    def _rich_table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.name, justify="right" if column.right else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(Text(cell or UNKNOWN, style=_STYLES.get(cell, "")) for cell in row))
        console().print(table)

    def _plain_table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        lines = [[column.name for column in columns], *([cell or UNKNOWN for cell in row] for row in rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        for line in lines:
            cells = [
                cell.rjust(width) if column.right else cell.ljust(width)
                for cell, width, column in zip(line, widths, columns, strict=True)
            ]
            click.echo("  ".join(cells).rstrip())


def console(stderr: bool = False) -> "Console":
    """rich's console, without colours where NO_COLOR is set."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)


def plain(value: Any) -> Any:
    """Wire models and containers of them as what JSON knows."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
