"""What each task of a benchmark answered, beside what the reference says."""

from collections.abc import Sequence
from typing import Any

from mofsim.benchmark import cells
from mofsim.benchmark.failures import judge
from mofsim.benchmark.formulas import metals
from mofsim.benchmark.names import is_relaxed, submitted
from mofsim.benchmark.references import References
from mofsim.benchmark.sampling import median
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Outcome, Reference
from mofsim.vocabulary import Quantity, TaskType, Verdict

#: what is compared with a reference, of the task types that have one
QUANTITIES = {
    TaskType.OPTIMIZATION: Quantity.VOLUME,
    TaskType.BULK_MODULUS: Quantity.BULK_MODULUS,
    TaskType.HEAT_CAPACITY: Quantity.HEAT_CAPACITY,
    TaskType.INTERACTION_ENERGY: Quantity.INTERACTION_ENERGY,
}
#: the main result of each task type that is scored, by its name in the row
VALUES = {
    TaskType.OPTIMIZATION: "final_volume_A3",
    TaskType.STABILITY: "volume_drift_percent",
    TaskType.BULK_MODULUS: "bulk_modulus_GPa",
    TaskType.HEAT_CAPACITY: "heat_capacity_J_per_gK",
    TaskType.INTERACTION_ENERGY: "interaction_energy_eV",
}
_FACTS = (
    *("rmsd_A", "rmsd_3n_A", "stable", "metals", "metals_with_changed_coordination", "coordination_by_metal"),
    *("fit_ok", "relaxed_volume_A3", "equilibrium_volume_A3", "imaginary_modes", "initial_volume_A3"),
)
#: Steps of these are force calls and little else; a search for places has more atoms than its structure.
_TIMED = frozenset(
    {TaskType.OPTIMIZATION, TaskType.STABILITY, TaskType.BULK_MODULUS, TaskType.HEAT_CAPACITY},
)


def is_scored(row: BatchRow) -> bool:
    return row.task_type in VALUES


def outcomes_of(rows: Sequence[BatchRow], column_of: dict[int, str], references: References) -> list[Outcome]:
    """In the order of column, task type, structure and guest, which is the order that intervals are drawn in."""
    labels = _labels(rows)
    found = [_outcome(row, column_of[row.task_id], labels[row.task_id], references) for row in rows if is_scored(row)]
    _answer_without_a_model(found)
    return sorted(found, key=place)


def place(outcome: Outcome) -> tuple[str, str, str, str]:
    return outcome.column, outcome.task_type, outcome.structure, outcome.guest or ""


def _labels(rows: Sequence[BatchRow]) -> dict[int, str]:
    """Structures of one name with different numbers of atoms, such as two cells of a MOF, are kept apart."""
    sizes: dict[str, set[int]] = {}
    for row in rows:
        sizes.setdefault(submitted(row.structure), set()).add(row.n_atoms)
    return {
        row.task_id: name if len(sizes[name]) == 1 else f"{name} ({row.n_atoms} atoms)"
        for row in rows
        for name in [submitted(row.structure)]
    }


def _outcome(row: BatchRow, column: str, label: str, references: References) -> Outcome:
    verdict, reason = judge(row)
    facts = row.model_dump()
    found = Outcome(
        column=column,
        task_type=row.task_type,
        structure=label,
        guest=guest_of(row),
        task_id=row.task_id,
        formula=row.formula,
        n_atoms=row.n_atoms,
        metals=metals(row.formula),
        status=row.status,
        verdict=verdict,
        reason=reason,
        converged=row.converged,
        value=facts.get(VALUES[row.task_type]),
        excluded=None,
        reference=None,
        reference_source=None,
        reference_missing=None,
        cells=None,
        scale=None,
        error=None,
        error_percent=None,
        baseline=None,
        input_volume_A3=None if is_relaxed(row.structure) else row.input_volume_A3 or facts.get("initial_volume_A3"),
        device=place_of(row),
        atom_steps_per_second=_speed(row),
        facts={name: facts[name] for name in _FACTS if facts.get(name) is not None},
    )
    _set_cells(found, row, references)
    if row.task_type in QUANTITIES and not found.reference_missing:
        _compare(found, references.for_task(row.structure, QUANTITIES[row.task_type], found.guest))
    return found


def guest_of(row: BatchRow) -> str | None:
    """In words, for an interaction energy."""
    if row.task_type is not TaskType.INTERACTION_ENERGY:
        return None
    p = row.parameters
    if p.get("guest_structure") is not None:
        return f"structure {p['guest_structure']}"
    # A guest that is in the structure needs no name: the structure says which it is.
    return None if p.get("guest_indices") else p.get("guest")


def place_of(row: BatchRow) -> str | None:
    """The device; a CPU is that of a machine, with so many threads."""
    if row.device != "cpu":
        return row.device
    threads = f", {row.threads} thread{'s' if row.threads != 1 else ''}" if row.threads else ""
    return f"cpu of {row.hostname or 'an unknown machine'}{threads}"


def _speed(row: BatchRow) -> float | None:
    seconds = row.seconds_per_step
    return row.n_atoms / seconds if seconds and row.task_type in _TIMED else None


def _set_cells(found: Outcome, row: BatchRow, references: References) -> None:
    """How the submitted cell relates to the reference's, where there is a reference volume and it matters."""
    volume = row.input_volume_A3 or found.facts.get("initial_volume_A3") or found.facts.get("relaxed_volume_A3")
    reference = references.for_task(row.structure, Quantity.VOLUME)
    if row.task_type not in (TaskType.OPTIMIZATION, TaskType.BULK_MODULUS) or reference is None:
        return
    if not volume:
        found.reference_missing = "the volume of the submitted cell is not known"
        return
    try:
        matched = cells.match(volume, row.n_atoms, reference)
    except cells.NoMatch as error:
        # A bulk modulus has no cell, but a cell that does not fit is that of another structure.
        found.reference_missing = str(error)
        return
    found.scale, found.cells = matched.scale, matched.words


def _compare(found: Outcome, reference: Reference | None) -> None:
    if reference is None:
        found.reference_missing = "no reference value"
        return
    found.reference, found.reference_source = reference.value, reference.source
    if found.value is None:
        if found.verdict is Verdict.ANSWERED:
            found.excluded = "the result has no value"
        return
    if found.task_type is TaskType.OPTIMIZATION:
        assert found.scale is not None
        found.value *= found.scale
    found.excluded = _excluded(found)
    found.error = found.value - reference.value
    found.error_percent = 100 * found.error / abs(reference.value) if reference.value else None


def _excluded(found: Outcome) -> str | None:
    """As the published benchmark does: a bulk modulus whose fit can not be trusted is no value."""
    if found.task_type is not TaskType.BULK_MODULUS or found.facts.get("fit_ok"):
        return None
    minimum, relaxed = found.facts.get("equilibrium_volume_A3"), found.facts.get("relaxed_volume_A3")
    if minimum and relaxed:
        return (
            f"the minimum of the fit is {100 * (minimum / relaxed - 1):+.1f} % from the relaxed volume, and must be "
            "within 1 % and inside the volumes that were computed"
        )
    return "no curve was fitted"


def _answer_without_a_model(found: Sequence[Outcome]) -> None:
    """What somebody answers who computes nothing: the cell as it came, the median of the other references, or zero."""
    references: dict[TaskType, dict[tuple[str, str | None], float]] = {}
    for each in found:
        if each.reference is not None:
            references.setdefault(each.task_type, {})[each.structure, each.guest] = each.reference
    for each in found:
        each.baseline = _baseline(each, references.get(each.task_type, {}))


def _baseline(outcome: Outcome, references: dict[Any, float]) -> float | None:
    match outcome.task_type:
        case TaskType.OPTIMIZATION:
            if outcome.input_volume_A3 is None or outcome.scale is None:
                return None
            return outcome.input_volume_A3 * outcome.scale
        case TaskType.STABILITY | TaskType.INTERACTION_ENERGY:
            return 0.0
    own = outcome.structure, outcome.guest
    others = [value for structure, value in references.items() if structure != own]
    return median(others) if others and own in references else None
