"""What came out of a task that has ended, in the few lines that a panel has for it. Knows neither Textual nor HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from mofsim.tui import figures, format
from mofsim.tui.result_warnings import warnings
from mofsim.tui.result_words import EV_IN_KJ_PER_MOL
from mofsim.vocabulary import TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task, TaskResult

#: What a result of each type is asked for first, in the words of a sentence.
KEY_RESULTS: Final[Mapping[TaskType, Mapping[str, str]]] = {
    TaskType.SINGLE_POINT: {"energy_eV": "energy", "energy_per_atom_eV": "per atom", "fmax_eV_per_A": "fmax"},
    TaskType.OPTIMIZATION: {
        "final_energy_eV": "energy",
        "volume_change_percent": "volume",
        "final_fmax_eV_per_A": "fmax",
        "rmsd_A": "RMSD",
    },
    TaskType.STABILITY: {
        "stable": "stable",
        "volume_drift_percent": "volume drift",
        "mean_temperature_K": "mean temperature",
    },
    TaskType.BULK_MODULUS: {
        "bulk_modulus_GPa": "B0",
        "bulk_modulus_derivative": "B'",
        "equilibrium_volume_A3": "V0",
        "r_squared": "R²",
    },
    TaskType.HEAT_CAPACITY: {"heat_capacity_J_per_gK": "Cv at 300 K", "lowest_frequency_THz": "lowest frequency"},
    TaskType.INTERACTION_ENERGY: {
        "interaction_energy_eV": "interaction energy",
        "adsorption_energy_eV": "adsorption energy",
    },
}
#: What can be done about an error that a person can do something about, by its type.
REMEDIES: Final[Mapping[str, str]] = {
    "OutOfMemory": "a larger GPU, a smaller cell or another model; d opens the form with its values",
    "SimulationExploded": "enter shows where it went wrong; d begins anew with other values",
    "TimeLimit": "r goes on from its newest checkpoint",
    "InvalidInput": "d changes what was asked for",
    "ModelLoadFailed": "key 6 says what the model lacks",
    "MissingPackage": "`mofsim doctor` says what is to be installed",
    "DiskFull": "make room on the disk, then r",
    "DeviceFault": "key 3 shows the device; r tries it again",
    "AttemptsExhausted": "l shows what ended its attempts; r gives it new ones",
}


def result_lines(task: Task, found: TaskResult) -> Iterator[str]:
    """Of a completed task: how long it took and the key results, then what spoils them."""
    told = warnings(task, found)
    yield f"{_took(task)}{f'; {len(told)} to note' if told else ''}"
    named = KEY_RESULTS.get(task.task_type, {})
    words = [_told(name, label, found.result) for name, label in named.items() if found.result.get(name) is not None]
    if words:
        yield ", ".join(words)
    yield from told


def error_lines(task: Task) -> Iterator[str]:
    """Of one that failed or ran out of time."""
    if task.error:
        yield f"{task.error.type}: {task.error.message}" if task.error.message else task.error.type
    elif task.status is TaskStatus.TIMEOUT:
        yield "It ran into its time limit."
    else:
        yield "It failed, and nothing says why."
    yield f"{_ended(task)}{_reached(task)}"
    error = task.error.type if task.error else "TimeLimit" if task.status is TaskStatus.TIMEOUT else ""
    yield REMEDIES.get(error) or "l shows its log; r tries it again"


def _told(name: str, label: str, result: Mapping[str, Any]) -> str:
    value = result[name]
    match name:
        case "volume_change_percent" | "volume_drift_percent":
            return f"{label} {value:+.2f} %"
        case "stable":
            return "stable" if value else "not stable"
        case "interaction_energy_eV":
            in_kJ = result.get("interaction_energy_kJ_per_mol", value * EV_IN_KJ_PER_MOL)
            return f"{label} {figures.named(name, value)} ({in_kJ:.2f} kJ/mol)"
    return f"{label} {figures.named(name, value)}"


def _took(task: Task) -> str:
    if task.reused_from is not None:
        return f"Not computed: the result of task {task.reused_from}"
    seconds = _seconds(task)
    return f"Done in {format.clock(seconds)}" if seconds is not None else "Done"


def _ended(task: Task) -> str:
    seconds = _seconds(task)
    tries = f", attempt {task.attempt} of {task.max_attempts}" if task.attempt > 1 else ""
    return f"after {format.clock(seconds)}{tries}" if seconds is not None else f"before it began{tries}"


def _reached(task: Task) -> str:
    step, fmax = task.progress.step, task.progress.fmax_eV_per_A
    if not step:
        return ""
    return f", at step {step}" + (f" with fmax {format.number(fmax)} eV/Å" if fmax is not None else "")


def _seconds(task: Task) -> float | None:
    if task.started_at is None or task.completed_at is None:
        return None
    return (task.completed_at - task.started_at).total_seconds()
