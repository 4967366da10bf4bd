"""What a task is expected to need, as `mofsim submit` says it."""

from typing import TYPE_CHECKING, Any

from mofsim.cli import text
from mofsim.cli.app import App
from mofsim.client import ClientError

if TYPE_CHECKING:
    from mofsim.schemas.estimates import Estimate, MemoryEstimate


def of_submitted(app: App, asked: dict[str, Any]) -> "Estimate | None":
    """None where nothing is known: the task is accepted, whatever becomes of this question."""
    try:
        found = app.client.estimate(**asked)
    except ClientError:
        return None
    return found if found.known else None


def say_dry_run(app: App, found: "Estimate") -> None:
    structure = f"{found.structure.name} ({found.n_atoms} atoms)"
    lines = {
        "task": f"{found.task_type} of {structure} with {found.model}, preset {found.preset}; it is not queued",
        "expected": found.sentence,
    }
    lines |= {f"memory on {need.device}": _memory(need) for need in found.memory}
    lines["fits on"] = ", ".join(found.fits) or f"no worker: {found.why_none}"
    app.out.fields(lines)


def _memory(need: "MemoryEstimate") -> str:
    return need.how if need.memory_MB is None else f"{text.size(need.memory_MB * 1e6)}: {need.how}"
