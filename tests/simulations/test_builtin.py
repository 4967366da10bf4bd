"""The built-in MOFs are what their papers say."""

from collections import Counter

import pytest
import spglib
from ase.neighborlist import neighbor_list

from mofsim.simulations.builtin import BUILTIN_MOFS, BuiltinMof
from mofsim.simulations.checks import check

#: formula and atoms of the primitive cell, shortest distance in Å
EXPECTED = {
    "MOF-5": ("C48H24O26Zn8", 106, 1.080),
    "HKUST-1": ("C72H24Cu12O48", 156, 1.080),
    "ZIF-8": ("C48H60N24Zn6", 138, 1.080),
    "UiO-66": ("C48H28O32Zr6", 114, 0.970),
    "Mg-MOF-74": ("C24H6Mg6O18", 54, 1.099),
}
#: atoms of the conventional cell per atom of the primitive one
CENTRING = {225: 4, 216: 4, 217: 2, 148: 3}

every_mof = pytest.mark.parametrize("mof", BUILTIN_MOFS, ids=lambda mof: mof.name)


def test_the_five_are_there() -> None:
    assert [mof.name for mof in BUILTIN_MOFS] == list(EXPECTED)


@every_mof
def test_composition_and_number_of_atoms(mof: BuiltinMof) -> None:
    atoms = mof.build()
    formula, count, _ = EXPECTED[mof.name]
    assert (atoms.get_chemical_formula("hill"), len(atoms)) == (formula, count)


@every_mof
def test_shortest_distance(mof: BuiltinMof) -> None:
    atoms = mof.build()
    assert check(atoms, 1000) == pytest.approx(EXPECTED[mof.name][2], abs=0.005)


@every_mof
def test_space_group_and_primitive_cell(mof: BuiltinMof) -> None:
    atoms = mof.build()
    crystal = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    found = spglib.get_symmetry_dataset(crystal, symprec=1e-3)
    assert found is not None and found.number == mof.space_group
    assert len(found.std_types) == CENTRING[mof.space_group] * len(atoms)
    assert sorted(found.std_lattice.diagonal())[-1] == pytest.approx(max(mof.cell[:3]), abs=1e-3)


@every_mof
def test_every_hydrogen_has_one_neighbour(mof: BuiltinMof) -> None:
    atoms = mof.build()
    neighbours = Counter(neighbor_list("i", atoms, 1.25).tolist())
    assert {neighbours[index] for index in range(len(atoms)) if atoms.symbols[index] == "H"} == {1}
