"""What all commands share: the global options, and what follows from them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mofsim.cli.output import Output

if TYPE_CHECKING:
    from mofsim.client import Client
    from mofsim.settings import Settings

OK, FAILED, WRONG_USE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass
class App:
    """The context object of a command."""

    settings_path: Path | None = None
    server: str | None = None
    key_file: Path | None = None
    ca_file: Path | None = None
    out: Output = field(default_factory=Output)

    @property
    def json(self) -> bool:
        return self.out.json

    @cached_property
    def settings(self) -> "Settings":
        from mofsim.settings import load_settings

        return load_settings(self.settings_path)

    def settings_for_processes(self, overrides: Mapping[str, Any]) -> "Settings":
        """The settings with `overrides` ("server.port": 9000; None: not given), which children will read too.

        They go into the environment, so that all processes of this command agree.
        """
        if self.settings_path is not None:
            os.environ["MOFSIM_SETTINGS"] = str(self.settings_path.absolute())
        for key, value in overrides.items():
            if value is not None:
                os.environ[f"MOFSIM_{key.upper().replace('.', '__')}"] = str(value)
        # They may have been read before.
        vars(self).pop("settings", None)
        return self.settings

    @property
    def server_url(self) -> str:
        """Raises UsageError for what is no URL, SettingsError."""
        from mofsim.client.address import server_url

        settings = self.settings_of_client
        try:
            return server_url(self.server, settings)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    @cached_property
    def client(self) -> "Client":
        from mofsim.client import Client

        return Client(self.server_url, api_key=self.key, ca_file=self.ca_file, settings=self.settings_of_client)

    @property
    def settings_of_client(self) -> "Settings | None":
        """Those that were asked for; None where the client can do without."""
        return self.settings if self.settings_path or not self.server else None

    @property
    def key(self) -> str | None:
        """That of --key-file; None: the client finds one, in MOFSIM_API_KEY or on this machine."""
        if self.key_file is None:
            return None
        try:
            key = self.key_file.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:
            key = ""
        if not key or len(key.split()) > 1:
            raise click.UsageError(f"{self.key_file} holds no key; `mofsim keys create NAME --file FILE` writes one")
        return key


def _into_app(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """A global option may stand before and after the command; the one that is given counts."""

    def store(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        app = ctx.ensure_object(App)
        if value:
            setattr(app, name, value)

    return store


def _set_json(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    app = ctx.ensure_object(App)
    app.out.json = app.out.json or value


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from mofsim import __version__

        out = ctx.ensure_object(App).out
        if out.json:
            out.document({"version": __version__})
        else:
            out.line(f"mofsim {__version__}")
        ctx.exit()


def add_global_options(command: click.Command) -> None:
    command.params += [
        click.Option(
            ["--settings"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Settings file to read.",
            expose_value=False,
            callback=_into_app("settings_path"),
        ),
        click.Option(
            ["--server"],
            metavar="URL",
            help="Server to talk to.",
            expose_value=False,
            callback=_into_app("server"),
        ),
        click.Option(
            ["--key-file"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File with the key to show (else MOFSIM_API_KEY, or this account's own).",
            expose_value=False,
            callback=_into_app("key_file"),
        ),
        click.Option(
            ["--ca-file"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Certificates to trust for HTTPS (else MOFSIM_CA_FILE).",
            expose_value=False,
            callback=_into_app("ca_file"),
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            is_eager=True,
            help="One JSON document on stdout, nothing else there.",
            expose_value=False,
            callback=_set_json,
        ),
    ]


def add_version_option(command: click.Command) -> None:
    command.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            help="Print the version.",
            expose_value=False,
            callback=_print_version,
        )
    )


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        add_global_options(self)


class CommandGroup(click.Group):
    """A command with commands below it; the global options may stand before and after these."""

    command_class = Command

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        add_global_options(self)


def command(name: str | None = None, **attributes: Any) -> Callable[[Callable[..., Any]], Command]:
    return click.command(name, cls=Command, **attributes)


#: One task, and several.
task_id = click.argument("id", type=click.IntRange(min=1), metavar="ID")
task_ids = click.argument("ids", type=click.IntRange(min=1), metavar="ID…", nargs=-1, required=True)
