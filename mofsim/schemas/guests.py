"""Guests by their names, with their elements: ASE's molecules (its G2 set and some more) and the noble gases.

A copy of what ASE knows, so that a request is checked without loading it; a test compares the two.
"""

_NAMES_BY_ELEMENTS = {
    "Al": "Al",
    "Al Cl": "AlCl3",
    "Al F": "AlF3",
    "Ar": "Ar",
    "B": "B",
    "B Cl": "BCl3",
    "B F": "BF3",
    "Be": "Be Be2",
    "Be H": "BeH",
    "C": "C C60",
    "C Cl": "C2Cl4 CCl4",
    "C Cl H": "C3H7Cl CH3CH2Cl CH3Cl H2CCHCl H2CCl2 HCCl3",
    "C Cl H O": "CH3COCl",
    "C F": "C2F4 CF4",
    "C F H": "H2CCHF H2CF2 HCF3",
    "C F H O": "CH3COF",
    "C F N": "CF3CN",
    "C F O": "COF2",
    "C H": (
        "2-butyne C2H2 C2H3 C2H4 C2H5 C2H6 C3H4_C2v C3H4_C3v C3H4_D2d C3H6_Cs C3H6_D3h C3H7 C3H8 C3H9C C5H8 "
        "C6H6 CCH CH CH2_s1A1d CH2_s3B1d CH3 CH4 bicyclobutane biphenyl butadiene cyclobutane cyclobutene "
        "isobutane isobutene methylenecyclopropane trans-butane"
    ),
    "C H N": "BDA C2H6NH C3H9N C4H4NH C5H5N C7NH5 CH2NHCH2 CH3CH2NH2 CH3CN H2CCHCN H3CNH2 HCN",
    "C H N O": "CH3CONH2 CH3NO2 CH3ONO",
    "C H O": (
        "C2H6CHOH C4H4O CH2OCH2 CH3CH2O CH3CH2OCH3 CH3CH2OH CH3CHO CH3CO CH3COCH3 CH3COOH CH3O CH3OCH3 CH3OH "
        "H2CCO H2CO H2COH HCO HCOOCH3 HCOOH OCHCHO"
    ),
    "C H O S": "C2H6SO",
    "C H S": "C4H4S CH2SCH2 CH3CH2SH CH3S CH3SCH3 CH3SH",
    "C H Si": "CH3SiH3",
    "C N": "CN NCCN",
    "C O": "CO CO2",
    "C O S": "OCS",
    "C S": "CS CS2",
    "Cl": "Cl Cl2",
    "Cl F": "ClF ClF3",
    "Cl H": "HCl",
    "Cl H O": "HOCl",
    "Cl N O": "ClNO",
    "Cl Na": "NaCl",
    "Cl O": "ClO",
    "Cl Si": "SiCl4",
    "F": "F F2",
    "F H": "HF",
    "F Li": "LiF",
    "F N": "NF3",
    "F O": "F2O",
    "F P": "PF3",
    "F Si": "SiF4",
    "H": "H H2",
    "H Li": "LiH",
    "H N": "N2H4 NH NH2 NH3",
    "H O": "H2O H2O2 OH",
    "H P": "PH2 PH3",
    "H S": "SH SH2",
    "H Si": "Si2H6 SiH2_s1A1d SiH2_s3B1d SiH3 SiH4",
    "He": "He",
    "Kr": "Kr",
    "Li": "Li Li2",
    "N": "N N2",
    "N O": "N2O NO NO2",
    "Na": "Na Na2",
    "Ne": "Ne",
    "O": "O O2 O3",
    "O S": "SO SO2",
    "O Si": "SiO",
    "P": "P P2",
    "S": "S S2",
    "Si": "Si Si2",
    "Xe": "Xe",
}

#: name → elements
GUESTS: dict[str, tuple[str, ...]] = {
    name: tuple(elements.split()) for elements, names in _NAMES_BY_ELEMENTS.items() for name in names.split()
}
