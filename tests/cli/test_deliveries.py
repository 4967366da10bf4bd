"""Callbacks of a submit, and what their receivers are told."""

from pathlib import Path

import pytest
from sqlalchemy import select

from mofsim.client import Client
from mofsim.core import outbox
from mofsim.core.outbox import Answer
from mofsim.db.tables import Task
from tests.client.running import Hands
from tests.client.test_client import PUBLIC

from .conftest import Mofsim

SUBMIT = ("submit", "single-point", "--structure", "MOF-5")


def test_a_submit_names_a_receiver_its_events_and_the_file_with_the_secret(
    own_mofsim: Mofsim, hands: Hands, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush hush\n")
    events = ("--callback-event", "task.failed", "--callback-event", "task.completed")
    said = own_mofsim(*SUBMIT, "--callback", PUBLIC, *events, "--callback-secret-file", "secret", "--json")
    assert said.status == 0 and "hush" not in said.stdout + said.stderr
    with hands.database.read() as session:
        task = session.scalars(select(Task)).one()
    assert (task.callback_url, task.callback_secret) == (PUBLIC, "hush hush")
    assert task.callback_events == ["task.failed", "task.completed"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--callback-event", "task.failed"), "say whom: --callback URL"),
        (("--callback-secret-file", "secret"), "say whom: --callback URL"),
        (("--callback", PUBLIC, "--callback-event", "task.done"), "task.completed"),
        (("--callback", PUBLIC, "--callback-secret-file", "empty"), "the file is empty"),
        (("--callback", PUBLIC, "--callback-secret-file", "binary"), "as text (UTF-8)"),
        (("--callback", PUBLIC, "--callback-secret-file", "none"), "No such file"),
        (("--callback", "http://127.0.0.1:9"), "options.callback.url: is not a public address"),
    ],
)
def test_wrong_callbacks_are_wrong_use(mofsim: Mofsim, tmp_path: Path, options: tuple[str, ...], reason: str) -> None:
    for name, content in (("secret", b"hush"), ("empty", b"\n"), ("binary", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
    said = mofsim(*SUBMIT, *options)
    assert (said.status, said.stdout) == (2, "") and reason in said.stderr


def test_deliveries_are_listed_and_sent_once_more(own_mofsim: Mofsim, own_client: Client, hands: Hands) -> None:
    id = own_mofsim(*SUBMIT, "--callback", PUBLIC, "--json").document["id"]
    said = own_mofsim("deliveries", id)
    assert (said.status, said.stdout) == (0, "") and f"nobody was told of task {id}" in said.stderr
    own_client.cancel(id)
    with hands.database.write() as session:
        parcel = outbox.claim(session, 30)
        assert parcel
        outbox.record(session, parcel, Answer(500, "it answered 500"), [])
    (row,) = own_mofsim("deliveries", id).stdout.splitlines()[1:]
    assert row.split()[:5] == ["1", "task.cancelled", "GIVEN_UP", "1", "500"] and row.endswith("it answered 500")

    assert own_mofsim("redeliver", 1).stdout == f"delivery 1 (task.cancelled of task {id}) is sent once more\n"
    assert [each["state"] for each in own_mofsim("deliveries", id, "--json").document] == ["PENDING"]
    assert own_mofsim("redeliver", 1, "--json").document["attempts"] == 0
    assert own_mofsim("redeliver", 2).status == 1
