"""Parameters of each task type, with bounds, and what each preset sets them to.

The values of `mofsimbench` are those of the published protocol (Kraß, Huang, Moosavi, npj Comput. Mater. 12:4, 2026).
"""

from typing import Any, Literal

from pydantic import AliasChoices, Field

from mofsim.schemas.base import Request
from mofsim.vocabulary import Preset, TaskType


class SinglePointParameters(Request):
    """A single point has no parameters."""


class OptimizationParameters(Request):
    """Relaxation of atoms and cell."""

    fmax_eV_per_A: float = Field(
        1e-3,
        gt=0,
        le=10,
        allow_inf_nan=False,
        validation_alias=AliasChoices("fmax_eV_per_A", "fmax"),
        description="Stop when no force (and, with relax_cell, no cell gradient) exceeds this, in eV/Å; also `fmax`",
    )
    max_steps: int = Field(5000, ge=1, le=100_000, description="Give up after this many steps")
    optimizer: Literal["LBFGS", "BFGS", "FIRE"] = Field("LBFGS", description="ASE optimizer")
    relax_cell: bool = Field(True, description="Relax the cell too (ASE FrechetCellFilter)")


Parameters = SinglePointParameters | OptimizationParameters

PARAMETERS: dict[TaskType, type[Parameters]] = {
    TaskType.SINGLE_POINT: SinglePointParameters,
    TaskType.OPTIMIZATION: OptimizationParameters,
}

PRESETS: dict[TaskType, dict[Preset, dict[str, Any]]] = {
    TaskType.SINGLE_POINT: {Preset.MOFSIMBENCH: {}, Preset.QUICK: {}},
    TaskType.OPTIMIZATION: {
        Preset.MOFSIMBENCH: {"fmax_eV_per_A": 1e-3, "max_steps": 5000},
        Preset.QUICK: {"fmax_eV_per_A": 0.05, "max_steps": 100},
    },
}


def resolve(task_type: TaskType, preset: Preset, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a run: the preset's values with what the user gave laid over them.

    Raises pydantic.ValidationError for a value out of bounds or an unknown parameter.
    """
    model = PARAMETERS[task_type]
    chosen = model.model_validate(given).model_dump(exclude_unset=True)
    return model.model_validate(PRESETS[task_type][preset] | chosen).model_dump()
