"""Parameters of each task type, with bounds, and what each preset sets them to.

The values of `mofsimbench` are those of the published protocol (Kraß, Huang, Moosavi, npj Comput. Mater. 12:4, 2026).
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator

from mofsim.schemas.base import Id, Request
from mofsim.schemas.guests import GUESTS
from mofsim.vocabulary import Preset, TaskType


class SinglePointParameters(Request):
    """A single point has no parameters."""


class ValidationParameters(Request):
    """A validation has no parameters: its limits are the same for every model."""


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


#: Atoms that a request can name as the guest.
MAX_GUEST_ATOMS = 10_000


def _read_indices(value: Any) -> Any:
    """`54 55 56`, `54,55,56` and `54-56` mean the same as a list of these numbers."""
    if not isinstance(value, str):
        return value
    found: list[int] = []
    for word in value.replace(",", " ").split():
        first, _, last = word.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()) or int(last or first) - int(first) > MAX_GUEST_ATOMS:
            raise ValueError("write numbers of atoms, e.g. 54-56 or 54 55 56; the first atom is 0")
        found += range(int(first), int(last or first) + 1)
        if len(found) > MAX_GUEST_ATOMS:
            raise ValueError(f"names more than {MAX_GUEST_ATOMS} atoms")
    return found


class InteractionEnergyParameters(Request):
    """E(host+guest) - E(host) - E(guest), at a given place or at the best of those that a seeded search finds.

    `guest`, `guest_structure` and `guest_indices` say what the guest is; only one of them can be given. With
    `guest_indices` nothing is searched and nothing moves, and the other parameters have no effect.
    """

    guest: str | None = Field("CO2", max_length=40, description="A molecule of ASE (CO2, H2O, CH4, N2, …) or noble gas")
    guest_structure: Id | None = Field(None, description="Instead: the id of an uploaded molecule in a box")
    guest_indices: Annotated[
        Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MAX_GUEST_ATOMS)] | None,
        BeforeValidator(_read_indices),
    ] = Field(None, description="Instead: which atoms of the structure are the guest, counted from 0; `54-56` too")
    max_candidates: int = Field(200, ge=1, le=100_000, description="Places that get a single point, drawn at random")
    open_metal_share: float = Field(
        0.5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Of the candidates that are put at open metals, where the framework has any",
    )
    sites: int = Field(5, ge=1, le=1000, description="The best places, where the guest is relaxed, the host held fixed")
    fmax_eV_per_A: float = Field(
        0.01,
        gt=0,
        le=10,
        allow_inf_nan=False,
        validation_alias=AliasChoices("fmax_eV_per_A", "fmax"),
        description="A relaxation stops when no force on the guest exceeds this, in eV/Å; also `fmax`",
    )
    relax_steps: int = Field(500, ge=1, le=100_000, description="At most so many steps of LBFGS in each site")
    grid_spacing_A: float = Field(1.0, ge=0.2, le=10, allow_inf_nan=False, description="Of the grid of places, in Å")
    orientations: int = Field(4, ge=1, le=1000, description="Random ones at each point of the grid")
    overlap_margin_A: float = Field(
        0.7,
        ge=-0.5,
        le=2,
        allow_inf_nan=False,
        description="Atoms of guest and host closer than the sum of their covalent radii and this overlap, in Å",
    )
    image_distance_A: float = Field(
        10.0,
        ge=0,
        le=50,
        allow_inf_nan=False,
        description="Repeat the cell until the guest is so far from its own images, in Å",
    )
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Of all that is drawn for the candidates")

    @field_validator("guest")
    @classmethod
    def _is_known(cls, guest: str | None) -> str | None:
        if guest is None or guest in GUESTS:
            return guest
        near = [name for name in GUESTS if name.lower() == guest.lower()]
        raise ValueError(f"is no molecule of ASE; write {near[0] if near else 'CO2, H2O, CH4, N2, … as ASE does'}")

    @model_validator(mode="after")
    def _names_one_guest(self) -> Self:
        others = [name for name in ("guest_structure", "guest_indices") if getattr(self, name) is not None]
        if "guest" in self.model_fields_set and self.guest is not None:
            others.append("guest")
        if len(others) > 1:
            raise ValueError(f"{' and '.join(others)} both name the guest; leave one out")
        if others and others != ["guest"]:
            self.guest = None
        elif self.guest is None:
            raise ValueError("name the guest by guest, guest_structure or guest_indices")
        return self


Parameters = (
    SinglePointParameters
    | OptimizationParameters
    | StabilityParameters
    | BulkModulusParameters
    | HeatCapacityParameters
    | InteractionEnergyParameters
    | ValidationParameters
)

PARAMETERS: dict[TaskType, type[Parameters]] = {
    TaskType.SINGLE_POINT: SinglePointParameters,
    TaskType.OPTIMIZATION: OptimizationParameters,
    TaskType.STABILITY: StabilityParameters,
    TaskType.BULK_MODULUS: BulkModulusParameters,
    TaskType.HEAT_CAPACITY: HeatCapacityParameters,
    TaskType.INTERACTION_ENERGY: InteractionEnergyParameters,
    TaskType.VALIDATION: ValidationParameters,
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
    # The benchmark has its places from DFT (`guest_indices`); the search is ours.
    TaskType.INTERACTION_ENERGY: {
        Preset.MOFSIMBENCH: {"max_candidates": 200, "sites": 5, "fmax_eV_per_A": 0.01, "relax_steps": 500},
        Preset.QUICK: {"max_candidates": 40, "sites": 3, "fmax_eV_per_A": 0.05, "relax_steps": 60},
    },
    TaskType.VALIDATION: {Preset.MOFSIMBENCH: {}, Preset.QUICK: {}},
}


def resolve(task_type: TaskType, preset: Preset, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a run: the preset's values with what the user gave laid over them.

    Raises pydantic.ValidationError for a value out of bounds or an unknown parameter.
    """
    model = PARAMETERS[task_type]
    chosen = model.model_validate(given).model_dump(exclude_unset=True)
    return model.model_validate(PRESETS[task_type][preset] | chosen).model_dump()
