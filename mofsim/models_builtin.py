"""The potentials that are there without any settings: their weights come inside packages, `sevenn` (MIT) and `chgnet`.

All were trained on PBE data without dispersion (that of the Materials Project, PBE+U where it uses it), so D3(BJ) is
added, as the published MOFSimBench does. `chgnet` needs an environment of its own: `mofsim models env create chgnet`.
"""

from collections.abc import Mapping
from types import MappingProxyType

#: the 89 elements of the Materials Project: what `_type_map` in both checkpoints of SevenNet lists, and the data that
#: CHGNet was trained on has
_MATERIALS_PROJECT_ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb "
    "Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Ac Th Pa U Np Pu"
)

#: lies in the folder of the package `sevenn`, wherever the interpreter that runs the model has it
_WEIGHTS = "package:sevenn/pretrained_potentials"

#: The same keys as a table `[models.NAME]` in settings.toml.
BUILTIN_MODELS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "7net-0": {
            "framework": "sevenn",
            "checkpoint": f"{_WEIGHTS}/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
            "d3": True,
            "description": "SevenNet-0 (11 July 2024) + D3(BJ): fast, the default",
            "licence": "MIT",
            "elements": _MATERIALS_PROJECT_ELEMENTS.split(),
        },
        "7net-l3i5": {
            "framework": "sevenn",
            "checkpoint": f"{_WEIGHTS}/SevenNet_l3i5/checkpoint_l3i5.pth",
            "d3": True,
            "description": "SevenNet-l3i5 + D3(BJ): more accurate, several times slower",
            "licence": "MIT",
            "elements": _MATERIALS_PROJECT_ELEMENTS.split(),
        },
        "chgnet": {
            "framework": "chgnet",
            "checkpoint": "package:chgnet/pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
            "d3": True,
            "description": "CHGNet 0.3.0 + D3(BJ): small, in an environment of its own",
            "licence": "BSD-3-Clause",
            "elements": _MATERIALS_PROJECT_ELEMENTS.split(),
        },
    }
)
