"""Interaction energies: against plain ASE at a given place, and a search that finds what is known to be there."""

import csv
import warnings
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT as PlainEMT
from ase.calculators.lj import LennardJones
from ase.io import read
from ase.units import Bohr

from mofsim.schemas.simulations import resolve
from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.fragments import energy_of, gas
from mofsim.simulations.frames import format_structure
from mofsim.simulations.guests import VACUUM_A, alone, named_guest
from mofsim.simulations.models import load_model
from mofsim.simulations.weights import weights_file
from mofsim.vocabulary import Preset, TaskType

from .child import Child
from .conftest import EMT, SEVENNET
from .test_resume import assert_same_end, assert_same_run, kill_and_resume, run_undisturbed, warnings_of

TYPE = "interaction-energy"
#: of argon between copper atoms, its minimum is at 3.14 Å
_LJ = {"sigma": 2.8, "epsilon": 0.01, "rc": 8.0, "smooth": True}
#: strong and narrow at magnesium
WELLS: dict[str, Any] = {"name": "wells", "framework": "ase", "checkpoint": "tests.simulations.wells:Wells"}
LJ: dict[str, Any] = {"name": "lj", "framework": "ase", "checkpoint": "ase.calculators.lj:LennardJones", "options": _LJ}


@pytest.fixture
def parameters() -> dict[str, Any]:
    return {
        "guest": "Ar",
        "guest_structure": None,
        "guest_indices": None,
        "max_candidates": 12,
        "open_metal_share": 0.5,
        "sites": 3,
        "fmax_eV_per_A": 0.0005,
        "relax_steps": 100,
        "grid_spacing_A": 0.8,
        "orientations": 1,
        "overlap_margin_A": 0.3,
        "image_distance_A": 10.0,
        "seed": 42,
    }


@pytest.fixture(scope="module")
def lattice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four atoms of simple cubic copper: in the middle between eight of them is room for a guest."""
    path = tmp_path_factory.mktemp("lattice") / "lattice.extxyz"
    path.write_text(format_structure(Atoms("Cu", cell=[4.0] * 3, pbc=True) * (2, 2, 1)))
    return path


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mg-MOF-74, whose six magnesium atoms are open."""
    path = tmp_path_factory.mktemp("framework") / "framework.extxyz"
    path.write_text(format_structure(next(mof for mof in BUILTIN_MOFS if mof.name == "Mg-MOF-74").build()))
    return path


@pytest.fixture(scope="module")
def cage() -> Atoms:
    """Copper with a hole of 9 Å around the corner of its cell."""
    copper = bulk("Cu", cubic=True, a=3.6) * (3, 3, 3)
    to_corner = np.linalg.norm(copper.cell.scaled_positions(copper.positions) - 0.5, axis=1)
    hole = copper[np.argsort(to_corner)[20:]]
    hole.positions += hole.cell.sum(axis=0) / 2
    hole.wrap()
    return hole


def test_the_search_finds_the_middle_of_the_lattice_and_repeats_the_cell(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    result = run_undisturbed(warm_child, TYPE, lattice, tmp_path, parameters=parameters, model=LJ)["result"]
    host = read(lattice) * (2, 2, 3)
    both = host + Atoms("Ar", positions=[[2, 2, 2]])
    energies = []
    for atoms in (both, host):
        atoms.calc = LennardJones(**_LJ)
        energies.append(atoms.get_potential_energy())
    assert result["interaction_energy_eV"] == pytest.approx(energies[0] - energies[1], abs=1e-5)
    assert result["interaction_energy_eV"] < 0, "bound"
    assert result["interaction_energy_kJ_per_mol"] == pytest.approx(96.485 * result["interaction_energy_eV"], rel=1e-4)
    assert result["supercell"] == [2, 2, 3] and result["guest_image_distance_A"] == pytest.approx(12)
    assert result["nearest_metal_A"] == pytest.approx(2 * np.sqrt(3), abs=0.05)
    assert (result["nearest_metal"], result["nearest_metal_guest_atom"]) == ("Cu", "Ar")
    assert result["converged"] is True and result["guest_intact"] is True and result["seed"] == 42
    assert len(result["sites"]) == 1, "all middles are the same by symmetry"
    assert result["sites"][0]["times_found"] == result["sites_relaxed"] == 3
    assert result["candidates_scored"] == result["candidates_on_grid"] == 12 < result["candidates_passed"]
    assert result["open_metals"] == [] and result["origin"] == "grid" and result["at_open_metal"] is False
    counted = result["candidates_overlapping"] + result["candidates_in_the_void"] + result["candidates_passed"]
    assert counted == result["candidates_made"] == 10 * 10 * 5, "the grid is that of the cell"
    told = [(at["stage"], at["stage_step"], at["stage_steps"]) for at in warm_child.stages()]
    assert list(dict.fromkeys(told)) == [("candidate", n, 12) for n in range(1, 13)] + [
        ("site", n, 3) for n in range(1, 4)
    ]
    left = [at["steps_left"] for at in warm_child.stages()]
    sites = 3 * (parameters["relax_steps"] + 1)
    assert left[:12] == [sites + 12 - n for n in range(1, 13)] and left[-1] == 0


def test_candidates_at_open_metals_find_the_site_that_the_grid_misses(
    warm_child: Child, framework: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    parameters |= {"max_candidates": 10, "sites": 2, "fmax_eV_per_A": 0.01, "image_distance_A": 0.0}
    found = {}
    for share in (0.0, 0.5):
        warm_child.seen.clear()
        given = parameters | {"open_metal_share": share}
        directory = tmp_path / str(share)
        found[share] = run_undisturbed(warm_child, TYPE, framework, directory, parameters=given, model=WELLS)["result"]
        assert ("no site was found at them" in warnings_of(warm_child)) == (share == 0)
        assert "from one candidate only, of 2" in warnings_of(warm_child)
    missed, best = found[0.0], found[0.5]
    assert missed["at_open_metal"] is False and missed["candidates_at_open_metals"] == 0
    assert best["interaction_energy_eV"] < missed["interaction_energy_eV"] - 0.3
    assert 2.3 < best["nearest_metal_A"] < 2.8 and best["at_open_metal"] is True, "the others push"
    assert (best["nearest_metal"], best["nearest_metal_guest_atom"]) == ("Mg", "Ar")
    assert read(framework).symbols[best["nearest_metal_index"]] == "Mg"
    assert best["open_metals"] == [{"element": "Mg", "coordination": 5, "atoms": 6}]
    assert (best["candidates_at_open_metals"], best["candidates_on_grid"], best["candidates_scored"]) == (5, 5, 10)
    assert [site["origin"] for site in best["sites"]] == ["open metal", "grid"], "the best of each is relaxed"
    assert best["sites"][0]["origin_metal_index"] == best["nearest_metal_index"]
    assert [site["times_found_from_open_metals"] for site in best["sites"]] == [1, 0]
    with (tmp_path / "0.5" / "candidates.csv").open() as file:
        origins = [(row["origin"], bool(row["origin_metal_index"])) for row in csv.DictReader(file)]
    assert origins == [("open metal", True)] * 5 + [("grid", False)] * 5
    assert matplotlib.image.imread(tmp_path / "0.5" / "interaction.png").std() > 0.02


def test_the_files_tell_what_the_result_tells(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    end = run_undisturbed(warm_child, TYPE, lattice, tmp_path, parameters=parameters, model=LJ)
    result = end["result"]
    with (tmp_path / "sites.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(row["interaction_energy_eV"]) for row in table] == [result["interaction_energy_eV"]]
    with (tmp_path / "candidates.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 12
    for suffix in ("cif", "extxyz"):
        best = read(tmp_path / f"best.{suffix}")
        assert best[result["guest_indices"]].get_chemical_formula() == "Ar"
    best.calc = LennardJones(**_LJ)
    assert best.get_potential_energy() == pytest.approx(result["host_guest_energy_eV"], abs=1e-9)
    assert matplotlib.image.imread(tmp_path / "interaction.png").std() > 0.02
    frames = read(tmp_path / "trajectory.extxyz", ":")
    assert len(frames) == 3 and all(frame.positions[:-1] == pytest.approx(best.positions[:-1]) for frame in frames)


def test_the_seed_decides_everything(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    parameters |= {"sites": 1, "relax_steps": 1}
    candidates = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        given = {**parameters, "seed": seed}
        end = run_undisturbed(warm_child, TYPE, lattice, tmp_path / name, parameters=given, model=LJ)
        assert end["result"]["converged"] is False, "one step is too few, and the task completes with that"
        candidates.append((tmp_path / name / "candidates.csv").read_text())
    assert candidates[0] == candidates[1] != candidates[2]


@pytest.mark.parametrize(("stage", "step"), [("candidates", 8), ("first site", 16), ("third site", 36)])
def test_a_killed_search_goes_on_where_it_was(
    child: Child,
    warm_child: Child,
    framework: Path,
    parameters: dict[str, Any],
    tmp_path: Path,
    stage: str,
    step: int,
) -> None:
    """Half of its candidates are at open metals, and half on the grid."""
    parameters |= {"fmax_eV_per_A": 1e-9, "relax_steps": 10}
    every = {"model": WELLS, "checkpoint_every": {"steps": 3, "seconds": 1e9}}
    resumed = kill_and_resume(child, warm_child, TYPE, framework, tmp_path, step, parameters=parameters, **every)
    whole = run_undisturbed(warm_child, TYPE, framework, tmp_path / "whole", parameters=parameters, model=WELLS)
    assert whole["result"]["candidates_at_open_metals"] == whole["result"]["candidates_on_grid"] == 6
    assert_same_run(tmp_path / "2", tmp_path / "whole")
    assert_same_end(resumed, whole, within=1e-6)
    for name in ("sites.csv", "candidates.csv"):
        assert (tmp_path / "2" / name).read_text().count("\n") == (tmp_path / "whole" / name).read_text().count("\n")


def test_at_a_given_place_the_energy_is_that_of_three_single_points(
    warm_child: Child, cage: Atoms, parameters: dict[str, Any], tmp_path: Path
) -> None:
    """The guest lies across three faces of the cell, and in the middle of the list of atoms."""
    guest = molecule("CO2", positions=molecule("CO2").positions)
    both = cage[:10] + guest + cage[10:]
    both.wrap()
    assert np.ptp(both.positions[10:13], axis=0).max() > 9, "the guest is in pieces"
    path = tmp_path / "both.extxyz"
    path.write_text(format_structure(both))
    given = parameters | {"guest": None, "guest_indices": [10, 11, 12]}
    result = run_undisturbed(warm_child, TYPE, path, tmp_path / "out", parameters=given, model=EMT)["result"]
    energies = []
    for atoms in (both, cage.copy(), guest):
        atoms.calc = PlainEMT()
        energies.append(atoms.get_potential_energy())
    assert result["interaction_energy_eV"] == pytest.approx(energies[0] - energies[1] - energies[2], abs=1e-6)
    assert [result[f"{name}_energy_eV"] for name in ("host_guest", "host", "guest")] == pytest.approx(energies)
    assert "converged" not in result, "nothing was relaxed"
    distances = both.get_all_distances(mic=True)[10:13]
    distances[:, 10:13] = np.inf
    assert result["nearest_host_A"] == pytest.approx(distances.min())
    assert distances[:, result["nearest_host_index"]].min() == pytest.approx(distances.min())


def test_images_of_a_given_guest_that_are_near_are_told(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "both.extxyz"
    path.write_text(format_structure(read(lattice) + Atoms("Ar", positions=[[2, 2, 2]])))
    warm_child.seen.clear()
    given = parameters | {"guest": None, "guest_indices": [4]}
    result = run_undisturbed(warm_child, TYPE, path, tmp_path / "out", parameters=given, model=LJ)["result"]
    assert "images are 4.0 Å" in warnings_of(warm_child)
    alone = Atoms("Ar", cell=[8, 8, 4], pbc=True, calculator=LennardJones(**_LJ))
    assert result["guest_image_energy_eV"] == pytest.approx(alone.get_potential_energy())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"guest": "unobtainium"}, "no guest"),
        ({"guest": None, "guest_indices": [0, 1, 2, 3]}, "guest_indices"),
        ({"guest": None, "guest_indices": [7]}, "guest_indices"),
        ({"guest": "C6H6"}, "fits nowhere"),
        ({"guest": None, "guest_structure": 3}, "is gone"),
    ],
)
def test_what_cannot_be_computed_says_why(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    end = run_undisturbed(warm_child, TYPE, lattice, tmp_path, parameters=parameters | change, model=EMT)
    assert (end["type"], end["error_type"]) == ("failed", "InvalidInput")
    assert words in end["error_message"]


def test_an_uploaded_guest_is_taken_from_its_file(
    warm_child: Child, lattice: Path, parameters: dict[str, Any], tmp_path: Path
) -> None:
    box = Atoms("Ne", cell=[12.0] * 3, pbc=True)
    (tmp_path / "guest.extxyz").write_text(format_structure(box))
    given = parameters | {"guest": None, "guest_structure": 7, "sites": 1}
    more = {"model": LJ, "guest": str(tmp_path / "guest.extxyz")}
    result = run_undisturbed(warm_child, TYPE, lattice, tmp_path / "out", parameters=given, **more)["result"]
    assert result["guest_formula"] == "Ne" and len(result["guest_sha256"]) == 64


def test_sevennet_with_d3_binds_carbon_dioxide_to_the_open_metal(
    warm_child: Child, parameters: dict[str, Any], tmp_path: Path
) -> None:
    """CO2 as a search left it in Mg-MOF-74. Experiment and DFT have -0.4 to -0.5 eV; SevenNet-0 binds too much."""
    host = next(mof for mof in BUILTIN_MOFS if mof.name == "Mg-MOF-74").build()
    place = [[-10.1800, 3.8459, 2.9951], [-10.5176, 4.9439, 3.2332], [-9.8446, 2.7488, 2.7331]]
    guest = Atoms("CO2", positions=place)
    path = tmp_path / "both.extxyz"
    path.write_text(format_structure(host + guest))
    given = parameters | {"guest": None, "guest_indices": [54, 55, 56]}
    result = run_undisturbed(warm_child, TYPE, path, tmp_path / "out", parameters=given, model=SEVENNET)["result"]
    parts = plain_sevennet_and_d3()
    both, bare = ([part.get_potential_energy(atoms) for part in parts] for atoms in (host + guest, host))
    # Without a cell and its images, which the box must be as good as.
    free = [part.get_potential_energy(guest) for part in parts]
    assert result["interaction_energy_eV"] == pytest.approx(sum(both) - sum(bare) - sum(free), abs=2e-4)
    assert -0.9 < result["interaction_energy_eV"] < -0.4
    assert (result["nearest_metal"], result["nearest_metal_guest_atom"]) == ("Mg", "O")
    assert result["nearest_metal_A"] == pytest.approx(2.27, abs=0.01)
    assert result["at_open_metal"] is True and host.symbols[result["nearest_metal_index"]] == "Mg"
    assert sum(both) - sum(bare) - sum(free) < both[0] - bare[0] - free[0] - 0.1, "dispersion is in it"


def plain_sevennet_and_d3() -> tuple[Calculator, Calculator]:
    from dftd3.ase import DFTD3
    from sevenn.calculator import SevenNetCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sevennet = SevenNetCalculator(str(weights_file(SEVENNET)), device="cpu")  # type: ignore[arg-type]
    cutoff = {"disp2": 40 * Bohr, "disp3": 40 * Bohr, "cn": 40 * Bohr}
    return sevennet, DFTD3(method="PBE", damping="d3bj", realspace_cutoff=cutoff)


def test_the_energy_of_a_guest_alone_does_not_depend_on_its_box() -> None:
    """Not with the cutoff of the model (5 Å), nor with that of D3 (40 Bohr); float32 leaves 1e-5 eV."""
    potential = load_model(SEVENNET, threads=1).potential
    guest = gas(named_guest("CO2"), potential, 0.05).guest
    boxed = alone(guest)
    wide = boxed.copy()
    wide.set_cell(wide.cell.array * 1.5)
    assert boxed.cell.lengths().min() > VACUUM_A + 2
    energies = [energy_of(boxed, potential), energy_of(wide, potential)]
    assert energies[0] == pytest.approx(energies[1], abs=2e-5)


@pytest.mark.parametrize("preset", Preset)
def test_the_presets_have_every_parameter(preset: Preset, parameters: dict[str, Any]) -> None:
    assert resolve(TaskType.INTERACTION_ENERGY, preset, {}).keys() == parameters.keys()
