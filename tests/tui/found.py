"""Results as executors give them, one for each type of task."""

import math
from typing import Any

from mofsim.schemas.tasks import SeriesColumns

EV_PER_A3_IN_GPA = 160.21766208
CELL = [25.912, 25.912, 25.912, 90.0, 90.0, 90.0]


def optimization(**changes: Any) -> dict[str, Any]:
    return {
        "converged": True,
        "steps": 143,
        "initial_energy_eV": -1228.9,
        "final_energy_eV": -1234.512,
        "final_fmax_eV_per_A": 0.0153,
        "final_fmax_filter_eV_per_A": 0.0184,
        "initial_volume_A3": 4300.0,
        "final_volume_A3": 4314.3,
        "volume_change_percent": 0.3326,
        "cell_parameters": CELL,
        "rmsd_A": 0.1234,
        "rmsd_3n_A": 0.0712,
        "max_displacement_A": 0.31,
    } | changes


def energy(volume: float, modulus: float = 16.2, derivative: float = 4.5, at: float = 4441.5) -> float:
    """Birch-Murnaghan around a minimum of -1234.5 eV."""
    eta = (at / volume) ** (2 / 3)
    strain = 9 * modulus / EV_PER_A3_IN_GPA * at / 16 * (eta - 1) ** 2
    return -1234.5 + strain * (6 + derivative * (eta - 1) - 4 * eta)


def bulk_modulus(modulus: float = 16.2, **changes: Any) -> dict[str, Any]:
    volumes = [4441.5 * (0.96 + 0.008 * i) for i in range(11)]
    return {
        "relaxation": {"converged": True, "steps": 61},
        "points": [
            {
                "volume_A3": v,
                "energy_eV": energy(v, modulus),
                "fmax_eV_per_A": 0.0009,
                "converged": True,
                "steps": 40 + i,
            }
            for i, v in enumerate(volumes)
        ],
        "fit_ok": True,
        "relaxed_volume_A3": 4440.9,
        "cell_parameters": CELL,
        "converged": True,
        "bulk_modulus_GPa": modulus,
        "bulk_modulus_derivative": 4.5,
        "equilibrium_volume_A3": 4441.5,
        "equilibrium_energy_eV": -1234.5,
        "r_squared": 0.99998,
    } | changes


def heat_capacity(**changes: Any) -> dict[str, Any]:
    temperatures = [50.0 * i for i in range(21)]
    return {
        "relaxation_converged": True,
        "relaxation_steps": 88,
        "displacements": 162,
        "relaxed_volume_A3": 4440.9,
        "heat_capacity_J_per_gK": 0.7125,
        "heat_capacity_J_per_molK": 548.6,
        "primitive_mass_g_per_mol": 769.9,
        "temperatures_K": temperatures,
        "heat_capacities_J_per_gK": [1.6 * (1 - math.exp(-t / 480)) for t in temperatures],
        "imaginary_modes": 0,
        "imaginary_percent_of_mesh": 0.0,
        "lowest_frequency_THz": 0.12,
        "phonopy_version": "2.43.1",
    } | changes


def stability(**changes: Any) -> dict[str, Any]:
    return {
        "stable": True,
        "volume_drift_percent": 1.62,
        "initial_volume_A3": 4300.0,
        "final_volume_A3": 4369.7,
        "cell_parameters": CELL,
        "metal_coordination": [{"index": i, "element": "Zn", "before": 4, "after": 4} for i in range(8)],
        "metals_with_changed_coordination": 0,
        "relaxation_converged": True,
        "relaxation_steps": 71,
        "dynamics_time_ps": 51.0,
        "mean_temperature_K": 301.2,
        "mean_pressure_GPa": 0.0007,
        "mean_volume_A3": 4361.0,
        "rmsd_A": 0.412,
        "rmsd_3n_A": 0.238,
        "max_displacement_A": 1.7,
    } | changes


def interaction_energy(**changes: Any) -> dict[str, Any]:
    sites = [
        {"site": i, "adsorption_energy_eV": -0.31 + 0.04 * i, "nearest_metal": "Zn", "nearest_metal_A": 2.4 + 0.3 * i}
        for i in range(1, 4)
    ]
    return {
        "interaction_energy_eV": -0.3127,
        "interaction_energy_kJ_per_mol": -30.17,
        "adsorption_energy_eV": -0.2711,
        "guest_intact": True,
        "host_energy_eV": -1234.5,
        "sites": sites,
        "converged": True,
        "guest_image_distance_A": 17.2,
        "guest_formula": "CO2",
        "guest_indices": list(range(54, 57)),
        "seed": 42,
    } | changes


def dynamics(task_id: int, steps: int = 400) -> SeriesColumns:
    """Ten steps of a relaxation without a time, then dynamics of 1 fs a step around 300 K."""
    moving = [max(0, i - 10) for i in range(steps)]
    columns: dict[str, list[float | None]] = {
        "step": [float(i) for i in range(steps)],
        "time_fs": [float(i) for i in moving],
        "temperature_K": [0.0 if not i else 300 + 40 * math.sin(i / 9) for i in moving],
        "pressure_GPa": [0.02 * math.cos(i / 7) for i in moving],
        "volume_A3": [4300.0 + 0.18 * i for i in moving],
        "energy_eV": [-1234.0] * steps,
        "time_s": [0.1 * i for i in range(steps)],
    }
    return SeriesColumns(task_id=task_id, attempt=1, columns=columns)
