"""Alerts to real receivers on loopback, by each kind of channel."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from mofsim.core import alert_rules, alert_watch, alerts, notifications
from mofsim.core.alert_kinds import Box
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import AlertNotification
from mofsim.settings import Settings
from mofsim.vocabulary import AlertLevel, AlertType
from mofsim.worker.notifying import Notifier
from tests.tables import make_tables

from .box import CHORES, wait_until
from .receiver import Receiver
from .test_deliveries import documented_check

SECRET = "correct horse"
#: so that a process writes its log as those of `mofsim worker` do
LOGGED = "from mofsim.logs import configure; from mofsim.settings import load_settings; "
LOGGED += "configure(load_settings(), 'chores')"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    make_tables(tmp_path / "mofsim.db")
    database = Database(f"sqlite:///{tmp_path / 'mofsim.db'}")
    Storage(tmp_path).create()
    with database.write() as session:
        alert_rules.add_builtin(session)
    yield database
    database.close()


@pytest.fixture
def notifier(tmp_path: Path, database: Database) -> Iterator[Callable[..., Notifier]]:
    made: list[Notifier] = []

    def make(channels: dict[str, dict[str, Any]], **values: Any) -> Notifier:
        given = {"allow_private": True, "timeout_seconds": 5.0, "retry_delays_seconds": [0.0] * 3} | values
        table = {"storage": {"root": tmp_path}, "alerts": {**given, "channels": channels}}
        made.append(Notifier(Settings.model_validate(table, strict=False)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def look(database: Database, free_GB: float) -> None:
    with database.write() as session:
        for step in alert_watch.steps(session, Box("box", free_GB)):
            step()


def rows(database: Database) -> list[AlertNotification]:
    with database.read() as session:
        return notifications.history(session, 1)


def test_each_channel_gets_what_it_is_for(
    database: Database, notifier: Callable[..., Notifier], tmp_path: Path
) -> None:
    with Receiver() as receiver:
        channels = {
            "log": {"kind": "log"},
            "book": {"kind": "file", "path": "books/alerts.jsonl"},
            "hook": {"kind": "webhook", "url": receiver.url, "secret": SECRET},
            "pager": {"kind": "webhook", "url": receiver.url, "min_level": "CRITICAL"},
        }
        notify = notifier(channels)
        look(database, 10.0)
        with structlog.testing.capture_logs() as said:
            notify.round()
        look(database, 500.0)
        notify.round()
        notify.round()
    first, second = receiver.received
    assert (first.event, second.event) == ("alert.raised", "alert.resolved")
    assert documented_check()(SECRET, first.headers, first.body)
    assert first.data["alert"]["subject"] == "box" and first.data["alert"]["level"] == "WARNING"
    assert str(first.data["delivery_id"]) == first.delivery and second.data["alert"]["resolved"]
    lines = [json.loads(line) for line in (tmp_path / "books" / "alerts.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["alert.raised", "alert.resolved"]
    told = [line for line in said if line.get("news") == "alert.raised"]
    assert [(line["log_level"], line["subject"]) for line in told] == [("warning", "box")]
    assert "10.0 GB are free" in told[0]["event"]
    assert sorted((row.channel, row.event, row.state) for row in rows(database)) == [
        (name, event, "DELIVERED") for name in ("book", "hook", "log") for event in ("alert.raised", "alert.resolved")
    ]


def test_one_that_is_down_is_tried_again_and_keeps_no_other_waiting(
    database: Database, notifier: Callable[..., Notifier]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Receiver() as well:
        notify = notifier(
            {
                "down": {"kind": "webhook", "url": f"http://127.0.0.1:{port}/"},
                "well": {"kind": "webhook", "url": well.url},
            },
            retry_delays_seconds=[3600.0],
        )
        look(database, 10.0)
        notify.round()
        assert well.events == ["alert.raised"]
    down = next(row for row in rows(database) if row.channel == "down")
    assert (down.state, down.attempts) == ("PENDING", 1) and "ConnectError" in (down.last_error or "")


def test_private_addresses_are_refused_unless_the_settings_allow_them(
    database: Database, notifier: Callable[..., Notifier]
) -> None:
    with Receiver() as receiver:
        host = f"127.0.0.1:{receiver.port}"
        notify = notifier(
            {"hook": {"kind": "webhook", "url": receiver.url}, "any": {"kind": "apprise", "url": f"json://{host}/"}},
            allow_private=False,
            retry_delays_seconds=[],
        )
        look(database, 10.0)
        notify.round()
    assert receiver.received == []
    for row in rows(database):
        assert row.state == "GIVEN_UP" and "alerts.allow_private" in (row.last_error or ""), row.last_error


def test_apprise_tells_a_real_receiver(database: Database, notifier: Callable[..., Notifier]) -> None:
    with Receiver() as receiver:
        notify = notifier({"any": {"kind": "apprise", "url": f"json://127.0.0.1:{receiver.port}/"}})
        look(database, 10.0)
        notify.round()
        look(database, 500.0)
        notify.round()
    first, second = (got.data for got in receiver.received)
    assert (first["title"], first["type"]) == ("mofsim WARNING: disk low", "warning")
    assert "10.0 GB are free" in first["message"] and "alert 1 about box" in first["message"]
    assert (second["title"], second["type"]) == ("mofsim WARNING: disk low (over)", "success")
    assert {row.state for row in rows(database)} == {"DELIVERED"}


def test_apprise_says_why_it_could_not(database: Database, notifier: Callable[..., Notifier]) -> None:
    with Receiver(answer=lambda _: (403, {}, b"go away")) as receiver:
        channels = {
            "any": {"kind": "apprise", "url": f"json://127.0.0.1:{receiver.port}/token-of-mine"},
            "odd": {"kind": "apprise", "url": "nonsense://token-of-mine"},
        }
        notify = notifier(channels, retry_delays_seconds=[])
        look(database, 10.0)
        notify.round()
    errors = {row.channel: row.last_error or "" for row in rows(database)}
    assert "did not take it" in errors["any"] and "403" in errors["any"]
    assert errors["odd"] == "apprise does not know such a URL"
    assert not any("token-of-mine" in error for error in errors.values())


def test_a_file_that_can_not_be_written_is_told_and_tried_again(
    database: Database, notifier: Callable[..., Notifier], tmp_path: Path
) -> None:
    (tmp_path / "alerts").write_text("no folder")
    notify = notifier({"book": {"kind": "file", "path": "alerts/book"}}, retry_delays_seconds=[0.0])
    look(database, 10.0)
    notify.round()
    (row,) = rows(database)
    assert row.state == "GIVEN_UP" and row.attempts == 2 and "can not be written" in (row.last_error or "")


def test_by_the_whole_way_of_chores_tickets_and_a_consumer(database: Database, tmp_path: Path) -> None:
    with Receiver() as receiver:
        environment = {
            "MOFSIM_STORAGE__ROOT": str(tmp_path),
            "MOFSIM_SCHEDULER__RESCUE_INTERVAL_SECONDS": "0.05",
            "MOFSIM_ALERTS__ALLOW_PRIVATE": "true",
            "MOFSIM_ALERTS__CHANNELS": json.dumps({"hook": {"kind": "webhook", "url": receiver.url}, "log": {}}),
        }
        command = [sys.executable, "-c", f"{LOGGED}; {CHORES}"]
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        try:
            with database.write() as session:
                alerts.raise_alert(session, AlertType.GPU_FAULT, "box:gpu0", AlertLevel.CRITICAL, "it is lost", {})
            wait_until(
                lambda: {row.state for row in rows(database)} == {"DELIVERED"},
                lambda: str([(row.channel, row.last_error) for row in rows(database)]),
            )
        finally:
            process.terminate()
            lines = [json.loads(line) for line in process.communicate(timeout=20)[1].splitlines()]
            assert process.returncode == 0
    # The disk of the machine that tests may be nearly full too.
    messages = [got.data["alert"]["message"] for got in receiver.received if got.data["alert"]["id"] == 1]
    assert messages == ["it is lost"]
    logged = [line for line in lines if line["extra"].get("alert") == 1]
    assert [(line["level"], line["message"], line["extra"]["news"]) for line in logged] == [
        ("ERROR", "it is lost", "alert.raised")
    ]


def test_a_channel_is_tested_once_whatever_its_least_level(
    database: Database, notifier: Callable[..., Notifier], tmp_path: Path
) -> None:
    """Through each kind of channel; the one that fails is not tried again though alerts are."""
    with Receiver() as receiver, Receiver(answer=lambda _: (403, {}, b"go away")) as refusing:
        channels = {
            "log": {"kind": "log"},
            "book": {"kind": "file", "path": "book.jsonl"},
            "hook": {"kind": "webhook", "url": receiver.url, "min_level": "CRITICAL"},
            "any": {"kind": "apprise", "url": f"json://127.0.0.1:{receiver.port}/"},
            "refusing": {"kind": "webhook", "url": refusing.url},
        }
        notify = notifier(channels)
        with database.write() as session:
            ids = {name: notifications.test(session, name, "ada").alert_id for name in channels}
        with structlog.testing.capture_logs() as said:
            notify.round()
        notify.round()
    with database.read() as session:
        assert alerts.active(session) == []
        told = {name: notifications.history(session, id)[0] for name, id in ids.items()}
    assert {name: (row.state, row.attempts) for name, row in told.items()} == {
        name: ("GIVEN_UP" if name == "refusing" else "DELIVERED", 1) for name in channels
    }
    assert "403" in (told["refusing"].last_error or "") and len(refusing.received) == 1
    message = "a test of the channel {}, asked for by ada; nothing is wrong"
    lines = [line for line in said if line.get("news") == "alert.test"]
    assert [(line["log_level"], line["event"]) for line in lines] == [("info", message.format("log"))]
    assert json.loads((tmp_path / "book.jsonl").read_text())["event"] == "alert.test"
    by_title = {got.data.get("title"): got for got in receiver.received}
    assert by_title[None].event == "alert.test" and by_title[None].data["alert"]["message"] == message.format("hook")
    assert by_title["mofsim INFO: channel test (a test)"].data["type"] == "info"
