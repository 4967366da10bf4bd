"""A task as a folder, and the same task once more."""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mofsim.client import Client
from mofsim.vocabulary import TaskStatus
from tests.client.running import Hands
from tests.client.test_client import XYZ

from .conftest import Mofsim, Said

VERSIONS = {"ase": "3.26", "torch": "2.8"}
SERIES = "step,energy_eV\n0,-1.0\n1,-2.0\n"


def outcome(checksum: str, energy_eV: float = -2.0, **changed: Any) -> dict[str, Any]:
    provenance = {
        "task_type": "single-point",
        "parameters": {},
        "preset": "mofsimbench",
        "model": "lj",
        "framework": "ase",
        "model_sha256": None,
        "model_options": {"rc": 3.0},
        "d3": None,
        "dtype": "float32",
        "structure_sha256": checksum,
        "device": "cpu",
        "mofsim": "0.1.0",
        "versions": VERSIONS,
    }
    result = {"energy_eV": energy_eV, "energy_per_atom_eV": energy_eV / 2, "stress_GPa": [0.1, 0.2]}
    return {"result": result, "provenance": provenance | changed}


@pytest.fixture
def checksum(own_client: Client, tmp_path: Path) -> str:
    """Of the structure that all tasks here are computed for."""
    (tmp_path / "oxide.xyz").write_text(XYZ)
    return own_client.add_structure(tmp_path / "oxide.xyz").checksum


@pytest.fixture
def exported(own_mofsim: Mofsim, own_client: Client, hands: Hands, checksum: str, tmp_path: Path) -> Path:
    structure = next(each for each in own_client.structures() if each.checksum == checksum)
    id = own_client.submit("single-point", structure.id, model="lj").id
    lease = hands.take()
    hands.end(lease, output_files=hands.write(lease, "series.csv", SERIES), **outcome(checksum))
    assert own_mofsim("export", id, "out").status == 0
    return tmp_path / "out"


@pytest.fixture
def rerun(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> Callable[..., Said]:
    """`mofsim rerun`, while somebody computes what it submits."""

    def rerun(*line: object, status: TaskStatus = TaskStatus.COMPLETED, series: str = SERIES, **ended: Any) -> Said:
        before = own_client.health().last_event_id

        def work() -> None:
            for event in own_client.follow(before):
                if event.type == "task.created":
                    lease = hands.take()
                    hands.end(lease, status, output_files=hands.write(lease, "series.csv", series), **ended)
                    return

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        said = own_mofsim("rerun", *line)
        worker.join(20)
        return said

    return rerun


def test_an_export_has_all_that_is_needed_to_run_it_again(exported: Path, checksum: str) -> None:
    names = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    plain = {"README.md", "SHA256SUMS", "result.json", "structure.cif", "structure.extxyz", "task.json"}
    assert names == plain | {"files/series.csv"}
    task, result = (json.loads((exported / name).read_text()) for name in ("task.json", "result.json"))
    assert (task["request"]["model"], task["provenance"]["versions"]) == ("lj", VERSIONS)
    assert len(task["attempts"]) == 1 and result["result"]["energy_eV"] == -2.0
    assert hashlib.sha256((exported / "structure.extxyz").read_bytes()).hexdigest() == checksum
    assert "data_" in (exported / "structure.cif").read_text()
    readme = (exported / "README.md").read_text()
    assert "ase 3.26" in readme and "mofsim rerun" in readme and "energy_eV: -2" in readme
    lines = dict(reversed(line.split("  ")) for line in (exported / "SHA256SUMS").read_text().splitlines())
    assert lines.keys() == names - {"SHA256SUMS"}


def test_an_export_overwrites_nothing_and_needs_a_task_that_has_ended(
    own_mofsim: Mofsim, own_client: Client, exported: Path, tmp_path: Path
) -> None:
    before = (exported / "task.json").read_bytes()
    said = own_mofsim("export", 1, "out", "--json")
    assert said.status == 1 and "out is there already" in said.document["error"]["detail"]
    assert (exported / "task.json").read_bytes() == before
    waiting = own_client.submit("single-point", "MOF-5").id
    assert own_mofsim("export", waiting).status == 1
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_a_rerun_with_the_same_numbers_agrees(rerun: Callable[..., Said], exported: Path, checksum: str) -> None:
    said = rerun(exported, **outcome(checksum, -2.0 - 1e-7))
    assert said.status == 0, said
    assert "versions, model, structure, parameters and device are the same" in said.stdout
    assert "the energies agree: they differ by at most" in said.stdout
    # The last step is off, though the result is not.
    said = rerun(exported, series=SERIES.replace("-2.0", "-2.1"), **outcome(checksum))
    assert said.status == 1 and "do NOT agree: they differ by at most 0.05" in said.stdout
    # An energy is missing.
    lost = outcome(checksum)
    del lost["result"]["energy_eV"]
    assert rerun(exported, **lost).status == 1
    said = rerun(exported, status=TaskStatus.FAILED, error_type="X", error_message="too hot")
    assert said.status == 1 and "too hot; there is nothing to compare" in said.stderr


def test_a_rerun_says_which_numbers_and_versions_differ_and_fails(
    rerun: Callable[..., Said], own_client: Client, exported: Path, checksum: str
) -> None:
    other = outcome(checksum, -2.001, versions={"ase": "3.27", "torch": "2.8"}, device="cuda")
    said = rerun(exported, "--json", **other)
    assert said.status == 1 and said.document["agrees"] is False
    assert said.document["largest_difference_eV_per_atom"] == pytest.approx(5e-4)
    assert {each["name"]: each["new"] for each in said.document["differences"]} == {
        "device": "cuda",
        "version of ase": "3.27",
    }
    task = own_client.task(said.document["task_id"])
    assert (task.model, task.reused_from) == ("lj", None)
    assert rerun(exported, "--tolerance", 1e-3, **other).status == 0


def test_a_structure_that_the_server_has_not_got_is_uploaded(
    rerun: Callable[..., Said], own_client: Client, exported: Path, checksum: str
) -> None:
    for task in own_client.tasks().items:
        own_client.delete(task.id)
    for structure in own_client.structures(builtin=False):
        own_client.delete_structure(structure.id)
    assert rerun(exported, **outcome(checksum)).status == 0
    assert [each.checksum for each in own_client.structures(builtin=False)] == [checksum]


def test_another_model_is_refused_before_it_is_computed_and_after(
    own_mofsim: Mofsim, own_client: Client, rerun: Callable[..., Said], exported: Path, checksum: str
) -> None:
    said = rerun(exported, **outcome(checksum, model_options={"rc": 9.0}))
    assert said.status == 1 and "model lj is another one here: model_options was rc = 3, is rc = 9" in said.stderr
    assert rerun(exported, "--force", **outcome(checksum, model_options={"rc": 9.0})).status == 0

    change(exported, lambda task: task["provenance"].update(dtype="float64"))
    before = own_client.health().last_event_id
    said = own_mofsim("rerun", exported)
    assert said.status == 1 and "dtype was float64, is float32" in said.stderr
    assert own_client.health().last_event_id == before


def change(folder: Path, edit: Callable[[dict[str, Any]], None], name: str = "task.json") -> None:
    """As somebody would who makes the checksums anew."""
    content = json.loads((folder / name).read_text())
    edit(content)
    (folder / name).write_text(json.dumps(content))
    resum(folder, name)


def resum(folder: Path, name: str) -> None:
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    changed = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in sums]
    (folder / "SHA256SUMS").write_text("\n".join(changed) + "\n")


def _truncate(folder: Path) -> None:
    (folder / "files/series.csv").write_text("step,energy_eV\n")


def _lose(folder: Path) -> None:
    (folder / "result.json").unlink()


def _lose_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def _leave(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../outside\n")


def _move_an_atom(folder: Path) -> None:
    path = folder / "structure.extxyz"
    path.write_text(path.read_text().replace("2.1", "2.2"))
    resum(folder, "structure.extxyz")


def _other_parameters(folder: Path) -> None:
    change(folder, lambda task: task["request"].update(parameters={"fmax_eV_per_A": 1.0}))


def _newer(folder: Path) -> None:
    change(folder, lambda result: result.update(format=99), "result.json")


def _drop_an_output(folder: Path) -> None:
    shutil.rmtree(folder / "files")
    path = folder / "SHA256SUMS"
    path.write_text("".join(line for line in path.open() if "files/" not in line))


SPOILT = {
    "files/series.csv was changed": _truncate,
    "result.json is missing": _lose,
    "it has no SHA256SUMS": _lose_sums,
    "line 1 of SHA256SUMS": _leave,
    "structure.extxyz is not the structure that was computed": _move_an_atom,
    "another parameters in its request": _other_parameters,
    "result.json is not of the format 1": _newer,
    "files/series.csv is missing": _drop_an_output,
}


def test_a_folder_that_was_changed_is_refused_with_what_is_wrong(
    own_mofsim: Mofsim, own_client: Client, exported: Path, tmp_path: Path
) -> None:
    before = own_client.health().last_event_id
    for number, (words, spoil) in enumerate(SPOILT.items()):
        folder = tmp_path / f"spoilt-{number}"
        shutil.copytree(exported, folder)
        spoil(folder)
        said = own_mofsim("rerun", folder)
        assert said.status == 1 and words in said.stderr, said
    assert own_client.health().last_event_id == before
