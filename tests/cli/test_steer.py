from mofsim.client import Client

from .conftest import Mofsim


def test_of_several_tasks_one_that_can_not_be_cancelled_does_not_stop_the_others(
    mofsim: Mofsim, client: Client
) -> None:
    first, second = (client.submit("single-point", "MOF-5") for _ in range(2))
    said = mofsim("cancel", first.id, 99999, second.id)
    assert said.status == 1
    assert said.stdout.splitlines() == [f"task {id} is cancelled" for id in (first.id, second.id)]
    assert "there is no task 99999" in said.stderr


def test_the_json_of_several_tasks_has_those_that_were_done_and_the_errors(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    said = mofsim("cancel", task.id, 99999, "--json")
    assert said.status == 1
    assert [item["status"] for item in said.document["items"]] == ["CANCELLED"]
    assert [(each["id"], each["error"]["type"]) for each in said.document["errors"]] == [(99999, "NotFound")]


def test_a_cancelled_task_is_queued_again(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    client.cancel(task.id)
    assert mofsim("retry", task.id).stdout == f"task {task.id} is QUEUED\n"
    assert mofsim("retry", task.id).status == 1


def test_a_waiting_task_gets_another_priority(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    assert mofsim("priority", task.id, "high").stdout == f"task {task.id} has priority HIGH\n"
    assert mofsim("priority", task.id, "low", "--json").document["priority"] == "LOW"
    assert mofsim("priority", task.id, "soon").status == 2


def test_only_an_ended_task_is_deleted(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    refused = mofsim("rm", task.id, "--json")
    assert refused.status == 1 and refused.document["errors"][0]["error"]["type"] == "Conflict"
    client.cancel(task.id)
    assert mofsim("rm", task.id, "--json").document == {"items": [{"id": task.id}], "errors": []}
    assert mofsim("show", task.id).status == 1


def test_a_task_is_held_and_released_and_its_cancel_taken_back(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    assert mofsim("hold", task.id).stdout == f"task {task.id} is held (PENDING)\n"
    assert mofsim("release", task.id).stdout == f"task {task.id} is QUEUED\n"
    client.cancel(task.id)
    assert mofsim("undo", task.id).stdout == f"task {task.id} is QUEUED\n"


def test_a_task_after_another_one_waits_for_its_structure_and_why_tells(mofsim: Mofsim, client: Client) -> None:
    parent = client.submit("optimization", "MOF-5")
    child = mofsim("submit", "single-point", "--after", parent.id, "--json").document
    assert (child["status"], child["parent_id"]) == ("PENDING", parent.id)
    client.cancel(parent.id)
    assert f"mofsim detach {child['id']}" in mofsim("why", child["id"]).stdout
    assert mofsim("detach", child["id"]).stdout == f"task {child['id']} is QUEUED\n"


def test_a_submit_names_a_structure_or_a_task_to_take_it_from(mofsim: Mofsim) -> None:
    for arguments in ([], ["--structure", "MOF-5", "--after", "1"]):
        said = mofsim("submit", "single-point", *arguments)
        assert said.status == 2 and "--structure NAME|FILE|ID, or --after TASK" in said.stderr
