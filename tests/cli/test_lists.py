"""Structures, models, machines: what there is."""

from pathlib import Path

import pytest

from mofsim.client import Client
from tests.client.test_client import XYZ

from .conftest import Mofsim


def test_structures_are_listed_the_built_in_ones_first(mofsim: Mofsim) -> None:
    rows = mofsim("structures", "list", "--builtin").stdout.splitlines()
    assert rows[0].split()[:3] == ["ID", "NAME", "FORMULA"] and "MOF-5" in rows[1]
    assert all(each["is_builtin"] for each in mofsim("structures", "list", "--builtin", "--json").document)


def test_a_structure_is_added_shown_saved_and_removed(mofsim: Mofsim, tmp_path: Path) -> None:
    (tmp_path / "oxide.xyz").write_text(XYZ)
    added = mofsim("structures", "add", "oxide.xyz", "--name", "oxide", "--json").document
    assert "MgO" in mofsim("structures", "show", added["id"]).stdout
    saved = mofsim("structures", "show", added["id"], "--download", "copy.xyz", "--json")
    assert saved.document == added and (tmp_path / "copy.xyz").read_text() == XYZ
    assert mofsim("structures", "rm", added["id"]).stdout == f"structure {added['id']} is removed\n"
    assert mofsim("structures", "rm", added["id"]).status == 1


def test_several_files_are_added_at_once(mofsim: Mofsim, tmp_path: Path) -> None:
    for name in ("a.xyz", "b.xyz"):
        (tmp_path / name).write_text(XYZ)
    assert len(mofsim("structures", "add", "a.xyz", "b.xyz", "--json").document) == 2
    assert mofsim("structures", "add", "a.xyz", "b.xyz", "--name", "both").status == 2


def test_a_built_in_structure_stays(mofsim: Mofsim) -> None:
    said = mofsim("structures", "rm", 1)
    assert said.status == 1 and "built in" in said.stderr


def test_models_are_listed_with_the_default_marked(mofsim: Mofsim) -> None:
    rows = mofsim("models", "list").stdout.splitlines()
    assert any(row.startswith("lj*") for row in rows)
    assert "7net-0" in [model["name"] for model in mofsim("models", "list", "--json").document]


def test_a_model_is_shown(mofsim: Mofsim) -> None:
    assert "lj (the default)" in mofsim("models", "show", "lj").stdout
    assert mofsim("models", "show", "7net-0", "--json").document["d3"] is True
    assert mofsim("models", "show", "nope").status == 1


@pytest.mark.parametrize("machines", ["gpus", "hosts", "workers"])
def test_machines_that_are_not_there_make_an_empty_list(mofsim: Mofsim, machines: str) -> None:
    said = mofsim(machines)
    assert (said.status, said.stdout) == (0, "") and said.stderr
    assert mofsim(machines, "--json").document == []


def test_a_client_on_the_same_settings_needs_no_url(
    client: Client, command: Mofsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOFSIM_SERVER__PORT", client.url.rpartition(":")[2])
    assert command("structures", "list").status == 0
