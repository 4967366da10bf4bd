"""Uploads that are taken, and those that are refused with a reason."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write

from mofsim.simulations.checks import check
from mofsim.simulations.frames import format_structure, read_structure
from mofsim.simulations.refusal import Refusal
from mofsim.simulations.structures import read_upload

HEAD = """data_test
_cell_length_a 10
_cell_length_b 11
_cell_length_c 12
_cell_angle_alpha 90
_cell_angle_beta 95
_cell_angle_gamma 90
"""
XYZ = '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3\nZn 0 0 0\nO 0 0 2\n'


def cif(columns: str, *rows: str, head: str = HEAD) -> str:
    """A CIF with a loop of the named atom_site columns."""
    names = "".join(f"_atom_site_{name}\n" for name in columns.split())
    return f"{head}loop_\n{names}" + "".join(f"{row}\n" for row in rows)


def refused(tmp_path: Path, content: str | bytes, name: str = "upload", format: str = "auto") -> Refusal:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Refusal) as caught:
        check(read_upload(path, format, max_atoms=50).atoms, max_atoms=50)
    return caught.value


def accepted(tmp_path: Path, content: str, name: str = "upload", format: str = "auto") -> Atoms:
    path = tmp_path / name
    path.write_text(content)
    upload = read_upload(path, format, max_atoms=50)
    check(upload.atoms, max_atoms=50)
    return upload.atoms


XYZ_REFUSALS = {
    "several_frames": XYZ + XYZ,
    "no_cell": "2\n\nZn 0 0 0\nO 0 0 2\n",
    "no_atoms": '0\nLattice="9 0 0 0 9 0 0 0 9"\n',
    "too_many_atoms": "51\n\n" + "Zn 0 0 0\n" * 51,
    "unreadable": XYZ.replace("O 0 0 2", "O 0 0 two"),
    "not_finite": XYZ.replace("O 0 0 2", "O 0 0 nan"),
    "flat_cell": XYZ.replace("9 0 0 0 9 0 0 0 9", "9 0 0 0 9 0 9 0 0.1"),
    "huge_cell": XYZ.replace("9 0 0 0 9 0 0 0 9", "900 0 0 0 9 0 9e8 0 900"),
    "not_periodic": XYZ.replace("Properties", 'pbc="T T F" Properties'),
    "unknown_element": XYZ.replace("O 0 0 2", "Qq 0 0 2"),
    "overlapping_atoms": XYZ.replace("O 0 0 2", "O 0 0 8.7"),
}


@pytest.mark.parametrize("kind", XYZ_REFUSALS)
def test_an_extxyz_is_refused_for(kind: str, tmp_path: Path) -> None:
    assert refused(tmp_path, XYZ_REFUSALS[kind]).kind == kind


CIF_REFUSALS = {
    "no_atoms": HEAD,
    "no_cell": cif("label fract_x fract_y fract_z", "Zn1 0 0 0", head="data_test\n"),
    "not_finite": cif("label fract_x fract_y fract_z", "Zn1 0 0 0", "O1 . . ."),
    "several_frames": 2 * cif("label fract_x fract_y fract_z", "Zn1 0 0 0"),
    "unreadable": cif("label fract_x fract_y fract_z", "Zn1 0 0"),
    "unknown_element": cif("label fract_x fract_y fract_z", "Zn1 0 0 0", "Xx1 .5 0 0"),
    "partial_occupancy": cif("label fract_x fract_y fract_z occupancy", "Zn1 0 0 0 1.0", "O1 .5 0 0 0.5(2)"),
    "disorder": cif("label fract_x fract_y fract_z disorder_group", "Zn1 0 0 0 1", "O1 .5 0 0 2"),
    "overlapping_atoms": cif("label fract_x fract_y fract_z", "Zn1 0 0 0", "O1 .99 0 0"),
}


@pytest.mark.parametrize("kind", CIF_REFUSALS)
def test_a_cif_is_refused_for(kind: str, tmp_path: Path) -> None:
    assert refused(tmp_path, CIF_REFUSALS[kind]).kind == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (gzip.compress(XYZ.encode(), mtime=0), "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        (b"Dear colleague,\nplease find attached the structure.\n", "unknown_format"),
    ],
)
def test_a_file_that_is_no_structure_is_refused(content: bytes, kind: str, tmp_path: Path) -> None:
    assert refused(tmp_path, content).kind == kind


def test_atoms_that_overlap_are_named_with_their_distance(tmp_path: Path) -> None:
    """Atom 2 is at the other face of the cell, so that only its image is close."""
    refusal = refused(tmp_path, XYZ_REFUSALS["overlapping_atoms"])
    assert "1 (Zn) and 2 (O) are 0.300 Å apart" in refusal.detail


def test_a_heap_of_atoms_on_one_place_is_refused_quickly(tmp_path: Path) -> None:
    atoms = Atoms("C20000", positions=np.zeros((20000, 3)), cell=[50, 50, 50], pbc=True)
    with pytest.raises(Refusal, match=r"1 \(C\) and 2 \(C\) are 0.000"):
        check(atoms, max_atoms=20000)


def test_a_crowd_is_refused_before_its_distances_are_looked_at(tmp_path: Path) -> None:
    places = np.random.default_rng(1).random((20, 3))
    rows = "".join("C {:.6f} {:.6f} {:.6f}\n".format(*place) for place in places)
    refusal = refused(tmp_path, f'20\nLattice="1.1 0 0 0 1.1 0 0 0 1.1"\n{rows}')
    assert refusal.kind == "overlapping_atoms" and "20 atoms in 1.33 Å³" in refusal.detail


def test_a_cif_with_more_operations_than_any_space_group_is_refused(tmp_path: Path) -> None:
    operations = "".join(f"'x+{n}/500, y, z'\n" for n in range(500))
    head = f"{HEAD}loop_\n_symmetry_equiv_pos_as_xyz\n{operations}"
    refusal = refused(tmp_path, cif("label type_symbol fract_x fract_y fract_z", "C1 C 0 0 0", head=head))
    assert refusal.kind == "unreadable" and "500 symmetry operations" in refusal.detail


def test_a_property_with_a_billion_columns_is_refused(tmp_path: Path) -> None:
    refusal = refused(tmp_path, XYZ.replace("pos:R:3", "pos:R:1000000000"))
    assert refusal.kind == "unreadable" and "columns" in refusal.detail


def test_a_dummy_atom_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, XYZ.replace("O 0 0 2", "X 0 0 2")).kind == "unknown_element"
    assert refused(tmp_path, cif("label fract_x fract_y fract_z", "X1 0 0 0")).kind == "unknown_element"


def test_an_occupancy_is_named_with_its_site(tmp_path: Path) -> None:
    assert "O1 has occupancy 0.5" in refused(tmp_path, CIF_REFUSALS["partial_occupancy"]).detail


@pytest.mark.parametrize("occupancy", ["1", "1.0", "1.00(3)", "?", "."])
def test_a_full_occupancy_is_no_disorder(occupancy: str, tmp_path: Path) -> None:
    accepted(tmp_path, cif("label fract_x fract_y fract_z occupancy", f"Zn1 0 0 0 {occupancy}"))


@pytest.mark.parametrize(
    ("label", "element"),
    [
        ("Zn1", "Zn"),
        ("C1'", "C"),
        ("C1''", "C"),
        ("ZN1", "Zn"),
        ("O1W", "O"),
        ("OW1", "O"),
        ("C12A", "C"),
        ("D3", "H"),
        ("h1", "H"),
    ],
)
def test_elements_are_read_from_labels(label: str, element: str, tmp_path: Path) -> None:
    atoms = accepted(tmp_path, cif("label fract_x fract_y fract_z", f"{label} 0 0 0"))
    assert atoms.get_chemical_symbols() == [element]


@pytest.mark.parametrize("symbol", ["Zn", "ZN", "zn", "Zn2+"])
def test_elements_are_read_from_type_symbols(symbol: str, tmp_path: Path) -> None:
    atoms = accepted(tmp_path, cif("label type_symbol fract_x fract_y fract_z", f"Q1 {symbol} 0 0 0"))
    assert atoms.get_chemical_symbols() == ["Zn"]


def test_a_label_that_can_be_two_elements_is_refused(tmp_path: Path) -> None:
    refusal = refused(tmp_path, cif("label fract_x fract_y fract_z", "CO1 0 0 0"))
    assert "C or Co" in refusal.detail


def test_a_cif_without_symmetry_is_taken_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "plain.cif"
    path.write_text(cif("label fract_x fract_y fract_z", "Zn1 0 0 0"))
    assert "P 1" in read_upload(path, "auto", 50).notes[0]


def test_symmetry_of_a_cif_makes_the_whole_cell(tmp_path: Path) -> None:
    head = HEAD + "_space_group_name_H-M_alt 'P -1'\n_space_group_IT_number 2\n"
    atoms = accepted(tmp_path, cif("label fract_x fract_y fract_z", "Zn1 .1 .2 .3", head=head))
    assert len(atoms) == 2


@pytest.mark.parametrize("format", ["cif", "extxyz", "vasp"])
@pytest.mark.parametrize("name", ["upload", "structure.txt"])
def test_formats_are_recognised_by_content(format: str, name: str, tmp_path: Path) -> None:
    write(tmp_path / name, bulk("Cu", cubic=True), format=format)
    upload = read_upload(tmp_path / name, "auto", 50)
    assert (upload.format, upload.atoms.get_chemical_formula()) == (format, "Cu4")


def test_a_poscar_without_symbols_is_refused(tmp_path: Path) -> None:
    content = "x\n1.0\n4 0 0\n0 4 0\n0 0 4\n 2\nDirect\n0 0 0\n.5 .5 .5\n"
    assert "VASP 4" in refused(tmp_path, content).detail


def test_the_normalised_file_keeps_every_bit(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.1, seed=3)
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0], [0, 1 / 3, 0], [0.07, 0, np.pi]])
    again = read_structure(format_structure(atoms))
    assert (again.positions == atoms.positions).all()
    assert (again.cell.array == atoms.cell.array).all()
    (tmp_path / "n.extxyz").write_text(format_structure(atoms))
    assert (read(tmp_path / "n.extxyz").positions == atoms.positions).all()


def test_results_constraints_and_velocities_are_left_behind(tmp_path: Path) -> None:
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.constraints import FixAtoms

    atoms = bulk("Cu", cubic=True)
    atoms.set_constraint(FixAtoms([0]))
    atoms.set_velocities(np.ones((4, 3)))
    atoms.calc = SinglePointCalculator(atoms, energy=1.0, forces=np.zeros((4, 3)))
    write(tmp_path / "full.extxyz", atoms)
    upload = read_upload(tmp_path / "full.extxyz", "auto", 50)
    normal = read_structure(format_structure(upload.atoms))
    assert normal.calc is None and not normal.constraints and not normal.has("momenta")
