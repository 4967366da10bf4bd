"""What is written into the folder of an exported task, besides the files that come from the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mofsim import __version__
from mofsim.client.exported import FILES, FORMAT, RESULT, STRUCTURE, TASK, write_json
from mofsim.schemas.resources import Structure
from mofsim.schemas.tasks import Attempt, Task, TaskResult
from mofsim.vocabulary import TaskStatus

CIF = "structure.cif"
#: stands for what is not known; never 0
UNKNOWN = "–"
#: how a README says what was computed
_WORDS = {
    "single-point": "energy, forces and stress of the structure as it is",
    "optimization": "a relaxation of the structure to a minimum of its energy",
    "stability": "molecular dynamics, after a relaxation, that shows whether the structure holds when it is warm",
    "bulk-modulus": "energies at several volumes, and the bulk modulus from an equation of state through them",
    "heat-capacity": "the heat capacity from phonons of the relaxed structure",
    "interaction-energy": "the energy that a guest molecule gains in the structure",
}


@dataclass(frozen=True)
class Export:
    """A task with what the server tells of it."""

    task: Task
    result: TaskResult
    attempts: Sequence[Attempt]

    def write(self, folder: Path, structure: Structure, saved: Sequence[str]) -> None:
        """The request, the result and a README; `saved` are the names of its output files, which are there already."""
        task, result = self.task, self.result
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
        about |= {"structure": structure.model_dump(mode="json"), "provenance": result.provenance}
        about |= {"task": task.model_dump(mode="json")}
        write_json(folder / TASK, about | {"attempts": [each.model_dump(mode="json") for each in self.attempts]})
        found = {"format": FORMAT, "status": task.status, "result": result.result, "metrics": result.metrics}
        write_json(folder / RESULT, found | {"output_files": list(saved)})
        (folder / "README.md").write_text(_readme(task, result, saved), encoding="utf-8")


def other_structure(export: Export, structure: Structure) -> str:
    """Why it could not be run again; empty when it can."""
    task = export.task
    if structure.checksum == export.result.provenance.get("structure_sha256", structure.checksum):
        return ""
    return (
        f"structure {structure.id} ({structure.name}) is another one now than when task {task.id} was computed, so its "
        "export could not be run again"
    )


def _readme(task: Task, result: TaskResult, saved: Sequence[str]) -> str:
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
        f"* `{STRUCTURE}`: the structure it started from, with every bit of its numbers; `{CIF}`: the same, rounded",
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


def value_text(value: Any) -> str:
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}" if abs(value) < 1000 or value.is_integer() else f"{value:.4f}"
        case dict():
            return ", ".join(f"{name} = {value_text(item)}" for name, item in value.items())
        case list():
            return f"[{', '.join(value_text(item) for item in value)}]"
    return str(value)
