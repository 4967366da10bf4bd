"""Open metal sites: metals of a framework that have room for one more ligand, and on which side."""

# The classes of ase are untyped.
# mypy: allow-untyped-calls

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.neighborlist import neighbor_list

from .coordination import MetalSite, metal_sites

#: What may come as a ligand: oxygen, which all metals of frameworks hold on to.
_LIGAND_RADIUS_A = float(covalent_radii[atomic_numbers["O"]])
#: A ligand has room where all other atoms are further from it than the sum of the covalent radii and this. Beside the
#: five oxygens of Mg in MOF-74 there is 1.4, beside the four of Cu in HKUST-1 1.6 Å. Where the coordination is complete
#: there is less: 0.9 in the tetrahedra of MOF-5, 1.0 around ZrO8 in UiO-66, and 0.6 Å in an octahedron.
ROOM_A = 1.2
_DIRECTIONS = 1000


@dataclass(frozen=True)
class OpenMetal:
    """A metal with its `directions` (N, 3), unit vectors that cover evenly where a ligand has room."""

    site: MetalSite
    directions: np.ndarray


def open_metals(host: Atoms) -> list[OpenMetal]:
    """In the order of the atoms. Nothing but the geometry counts: neither charges nor what is known of the element.

    A metal that binds no nonmetal, as in an alloy, is no site of a framework.
    """
    sites = [site for site in metal_sites(host) if site.coordination]
    if not sites:
        return []
    sphere = _sphere(_DIRECTIONS)
    longest = max(_bond(host, site) for site in sites)
    reach = longest + _LIGAND_RADIUS_A + float(covalent_radii[host.numbers].max()) + ROOM_A
    centres, others, vectors = neighbor_list("ijD", host, reach)
    found: list[OpenMetal] = []
    for site in sites:
        around = centres == site.index
        ligands = _bond(host, site) * sphere
        gaps = np.linalg.norm(ligands[:, None, :] - vectors[around][None, :, :], axis=2)
        gaps -= _LIGAND_RADIUS_A + covalent_radii[host.numbers[others[around]]]
        has_room = gaps.min(axis=1) >= ROOM_A
        if has_room.any():
            found.append(OpenMetal(site, sphere[has_room]))
    return found


def _bond(host: Atoms, site: MetalSite) -> float:
    """How far from its metal a ligand is, in Å."""
    return float(covalent_radii[host.numbers[site.index]]) + _LIGAND_RADIUS_A


def _sphere(count: int) -> np.ndarray:
    """Unit vectors (count, 3) spread evenly: points of a spiral from pole to pole."""
    heights = 1 - (2 * np.arange(count) + 1) / count
    turns = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    widths = np.sqrt(1 - heights**2)
    return np.stack([widths * np.cos(turns), widths * np.sin(turns), heights], axis=1)
