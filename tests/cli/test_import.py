"""Folders of structures."""

from pathlib import Path

import pytest

from mofsim.client import Client
from mofsim.client.importing import plan

from .conftest import Mofsim

CIF = """data_cube
_cell_length_a {a}
_cell_length_b 4.0
_cell_length_c 4.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Mg1 Mg 0.0 0.0 0.0
O1 O 0.5 0.5 0.5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two structures, one that is none, and one in a folder below."""
    folder = tmp_path / "cifs"
    (folder / "below").mkdir(parents=True)
    for name, a in (("a.cif", 4.1), ("b.CIF", 4.2), ("below/c.cif", 4.3)):
        (folder / name).write_text(CIF.format(a=a))
    (folder / "bad.cif").write_text("nothing of use")
    (folder / ".hidden.cif").write_text(CIF.format(a=4.4))
    (folder / "notes.txt").write_text("")
    return folder


def test_a_folder_is_imported_and_what_is_refused_is_told(own_mofsim: Mofsim, own_client: Client, folder: Path) -> None:
    said = own_mofsim("structures", "import", folder, "--set", "mine", "--json")
    assert said.status == 1
    assert [each["original_name"] for each in said.document["items"]] == ["a.cif", "b.CIF"]
    assert [each["file"] for each in said.document["errors"]] == ["bad.cif"]
    assert "refused bad.cif: " in said.stderr and said.document["errors"][0]["error"]["type"]
    before = len(own_client.structures())

    said = own_mofsim("structures", "import", folder, "--recursive", "--set", "mine")
    assert len(own_client.structures()) == before + 1
    assert said.stdout.count("there already") == 2 and "set mine: 3 structures" in said.stdout
    assert [each.name for each in own_client.structures(set="mine")] == ["a", "b", "c"]
    assert own_mofsim("structures", "sets").stdout.splitlines()[1].split() == ["mine", "3"]


def test_a_folder_without_structures_is_wrong_use(mofsim: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = mofsim("structures", "import", "empty")
    assert said.status == 2 and "-r looks into the folders below" in said.stderr
    assert mofsim("structures", "import", "nowhere").status == 2


def test_the_benchmarks_folders_become_its_sets(own_mofsim: Mofsim, own_client: Client, tmp_path: Path) -> None:
    for name, a in (("main_set/X.cif", 4.1), ("main_set/Y.cif", 4.2), ("hcmof/X.cif", 4.1)):
        path = tmp_path / "data/mofsimbench" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CIF.format(a=a))
    said = own_mofsim("structures", "import", "data", "--json")
    sets = {each["name"]: each["structure_ids"] for each in said.document["sets"]}
    # The same structure in both sets is one.
    assert said.status == 0 and set(sets["hcmof"]) < set(sets["main_set"]) and len(sets["main_set"]) == 2
    refused = own_mofsim("structures", "rm", sets["hcmof"][0])
    assert refused.status == 1 and "hcmof, main_set" in refused.stderr
    for name in ("main_set", "hcmof"):
        assert own_mofsim("structures", "unset", name).status == 0
    assert own_mofsim("structures", "rm", *sets["main_set"]).status == 0


def test_the_benchmarks_own_list_says_what_belongs_to_a_set(tmp_path: Path) -> None:
    structures = tmp_path / "mof_benchmark/experiments/structures"
    for name in ("main_set/A.cif", "main_set/B.cif", "main_set/other.cif", "hcmof/C.cif"):
        (structures / name).parent.mkdir(parents=True, exist_ok=True)
        (structures / name).write_text("")
    (structures / "structures.yaml").write_text(
        'structures_dir: "x"\nessential:\n  - main_set/A.cif\nmain_set:\n  - essential\n  - main_set/B.cif  # good\n'
        "hcmof:\n  - hcmof/C.cif\n  # - hcmof/D.cif missing H\ngolddac:\n  - golddac/E.xyz\n"
    )
    found = plan(tmp_path, recursive=False, set_name=None)
    names = {name: [path.name for path in paths] for name, paths in found.sets.items()}
    assert names == {"essential": ["A.cif"], "main_set": ["A.cif", "B.cif"], "hcmof": ["C.cif"]}
    assert [path.name for path in found.files] == ["A.cif", "B.cif", "C.cif"]
