"""Where reference values come from, and the traps in them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mofsim.benchmark import cells
from mofsim.benchmark.equation_of_state import EV_PER_HARTREE, GPA_PER_EV_A3, fit
from mofsim.benchmark.published import read_published
from mofsim.benchmark.references import BUILTIN, BadReference, References, read_csv
from mofsim.schemas.scores import Reference
from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.vocabulary import Quantity

MakeReference = Callable[..., Reference]
VOLUMES = [960.0, 980.0, 1000.0, 1020.0, 1040.0]


def birch_murnaghan(volume: float, e0: float, b0_GPa: float, derivative: float, v0: float) -> float:
    """In eV, as it is written in textbooks (doi:10.1103/PhysRevB.70.224107), not as it is fitted here."""
    x = (v0 / volume) ** (2 / 3)
    return e0 + 9 * v0 * b0_GPa / GPA_PER_EV_A3 / 16 * ((x - 1) ** 3 * derivative + (x - 1) ** 2 * (6 - 4 * x))


@pytest.mark.parametrize(("b0", "derivative", "v0"), [(16.06, 4.0, 995.0), (0.5, 11.0, 1012.5), (88.0, -3.0, 1000.0)])
def test_a_fit_finds_the_curve_that_the_points_lie_on(b0: float, derivative: float, v0: float) -> None:
    energies = [birch_murnaghan(volume, -32353.8, b0, derivative, v0) for volume in VOLUMES]
    curve = fit(VOLUMES, energies)
    assert curve is not None and curve.is_inside
    assert curve.volume_A3 == pytest.approx(v0, rel=1e-6)
    assert curve.bulk_modulus * GPA_PER_EV_A3 == pytest.approx(b0, rel=1e-4)
    assert curve.energy(970.0) == pytest.approx(birch_murnaghan(970.0, -32353.8, b0, derivative, v0), abs=1e-6)


def test_points_without_a_minimum_have_no_curve_or_one_outside() -> None:
    assert fit(VOLUMES[:4], [0.0, 1.0, 2.0, 3.0]) is None
    assert fit([1000.0] * 5, [0.0] * 5) is None
    assert fit(VOLUMES, [(volume - 1000) ** 3 + 1000 * (volume - 1000) for volume in VOLUMES]) is None
    hill = fit(VOLUMES, [-((volume - 1000) ** 2) for volume in VOLUMES])
    assert hill is None or not hill.is_inside
    slope = fit(VOLUMES, [birch_murnaghan(volume, 0, 10, 4, 1100.0) for volume in VOLUMES])
    assert slope is not None and not slope.is_inside


def checkout(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A checkout of the benchmark with these rows, where the published one has them."""
    data = folder / "mof_benchmark" / "analysis" / "dft_data"
    data.mkdir(parents=True)
    names = ["", "cif_name", "strains", "node_pks", "volumes_A3", "energies_au", "B0_GPa", "structure"]
    with (data / "combined.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "mof_benchmark" / "analysis" / "heat_capacity").mkdir()
    (folder / "mof_benchmark" / "analysis" / "heat_capacity" / "cv.csv").write_text(
        "cif_name,cv_300K_JperKperg,tot_cv_JperK,tot_mass_amu\nLTA,0.7,70.0,100.0\nodd,0.9,70.0,100.0\n"
    )
    return folder


def energies_row(name: str, unit_eV: float, told_GPa: float) -> dict[str, Any]:
    """Of a curve with 20 GPa and 1004 Å³."""
    energies = [birch_murnaghan(volume, -30000.0, 20.0, 5.0, 1004.0) / unit_eV for volume in VOLUMES]
    return {
        "structure": name,
        "volumes_A3": json.dumps(VOLUMES),
        "energies_au": json.dumps(energies),
        "B0_GPa": told_GPa,
    }


def test_the_unit_of_each_row_is_the_one_that_gives_its_own_bulk_modulus(tmp_path: Path) -> None:
    rows = [
        energies_row("hartree", EV_PER_HARTREE, 20.0),
        energies_row("in eV", 1.0, 20.0),
        energies_row("other fit", EV_PER_HARTREE, 24.0),
        energies_row("kcal/mol", 0.04336, 20.0),
        energies_row("hill", -1.0, 20.0),
    ]
    found = References(read_published(checkout(tmp_path, rows)))
    for name in ("hartree", "in eV", "other fit"):
        volume, modulus = found.find(name, Quantity.VOLUME), found.find(name, Quantity.BULK_MODULUS)
        assert volume and modulus and modulus.energies_eV
        assert volume.value == pytest.approx(1004.0, rel=1e-6)
        assert min(modulus.energies_eV) == pytest.approx(-30000.0, abs=1e-2)
    notes = {each.structure: each.note or "" for each in found.all() if each.quantity is Quantity.BULK_MODULUS}
    assert notes["hartree"] == ""
    assert "in eV, though the file says Hartree" in notes["in eV"]
    assert "refit of its energies gives 20.00 GPa" in notes["other fit"]
    assert "neither in Hartree nor in eV" in notes["kcal/mol"]
    assert "no curve with a minimum" in notes["hill"]
    assert [found.find(name, Quantity.VOLUME) for name in ("kcal/mol", "hill")] == [None, None]


def test_heat_capacities_are_held_against_themselves(tmp_path: Path) -> None:
    found = References(read_published(checkout(tmp_path, [])))
    fine, odd = (found.find(name, Quantity.HEAT_CAPACITY) for name in ("LTA", "odd"))
    assert fine and odd and (fine.value, fine.note) == (0.7, None)
    assert odd.note == "its total heat capacity and mass give 0.7000 J/(g K)"


def test_a_folder_without_references_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(BadReference, match="B0_GPa"):
        read_published(tmp_path)


def test_own_values_are_read_and_lie_over_the_others(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "structure,volume_A3,bulk_modulus_GPa,interaction_energy_eV,guest,n_atoms,source\n"
        "MOF-5,17700,,,,424,PBEsol\n"
        "Mg-MOF-74,,,-0.46,CO2,,\n"
        "Mg-MOF-74,,,-0.82,H2O,,\n\n"
    )
    found = References(BUILTIN, read_csv(path))
    volume = found.find("MOF-5_primitive", Quantity.VOLUME)
    assert volume and (volume.value, volume.n_atoms, volume.source) == (17700.0, 424, "PBEsol")
    modulus = found.find("MOF-5", Quantity.BULK_MODULUS)
    assert modulus and modulus.value == 16.06
    energy = found.find("MgMOF74", Quantity.INTERACTION_ENERGY, "H2O")
    assert energy and (energy.value, energy.source) == (-0.82, "own.csv")
    assert found.find("MgMOF74", Quantity.INTERACTION_ENERGY) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("structure,volume\nA,1\n", "no meaning for 'volume'"),
        ("structure,guest\nA,CO2\n", "lacks a column"),
        ("structure,volume_A3\nA,about 5\n", "line 2: volume_A3 is 'about 5'"),
        ("structure,volume_A3\nA,5\n,6\n", "line 3: no structure"),
        ("structure,volume_A3\nA,nan\n", "must be a positive number"),
        ("structure,bulk_modulus_GPa\nA,-4\n", "must be a positive number"),
        ("structure,heat_capacity_J_per_gK\nA,712.5\n", r"is that in J/\(g K\)"),
        ("structure,bulk_modulus_GPa\nA,16060\n", "is that in GPa"),
        ("structure,volume_A3,n_atoms\nA,5,few\n", "n_atoms is 'few'"),
        ("structure,volume_A3\nA,5\na,6\n", "two values of volume_A3"),
    ],
    ids=["column", "no value", "word", "no name", "nan", "negative", "per kg", "in MPa", "atoms", "twice"],
)
def test_a_mistake_in_own_values_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(BadReference, match=says):
        read_csv(path)


def test_names_that_are_too_much_alike_are_only_found_as_they_are(reference: MakeReference) -> None:
    found = References([reference("MOF-5", "volume_A3", 1.0), reference("MOF-5_conventional", "volume_A3", 4.0)])
    exact = found.find("mof-5", Quantity.VOLUME)
    assert exact and exact.value == 1.0
    assert found.find("MOF5", Quantity.VOLUME) is None


def test_the_built_in_references_are_of_the_built_in_cells() -> None:
    sizes = {mof.name: mof.build() for mof in BUILTIN_MOFS}
    assert {each.structure for each in BUILTIN} == set(sizes)
    for each in BUILTIN:
        assert each.n_atoms == len(sizes[each.structure])
        if each.quantity is Quantity.VOLUME:
            assert cells.match(sizes[each.structure].cell.volume, each.n_atoms, each).scale == 1.0


@pytest.mark.parametrize(
    ("volume", "scale", "words"),
    [
        (100.0, 1.0, "the same cell"),
        (124.0, 1.0, "the same cell"),
        (410.0, 0.25, "the cell has 4 of the reference's"),
        (51.0, 2.0, "the reference's cell has 2 of this one"),
        (24.0, 4.0, "the reference's cell has 4 of this one"),
    ],
    ids=str,
)
def test_a_cell_is_an_integer_number_of_the_references(
    reference: MakeReference, volume: float, scale: float, words: str
) -> None:
    assert cells.match(volume, 7, reference("a", "volume_A3", 100.0)) == cells.Cells(scale, words)


@pytest.mark.parametrize("volume", [127.0, 148.0, 70.0], ids=str)
def test_a_cell_that_is_no_integer_number_of_the_references_is_refused(reference: MakeReference, volume: float) -> None:
    with pytest.raises(cells.NoMatch, match="is it the same structure"):
        cells.match(volume, 7, reference("a", "volume_A3", 100.0))


def test_atoms_decide_where_the_reference_tells_them(reference: MakeReference) -> None:
    known = reference("a", "volume_A3", 100.0, n_atoms=10)
    assert cells.match(290.0, 30, known).scale == pytest.approx(1 / 3)
    assert cells.match(52.0, 5, known).scale == 2.0
    with pytest.raises(cells.NoMatch, match="15 atoms are no integer number"):
        cells.match(100.0, 15, known)
    with pytest.raises(cells.NoMatch, match="within 25% of no integer"):
        cells.match(150.0, 10, known)
