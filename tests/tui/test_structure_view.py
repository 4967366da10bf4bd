"""Atoms in a terminal: bonds, cells, what moved, and the picture that turns."""

import random
import time
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.build import molecule as ase_molecule
from ase.data import chemical_symbols, covalent_radii
from ase.io import read
from ase.neighborlist import natural_cutoffs, neighbor_list

from mofsim.simulations import coordination, geometry
from mofsim.tui import elements, projection
from mofsim.tui import molecule as molecules
from mofsim.tui.elements import RADII, coverage, ranges
from mofsim.tui.looks import ASCII, UNICODE
from mofsim.tui.molecule import Molecule, farthest, molecule, shape
from mofsim.tui.projection import ASCII_MARKS, CELL, first_view
from mofsim.tui.widgets.lines import Row
from mofsim.tui.widgets.structure_view import StructureView
from tests.conftest import Prepared


def of(atoms: Atoms, guest: tuple[int, ...] = ()) -> Molecule:
    return molecule(list(atoms.symbols), atoms.positions.tolist(), atoms.cell.array.tolist(), guest)


def slanted(n: int, seed: int, size: float = 9.0) -> Atoms:
    """Atoms anywhere, many of them outside of a cell that has no right angle."""
    chance = random.Random(seed)
    cell = [[size, 0, 0], [0.4 * size, 0.8 * size, 0], [-0.3 * size, 0.2 * size, 1.1 * size]]
    places = [[chance.uniform(-size, 2 * size) for _ in range(3)] for _ in range(n)]
    return Atoms([chance.choice(["C", "O", "H", "Zr"]) for _ in range(n)], positions=places, cell=cell, pbc=True)


def test_radii_and_metals_are_those_of_the_simulations() -> None:
    theirs = {symbol: round(float(radius), 2) for symbol, radius in zip(chemical_symbols, covalent_radii, strict=False)}
    assert {symbol: theirs[symbol] for symbol in RADII} == dict(RADII)
    assert elements.NONMETALS == coordination.NONMETALS
    assert elements.BOND_TOLERANCE == coordination.BOND_TOLERANCE_A
    shown = {symbol for period in elements.TABLE for symbol in period if symbol}
    assert set(RADII) <= shown <= set(chemical_symbols)


@pytest.mark.parametrize("size", [3.0, 6.0, 9.0, 30.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_bonds_are_those_of_ase_in_any_cell(size: float, seed: int) -> None:
    atoms = slanted(40, seed, size)
    first, second, vectors = neighbor_list("ijD", atoms, np.array(natural_cutoffs(atoms)) + 0.2)
    theirs = sorted((i, j, *np.round(v, 3)) for i, j, v in zip(first, second, vectors, strict=True))
    ours = []
    for bond in of(atoms).bonds:
        ours.append((bond.first, bond.second, *np.round(bond.vector, 3)))
        ours.append((bond.second, bond.first, *np.round(np.negative(bond.vector), 3)))
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(sorted(ours), theirs, atol=2e-3)


def test_atoms_come_into_the_cell_and_a_guest_stays_whole() -> None:
    host = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (3, 3, 3)
    guest = ase_molecule("CO2")
    guest.positions += host.cell.array[0] * 0.999
    both = host + guest
    both.positions += [40.0, -30.0, 0.0]
    indices = tuple(range(len(host), len(both)))
    found = of(both, indices)
    fractions = np.array(found.positions) @ np.linalg.inv(both.cell.array)
    assert ((fractions[: len(host)] > -1e-5) & (fractions[: len(host)] < 1)).all()
    carbon, *oxygens = np.array(found.positions)[list(indices)]
    assert [np.linalg.norm(oxygen - carbon) for oxygen in oxygens] == pytest.approx([1.178, 1.178], abs=0.01)
    inside = [bond for bond in found.bonds if bond.first in indices and bond.second in indices]
    assert len(inside) == 2


def test_the_shape_of_a_cell_is_that_of_ase() -> None:
    atoms = slanted(3, 5)
    found = shape(of(atoms).cell)
    np.testing.assert_allclose([*found.lengths, *found.angles], atoms.cell.cellpar())
    assert found.volume == pytest.approx(atoms.cell.volume)


@pytest.mark.parametrize("seed", range(4))
def test_what_moved_farthest_is_what_the_result_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (2, 2, 2)
    after = before.copy()
    strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
    after.set_cell(after.cell.array @ strain, scale_atoms=True)
    after.rotate(5 * seed, "z", rotate_cell=True)
    after.positions += rng.normal(scale=0.05, size=after.positions.shape)
    after.translate([3.0, 0.0, 1.0])
    after.positions[7] += [0.9, 0.0, 0.0]
    found = farthest(of(before), of(after))
    assert found is not None and (found.index, found.symbol) == (7, str(before.symbols[7]))
    assert found.distance == pytest.approx(geometry.displacement(before, after).max_A, abs=1e-4)


def test_different_atoms_have_no_displacement() -> None:
    assert farthest(of(bulk("MgO", "rocksalt", a=4.2)), of(bulk("NaCl", "rocksalt", a=5.6))) is None


def test_a_cell_without_a_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="no volume"):
        molecule(["H"], [[0, 0, 0]], [[1, 0, 0], [2, 0, 0], [0, 0, 1]])


def test_elements_are_named_by_ranges_or_by_what_is_missing() -> None:
    assert ranges(["O", "H", "C", "N", "Zn", "Cu"]) == "H, C–O, Cu, Zn"
    every = list(RADII)[:94]
    assert coverage(every) == "H–Pu"
    assert coverage([symbol for symbol in every if symbol not in ("Po", "At")]) == "H–Pu without Po, At"


WATER = molecule(["O", "H", "H"], [[5, 5, 5], [5.96, 5, 5], [4.76, 5.93, 5]], [[10, 0, 0], [0, 10, 0], [0, 0, 10]])


def text(rows: list[list[projection.Spot]]) -> str:
    return "\n".join("".join(spot.text for spot in row) for row in rows)


def test_all_atoms_are_seen_from_every_side_and_the_picture_keeps_its_size() -> None:
    view = first_view()
    for turn in range(24):
        rows = projection.draw(WATER, view.turned(15 * turn, 40 * turn), 60, 28)
        assert [len(row) for row in rows] == [60] * 28
        seen = {spot.element for row in rows for spot in row} - {"", CELL}
        # One may stand before another, but never the three in one place.
        assert len(seen) == 2


def test_turning_all_the_way_round_comes_back() -> None:
    view = first_view()
    turned = view
    for _ in range(24):
        turned = turned.turned(right=15)
    assert text(projection.draw(WATER, turned, 40, 20)) == text(projection.draw(WATER, view, 40, 20))
    assert text(projection.draw(WATER, view.turned(right=15), 40, 20)) != text(projection.draw(WATER, view, 40, 20))


def test_what_is_near_hides_what_is_far() -> None:
    line = molecule(["Zn", "O"], [[5, 5, 2], [5, 5, 8]], [[10, 0, 0], [0, 10, 0], [0, 0, 10]])
    from_front = projection.View(molecules.IDENTITY)
    # An odd width, so that both stand in the middle of a character.
    views = [projection.draw(line, view, 41, 21) for view in (from_front, from_front.turned(right=180))]
    seen = [{spot.element for row in rows for spot in row} - {"", CELL} for rows in views]
    assert seen == [{"O"}, {"Zn"}]


def test_without_unicode_only_ascii_is_drawn() -> None:
    rows = projection.draw(WATER, first_view(), 40, 20, ASCII_MARKS)
    assert text(rows).isascii() and "o" in text(rows)


def rows_of(view: StructureView, width: int = 60, height: int = 20) -> list[Row]:
    return list(view.draw(width, height))


def words(rows: list[Row]) -> str:
    return "\n".join("".join(segment.text for segment in row) for row in rows)


def test_the_view_names_elements_shows_letters_bonds_and_more_cells() -> None:
    view = StructureView(UNICODE, "view")
    view.show(None, ("reading",))
    assert "reading" in words(rows_of(view))
    view.show(WATER)
    assert words(rows_of(view)).splitlines()[-1].split() == ["·", "H", "2", "•", "O", "1"]
    with_bonds = words(rows_of(view))
    view.switch_bonds()
    assert words(rows_of(view)) != with_bonds
    view.switch_bonds()
    view.switch_letters()
    assert words(rows_of(view)).count("H") >= 2 and "O" in words(rows_of(view)[:-1])
    view.switch_letters()
    assert [view.repeat() and view.view.repeat for _ in range(3)] == [2, 3, 1]
    view.zoom(2)
    view.turn(right=1, up=1)
    view.reset()
    assert words(rows_of(view)) == with_bonds


def test_a_guest_is_told_apart() -> None:
    view = StructureView(ASCII, "view")
    view.show(molecule(WATER.symbols, WATER.positions, WATER.cell, [0, 1, 2]))
    assert "# guest H2O" in words(rows_of(view)) and "o" not in words(rows_of(view)[:-1])


def test_too_many_atoms_are_not_repeated_nor_bonded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(molecules, "MOST_BONDED", 2)
    monkeypatch.setattr(projection, "MOST_ATOMS", 10)
    view = StructureView(UNICODE, "view")
    found = molecule(WATER.symbols, WATER.positions, WATER.cell)
    view.show(found)
    assert not found.bonds and not view.repeat() and view.view.repeat == 1


def test_500_atoms_are_drawn_ten_times_a_second_in_few_bytes(prepared: Prepared) -> None:
    unit = read(prepared.folder / "structures" / "builtin" / "MOF-5.extxyz")
    found = of(unit * (5, 1, 1))
    view = StructureView(UNICODE, "view")
    view.show(found)
    rows_of(view, 118, 30)
    before, times, sizes = rows_of(view, 118, 30), [], []
    for _ in range(5):
        view.turn(right=1)
        start = time.process_time()
        after = rows_of(view, 118, 30)
        times.append(time.process_time() - start)
        changed = [new for old, new in zip(before, after, strict=True) if list(old) != list(new)]
        sizes.append(sum(len(s.text.encode()) + (10 if s.style else 0) for row in changed for s in row))
        before = after
    assert len(found) == 530
    assert min(times) < 0.1 and max(sizes) < 10_000
    assert all(a > 0 for a, _ in pairwise(sizes)), "it did turn"
