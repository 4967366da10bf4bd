from mofsim.client import Client
from mofsim.vocabulary import TaskStatus

from .conftest import Mofsim


def test_tasks_are_listed_in_aligned_columns_without_colour(mofsim: Mofsim, client: Client) -> None:
    first, second = (client.submit("single-point", "MOF-5") for _ in range(2))
    said = mofsim("tasks", "--limit", 2)
    header, *rows = said.stdout.splitlines()
    assert said.status == 0 and "\x1b" not in said.stdout
    assert [row.split()[0] for row in rows] == [str(second.id), str(first.id)]
    assert all(row.index("QUEUED") == header.index("STATUS") for row in rows)


def test_a_list_that_is_longer_says_how_to_go_on(mofsim: Mofsim, client: Client) -> None:
    tasks = [client.submit("single-point", "MOF-5") for _ in range(2)]
    first = mofsim("tasks", "--limit", 1, "--json").document
    second = mofsim("tasks", "--limit", 1, "--cursor", first["next_cursor"], "--json").document
    assert [page["items"][0]["id"] for page in (first, second)] == [tasks[1].id, tasks[0].id]
    assert "--cursor" in mofsim("tasks", "--limit", 1).stderr


def test_tasks_are_filtered(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("optimization", "UiO-66", preset="quick")
    client.cancel(task.id)
    found = mofsim("tasks", "--status", "cancelled", "--type", "optimization", "--text", "uio", "--json").document
    assert [each["id"] for each in found["items"]] == [task.id]


def test_a_list_without_tasks_says_so_on_stderr(mofsim: Mofsim) -> None:
    said = mofsim("tasks", "--model", "nobody-has-it")
    assert (said.status, said.stdout) == (0, "") and "no such tasks" in said.stderr


def test_a_task_is_shown_line_by_line(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("optimization", "MOF-5", preset="quick")
    said = mofsim("show", task.id)
    lines = dict(line.split(maxsplit=1) for line in said.stdout.splitlines())
    assert lines["task"] == str(task.id) and lines["structure"].startswith("MOF-5 (")
    assert "fmax_eV_per_A = 0.05" in lines["parameters"] and "energy" not in lines


def test_a_task_as_json_is_the_task_of_the_api(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    assert mofsim("show", task.id, "--json").document == task.model_dump(mode="json")


def test_why_says_a_sentence(mofsim: Mofsim, client: Client) -> None:
    task = client.submit("single-point", "MOF-5")
    assert f"task {task.id} is QUEUED. No worker" in mofsim("why", task.id).stdout
    assert mofsim("why", task.id, "--json").document["status"] == TaskStatus.QUEUED


def test_a_task_that_is_not_there_is_an_error_on_stderr(mofsim: Mofsim) -> None:
    said = mofsim("show", 99999)
    assert (said.status, said.stdout) == (1, "") and "there is no task 99999" in said.stderr
