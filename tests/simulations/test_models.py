"""Which models are loaded, which go, and what is said when one cannot come."""

import sys
from pathlib import Path
from typing import Any

import pytest

from mofsim.simulations.errors import ModelLoadFailed
from mofsim.simulations.models import ModelShelf
from mofsim.simulations.protocol import ModelEntry
from mofsim.simulations.weights import weights_file

from .child import PACKAGE, Child
from .conftest import EMT, SEVENNET


def emt(name: str) -> dict[str, Any]:
    return {**EMT, "name": name}


def load(child: Child, model: dict[str, Any]) -> dict[str, Any]:
    child.send(type="load", model=model)
    return child.until("loaded", "load_failed")


def test_the_least_recently_used_model_goes_first(child: Child, copper: Path, tmp_path: Path) -> None:
    assert load(child, emt("a"))["evicted"] == []
    assert load(child, emt("b"))["evicted"] == []
    child.run("single-point", copper, tmp_path / "out", emt("a"))
    child.end()
    assert load(child, emt("c"))["evicted"] == ["b"]


def test_a_warm_model_is_not_loaded_again(child: Child, copper: Path, tmp_path: Path) -> None:
    load(child, EMT)
    child.run("single-point", copper, tmp_path / "out", EMT)
    assert child.end()["metrics"]["load_seconds"] == 0
    assert [message["type"] for message in child.seen].count("loading") == 1


def test_an_unloaded_model_is_loaded_again(child: Child, copper: Path, tmp_path: Path) -> None:
    load(child, EMT)
    child.send(type="unload", name="emt")
    assert child.until("unloaded")["model"] == "emt"
    child.run("single-point", copper, tmp_path / "out", EMT)
    child.end()
    assert [message["type"] for message in child.seen].count("loading") == 2


def test_a_changed_entry_of_the_same_name_is_loaded_anew() -> None:
    shelf = ModelShelf(2)
    entry: ModelEntry = {"name": "lj", "framework": "ase", "checkpoint": "ase.calculators.lj:LennardJones"}
    shelf.load(entry)
    assert shelf.find(entry) is not None
    assert shelf.find({**entry, "options": {"epsilon": 2.0}}) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"checkpoint": "package:sevenn/nowhere.pth"}, "never downloads"),
        ({"checkpoint": "package:no_such_package/x.pth"}, "does not have"),
        ({"checkpoint": "7net-omni"}, "absolute path"),
        ({"checkpoint": "/nowhere/model.pth"}, "/nowhere/model.pth"),
        ({"framework": "abacus"}, "Known: ase, chgnet, fairchem, mace, mattersim, orb, sevenn"),
        ({"dtype": "float64"}, "float32 only"),
        ({"framework": "ase", "checkpoint": "ase.calculators.emt:NoSuch"}, "module:Class"),
        ({"sha256": "ab" * 32}, "Somebody replaced the file"),
        ({"sha256": "ab" * 32, "checkpoint": "/nowhere/model.pth"}, "upload it again"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_what_to_do(warm_child: Child, change: dict[str, Any], words: str) -> None:
    failed = load(warm_child, {**SEVENNET, **change, "name": "broken"})
    assert (failed["type"], failed["error_type"]) == ("load_failed", "ModelLoadFailed")
    assert words in failed["error_message"]


def test_a_run_whose_model_cannot_be_loaded_fails(warm_child: Child, copper: Path, tmp_path: Path) -> None:
    model = {**SEVENNET, "name": "broken", "checkpoint": "/nowhere/model.pth"}
    warm_child.run("single-point", copper, tmp_path / "out", model)
    assert warm_child.end()["error_type"] == "ModelLoadFailed"


def test_weights_in_a_package_are_found_without_importing_it() -> None:
    entry: ModelEntry = {"name": "x", "framework": "sevenn", "checkpoint": "package:antigravity_of_mine/x"}
    with pytest.raises(ModelLoadFailed, match="antigravity_of_mine"):
        weights_file(entry)
    assert weights_file({**entry, "checkpoint": SEVENNET["checkpoint"]}).name == "checkpoint_sevennet_0.pth"


PLUG_IN = """
from ase.calculators.emt import EMT
from mofsim.simulations.calculators import Built

def build(entry):
    return Built(EMT(), ["Cu"], ("toy-potential",))
"""


def test_a_package_can_bring_a_framework(copper: Path, tmp_path: Path) -> None:
    """Also where the executor is started as a folder, under an interpreter that need not know mofsim."""
    (tmp_path / "toy_potential.py").write_text(PLUG_IN)
    about = tmp_path / "toy_potential-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-potential\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[mofsim.calculators]\ntoy = toy_potential:build\n")
    child = Child(command=[sys.executable, str(PACKAGE)], environment={"PYTHONPATH": str(tmp_path)})
    assert load(child, {"name": "toy", "framework": "toy", "checkpoint": ""})["elements"] == ["Cu"]
    child.run("single-point", copper, tmp_path / "out", {"name": "toy", "framework": "toy", "checkpoint": ""})
    assert child.end()["provenance"]["versions"]["toy-potential"] == "1.2"
    assert child.close() == 0
