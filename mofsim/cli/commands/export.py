"""`mofsim export`: a task as a folder, with all that is needed to run it again elsewhere."""

from pathlib import Path
from typing import Any

import click

from mofsim import __version__
from mofsim.cli import text
from mofsim.cli.app import App, command, task_id
from mofsim.cli.commands.results import download_all, value_text
from mofsim.cli.exported import FILES, FORMAT, RESULT, STRUCTURE, TASK, write_json, written
from mofsim.cli.output import plain
from mofsim.schemas.resources import Structure
from mofsim.schemas.tasks import Task, TaskResult
from mofsim.vocabulary import StructureFile, TaskStatus

_CIF = "structure.cif"
#: how a README says what was computed
_WORDS = {
    "single-point": "energy, forces and stress of the structure as it is",
    "optimization": "a relaxation of the structure to a minimum of its energy",
    "stability": "molecular dynamics, after a relaxation, that shows whether the structure holds when it is warm",
    "bulk-modulus": "energies at several volumes, and the bulk modulus from an equation of state through them",
    "heat-capacity": "the heat capacity from phonons of the relaxed structure",
    "interaction-energy": "the energy that a guest molecule gains in the structure",
}


@command()
@task_id
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def export(app: App, id: int, folder: Path | None) -> None:
    """Save an ended task in the folder DIR (./mofsim-task-ID), with all that is needed to run it again.

    That is its request, provenance and attempts (task.json), its result (result.json), the structure it started from
    (CIF, and the extXYZ that was computed with), all output files, a README.md and checksums. `mofsim rerun DIR`
    computes it again and compares.

    With --json: {folder, files}.
    """
    target = folder or Path(f"mofsim-task-{id}")
    task, result = app.client.task(id), app.client.result(id)
    structure = app.client.structure(task.structure.id)
    if structure.checksum != result.provenance.get("structure_sha256", structure.checksum):
        raise click.ClickException(
            f"structure {structure.id} ({structure.name}) is another one now than when task {id} was computed, so its "
            "export could not be run again"
        )
    with written(target) as partial:
        _write(app, partial, task, result, structure)
    names = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    if app.json:
        return app.out.document({"folder": str(target), "files": names})
    if result.files_removed_at:
        app.out.note(f"its output files were removed by their age at {text.clock(result.files_removed_at)}")
    app.out.line(f"task {id} is in {target}/ ({len(names)} files); `mofsim rerun {target}` computes it again")


def _write(app: App, folder: Path, task: Task, result: TaskResult, structure: Structure) -> None:
    app.client.structure_file(structure.id, folder / STRUCTURE, StructureFile.NORMALISED)
    app.client.structure_file(structure.id, folder / _CIF, StructureFile.CIF)
    saved = [] if result.files_removed_at else list(download_all(app, task.id, folder / FILES))
    request = {
        "task_type": task.task_type,
        "model": task.model,
        "preset": task.preset,
        "parameters": task.parameters,
        "priority": task.priority.name,
        "timeout_seconds": task.timeout_seconds,
        "max_attempts": task.max_attempts,
    }
    about = {"format": FORMAT, "exported_with": f"mofsim {__version__}", "request": request}
    about |= {"structure": plain(structure), "provenance": result.provenance, "task": plain(task)}
    write_json(folder / TASK, about | {"attempts": plain(app.client.attempts(task.id))})
    found = {"format": FORMAT, "status": task.status, "result": result.result, "metrics": result.metrics}
    write_json(folder / RESULT, found | {"output_files": saved})
    (folder / "README.md").write_text(_readme(task, result, saved), encoding="utf-8")


def _readme(task: Task, result: TaskResult, saved: list[str]) -> str:
    provenance, structure = result.provenance, task.structure
    versions = {"mofsim": provenance.get("mofsim"), **provenance.get("versions", {})}
    lines = [
        f"# {task.task_type} of {structure.name} with {task.model}",
        "",
        f"Task {task.id} of a mofsim server: {_WORDS.get(task.task_type, task.task_type)}. The structure is "
        f"{structure.name}, {structure.formula} ({structure.n_atoms} atoms); the potential is {task.model}"
        f"{_dispersion(provenance)}. {_ended(task)}",
        "",
        *_warnings(task, result),
        "## How it was computed",
        "",
        *_items({"preset": task.preset, **task.parameters}),
        *_items({name: provenance.get(name) for name in ("dtype", "device", "threads", "platform", "model_sha256")}),
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items() if version) + ".",
        "",
        "## What came out",
        "",
        *_items({name: _exact(value) for name, value in result.result.items() if not isinstance(value, list | dict)}),
        "",
        "## What is here",
        "",
        f"* `{STRUCTURE}`: the structure it started from, with every bit of its numbers; `{_CIF}`: the same, rounded",
        f"* `{TASK}`: the request with all parameters, the provenance, the attempts",
        f"* `{RESULT}`: the whole result and how long it took",
        *[f"* `{FILES}/{name}`" for name in saved],
        "* `SHA256SUMS`: `sha256sum -c SHA256SUMS` says whether anything was changed",
        "",
        "## To run it again",
        "",
        "With the versions above installed and a mofsim running (`mofsim up`), in the folder above this one:",
        "",
        "    mofsim rerun FOLDER",
        "",
        "It refuses a model with other weights, says which versions differ, and prints old against new numbers.",
    ]
    return "\n".join(lines) + "\n"


def _dispersion(provenance: dict[str, Any]) -> str:
    d3 = provenance.get("d3")
    return f", with D3 dispersion ({value_text(d3)})" if d3 else ", without added dispersion"


def _ended(task: Task) -> str:
    when = f"{task.completed_at:%Y-%m-%d %H:%M} UTC" if task.completed_at else "a time that is not known"
    return f"It ended {task.status} at {when}" + (f": {task.error.message}." if task.error else ".")


def _warnings(task: Task, result: TaskResult) -> list[str]:
    """What a reader of the numbers must know first."""
    found = []
    if task.preset == "quick":
        found.append("**The preset `quick` is for a first look: its numbers do not belong beside published ones.**")
    if task.status is not TaskStatus.COMPLETED:
        found.append("**It did not complete: what stands here is what it reached.**")
    if False in (result.result.get("converged"), result.result.get("relaxation_converged")):
        found.append("**It did not converge: take its numbers for what they are.**")
    return [line for warning in found for line in (warning, "")]


def _exact(value: Any) -> Any:
    """A number to compare with needs all of its digits."""
    return repr(value) if isinstance(value, float) else value


def _items(values: dict[str, Any]) -> list[str]:
    return [f"* {name}: {value_text(value)}" for name, value in values.items() if value is not None]
