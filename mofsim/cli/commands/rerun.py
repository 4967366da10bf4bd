"""`mofsim rerun`: an exported task once more, and its numbers beside the old ones."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mofsim.cli.app import FAILED, OK, App, command
from mofsim.cli.commands.watch import every, until_end
from mofsim.cli.comparing import MODEL, Difference, Number, differences, ends, numbers
from mofsim.cli.output import Column
from mofsim.client import NotFound
from mofsim.client.exported import FILES, Broken, Exported, read
from mofsim.client.exporting import value_text
from mofsim.schemas.tasks import Task, TaskResult
from mofsim.vocabulary import TaskStatus

_TOLERANCE = 1e-6
_SERIES = "series.csv"


@command()
@click.argument("folder", metavar="FOLDER", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--tolerance",
    default=_TOLERANCE,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="EV_PER_ATOM",
    help="Energies may differ by so much, in eV/atom.",
)
@click.option("--force", is_flag=True, help="Also with a model whose weights or settings are others.")
@every
@click.pass_obj
def rerun(app: App, folder: Path, tolerance: float, force: bool, every: float) -> int:
    """Compute an exported task again, and say what differs from then.

    The structure is uploaded if the server has not got it. Exit status 0 when the energies agree; 1 when they do not,
    when it did not complete, or when the folder is incomplete or was changed.

    With --json: {task_id, status, agrees, largest_difference_eV_per_atom, differences: [{name, old, new}], numbers:
    [{name, old, new, difference}]}.
    """
    old = _read(folder)
    _check_model(app, old, force)
    task = _submit(app, old)
    app.out.note(f"task {task.id} computes it again")
    task = until_end(app, task.id, every)
    if task.status is not TaskStatus.COMPLETED:
        said = f": {task.error.message}" if task.error else ""
        raise click.ClickException(f"task {task.id} ended {task.status}{said}; there is nothing to compare")
    return _compare(app, old, task, tolerance, force)


def _read(folder: Path) -> Exported:
    try:
        found = read(folder)
    except Broken as error:
        raise click.ClickException(f"{folder} is refused: {error}") from error
    if found.status != TaskStatus.COMPLETED:
        raise click.ClickException(f"the task in {folder} ended {found.status}; only a COMPLETED one can be compared")
    return found


def _check_model(app: App, old: Exported, force: bool) -> None:
    """Before anything is computed, as far as the server knows its model."""
    name, provenance = old.request["model"], old.provenance
    try:
        model = app.client.model(name)
    except NotFound as error:
        raise click.ClickException(f"{error}; the exported task was computed with it") from error
    then: dict[str, Any] = {name: provenance.get(name) for name in ("framework", "model_sha256", "dtype")}
    now: dict[str, Any] = {"framework": model.framework, "model_sha256": model.weights_sha256, "dtype": model.dtype}
    if model.weights_sha256 is None:
        # They can be elsewhere than the server; the result tells.
        del then["model_sha256"], now["model_sha256"]
    then["d3"], now["d3"] = bool(provenance.get("d3")), model.d3
    found = [Difference(name, then[name], now[name]) for name in then if then[name] != now[name]]
    _refuse_other_model(app, old, found, force)


def _refuse_other_model(app: App, old: Exported, found: Sequence[Difference], force: bool) -> None:
    if not found:
        return
    words = "; ".join(f"{each.name} was {value_text(each.old)}, is {value_text(each.new)}" for each in found)
    reason = f"model {old.request['model']} is another one here: {words}"
    if not force:
        raise click.ClickException(f"{reason}. Numbers of two models do not agree; --force computes them anyway")
    app.out.note(f"mofsim: {reason}")


def _submit(app: App, old: Exported) -> Task:
    """With the same structure, to the bit, and never from a result that is there."""
    checksum = old.structure["checksum"]
    known = [each for each in app.client.structures() if each.checksum == checksum]
    structure = known[0] if known else app.client.add_structure(old.structure_file, old.structure["name"], reuse=True)
    if structure.checksum != checksum:
        raise click.ClickException(
            f"this server reads {old.structure_file} differently (checksum {structure.checksum}, not {checksum}), so "
            "it would compute another structure"
        )
    request = old.request
    return app.client.submit(
        request["task_type"],
        structure.id,
        model=request["model"],
        preset=request["preset"],
        parameters=request["parameters"],
        priority=request.get("priority"),
        timeout_seconds=request.get("timeout_seconds"),
        max_attempts=request.get("max_attempts"),
    )


def _compare(app: App, old: Exported, task: Task, tolerance: float, force: bool) -> int:
    new = app.client.result(task.id)
    changed = differences(old.provenance, new.provenance)
    found = _numbers(app, old, new)
    energies = [each.off_per_atom(task.structure.n_atoms) for each in found if each.is_energy]
    largest = max(energies, default=None)
    agrees = largest is not None and largest <= tolerance
    if app.json:
        app.out.document(
            {
                "task_id": task.id,
                "status": task.status,
                "agrees": agrees,
                "largest_difference_eV_per_atom": largest if largest != float("inf") else None,
                "differences": [vars(each) for each in changed],
                "numbers": [{**vars(each), "difference": each.difference} for each in found],
            }
        )
    else:
        _say(app, changed, found)
        _say_verdict(app, largest, tolerance)
    _refuse_other_model(app, old, [each for each in changed if each.name in MODEL], force)
    return OK if agrees else FAILED


def _numbers(app: App, old: Exported, new: TaskResult) -> list[Number]:
    """Of the results; with the energies of the first and last step where both runs have their series."""
    series = old.folder / FILES / _SERIES
    if not series.is_file() or _SERIES not in new.output_files:
        return numbers(old.result, new.result)
    with tempfile.TemporaryDirectory(prefix="mofsim-rerun-") as temporary:
        path = app.client.download(new.task_id, _SERIES, temporary)
        return numbers({**old.result, **ends(series)}, {**new.result, **ends(path)})


def _say(app: App, changed: Sequence[Difference], found: Sequence[Number]) -> None:
    if changed:
        columns = [Column("WHAT DIFFERS"), Column("THEN"), Column("NOW")]
        app.out.table(columns, [[each.name, value_text(each.old), value_text(each.new)] for each in changed])
    else:
        app.out.line("versions, model, structure, parameters and device are the same")
    app.out.line()
    # Of long lists only what differs: the rest is in the result.
    shown = [each for each in found if "." not in each.name or each.old != each.new]
    columns = [Column("NUMBER"), *(Column(name, right=True) for name in ("THEN", "NOW", "DIFFERENCE"))]
    app.out.table(columns, [[each.name, *map(_digits, (each.old, each.new, each.difference))] for each in shown])
    app.out.line()


def _digits(value: float | None) -> str:
    return value_text(None) if value is None else f"{value:.10g}"


def _say_verdict(app: App, largest: float | None, tolerance: float) -> None:
    if largest is None:
        return app.out.line("there are no energies to compare")
    verdict = "agree" if largest <= tolerance else "do NOT agree"
    app.out.line(f"the energies {verdict}: they differ by at most {largest:.3g} eV/atom (tolerance {tolerance:g})")
