"""How the tasks of the demo go: made-up curves of the right shape, the same each time for the same task.

Times are those of a demo: a relaxation takes a minute or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log2, pi, sin
from random import Random
from typing import TYPE_CHECKING, Any

from mofsim.tui.demo.crystals import crystal
from mofsim.vocabulary import TaskStatus, TaskType

if TYPE_CHECKING:
    from mofsim.schemas.tasks import Task

EV_PER_A3_IN_GPA = 160.21766208
EV_IN_KJ_PER_MOL = 96.48533212
#: One of so many tasks blows up.
EXPLODES = 12
#: Energy per atom of each framework in eV, its bulk modulus in GPa, its heat capacity at 300 K in J/g/K.
NATURE = {
    "MOF-5": (-7.31, 16.2, 0.712),
    "HKUST-1": (-7.18, 25.4, 0.768),
    "ZIF-8": (-7.02, 8.1, 0.941),
    "UiO-66": (-7.66, 39.7, 0.805),
    "Mg-MOF-74": (-7.24, 22.9, 0.893),
}
#: What is counted in types that are not one relaxation: its name, how many, and how many of it a second makes.
PARTS = {
    TaskType.BULK_MODULUS: ("point", 11, 0.14),
    TaskType.HEAT_CAPACITY: ("displacement", 72, 0.8),
    TaskType.INTERACTION_ENERGY: ("candidate", 200, 2.6),
    TaskType.SINGLE_POINT: ("point", 1, 0.25),
    TaskType.VALIDATION: ("point", 6, 0.3),
}
RELAX_STEPS = 40
#: Steps of dynamics that one step of the demo stands for.
STRIDE = 100


@dataclass(frozen=True)
class Plan:
    """What will become of a task; a step is one of a relaxation, of its dynamics (STRIDE of them), or one part."""

    task_id: int
    task_type: TaskType
    structure: str
    n_atoms: int
    parameters: dict[str, Any]
    steps: int
    steps_per_second: float
    ends: TaskStatus
    force: float
    half_life: float

    @property
    def seconds(self) -> float:
        return self.steps / self.steps_per_second

    @property
    def energy(self) -> float:
        per_atom = NATURE.get(self.structure, (-7.2, 18.0, 0.8))[0]
        return per_atom * self.n_atoms

    def at(self, step: int) -> dict[str, float | None]:
        """What is recorded of a step."""
        noise = Random(f"{self.task_id} {step}").uniform(-1, 1)
        way = 0.5 ** (step / self.half_life)
        blown = max(0.0, step - self.steps + 12) if self.ends is TaskStatus.FAILED else 0.0
        values: dict[str, float | None] = {
            "step": float(step),
            "time_s": step / self.steps_per_second,
            "energy_eV": self.energy + 0.004 * self.n_atoms * way * (1 + 0.02 * noise) + 0.4 * (2.2**blown - 1),
            "fmax_eV_per_A": self.force * way * (1 + 0.18 * noise) * 2.4**blown,
            "volume_A3": crystal_volume(self.structure) * (1 + 0.004 * (1 - way)),
        }
        values["fmax_filter_eV_per_A"] = 1.15 * (values["fmax_eV_per_A"] or 0.0)
        if self.task_type is TaskType.STABILITY:
            values |= self._dynamics(step, noise)
        return values

    def _dynamics(self, step: int, noise: float) -> dict[str, float | None]:
        moves = max(0, step - RELAX_STEPS)
        wanted = float(self.parameters.get("temperature_K", 300.0))
        warm = 1 - exp(-moves / 8)
        return {
            "time_fs": float(moves * STRIDE),
            "temperature_K": wanted * warm + 9 * noise if moves else 0.0,
            "pressure_GPa": 0.012 * noise * warm + 0.004 * cos(moves / 7),
            "volume_A3": crystal_volume(self.structure) * (1 + 0.011 * warm + 0.003 * sin(moves / 19)),
        }

    def progress(self, step: int) -> dict[str, Any]:
        """As the wire has it."""
        step = min(step, self.steps)
        values = self.at(step)
        left = (self.steps - step) / self.steps_per_second
        shown: dict[str, Any] = {
            name: values[name] for name in ("energy_eV", "fmax_eV_per_A", "volume_A3") if name in values
        }
        if self.task_type is TaskType.OPTIMIZATION:
            limit = int(self.parameters.get("max_steps", 5000))
            return shown | {"step": step, "total_steps": limit, "percent": 100 * step / limit}
        percent = {"step": step, "total_steps": self.steps, "percent": 100 * step / self.steps}
        if self.task_type is TaskType.STABILITY:
            return shown | percent | self._stage(step) | {"remaining_seconds": left}
        name, many, _ = PARTS[self.task_type]
        stage = {"stage": name, "stage_step": step, "stage_steps": many}
        return {"energy_eV": values["energy_eV"]} | percent | stage | {"remaining_seconds": left}

    def _stage(self, step: int) -> dict[str, Any]:
        if step <= RELAX_STEPS:
            limit = int(self.parameters.get("relax_steps", 1000))
            return {"stage": "relaxation", "stage_step": step, "stage_steps": limit}
        nvt, npt = (int(self.parameters.get(name, n)) for name, n in (("nvt_steps", 1000), ("npt_steps", 50_000)))
        done = round((nvt + npt) * (step - RELAX_STEPS) / (self.steps - RELAX_STEPS))
        if done <= nvt:
            return {"stage": "NVT", "stage_step": done, "stage_steps": nvt}
        return {"stage": "NPT", "stage_step": done - nvt, "stage_steps": npt}

    def series(self, until: int, points: int) -> dict[str, list[float | None]]:
        """Columns up to a step, thinned out to about so many points."""
        every = max(1, (until + 1) // max(1, points))
        rows = [self.at(step) for step in range(0, until + 1, every)]
        if until % every:
            rows.append(self.at(until))
        return {name: [row[name] for row in rows] for name in rows[0]}

    def words(self, step: int) -> str:
        """What the log says of a step."""
        values = self.at(step)
        if self.task_type in PARTS:
            name, many, _ = PARTS[self.task_type]
            return f"{name} {step} of {many}  E={values['energy_eV']:.4f} eV"
        force = values["fmax_eV_per_A"] or 0.0
        if self.task_type is TaskType.STABILITY and step > RELAX_STEPS:
            time, warmth = values["time_fs"] or 0.0, values["temperature_K"] or 0.0
            return f"{time:.0f} fs  T={warmth:.1f} K  E={values['energy_eV']:.4f} eV"
        return f"step {step}  E={values['energy_eV']:.4f} eV  fmax={force:.4g} eV/Å"


def memory_MB(n_atoms: int) -> float:
    """What a task takes on a GPU of the demo."""
    return 3800 + 14.0 * n_atoms


def crystal_volume(structure: str) -> float:
    return crystal(structure if structure in NATURE else "MOF-5").volume


def plan(task: Task, seed: int) -> Plan:
    """What becomes of a task, drawn from its id."""
    chance = Random(f"{seed} {task.id} {task.attempt}")
    ends = TaskStatus.COMPLETED
    force, half_life = chance.uniform(1.2, 3.8), chance.uniform(7, 15)
    if task.task_type is TaskType.OPTIMIZATION:
        goal = float(task.parameters.get("fmax_eV_per_A", 0.01))
        steps = max(3, round(half_life * log2(max(2.0, 1.2 * force / goal))))
        if steps > int(task.parameters.get("max_steps", 5000)):
            steps = int(task.parameters.get("max_steps", 5000))
        rate = chance.uniform(0.9, 2.2)
        if chance.randrange(EXPLODES) == 0 and steps > 40:
            ends, steps = TaskStatus.FAILED, chance.randrange(30, steps)
    elif task.task_type is TaskType.STABILITY:
        steps, rate = RELAX_STEPS + 160, chance.uniform(1.1, 1.9)
    else:
        _, steps, rate = PARTS[task.task_type]
        rate *= chance.uniform(0.8, 1.3)
    return Plan(
        task.id, task.task_type, task.structure.name, task.structure.n_atoms, dict(task.parameters), steps, rate, ends,
        force, half_life,
    )  # fmt: skip


def result(plan: Plan, step: int) -> dict[str, Any]:
    """What a task found that ended at a step, as an executor tells it."""
    if plan.ends is TaskStatus.FAILED or step < plan.steps:
        return {"steps": step}
    found = {
        TaskType.OPTIMIZATION: _optimization,
        TaskType.STABILITY: _stability,
        TaskType.BULK_MODULUS: _bulk_modulus,
        TaskType.HEAT_CAPACITY: _heat_capacity,
        TaskType.INTERACTION_ENERGY: _interaction_energy,
        TaskType.SINGLE_POINT: _single_point,
    }.get(plan.task_type)
    return found(plan) if found else {"passed": True}


def _cell(plan: Plan, stretch: float) -> list[float]:
    length = (crystal_volume(plan.structure) * 2**0.5) ** (1 / 3) * stretch
    return [length, length, length, 60.0, 60.0, 60.0]


def _optimization(plan: Plan) -> dict[str, Any]:
    first, last = plan.at(0), plan.at(plan.steps)
    limit = int(plan.parameters.get("max_steps", 5000))
    goal = float(plan.parameters.get("fmax_eV_per_A", 0.01))
    before, after = first["volume_A3"] or 1.0, last["volume_A3"] or 1.0
    force = last["fmax_eV_per_A"] or 0.0
    converged = plan.steps < limit
    return {
        "converged": converged,
        "steps": plan.steps,
        "initial_energy_eV": first["energy_eV"],
        "final_energy_eV": last["energy_eV"],
        "final_fmax_eV_per_A": min(force, goal * 0.93) if converged else force,
        "final_fmax_filter_eV_per_A": min(1.15 * force, goal * 0.98) if converged else 1.15 * force,
        "initial_volume_A3": before,
        "final_volume_A3": after,
        "volume_change_percent": 100 * (after / before - 1),
        "cell_parameters": _cell(plan, (after / before) ** (1 / 3)),
        "rmsd_A": 0.08 + 0.02 * plan.force,
        "max_displacement_A": 0.2 + 0.05 * plan.force,
    }


def _stability(plan: Plan) -> dict[str, Any]:
    rows = [plan.at(step) for step in range(RELAX_STEPS + 40, plan.steps + 1)]

    def mean(name: str) -> float:
        return sum(row[name] or 0.0 for row in rows) / len(rows)

    begin, end = crystal_volume(plan.structure), rows[-1]["volume_A3"] or 0.0
    return {
        "stable": True,
        "volume_drift_percent": 100 * (end / begin - 1),
        "initial_volume_A3": begin,
        "final_volume_A3": end,
        "metals_with_changed_coordination": 0,
        "relaxation_converged": True,
        "relaxation_steps": RELAX_STEPS,
        "dynamics_time_ps": (plan.steps - RELAX_STEPS) * STRIDE / 1000,
        "mean_temperature_K": mean("temperature_K"),
        "mean_pressure_GPa": mean("pressure_GPa"),
        "mean_volume_A3": mean("volume_A3"),
        "rmsd_A": 0.41,
        "max_displacement_A": 1.6,
    }


def _bulk_modulus(plan: Plan) -> dict[str, Any]:
    modulus, derivative = NATURE.get(plan.structure, (0, 18.0, 0))[1], 4.6
    volume, energy = 1.004 * crystal_volume(plan.structure), plan.energy
    points = []
    for n in range(11):
        at = volume * (0.96 + 0.008 * n)
        eta = (volume / at) ** (2 / 3)
        strain = 9 * modulus / EV_PER_A3_IN_GPA * volume / 16 * (eta - 1) ** 2
        total = energy + strain * (6 + derivative * (eta - 1) - 4 * eta)
        points.append({"volume_A3": at, "energy_eV": total, "converged": True, "steps": 31 + n})
    return {
        "relaxation": {"converged": True, "steps": 61},
        "points": points,
        "fit_ok": True,
        "relaxed_volume_A3": volume,
        "converged": True,
        "bulk_modulus_GPa": modulus,
        "bulk_modulus_derivative": derivative,
        "equilibrium_volume_A3": volume,
        "equilibrium_energy_eV": energy,
        "r_squared": 0.99997,
    }


def _heat_capacity(plan: Plan) -> dict[str, Any]:
    at_300 = NATURE.get(plan.structure, (0, 0, 0.8))[2]
    temperatures = [10.0 * n for n in range(101)]
    scale = at_300 / (1 - exp(-300 / 480))
    return {
        "relaxation_converged": True,
        "relaxation_steps": 88,
        "displacements": 72,
        "relaxed_volume_A3": crystal_volume(plan.structure),
        "heat_capacity_J_per_gK": at_300,
        "temperatures_K": temperatures,
        "heat_capacities_J_per_gK": [scale * (1 - exp(-t / 480)) for t in temperatures],
        "imaginary_modes": 0,
        "lowest_frequency_THz": 0.31,
    }


def _interaction_energy(plan: Plan) -> dict[str, Any]:
    energy = -0.21 - 0.03 * plan.force
    sites = [
        {"site": n, "adsorption_energy_eV": energy + 0.03 * n, "nearest_metal_A": 2.3 + 0.2 * n} for n in range(1, 6)
    ]
    return {
        "interaction_energy_eV": energy,
        "interaction_energy_kJ_per_mol": energy * EV_IN_KJ_PER_MOL,
        "adsorption_energy_eV": energy + 0.02,
        "guest_intact": True,
        "sites": sites,
        "converged": True,
        "guest_image_distance_A": 13.4,
        "guest_formula": str(plan.parameters.get("guest") or "CO2"),
        "seed": int(plan.parameters.get("seed", 42)),
    }


def _single_point(plan: Plan) -> dict[str, Any]:
    values = plan.at(0)
    pressure = 0.2 * sin(2 * pi * plan.force)
    return {
        "energy_eV": values["energy_eV"],
        "energy_per_atom_eV": (values["energy_eV"] or 0.0) / plan.n_atoms,
        "fmax_eV_per_A": values["fmax_eV_per_A"],
        "stress_GPa": [pressure, pressure, pressure, 0.0, 0.0, 0.0],
    }
