"""`mofsim batch results`: a row for each task."""

from pathlib import Path
from typing import Any

import click

from mofsim.cli.app import App, command
from mofsim.cli.output import Column
from mofsim.schemas.batches import BatchRow

_COLUMNS = [
    Column("TASK", right=True),
    Column("STATUS"),
    Column("TYPE"),
    Column("STRUCTURE"),
    Column("ATOMS", right=True),
    Column("MODEL"),
    Column("PRESET"),
    Column("D3"),
    Column("DTYPE"),
    Column("CONVERGED"),
    Column("RESULT"),
]
#: what a line of a terminal has room for of each task type
_MAIN = {
    "single-point": ("energy_per_atom_eV",),
    "optimization": ("final_energy_eV", "volume_change_percent"),
    "stability": ("stable", "volume_drift_percent"),
    "bulk-modulus": ("bulk_modulus_GPa",),
    "heat-capacity": ("heat_capacity_J_per_gK",),
    "interaction-energy": ("interaction_energy_eV",),
}

batch_id = click.argument("id", type=click.IntRange(min=1), metavar="ID")


@command()
@batch_id
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Save all columns as CSV.")
@click.pass_obj
def results(app: App, id: int, file: Path | None) -> None:
    """Show the results of a batch, a row for each task; --csv and --json have all columns.

    With --json: a list of rows.
    """
    if file:
        path = app.client.save_batch_results(id, file)
        return app.out.document({"file": str(path)}) if app.json else app.out.note(f"saved {path}")
    found = app.client.batch_results(id)
    if app.json:
        return app.out.document(found)
    app.out.table(_COLUMNS, [_row(each) for each in found], empty=f"batch {id} has no tasks")


def _row(found: BatchRow) -> list[str]:
    values = found.model_dump()
    known = [name for name in _MAIN.get(found.task_type, ()) if values.get(name) is not None]
    shown = [f"{name} = {_value(values[name])}" for name in known]
    return [
        str(found.task_id),
        found.status,
        found.task_type,
        found.structure,
        str(found.n_atoms),
        found.model,
        found.preset,
        _yes(found.d3),
        found.dtype or "",
        _yes(found.converged),
        found.error_type or ", ".join(shown),
    ]


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _value(value: Any) -> str:
    return _yes(value) if isinstance(value, bool) else f"{value:.6f}"
