"""Open metals of known frameworks, and candidates for a guest at them."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_distances

from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.candidates import SAME_PLACE_A, Candidates, candidates, candidates_of, choose
from mofsim.simulations.guests import named_guest
from mofsim.simulations.metal_placement import CONTACT_A, at_open_metals
from mofsim.simulations.open_metals import ROOM_A, open_metals
from mofsim.simulations.placement import apart, on_grid
from mofsim.simulations.sites import site_of

MARGIN_A = 0.7
#: all but the grid's, which are the same
SEARCH = {"spacing_A": 1.5, "orientations": 2, "margin_A": MARGIN_A}


def built(name: str) -> Atoms:
    return next(mof for mof in BUILTIN_MOFS if mof.name == name).build()


@pytest.fixture(scope="module")
def mof_74() -> Atoms:
    return built("Mg-MOF-74")


@pytest.fixture(scope="module")
def octahedron() -> Atoms:
    """Mg with six oxygens, the last one above it, at the corner of its cell."""
    arms = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, -1], [0, 0, 1]]) * 2.1
    atoms = Atoms("MgO6", positions=[[0, 0, 0], *arms], cell=[12, 13, 14], pbc=True)
    atoms.wrap()
    return atoms


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MOF-5", {}),
        ("ZIF-8", {}),
        ("UiO-66", {}),
        ("HKUST-1", {("Cu", 4): 12}),
        ("Mg-MOF-74", {("Mg", 5): 6}),
    ],
)
def test_the_open_metals_of_frameworks_are_those_that_chemists_know(
    name: str, expected: dict[tuple[str, int], int]
) -> None:
    found = open_metals(built(name))
    assert Counter((metal.site.element, metal.site.coordination) for metal in found) == expected


def test_a_metal_is_open_where_a_ligand_is_gone(octahedron: Atoms) -> None:
    assert open_metals(octahedron) == []
    [metal] = open_metals(octahedron[:-1])
    assert (metal.site.index, metal.site.coordination) == (0, 5)
    mean = metal.directions.mean(axis=0)
    assert mean[2] > 0.9 and np.linalg.norm(mean[:2]) < 0.1


def test_a_metal_among_metals_is_no_open_one() -> None:
    assert open_metals(Atoms("Cu", cell=[4.0] * 3, pbc=True)) == []


def test_a_guest_touches_each_open_metal_with_an_atom_that_can_bind(mof_74: Atoms) -> None:
    """Distances are those of ASE, images counted."""
    metals = open_metals(mof_74)
    for name, donors in (("CO2", {"O", "C"}), ("H2O", {"O"})):
        guest = named_guest(name)
        found = at_open_metals(mof_74, guest, np.random.default_rng(5), metals, margin_A=MARGIN_A, most=32)
        assert sorted(Counter(found.metals.tolist()).values()) == [5, 5, 5, 5, 6, 6]
        others = np.setdiff1d(np.arange(len(mof_74)), [metal.site.index for metal in metals])
        for placed, metal in zip(found.positions, found.metals, strict=True):
            distances = get_distances(placed, mof_74.positions, cell=mof_74.cell, pbc=True)[1]
            gaps = distances - covalent_radii[guest.numbers][:, None] - covalent_radii[mof_74.numbers][None, :]
            touching = int(gaps[:, metal].argmin())
            assert CONTACT_A[0] - 1e-6 <= gaps[touching, metal] <= CONTACT_A[1]
            assert guest.symbols[touching] in donors
            assert gaps[:, others].min() >= MARGIN_A
            assert np.delete(gaps[:, metal], touching).min() >= MARGIN_A
            assert Atoms(guest.numbers, placed).get_all_distances() == pytest.approx(guest.get_all_distances())


def test_a_ligand_has_room_in_every_direction_of_an_open_metal(mof_74: Atoms) -> None:
    """Also where it is over the face of the cell."""
    moved = mof_74.copy()
    moved.positions += 3.3
    moved.wrap()
    radii = covalent_radii[moved.numbers]
    found = open_metals(moved)
    assert [metal.site for metal in found] == [metal.site for metal in open_metals(mof_74)]
    for metal in found:
        ligands = moved.positions[metal.site.index] + (radii[metal.site.index] + 0.66) * metal.directions
        gaps = get_distances(ligands, moved.positions, cell=moved.cell, pbc=True)[1] - radii - 0.66
        assert np.delete(gaps, metal.site.index, axis=1).min() >= ROOM_A - 1e-6


def searched(host: Atoms, seed: int, most: int, share: float) -> Candidates:
    rng = np.random.default_rng(seed)
    return candidates(host, named_guest("CO2"), rng, open_metals(host), most=most, metal_share=share, **SEARCH)


def test_a_part_of_the_candidates_is_at_open_metals_and_the_seed_decides_which(mof_74: Atoms) -> None:
    found, again, other = (searched(mof_74, seed, 40, 0.5) for seed in (1, 1, 2))
    assert (found.count("open metal"), found.count("grid")) == (20, 20)
    assert (found.positions == again.positions).all() and (found.metals == again.metals).all()
    assert not np.allclose(found.positions, other.positions)


@pytest.mark.parametrize(("name", "share"), [("ZIF-8", 0.5), ("Mg-MOF-74", 0.0)])
def test_without_open_metals_or_a_share_of_them_all_candidates_are_those_of_the_grid(name: str, share: float) -> None:
    host = built(name)
    found = searched(host, 3, 10, share)
    grid = on_grid(host, named_guest("CO2"), np.random.default_rng(3), most=10, **SEARCH)
    assert (found.positions == grid.positions).all() and len(found) == found.count("grid") == 10


def test_what_has_no_room_at_the_metals_is_left_to_the_grid(octahedron: Atoms) -> None:
    """A wall in front of the metal leaves room for an oxygen, and none for a guest behind it."""
    host = octahedron[:-1] + Atoms("O", positions=[[0, 0, 5.2]])
    assert len(open_metals(host)) == 1
    found = candidates(
        host,
        named_guest("CH3CH2OCH3"),
        np.random.default_rng(1),
        open_metals(host),
        most=20,
        metal_share=1.0,
        **{**SEARCH, "margin_A": 1.3},
    )
    assert (found.count("open metal"), found.count("grid")) == (0, 20)


def test_the_best_of_each_origin_are_relaxed_before_others(mof_74: Atoms) -> None:
    """Though all candidates at metals score worse than those of the grid."""
    found = searched(mof_74, 1, 40, 0.5)
    scores = [-0.1 * n for n in range(len(found))]
    chosen = choose(found, scores, mof_74.cell.array, 4)
    assert [found.origin(number) for number in chosen[:2]] == ["grid", "open metal"]
    assert chosen[0] == 39 and chosen[2:] == sorted(chosen[2:], reverse=True) and found.origin(chosen[2]) == "grid"
    centres = found.positions.mean(axis=1)
    for place, number in enumerate(chosen):
        assert (apart(mof_74.cell.array, centres[chosen[:place]], centres[number]) >= SAME_PLACE_A).all()
    assert choose(found, scores, mof_74.cell.array, 1) == chosen[:1]


def test_what_an_older_version_left_in_a_checkpoint_is_understood(mof_74: Atoms) -> None:
    grid = on_grid(mof_74, named_guest("CO2"), np.random.default_rng(3), most=4, **SEARCH)
    state = {"positions": grid.positions, "made": 9, "overlapping": 2, "in_the_void": 1}
    found = candidates_of(state)
    assert found.count("grid") == len(found) == 4 and found.passed == 6 and found.open_metals == ()
    contact = {"nearest_host_A": 3.0, "nearest_host": "O", "nearest_host_index": 7}
    contact |= {"nearest_metal_A": 4.0, "nearest_metal": "Mg", "nearest_metal_guest_atom": "O"}
    energies = ("interaction", "unrelaxed_interaction", "guest_deformation", "guest_image")
    site = {f"{name}_energy_eV": -0.1 for name in energies}
    site |= {"candidate": 3, "contact": contact, "unrelaxed_contact": contact, "converged": True, "steps": 5}
    site |= {"guest_fmax_eV_per_A": 0.01, "guest_intact": True, "times_found": 1}
    assert site_of(site).origin == "grid" and site_of(site).contact.nearest_metal_index is None
