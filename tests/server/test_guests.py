"""The guest of an interaction energy is checked before anything waits for a GPU."""

from typing import Any

import httpx
import pytest

from mofsim.core import guests
from mofsim.db.engine import Database
from mofsim.db.tables import Task
from mofsim.settings import Settings

MG_MOF_74 = {"source": "builtin", "name": "Mg-MOF-74"}
URL = "/api/v1/tasks/interaction-energy"
XYZ = "3\n\nC 0 0 0\nO 0 0 1.16\nO 0 0 -1.16\n"


async def submit(client: httpx.AsyncClient, **parameters: Any) -> httpx.Response:
    return await client.post(URL, json={"structure": MG_MOF_74, "preset": "quick", "parameters": parameters})


async def upload(client: httpx.AsyncClient, content: str, **fields: str) -> httpx.Response:
    return await client.post("/api/v1/structures", files={"file": ("guest.xyz", content)}, data=fields)


async def test_a_guest_is_named_in_one_of_three_ways(client: httpx.AsyncClient) -> None:
    for given, guest, indices in (
        ({}, "CO2", None),
        ({"guest": "H2O", "fmax": 0.02}, "H2O", None),
        ({"guest_indices": "50-52 53"}, None, [50, 51, 52, 53]),
        ({"guest": "H2O", "guest_indices": None}, "H2O", None),
    ):
        answer = await submit(client, **given)
        assert answer.status_code == 202, answer.text
        parameters = answer.json()["data"]["parameters"]
        assert (parameters["guest"], parameters["guest_indices"]) == (guest, indices)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"guest": "co2"}, "parameters.guest", "write CO2"),
        ({"guest": "CO2", "guest_indices": [1]}, "parameters", "leave one out"),
        ({"guest": None}, "parameters", "name the guest"),
        ({"guest_indices": [54]}, "parameters.guest_indices", "54 atoms"),
        ({"guest_indices": list(range(54))}, "parameters.guest_indices", "leave the host"),
        ({"guest_indices": "1-x"}, "parameters.guest_indices", "54-56"),
        ({"guest_indices": "0-9999 " * 2}, "parameters.guest_indices", "more than 10000 atoms"),
        ({"guest_indices": []}, "parameters.guest_indices", "at least 1"),
        ({"guest_structure": 999}, "parameters.guest_structure", "no structure 999"),
    ],
)
async def test_a_guest_that_can_not_be_is_refused(
    client: httpx.AsyncClient, given: dict[str, Any], field: str, words: str
) -> None:
    answer = await submit(client, **given)
    error = answer.json()["error"]
    assert answer.status_code in (400, 422) and error["field"].startswith(field), error
    assert words in error["detail"]


async def test_a_model_must_know_the_elements_of_the_guest(client: httpx.AsyncClient, database: Database) -> None:
    from mofsim.db.tables import Model

    with database.write() as session:
        model = session.get_one(Model, "7net-0")
        model.config = {**model.config, "elements": ["Mg", "O", "C", "H"]}
    assert (await submit(client, guest="CO2")).status_code == 202
    error = (await submit(client, guest="N2")).json()["error"]
    assert (error["type"], error["field"]) == ("UnknownElement", "parameters.guest")
    assert "guest N2" in error["detail"] and "on N," in error["detail"]


async def test_a_molecule_without_a_cell_is_taken_where_it_is_called_one(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    assert (await upload(client, XYZ)).json()["error"]["type"] == "no_cell", "as ever"
    answer = await upload(client, XYZ, molecule="true")
    assert answer.status_code == 201, answer.text
    guest = answer.json()["data"]
    assert guest["volume_A3"] == pytest.approx((25 + 2.32) ** 3)
    task = (await submit(client, guest_structure=guest["id"])).json()["data"]
    assert task["parameters"]["guest"] is None
    with database.read() as session:
        parameters = session.get_one(Task, task["id"]).parameters
        structure = guests.structure(session, parameters)
    assert structure is not None and (settings.structures_dir / structure.normalised_path).is_file()
    refused = await client.delete(f"/api/v1/structures/{guest['id']}")
    assert refused.status_code == 409, "a task needs it as its guest"
