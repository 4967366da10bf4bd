"""Which commands there are. A command's module is imported when it runs, so that each starts fast."""

import difflib
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click
from click.shell_completion import CompletionItem

from mofsim.cli.app import add_global_options, add_version_option


class Place(NamedTuple):
    """Where a command is, and what the list of commands says about it."""

    module: str
    help: str
    #: name in the module, where that is not the command's own
    attribute: str = ""


SECTIONS: dict[str, dict[str, Place]] = {
    "Run mofsim": {
        "up": Place("up", "Run server and worker together, in the foreground."),
        "serve": Place("serve", "Run the server alone."),
        "worker": Place("worker", "Run this machine's worker alone; drain and resume workers."),
        "tui": Place("serve", "Open the console."),
        "demo": Place("demo", "Relax one structure from start to end, with nothing set up."),
        "doctor": Place("doctor", "Check that this machine has what mofsim needs."),
    },
    "Tasks": {
        "submit": Place("submit", "Submit a task."),
        "tasks": Place("tasks", "List tasks."),
        "show": Place("tasks", "Show a task."),
        "watch": Place("watch", "Follow a task until it ends."),
        "why": Place("tasks", "Why a task is where it is."),
        "result": Place("results", "Show a task's result."),
        "logs": Place("logs", "Show a task's log, or that of all processes."),
        "files": Place("results", "List or download a task's files."),
        "cancel": Place("steer", "Cancel tasks."),
        "retry": Place("steer", "Queue ended tasks again."),
        "undo": Place("steer", "Take a cancel back."),
        "hold": Place("steer", "Keep tasks from running."),
        "release": Place("steer", "Let held tasks run."),
        "detach": Place("steer", "Wait for no other task's structure."),
        "priority": Place("steer", "Change a waiting task's priority."),
        "rm": Place("steer", "Delete ended tasks with their files."),
        "batch": Place("batch", "Submit, follow and evaluate many tasks as one."),
        "benchmark": Place("benchmark", "Score models against references, in one command."),
        "benchmarks": Place("benchmarks", "List, follow, report and retry benchmarks."),
        "export": Place("export", "Save a task with all that is needed to run it again."),
        "rerun": Place("rerun", "Run an exported task again and compare."),
        "deliveries": Place("deliveries", "What a task's receiver was told."),
        "redeliver": Place("deliveries", "Tell it once more."),
    },
    "What there is": {
        "structures": Place("structures", "List, add, import, show and remove structures."),
        "models": Place("models", "List, show and load models; make their environments."),
        "gpus": Place("machines", "List GPUs."),
        "hosts": Place("machines", "List the machines: cores, load, memory."),
        "workers": Place("machines", "List workers."),
        "alerts": Place("alerts", "What needs a person, and the rules that say so."),
    },
    "Care": {
        "keys": Place("keys", "Make, list and revoke keys."),
        "audit": Place("keys", "Who changed what."),
        "db": Place("database", "Look after the database: upgrade, backup, restore."),
        "completion": Place("completion", "Print a shell's completion script."),
    },
}

PLACES = {name: place for section in SECTIONS.values() for name, place in section.items()}


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        add_global_options(self)
        add_version_option(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = PLACES.get(cmd_name)
        if place is None:
            return None
        module = import_module(f"mofsim.cli.commands.{place.module}")
        command: click.Command = getattr(module, place.attribute or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in PLACES and not args[0].startswith("-") and not ctx.resilient_parsing:
            _no_such_command(args[0], ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, places in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, place.help) for name, place in places.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        found = [name for name in PLACES if name.startswith(incomplete)]
        return [CompletionItem(name, help=PLACES[name].help) for name in found]


def _no_such_command(name: str, ctx: click.Context) -> NoReturn:
    near = difflib.get_close_matches(name, PLACES, n=3)
    guess = f"did you mean {' or '.join(near)}?" if near else "`mofsim --help` lists them"
    raise click.UsageError(f"there is no command {name!r}; {guess}", ctx)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def mofsim() -> None:
    """Simulations of metal-organic frameworks with machine-learned potentials.

    Exit status: 0 fine; 1 the task or check failed; 2 wrong use; 3 the server is not reachable.
    With --json, stdout holds exactly one JSON document, for an error {"error": {type, detail, field}};
    messages go to stderr.
    """
