"""Webhooks to a real receiver on loopback: it is down, slow, rude, or takes the sender with it."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from mofsim.core import leases, lifecycle, targets, webhooks
from mofsim.core.leases import Lease, Outcome
from mofsim.core.storage import Storage
from mofsim.db.engine import Database
from mofsim.db.tables import Structure, Task, WebhookDelivery, utcnow
from mofsim.settings import Settings
from mofsim.vocabulary import DeliveryState, Priority, TaskStatus
from mofsim.worker.chores import Chores
from mofsim.worker.deliveries import Deliverer
from tests.tables import make_tables

from .box import wait_until
from .receiver import Received, Receiver

SECRET = "correct horse"
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def make_settings(folder: Path, **webhooks: object) -> Settings:
    given = {"allow_private": True, "timeout_seconds": 5.0, "retry_delays_seconds": [0.05] * 3} | webhooks
    scheduler = {"rescue_interval_seconds": 0.05}
    return Settings.model_validate({"storage": {"root": folder}, "webhooks": given, "scheduler": scheduler})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    Storage(settings.storage.root).create()
    make_tables(settings.storage.root / "mofsim.db")
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def deliverer(settings: Settings, database: Database) -> Iterator[Deliverer]:
    deliverer = Deliverer(settings)
    yield deliverer
    deliverer.close()


def new_task(database: Database, url: str, secret: str | None = SECRET) -> int:
    with database.write() as session:
        structure = session.get(Structure, 1) or Structure(
            name="MOF-5", original_name="x", file_path="x", normalised_path="x", file_size=1, format="cif",
            checksum="x", n_atoms=1, formula="H", elements=["H"], volume_A3=1.0,
        )  # fmt: skip
        task = Task(
            task_type="optimization", structure=structure, preset="quick", parameters={}, timeout_seconds=60.0,
            priority=Priority.NORMAL, model_name="lj", max_attempts=3, attempt=0, faults=0, progress={},
            held=False, awaits_parent=False,
            created_at=utcnow(), callback_url=url, callback_secret=secret,
        )  # fmt: skip
        lifecycle.accept(session, task)
        return task.id


def begin(database: Database) -> Lease:
    with database.write() as session:
        claimed = leases.claim(
            session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=30, affinity_seconds=120
        )
        assert claimed is not None
        leases.start(session, claimed[0], 10)
        return claimed[0]


def complete(database: Database, lease: Lease) -> None:
    with database.write() as session:
        leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))


def started(database: Database, url: str, secret: str | None = SECRET) -> int:
    task_id = new_task(database, url, secret)
    begin(database)
    return task_id


def history(database: Database, task_id: int) -> list[WebhookDelivery]:
    with database.read() as session:
        return webhooks.history(session, task_id)


def documented_check() -> Callable[[str, dict[str, str], bytes], bool]:
    """The code that docs/webhooks.md gives to those who write a receiver."""
    found = re.search(r"```python\n(.*?)```", DOCUMENTED, re.DOTALL)
    assert found
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(found[1], names)
    return names["is_genuine"]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_receiver_verifies_the_signature_with_the_documented_code(database: Database, deliverer: Deliverer) -> None:
    with Receiver() as receiver:
        task_id = started(database, receiver.url)
        deliverer.round()
    (got,) = receiver.received
    is_genuine = documented_check()
    assert is_genuine(SECRET, got.headers, got.body)
    assert not is_genuine("another", got.headers, got.body)
    assert not is_genuine(SECRET, got.headers, got.body + b" ")
    assert not is_genuine(SECRET, got.headers | {"X-MOFSim-Timestamp": "1"}, got.body)
    assert got.headers["User-Agent"].startswith("mofsim/") and got.headers["Content-Type"] == "application/json"
    assert got.event == got.data["event"] == "task.started" and str(got.data["delivery_id"]) == got.delivery
    assert got.data["task"]["id"] == task_id and got.data["result_url"] == f"/api/v1/tasks/{task_id}/result"
    assert SECRET not in str(got.headers) + str(got.data)


def test_without_a_secret_nothing_is_signed_and_a_known_base_url_is_said(database: Database, tmp_path: Path) -> None:
    deliverer = Deliverer(make_settings(tmp_path, base_url="https://mofs.example.org"))
    with Receiver() as receiver:
        started(database, receiver.url, secret=None)
        deliverer.round()
    assert "X-MOFSim-Signature" not in receiver.received[0].headers
    assert receiver.received[0].data["result_url"] == "https://mofs.example.org/api/v1/tasks/1/result"


def test_a_receiver_that_was_down_for_a_while_gets_every_event_in_order(settings: Settings, database: Database) -> None:
    """By the whole way: rounds of chores, tickets, Huey's consumer in a process of its own."""
    port = free_port()
    task_id = new_task(database, f"http://127.0.0.1:{port}/hook")
    environment = {
        "MOFSIM_STORAGE__ROOT": str(settings.storage.root),
        "MOFSIM_WEBHOOKS__ALLOW_PRIVATE": "true",
        "MOFSIM_WEBHOOKS__RETRY_DELAYS_SECONDS": str([0.05] * 1000),
        "MOFSIM_SCHEDULER__RESCUE_INTERVAL_SECONDS": "0.05",
    }
    code = "from mofsim.worker.chores import run; from mofsim.settings import load_settings; run(load_settings())"
    chores = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=settings.storage.root)
    try:
        complete(database, begin(database))
        wait_until(lambda: history(database, task_id)[0].attempts > 2, lambda: "nothing was tried")
        with Receiver(port=port) as receiver:
            wait_until(lambda: len(receiver.received) >= 2, lambda: str(receiver.events))
            wait_until(
                lambda: all(each.state is DeliveryState.DELIVERED for each in history(database, task_id)),
                lambda: str([(each.event, each.last_error) for each in history(database, task_id)]),
            )
    finally:
        chores.terminate()
        assert chores.wait(20) == 0
    assert receiver.events == ["task.started", "task.completed"]
    assert all(documented_check()(SECRET, got.headers, got.body) for got in receiver.received)


DELIVER = (
    "import sys; from pathlib import Path; from mofsim.settings import load_settings;"
    "from mofsim.worker.deliveries import Deliverer; Deliverer(load_settings()).round()"
)


def test_a_deliverer_that_is_killed_before_it_can_record_leaves_its_delivery_to_the_next(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    sender: list[subprocess.Popen[bytes]] = []

    def kill_the_first(_: Received) -> tuple[int, dict[str, str], bytes]:
        if len(receiver.received) == 1:
            sender[0].send_signal(signal.SIGKILL)
            sender[0].wait()
        return 204, {}, b""

    with Receiver(kill_the_first) as receiver:
        task_id = started(database, receiver.url)
        environment = {"MOFSIM_STORAGE__ROOT": str(tmp_path), "MOFSIM_WEBHOOKS__ALLOW_PRIVATE": "true"}
        sender.append(subprocess.Popen([sys.executable, "-c", DELIVER], env=environment, cwd=tmp_path))
        assert sender[0].wait(30) == -signal.SIGKILL
        (left,) = history(database, task_id)
        assert left.state is DeliveryState.PENDING and left.lease_until is not None and left.attempts == 1
        next_one = Deliverer(settings)
        next_one.round()
        assert len(receiver.received) == 1, "its lease has not run out"
        with database.write() as session:
            session.execute(update(WebhookDelivery).values(lease_until=utcnow()))
        next_one.round()
    assert receiver.received[0].delivery == receiver.received[1].delivery == str(left.id)
    assert history(database, task_id)[0].state is DeliveryState.DELIVERED


def test_two_deliverers_at_once_send_each_event_once(settings: Settings, database: Database) -> None:
    with Receiver() as receiver:
        for _ in range(40):
            started(database, receiver.url)
        deliverers = [Deliverer(settings) for _ in range(3)]
        threads = [threading.Thread(target=each.round) for each in deliverers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(receiver.received) == len({got.delivery for got in receiver.received}) == 40


def test_a_receiver_that_always_fails_is_given_up_with_the_reason(database: Database, deliverer: Deliverer) -> None:
    with Receiver(lambda _: (500, {}, b"no\n disk " + b"x" * 5000)) as receiver:
        task_id = started(database, receiver.url)
        wait_until(
            lambda: deliverer.round() or history(database, task_id)[0].state is DeliveryState.GIVEN_UP,
            lambda: "still tried",
        )
    (delivery,) = history(database, task_id)
    assert len(receiver.received) == delivery.attempts == 4
    assert delivery.response_status == 500 and delivery.last_error.startswith(
        "HTTP 500 Internal Server Error: no disk x"
    )
    assert len(delivery.last_error) < 250


def test_a_redirect_is_a_failure_and_is_not_followed(database: Database, deliverer: Deliverer) -> None:
    with Receiver() as goal, Receiver(lambda _: (302, {"Location": goal.url}, b"")) as receiver:
        task_id = started(database, receiver.url)
        deliverer.round()
    assert goal.received == []
    assert "redirects are not followed" in history(database, task_id)[0].last_error


def test_a_receiver_that_never_answers_costs_no_more_than_the_time_limit(database: Database, tmp_path: Path) -> None:
    release = threading.Event()

    def wait(_: Received) -> tuple[int, dict[str, str], bytes]:
        release.wait(20)
        return 204, {}, b""

    with Receiver(wait) as stuck, Receiver() as quick:
        task_id = started(database, stuck.url)
        started(database, quick.url)
        began = time.monotonic()
        Deliverer(make_settings(tmp_path, timeout_seconds=0.5, retry_delays_seconds=[60.0])).round()
        assert time.monotonic() - began < 5
        release.set()
    assert quick.events == ["task.started"]
    assert history(database, task_id)[0].last_error == "no answer within 0.5 s"


def test_a_receiver_that_answers_byte_by_byte_is_cut_off_too(database: Database, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            try:
                while True:
                    connection.sendall(b"X-A: 1\r\n")
                    time.sleep(0.05)
            except OSError:
                pass

        threading.Thread(target=drip, daemon=True).start()
        task_id = started(database, f"http://127.0.0.1:{server.getsockname()[1]}/")
        Deliverer(make_settings(tmp_path, timeout_seconds=0.5, retry_delays_seconds=[60.0])).round()
    assert history(database, task_id)[0].last_error == "no answer within 0.5 s"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_at_delivery_too(database: Database, tmp_path: Path, host: str) -> None:
    with Receiver() as receiver:
        task_id = started(database, f"http://{host}:{receiver.port}/")
        Deliverer(make_settings(tmp_path, allow_private=False)).round()
    assert receiver.received == []
    assert "is not a public address" in history(database, task_id)[0].last_error


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    database: Database, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives another address at the second question is never asked a second time."""
    asked: list[str] = []

    def rebinding(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    with Receiver() as receiver:
        started(database, f"http://rebinding.example.org:{receiver.port}/hook")
        monkeypatch.setattr(targets.socket, "getaddrinfo", Numeric(rebinding))
        deliverer.round()
    assert asked == ["rebinding.example.org"]
    assert receiver.received[0].headers["Host"] == f"rebinding.example.org:{receiver.port}"


class Numeric:
    """Names go to `names`; addresses, which the event loop too asks about, to the system."""

    def __init__(self, names: Callable[..., list[tuple[object, ...]]]) -> None:
        self.names, self.system = names, socket.getaddrinfo

    def __call__(self, host: object, *more: object, **how: object) -> object:
        text = host.decode() if isinstance(host, bytes) else str(host)
        return (self.names if text.strip("[]")[:1].isalpha() else self.system)(text, *more, **how)


def test_a_certificate_is_checked_for_the_name_in_the_url(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    with Receiver(certificate=certificate) as receiver:
        named = started(database, f"https://localhost:{receiver.port}/")
        wrong = started(database, f"https://127.0.0.1:{receiver.port}/")
        Deliverer(settings).round()
        assert "CERTIFICATE_VERIFY_FAILED" in history(database, named)[0].last_error.upper()
        with database.write() as session:
            session.execute(update(WebhookDelivery).values(next_attempt_at=utcnow()))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Deliverer(settings).round()
    assert history(database, named)[0].state is DeliveryState.DELIVERED
    assert history(database, wrong)[0].state is DeliveryState.PENDING
    assert len(receiver.received) == 1


def make_certificate(folder: Path, name: str) -> Path:
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(path), "-out", str(folder / "public.pem")]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "public.pem").read_text())
    return path


def test_the_environments_proxy_is_not_used(
    database: Database, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as proxy, Receiver() as receiver:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        started(database, receiver.url)
        deliverer.round()
    assert proxy.received == [] and receiver.events == ["task.started"]


def test_one_ticket_is_out_however_many_rounds_find_something_due(settings: Settings, database: Database) -> None:
    chores = Chores(settings)
    started(database, "http://127.0.0.1:9/")
    for _ in range(3):
        chores.round()
    assert sorted(message.name for message in chores.chore_tickets.huey.pending()) == ["deliver", "tidy"]
