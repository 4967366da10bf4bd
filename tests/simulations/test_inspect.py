"""The command that the server runs to look at structures."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ase.io import read

from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.frames import read_structure
from mofsim.simulations.outputs import format_cif

FIELDS = {
    "ok",
    "format",
    "formula",
    "n_atoms",
    "elements",
    "volume_A3",
    "cell_parameters",
    "shortest_distance_A",
    "notes",
}


def inspect(*arguments: object) -> Any:
    command = [sys.executable, "-m", "mofsim.simulations.inspect", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_a_good_file_gives_its_record_and_its_normalised_copy(tmp_path: Path) -> None:
    mof = BUILTIN_MOFS[-1].build()
    (tmp_path / "mof.cif").write_bytes(format_cif(mof))
    record = inspect("file", tmp_path / "mof.cif", "--output", tmp_path / "n.extxyz", "--max-atoms", 100)
    assert record.keys() == FIELDS
    assert (record["ok"], record["format"], record["n_atoms"]) == (True, "cif", 54)
    assert record["elements"] == ["C", "H", "Mg", "O"]
    assert record["cell_parameters"] == pytest.approx(mof.cell.cellpar())
    assert len(read_structure((tmp_path / "n.extxyz").read_text())) == 54
    assert {path.name for path in tmp_path.iterdir()} == {"mof.cif", "n.extxyz"}


def test_a_bad_file_is_an_answer_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.cif").write_text("data_x\n")
    answer = inspect("file", tmp_path / "bad.cif", "--output", tmp_path / "n.extxyz")
    assert (answer["ok"], answer["error"]) == (False, "no_atoms")
    assert {path.name for path in tmp_path.iterdir()} == {"bad.cif"}


def test_a_file_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    answer = inspect("file", tmp_path / "gone.cif", "--output", tmp_path / "n.extxyz")
    assert "No such file" in answer["detail"]


def test_a_lack_of_memory_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "big.xyz").write_bytes(b"x" * 400_000_000)
    answer = inspect("--memory-gib", 0.6, "file", tmp_path / "big.xyz", "--output", tmp_path / "n.extxyz")
    assert answer["error"] == "out_of_memory"


def test_the_builtin_structures_are_written_in_two_formats(tmp_path: Path) -> None:
    records = inspect("builtin", "--output", tmp_path)
    assert [record["name"] for record in records] == [mof.name for mof in BUILTIN_MOFS]
    for record in records:
        assert record.keys() == FIELDS | {"name", "description", "reference"}
        for suffix in ("extxyz", "cif"):
            assert len(read(tmp_path / f"{record['name']}.{suffix}")) == record["n_atoms"]
