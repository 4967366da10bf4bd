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


class StabilityParameters(Request):
    """Relaxation at fixed cell, Langevin NVT dynamics, then isotropic Martyna-Tobias-Klein NPT dynamics."""

    fmax_eV_per_A: float = Field(
        1e-3,
        gt=0,
        le=10,
        allow_inf_nan=False,
        validation_alias=AliasChoices("fmax_eV_per_A", "fmax"),
        description="The relaxation stops when no force exceeds this, in eV/Å; also `fmax`",
    )
    relax_steps: int = Field(1000, ge=0, le=100_000, description="At most so many steps of LBFGS before the dynamics")
    nvt_steps: int = Field(1000, ge=0, le=10_000_000, description="Steps at constant volume")
    npt_steps: int = Field(50_000, ge=1, le=10_000_000, description="Steps at constant pressure")
    timestep_fs: float = Field(1.0, gt=0, le=10, allow_inf_nan=False, description="Time step, in fs")
    temperature_K: float = Field(300.0, gt=0, le=5000, allow_inf_nan=False, description="Temperature, in K")
    pressure_bar: float = Field(1.0, ge=-1e6, le=1e6, allow_inf_nan=False, description="Pressure, in bar")
    friction_per_fs: float = Field(0.01, gt=0, le=1, allow_inf_nan=False, description="Friction of NVT, in 1/fs")
    thermostat_fs: float = Field(100.0, gt=0, le=1e6, allow_inf_nan=False, description="NPT: time of the thermostat")
    barostat_fs: float = Field(1000.0, gt=0, le=1e6, allow_inf_nan=False, description="NPT: time of the barostat")
    frame_interval: int = Field(100, ge=1, le=1_000_000, description="Steps between two frames of the trajectory")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Of the velocities and of Langevin's noise")


class BulkModulusParameters(Request):
    """Relaxation, then energies at volumes around the relaxed one, and a Birch-Murnaghan fit."""

    fmax_eV_per_A: float = Field(
        1e-3,
        gt=0,
        le=10,
        allow_inf_nan=False,
        validation_alias=AliasChoices("fmax_eV_per_A", "fmax"),
        description="Every relaxation stops when no force exceeds this, in eV/Å; also `fmax`",
    )
    relax_steps: int = Field(1000, ge=1, le=100_000, description="At most so many steps of LBFGS, cell included")
    points: int = Field(11, ge=5, le=101, description="Volumes that are computed")
    point_steps: int = Field(1000, ge=1, le=100_000, description="At most so many steps of FIRE at each volume")
    smallest_volume: float = Field(0.96, ge=0.8, lt=1, allow_inf_nan=False, description="Part of the relaxed volume")
    largest_volume: float = Field(1.04, gt=1, le=1.2, allow_inf_nan=False, description="Part of the relaxed volume")


class HeatCapacityParameters(Request):
    """Relaxation, then phonons from finite displacements in the cell itself (phonopy, supercell 1×1×1)."""

    fmax_eV_per_A: float = Field(
        1e-3,
        gt=0,
        le=10,
        allow_inf_nan=False,
        validation_alias=AliasChoices("fmax_eV_per_A", "fmax"),
        description="The relaxation stops when no force exceeds this, in eV/Å; also `fmax`",
    )
    relax_steps: int = Field(1000, ge=1, le=100_000, description="At most so many steps of BFGS, cell included")
    displacement_A: float = Field(0.01, gt=0, le=0.5, allow_inf_nan=False, description="Of one atom, in Å")
    symprec_A: float = Field(1e-5, gt=0, le=1, allow_inf_nan=False, description="Tolerance of the symmetry, in Å")
    mesh_length: float = Field(100.0, ge=1, le=500, allow_inf_nan=False, description="phonopy's length of the q mesh")
    temperature_step_K: float = Field(10.0, ge=1, le=500, allow_inf_nan=False, description="Steps from 0 to 1000 K")


Parameters = (
    SinglePointParameters
    | OptimizationParameters
    | StabilityParameters
    | BulkModulusParameters
    | HeatCapacityParameters
)

PARAMETERS: dict[TaskType, type[Parameters]] = {
    TaskType.SINGLE_POINT: SinglePointParameters,
    TaskType.OPTIMIZATION: OptimizationParameters,
    TaskType.STABILITY: StabilityParameters,
    TaskType.BULK_MODULUS: BulkModulusParameters,
    TaskType.HEAT_CAPACITY: HeatCapacityParameters,
}

PRESETS: dict[TaskType, dict[Preset, dict[str, Any]]] = {
    TaskType.SINGLE_POINT: {Preset.MOFSIMBENCH: {}, Preset.QUICK: {}},
    TaskType.OPTIMIZATION: {
        Preset.MOFSIMBENCH: {"fmax_eV_per_A": 1e-3, "max_steps": 5000},
        Preset.QUICK: {"fmax_eV_per_A": 0.05, "max_steps": 100},
    },
    TaskType.STABILITY: {
        Preset.MOFSIMBENCH: {
            "fmax_eV_per_A": 1e-3,
            "relax_steps": 1000,
            "nvt_steps": 1000,
            "npt_steps": 50_000,
            "frame_interval": 100,
        },
        Preset.QUICK: {
            "fmax_eV_per_A": 1e-3,
            "relax_steps": 20,
            "nvt_steps": 50,
            "npt_steps": 100,
            "frame_interval": 10,
        },
    },
    TaskType.BULK_MODULUS: {
        Preset.MOFSIMBENCH: {"fmax_eV_per_A": 1e-3, "relax_steps": 1000, "points": 11, "point_steps": 1000},
        Preset.QUICK: {"fmax_eV_per_A": 0.05, "relax_steps": 50, "points": 5, "point_steps": 50},
    },
    TaskType.HEAT_CAPACITY: {
        Preset.MOFSIMBENCH: {
            "fmax_eV_per_A": 1e-3,
            "relax_steps": 1000,
            "mesh_length": 100.0,
            "temperature_step_K": 10.0,
        },
        Preset.QUICK: {
            "fmax_eV_per_A": 0.05,
            "relax_steps": 1000,
            "mesh_length": 20.0,
            "temperature_step_K": 50.0,
        },
    },
}


def resolve(task_type: TaskType, preset: Preset, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a run: the preset's values with what the user gave laid over them.

    Raises pydantic.ValidationError for a value out of bounds or an unknown parameter.
    """
    model = PARAMETERS[task_type]
    chosen = model.model_validate(given).model_dump(exclude_unset=True)
    return model.model_validate(PRESETS[task_type][preset] | chosen).model_dump()
