"""Five well-known MOFs from their published coordinates; the primitive cell is built from the space group."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from ase.spacegroup import crystal

#: length of an aromatic C–H bond; X-ray data puts H too close
_CH_BOND_A = 1.08

Site = tuple[str, float, float, float]


@dataclass(frozen=True)
class BuiltinMof:
    """A row of the table: lengths in Å, sites in fractional coordinates of the conventional cell."""

    name: str
    description: str
    reference: str
    space_group: int
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    #: move H along its bond to 1.08 Å from C
    set_ch_bonds: bool = False

    def build(self) -> Atoms:
        """The primitive cell."""
        atoms = crystal(
            [site[0] for site in self.sites],
            basis=[site[1:] for site in self.sites],
            spacegroup=self.space_group,
            cellpar=self.cell,
            primitive_cell=True,
            onduplicates="error",
        )
        if self.set_ch_bonds:
            _set_ch_bonds(atoms)
        return Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)


def _set_ch_bonds(atoms: Atoms) -> None:
    carbons = atoms.positions[atoms.symbols == "C"]
    for index in np.flatnonzero(atoms.symbols == "H"):
        vectors, lengths = find_mic(atoms.positions[index] - carbons, atoms.cell)
        nearest = int(lengths.argmin())
        bond = vectors[nearest] * (_CH_BOND_A / lengths[nearest])
        atoms.positions[index] += bond - vectors[nearest]


def _cubic(a: float) -> tuple[float, float, float, float, float, float]:
    return (a, a, a, 90.0, 90.0, 90.0)


BUILTIN_MOFS: tuple[BuiltinMof, ...] = (
    BuiltinMof(
        name="MOF-5",
        description="Zn4O clusters and benzenedicarboxylate, also IRMOF-1; wide pores, soft",
        reference="Eddaoudi et al., Science 295, 469 (2002), doi:10.1126/science.1067208",
        space_group=225,
        cell=_cubic(25.832),
        sites=(
            ("Zn", 0.2934, 0.2066, 0.2066),
            ("O", 0.25, 0.25, 0.25),
            ("O", 0.2819, 0.2181, 0.1340),
            ("C", 0.25, 0.25, 0.1113),
            ("C", 0.25, 0.25, 0.0538),
            ("C", 0.2829, 0.2171, 0.0269),
            ("H", 0.3085, 0.1915, 0.0478),
        ),
        set_ch_bonds=True,
    ),
    BuiltinMof(
        name="HKUST-1",
        description="Copper paddle-wheels and benzenetricarboxylate, dry; open metal sites",
        reference="Chui et al., Science 283, 1148 (1999), doi:10.1126/science.283.5405.1148",
        space_group=225,
        cell=_cubic(26.343),
        sites=(
            ("Cu", 0.2853, 0.2853, 0.0),
            ("O", 0.3166, 0.2431, 0.9478),
            ("C", 0.2968, 0.2032, 0.9313),
            ("C", 0.3220, 0.1780, 0.8870),
            ("C", 0.3655, 0.1994, 0.8655),
            ("H", 0.3826, 0.2326, 0.8826),
        ),
        set_ch_bonds=True,
    ),
    BuiltinMof(
        name="ZIF-8",
        description="Zinc and 2-methylimidazolate, sodalite net; methyl groups in one ordered position",
        reference="Park et al., PNAS 103, 10186 (2006), doi:10.1073/pnas.0602439103; methyl H placed",
        space_group=217,
        cell=_cubic(16.991),
        sites=(
            ("Zn", 0.5, 0.0, 0.75),
            ("N", 0.40973, 0.96832, 0.68278),
            ("C", 0.37705, 0.0079, 0.62295),
            ("C", 0.36851, 0.89914, 0.6875),
            ("C", 0.4061, 0.0855, 0.5939),
            ("H", 0.3792, 0.8524, 0.7292),
            ("H", 0.4510, 0.0761, 0.5490),
            ("H", 0.4313, 0.1185, 0.6428),
        ),
    ),
    BuiltinMof(
        name="UiO-66",
        description="Zr6 clusters and benzenedicarboxylate, hydroxylated, OH groups ordered; stiff",
        reference="Cavka et al., J. Am. Chem. Soc. 130, 13850 (2008), doi:10.1021/ja8057953; ordered",
        space_group=216,
        cell=_cubic(20.7004),
        sites=(
            ("Zr", 0.11989, 0.0, 0.0),
            ("O", 0.17047, 0.0, 0.0953),
            ("C", 0.1536, 0.0, 0.1536),
            ("C", 0.2050, 0.0, 0.2050),
            ("C", 0.2675, 0.0, 0.1844),
            ("H", 0.2796, 0.0, 0.1336),
            ("O", 0.0503, 0.0503, 0.0503),
            ("O", -0.06787, -0.06787, -0.06787),
            ("H", -0.09493, -0.09493, -0.09493),
        ),
    ),
    BuiltinMof(
        name="Mg-MOF-74",
        description="Magnesium oxide chains and dioxidoterephthalate, dry; open metal sites, takes up CO2",
        reference="computational model of the material of Caskey et al., J. Am. Chem. Soc. 130, 10870 (2008), "
        "doi:10.1021/ja8036096",
        space_group=148,
        cell=(25.8765, 25.8765, 6.7856, 90.0, 90.0, 120.0),
        sites=(
            ("Mg", 0.64159, 0.68514, 0.47189),
            ("O", 0.96943, 0.29776, 0.36038),
            ("O", 0.92763, 0.23048, 0.6102),
            ("O", 0.25494, 0.94205, 0.67383),
            ("C", 0.92667, 0.2458, 0.42703),
            ("C", 0.87918, 0.20711, 0.29083),
            ("C", 0.21254, 0.88926, 0.7549),
            ("C", 0.1663, 0.84759, 0.63558),
            ("H", 0.16529, 0.85803, 0.47918),
        ),
    ),
)
