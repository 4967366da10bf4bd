"""What a reader of a result must know before its numbers. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mofsim.vocabulary import Preset, TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task, TaskResult

#: A volume that changes by more is that of another phase, or of a framework that falls together.
DRIFT_PERCENT = 10.0
#: Below, images of the guest feel each other.
IMAGES_A = 10.0
#: A curve that explains less of the energies is none.
R_SQUARED = 0.99


def warnings(task: Task, found: TaskResult) -> list[str]:
    """Sentences, the gravest first."""
    result = found.result
    return [
        *_unfinished(task),
        *_convergence(task, result),
        *_modes(result),
        *_fit(task, result),
        *_volume(result),
        *_metals(result),
        *_guest(result),
        *_kind(task, found),
    ]


def _unfinished(task: Task) -> Iterator[str]:
    if task.status is not TaskStatus.COMPLETED:
        yield f"It did not complete ({task.status.lower()}): what stands here is what it had reached."
    if task.error:
        yield f"{task.error.type}: {task.error.message}"


def _convergence(task: Task, result: Mapping[str, Any]) -> Iterator[str]:
    goal = task.parameters.get("fmax_eV_per_A")
    limit = f" the goal of {goal:g} eV/Å" if goal else " its goal"
    if result.get("relaxation_converged") is False:
        yield f"The relaxation before it did not reach{limit}: the structure is not at its minimum."
    points = [point for point in result.get("points") or () if point.get("converged") is False]
    if points:
        yield f"{len(points)} of {len(result['points'])} volumes did not converge: their energies are too high."
    relaxation = result.get("relaxation")
    if isinstance(relaxation, Mapping) and relaxation.get("converged") is False:
        yield f"The relaxation of the cell did not reach{limit}: the volumes are not around its minimum."
    elif result.get("converged") is False and not points:
        yield f"Not converged: it did not reach{limit}. Take the numbers for what they are."


def _modes(result: Mapping[str, Any]) -> Iterator[str]:
    lowest = result.get("lowest_frequency_THz")
    at = f" (the lowest is {lowest:.2f} THz)" if lowest is not None else ""
    modes = result.get("imaginary_modes")
    if modes:
        what = "1 imaginary mode" if modes == 1 else f"{modes} imaginary modes"
        yield f"{what} at the zone centre{at}: the structure is no minimum, and Cv leaves them out."
    elif result.get("imaginary_percent_of_mesh"):
        part = result["imaginary_percent_of_mesh"]
        yield f"{part:.2g} % of the modes of the mesh are imaginary{at}, and Cv leaves them out."


def _fit(task: Task, result: Mapping[str, Any]) -> Iterator[str]:
    if task.task_type is not TaskType.BULK_MODULUS:
        return
    if "bulk_modulus_GPa" not in result:
        yield "No equation of state goes through the points: there is no bulk modulus."
    elif result.get("fit_ok") is False:
        yield (
            "The fit is not to be trusted: its minimum lies outside of the volumes that were computed, or more than "
            "1 % from the relaxed one."
        )
    if result.get("r_squared", 1.0) < R_SQUARED:
        yield f"The fit explains the energies badly (R² = {result['r_squared']:.4f})."


def _volume(result: Mapping[str, Any]) -> Iterator[str]:
    drift = result.get("volume_drift_percent")
    if result.get("stable") is False:
        yield f"Not stable: the volume drifted by {drift:+.1f} %, and {DRIFT_PERCENT:g} % is the limit."
    elif "stable" in result and result["stable"] is None:
        yield "The dynamics did not come to its end: nothing is said of its stability."
    changed = result.get("volume_change_percent")
    if changed is not None and abs(changed) > DRIFT_PERCENT:
        yield f"The volume changed by {changed:+.1f} %: look whether it still is the same framework."


def _metals(result: Mapping[str, Any]) -> Iterator[str]:
    changed = result.get("metals_with_changed_coordination")
    if changed:
        of = len(result.get("metal_coordination") or ())
        yield f"{changed} of {of} metals have another coordination than before."


def _guest(result: Mapping[str, Any]) -> Iterator[str]:
    if result.get("guest_intact") is False:
        yield "The guest lost or made bonds: this is the energy of a reaction, not of a guest."
    distance = result.get("guest_image_distance_A")
    if distance is not None and distance < IMAGES_A:
        image = result.get("guest_image_energy_eV")
        share = f", which adds {image:+.4f} eV" if image is not None else ""
        yield f"The guest's periodic images are {distance:.1f} Å from each other{share}."


def _kind(task: Task, found: TaskResult) -> Iterator[str]:
    if task.preset is Preset.QUICK and task.task_type is not TaskType.SINGLE_POINT:
        yield "Preset quick: loose limits for a first look, not to be compared with published numbers."
    if task.reused_from:
        yield f"Not computed again: it is the result of task {task.reused_from}."
    if found.files_removed_at:
        yield f"Its files were removed by their age at {found.files_removed_at.astimezone():%Y-%m-%d %H:%M}."
