"""Places for a guest: overlap over the faces of a cell, supercells, and molecules put together again."""

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.collections import g2
from ase.data import covalent_radii
from ase.geometry import get_distances

from mofsim.schemas.guests import GUESTS
from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.errors import InvalidInput
from mofsim.simulations.guests import NOBLE_GASES, named_guest, same_bonds, whole
from mofsim.simulations.placement import REACH_A, Gaps, multiples, on_grid, shortest_vector

SKEWED = [[9.0, 0.0, 0.0], [6.0, 8.0, 0.0], [-3.0, 5.0, 7.0]]
SEARCH: dict[str, Any] = {"spacing_A": 1.0, "orientations": 3, "margin_A": 0.7, "most": 50}


@pytest.fixture
def host() -> Atoms:
    rng = np.random.default_rng(3)
    return Atoms("MgO2C2H", scaled_positions=rng.random((6, 3)), cell=SKEWED, pbc=True)


def gaps_by_ase(host: Atoms, guests: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    touching = covalent_radii[numbers][:, None] + covalent_radii[host.numbers][None, :]
    found = [get_distances(guest, host.positions, cell=host.cell, pbc=True)[1] - touching for guest in guests]
    return np.array(found).min(axis=(1, 2))


def test_gaps_count_the_images_of_a_skewed_cell_as_ase_does(host: Atoms) -> None:
    """Guests far outside of the cell too."""
    guest = molecule("H2O")
    placed = guest.positions + np.random.default_rng(1).uniform(-20, 20, (300, 1, 3))
    gaps, expected = Gaps(host, 4.0).of(placed, guest.numbers), gaps_by_ase(host, placed, guest.numbers)
    assert gaps[expected < 4] == pytest.approx(expected[expected < 4])
    assert (gaps[expected > 4] >= 4).all()
    across = np.abs(placed[:, :, None] - host.positions).min()
    assert across > 0 and (expected < 0.7).sum() > 20, "some overlap, and across faces"


def test_no_candidate_overlaps_and_each_touches(host: Atoms) -> None:
    guest = molecule("CO2")
    found = on_grid(host, guest, np.random.default_rng(42), **SEARCH)
    gaps = gaps_by_ase(host, found.positions, guest.numbers)
    assert len(found.positions) == min(50, found.made - found.overlapping - found.in_the_void) > 10
    assert gaps.min() >= 0.7 and gaps.max() <= REACH_A
    assert found.overlapping > 0 and found.made == 9 * 10 * 10 * 3
    for placed in found.positions:
        assert np.linalg.norm(placed[1] - placed[2]) == pytest.approx(guest.get_distance(1, 2)), "not bent"


def test_the_seed_decides_where_the_candidates_are(host: Atoms) -> None:
    found = [on_grid(host, molecule("CO2"), np.random.default_rng(seed), **SEARCH).positions for seed in (1, 1, 2)]
    assert (found[0] == found[1]).all()
    assert found[0].shape != found[2].shape or not np.allclose(found[0], found[2])


def test_the_middle_of_a_wide_pore_is_no_candidate() -> None:
    wall = Atoms("C", cell=[30, 3, 3], pbc=True)
    found = on_grid(wall, Atoms("Ar"), np.random.default_rng(1), **SEARCH)
    away = np.minimum(found.positions[:, 0, 0] % 30, -found.positions[:, 0, 0] % 30)
    assert found.in_the_void > found.made / 2
    assert away.max() < 0.76 + 1.06 + REACH_A + 1e-9


def test_a_supercell_keeps_images_apart_along_every_lattice_vector() -> None:
    """The primitive vectors of Mg-MOF-74 are 15 Å long, and their sum, along the channel, is 6.8 Å."""
    cell = next(mof for mof in BUILTIN_MOFS if mof.name == "Mg-MOF-74").build().cell.array
    assert shortest_vector(cell) == pytest.approx(6.7856)
    repeated = multiples(cell, 12.3)
    assert np.prod(repeated) == 2
    assert shortest_vector(cell * np.array(repeated)[:, None]) > 12.3
    assert multiples(cell, 5.0) == multiples(cell, 0.0) == (1, 1, 1)
    assert multiples(np.diag([4.0, 20.0, 7.0]), 12.0) == (3, 1, 2)


def test_a_guest_in_pieces_is_put_together() -> None:
    benzene = molecule("C6H6")
    wrapped = Atoms(benzene.numbers, positions=benzene.positions, cell=SKEWED, pbc=True)
    wrapped.wrap()
    assert not np.allclose(wrapped.get_all_distances(), benzene.get_all_distances())
    assert whole(wrapped).get_all_distances() == pytest.approx(benzene.get_all_distances())


def test_a_chain_without_an_end_is_no_guest() -> None:
    chain = Atoms("C2", positions=[[0, 0, 0], [1.3, 0, 0]], cell=[2.6, 12, 12], pbc=True)
    with pytest.raises(InvalidInput, match="periodic images"):
        whole(chain * (3, 1, 1))


def test_bonds_tell_a_molecule_from_its_pieces() -> None:
    water = molecule("H2O")
    stretched, broken = water.copy(), water.copy()
    stretched.set_distance(0, 1, 1.1)
    broken.set_distance(0, 1, 1.8)
    assert same_bonds(water, stretched) and not same_bonds(water, broken)


def test_the_names_of_guests_are_those_that_ase_knows() -> None:
    """The server checks names and elements without ASE."""
    assert set(g2.names) | set(NOBLE_GASES) <= set(GUESTS)
    for name, elements in GUESTS.items():
        assert sorted(set(named_guest(name).symbols)) == sorted(elements), name
    with pytest.raises(InvalidInput):
        named_guest("benzene")
