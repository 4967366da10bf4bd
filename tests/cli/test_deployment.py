"""`mofsim doctor --deploy`: real servers and engines, put into the states that it is there to find."""

import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from sqlalchemy import update

from mofsim.cli.checks import Check, Verdict
from mofsim.cli.deployment import box, clocks, keys, reading, rows, serving, storing, tickets
from mofsim.cli.deployment.rows import Rows
from mofsim.cli.deployment.serving import Server as Answers
from mofsim.client import Client
from mofsim.core import keys as core_keys
from mofsim.core import turns, workers
from mofsim.db.engine import Database
from mofsim.db.tables import AlertRule, Structure, Task, Worker, utcnow
from mofsim.queue import Tickets
from mofsim.schemas.resources import Worker as WorkerWire
from mofsim.settings import Settings, load_settings
from mofsim.settings.places import local_key_file
from mofsim.vocabulary import RuleKind, Scope, WorkerState
from tests import engines
from tests.client.running import Server
from tests.conftest import MakeSettings, ServeWith
from tests.server.test_tls import certificate

from .conftest import Mofsim

pytestmark = pytest.mark.files

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
Deploy = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def deploy(server_of_file: Server, command: Mofsim, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Run it with the settings of a server that runs: exit status, and the checks by their names."""
    for name, value in server_of_file.environment.items():
        if name.startswith("MOFSIM_"):
            monkeypatch.setenv(name, value)

    def deploy(*arguments: str) -> tuple[int, dict[str, Any]]:
        said = command("doctor", "--deploy", "--json", *arguments)
        document = said.document
        assert document["ok"] == (said.status == 0)
        return said.status, {check["name"]: check for check in document["checks"]}

    return deploy


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """That of a data folder in which no server runs."""
    database = Database(settings.database_url)
    yield database
    database.close()


def only(checks: Iterator[Check]) -> Check:
    [check] = checks
    return check


def test_an_installation_that_runs_is_fine(server_of_file: Server, deploy: Deploy) -> None:
    status, found = deploy()
    assert status == 0, found
    fine = {name for name, check in found.items() if check["verdict"] == OK}
    assert fine >= {"server", "settings", "address", "local key", "admin keys", "database", "schema", "tickets"}
    assert fine >= {"clock of the server", "results", "logs", "backups"}
    assert server_of_file.process and f"process {server_of_file.process.pid}" in found["open files"]["found"]
    # Nobody computes there, and nothing waits for it.
    assert (found["workers"]["verdict"], found["workers"]["found"]) == (WARN, "none online; 0 tasks wait")


def test_who_does_the_chores_is_told(server_of_file: Server, deploy: Deploy) -> None:
    assert deploy()[1]["chores"]["found"].startswith("done by nobody")
    with server_of_file.hands() as hands:
        for chores, box, said in (("rows", "box7", "box7 does them, and nobody"), ("files", "hub", "by box7 and hub")):
            with hands.database.write() as session:
                assert turns.take(session, turns.Chores(chores), box, 30)
            found = deploy()[1]["chores"]
            assert said in found["found"] and found["verdict"] == (WARN if chores == "rows" else OK)
        with hands.database.write() as session:
            for box in ("box7", "hub"):
                turns.give_up(session, box)
    assert deploy()[1]["chores"]["verdict"] == WARN


def test_it_says_in_a_line_what_is_to_be_done(deploy: Deploy, command: Mofsim) -> None:
    said = command("doctor", "--deploy")
    assert said.status == 0 and "nothing failed, " in said.stdout
    assert "What to do:\n" in said.stdout and "  workers: start `mofsim worker`" in said.stdout


def test_workers_live_by_the_clock_of_their_heartbeats(server_of_file: Server, deploy: Deploy) -> None:
    with server_of_file.hands() as hands:
        hands.register("box:cpu0")
        _, found = deploy()
        assert found["workers"]["verdict"] == OK and found["workers"]["found"].startswith("1 online")

        hands.say_state("box:cpu0", WorkerState.PAUSED)
        _, found = deploy()
        assert found["workers"]["verdict"] == WARN and "box:cpu0 PAUSED" in found["workers"]["found"]

        silent = utcnow() - timedelta(seconds=90)
        with hands.database.write() as session:
            session.execute(update(Worker).values(state=WorkerState.IDLE, heartbeat_at=silent))
        status, found = deploy()
        assert status == 1 and found["silent workers"]["found"].startswith("box:cpu0 for 9")

        with hands.database.write() as session:
            session.execute(update(Worker).values(state=WorkerState.STOPPED))
        assert deploy()[0] == 0


def test_a_server_that_is_down_fails_and_the_rest_is_looked_at(deploy: Deploy) -> None:
    status, found = deploy("--server", "http://127.0.0.1:1")
    assert status == 1 and found["server"]["verdict"] == FAIL and "nothing listens" in found["server"]["found"]
    assert found["workers"]["verdict"] == FAIL
    assert found["database"]["verdict"] == found["tickets"]["verdict"] == OK


def test_settings_that_were_changed_since_the_server_started_are_told(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOFSIM_SERVER__NAMES", '["mofsim.example.org"]')
    monkeypatch.setenv("MOFSIM_SCHEDULER__MAX_ATTEMPTS", "9")
    status, found = deploy()
    assert status == 0 and found["settings"]["verdict"] == WARN
    assert found["settings"]["found"].endswith(": scheduler.max_attempts, server.names")
    assert found["proxy"]["verdict"] == WARN and "none is trusted" in found["proxy"]["found"]


def test_a_server_of_another_version_fails(monkeypatch: pytest.MonkeyPatch, deploy: Deploy) -> None:
    monkeypatch.setattr(serving, "__version__", "0.0.9")
    status, found = deploy()
    assert status == 1 and "and this is 0.0.9" in found["server"]["found"]


def test_a_certificate_that_ends_soon_is_told(
    make_settings: MakeSettings, serve_with: ServeWith, tmp_path: Path, command: Mofsim
) -> None:
    given = certificate(tmp_path / "tls") | {"server.host": "0.0.0.0", "security.allow_remote": True}
    settings = make_settings(given)
    with serve_with(settings):
        said = command("--settings", settings.file, "doctor", "--deploy", "--json")
    found = {check["name"]: check for check in said.document["checks"]}
    assert said.status == 0, found
    assert found["address"]["verdict"] == OK and found["address"]["found"].endswith("with HTTPS")
    # It was made for two days.
    assert found["line"]["verdict"] == WARN and "holds until" in found["line"]["found"]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"server.trusted_proxies": '["127.0.0.1", "10.0.0.0/8"]'}, OK),
        ({"server.trusted_proxies": '["0.0.0.0/0"]'}, FAIL),
        ({"server.trusted_proxies": '["::/0"]'}, FAIL),
    ],
)
def test_proxies_that_are_anybody_fail(tmp_path: Path, changes: dict[str, str], verdict: Verdict) -> None:
    env = {f"MOFSIM_{key.upper().replace('.', '__')}": value for key, value in changes.items()}
    assert only(serving.proxies(load_settings(env=env, cwd=tmp_path))).verdict is verdict


def test_an_address_for_others_without_https_fails() -> None:
    in_container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    check = serving._open_address("0.0.0.0", 8321)
    assert check.verdict is (WARN if in_container else FAIL) and "unencrypted" in check.found


def test_the_local_key_is_for_nobody_else_to_read(settings: Settings, database: Database) -> None:
    path = local_key_file(settings.storage.root)
    assert only(keys.local(settings, database)).verdict is OK
    path.chmod(0o640)
    check = only(keys.local(settings, database))
    assert check.verdict is FAIL and "mode 640" in check.found
    path.chmod(0o600)
    path.write_text("mofsim_1_" + "0" * 64)
    assert only(keys.local(settings, database)).found.endswith("holds a key that is unknown")
    path.unlink()
    assert only(keys.local(settings, database)).verdict is FAIL


def test_somebody_must_be_admin_for_a_while(settings: Settings, database: Database) -> None:
    with database.write() as session:
        core_keys.create(session, "anna", Scope.ADMIN, utcnow() + timedelta(days=3))
    check = only(keys.admins(settings, database))
    assert check.verdict is WARN and "'anna' on" in check.found
    with database.write() as session:
        for key in core_keys.listing(session):
            core_keys.revoke(session, key.id)
    assert only(keys.admins(settings, database)).verdict is FAIL


@pytest.mark.parametrize(("revision", "says"), [("0009", "this version's is"), ("9999", "newer mofsim")])
def test_tables_of_another_version_fail(settings: Settings, database: Database, revision: str, says: str) -> None:
    with database.writer.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    with rows.opened(settings) as found:
        assert found.rows is None and found.checks[-1].verdict is FAIL and says in found.checks[-1].found


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    settings = load_settings(env={"MOFSIM_STORAGE__ROOT": str(tmp_path / "none")}, cwd=tmp_path)
    with rows.opened(settings) as found:
        assert found.rows is None and only(iter(found.checks)).verdict is FAIL
    assert only(tickets.look(settings)).verdict is FAIL
    assert only(storing.room(settings, None)).verdict is FAIL
    assert not (tmp_path / "none").exists()


@pytest.fixture
def postgresql() -> Iterator[str]:
    url = engines.new_postgresql()
    yield url.render_as_string(hide_password=False)
    engines.drop_postgresql(url)


def on_postgresql(tmp_path: Path, url: str) -> Settings:
    return load_settings(env={"MOFSIM_STORAGE__ROOT": str(tmp_path), "MOFSIM_DATABASE__URL": url}, cwd=tmp_path)


def test_postgresql_that_a_power_cut_harms_fails(tmp_path: Path, postgresql: str) -> None:
    """The server of tests is such a one."""
    settings = on_postgresql(tmp_path, postgresql)
    with psycopg.connect(postgresql, autocommit=True) as connection:

        def switch(to: str) -> None:
            for name in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = {to}")
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute("SHOW full_page_writes").fetchone() != (to,):
                time.sleep(0.01)

        try:
            switch("on")
            with rows.opened(settings) as found:
                assert {check.name: check.verdict for check in found.checks} == dict.fromkeys(
                    ("database", "connections", "schema"), OK
                )
                assert found.ahead is not None and abs(found.ahead) < timedelta(seconds=2)
        finally:
            switch("off")
    with rows.opened(settings) as found:
        assert found.checks[0].verdict is FAIL and "fsync and full_page_writes off" in found.checks[0].found
        assert found.rows is not None
        assert only(keys.admins(settings, found.rows)).verdict is FAIL, "nobody has a key there"
        assert only(box.backups(settings, found.rows)).verdict is OK


def test_engines_that_do_not_answer_fail_without_their_passwords(tmp_path: Path) -> None:
    for backend, scheme in (("postgresql", "postgresql"), ("redis", "redis")):
        env = {
            "MOFSIM_STORAGE__ROOT": str(tmp_path),
            "MOFSIM_DATABASE__URL": "postgresql://anna:hush@127.0.0.1:1/mofsim",
            "MOFSIM_QUEUE__BACKEND": backend,
            "MOFSIM_QUEUE__URL": f"{scheme}://anna:hush@127.0.0.1:1/0",
        }
        settings = load_settings(env=env, cwd=tmp_path)
        check = only(tickets.look(settings))
        assert check.verdict is FAIL and "127.0.0.1:1" in check.found and "hush" not in check.found
    with rows.opened(settings) as found:
        check = only(iter(found.checks))
    assert check.verdict is FAIL and "127.0.0.1:1" in check.found and "hush" not in check.found


def test_tickets_in_postgresql_are_counted(tmp_path: Path, postgresql: str) -> None:
    env = {"MOFSIM_QUEUE__BACKEND": "postgresql", "MOFSIM_QUEUE__URL": postgresql}
    settings = load_settings(env=env, cwd=tmp_path)
    Tickets(settings).issue(n=3)
    check = only(tickets.look(settings))
    assert check.verdict is OK and check.found.endswith("3 wait")


@pytest.mark.parametrize(
    ("configuration", "kept", "evicted"),
    [
        ({"appendonly": "yes", "maxmemory": "0", "maxmemory-policy": "noeviction"}, OK, OK),
        ({"appendonly": "no", "maxmemory": "0", "maxmemory-policy": "allkeys-lru"}, WARN, WARN),
        ({"appendonly": "no", "maxmemory": "100000000", "maxmemory-policy": "allkeys-lru"}, WARN, FAIL),
    ],
)
def test_valkey_should_keep_what_it_is_given(
    tmp_path: Path, configuration: dict[str, str], kept: Verdict, evicted: Verdict
) -> None:
    url = engines.valkey()
    settings = load_settings(env={"MOFSIM_QUEUE__BACKEND": "redis", "MOFSIM_QUEUE__URL": url}, cwd=tmp_path)
    with redis.Redis.from_url(url) as connection:
        before = connection.config_get("appendonly", "maxmemory", "maxmemory-policy")
        try:
            for name, value in configuration.items():
                connection.config_set(name, value)
            found = {check.name: check for check in tickets.look(settings)}
        finally:
            for name, value in before.items():
                connection.config_set(name, value)
    assert found["tickets"].verdict is OK and "Valkey" in found["tickets"].found
    assert (found["tickets kept"].verdict, found["tickets evicted"].verdict) == (kept, evicted)


@pytest.mark.parametrize(("seconds", "verdict"), [(0.3, OK), (-1.5, OK), (40, WARN), (-40, WARN), (3600, FAIL)])
def test_clocks_that_are_apart_are_told(seconds: float, verdict: Verdict) -> None:
    ahead = timedelta(seconds=seconds)
    of_server, of_database = clocks.agree(Answers("", ahead=ahead), Rows(ahead=-ahead))
    assert of_server.verdict is of_database.verdict is verdict
    assert ("ahead" in of_server.found) == (seconds > 0) == ("behind" in of_database.found)


def test_the_room_that_is_left_is_held_against_the_alert_that_would_tell(
    settings: Settings, make_settings: MakeSettings, database: Database
) -> None:
    def rule(**values: object) -> None:
        with database.write() as session:
            session.execute(update(AlertRule).where(AlertRule.kind == RuleKind.DISK_LOW).values(**values))

    free_GB = shutil.disk_usage(settings.storage.root).free / 1e9
    rule(condition={"threshold": free_GB / 2})
    assert next(storing.room(settings, database)).verdict is OK
    rule(condition={"threshold": 2 * free_GB})
    assert "an alert is raised below" in next(storing.room(settings, database)).found
    rule(enabled=False)
    check = next(storing.room(settings, database))
    assert check.verdict is WARN and "no alert tells" in check.found
    full = make_settings({"storage.min_free_MB": int(2000 * free_GB)})
    assert next(storing.room(full, database)).verdict is FAIL


def test_results_that_can_not_be_written_fail(settings: Settings) -> None:
    assert only(storing.results(settings)).verdict is OK
    assert not list(settings.results_dir.iterdir())
    settings.results_dir.rmdir()
    settings.results_dir.touch()
    assert only(storing.results(settings)).verdict is FAIL


def test_a_box_that_sends_its_files_is_told_whether_they_would_be_taken(
    server_of_file: Server, settings: Settings, tmp_path: Path
) -> None:
    with Client(server_of_file.url, api_key=server_of_file.key) as client:
        tokens = {scope: client.create_key(f"of {scope}", scope).token for scope in (Scope.WORKER, Scope.READ)}
    path = tmp_path / "box.key"

    def look(url: str) -> list[Check]:
        env = {
            "MOFSIM_STORAGE__ROOT": str(tmp_path / "box"),
            "MOFSIM_DATABASE__URL": f"sqlite:///{server_of_file.data / 'mofsim.db'}",
            "MOFSIM_WORKER__SERVER": url,
            "MOFSIM_WORKER__SERVER_KEY_FILE": str(path),
        }
        box = load_settings(env=env, cwd=tmp_path)
        assert [*keys.local(box, None), *storing.shared(box, Answers(url))] == []
        return list(storing.sent(box))

    path.touch(0o600)
    path.write_text(tokens[Scope.WORKER])
    assert [(check.name, check.verdict) for check in look(server_of_file.url)] == [("files", OK)]
    [check] = look("http://127.0.0.1:1")
    assert check.verdict is FAIL and "does not answer" in check.found
    path.chmod(0o644)
    path.write_text(tokens[Scope.READ])
    mode, check = look(server_of_file.url)
    assert (mode.name, mode.verdict) == ("worker key", FAIL) and "has mode 644" in mode.found
    assert check.verdict is FAIL and "worker" in check.found
    assert list(storing.sent(settings)) == []


def test_several_machines_need_engines_and_a_folder_in_common(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    with database.write() as session:
        for host in ("one", "two"):
            workers.register(session, Worker(id=f"{host}:gpu0", host=host, slot="gpu0", pid=1, incarnation="a"))
        seen = [WorkerWire.model_validate(each) for each in workers.listing(session)]
    assert list(storing.shared(settings, Answers("", workers=seen[:1]))) == []
    check = only(storing.shared(settings, Answers("", workers=seen)))
    assert check.verdict is FAIL and "rows and tickets in a file" in check.found
    env = {
        "MOFSIM_STORAGE__ROOT": str(settings.storage.root),
        "MOFSIM_DATABASE__URL": "postgresql://db/mofsim",
        "MOFSIM_QUEUE__BACKEND": "postgresql",
    }
    served = load_settings(env=env, cwd=tmp_path)
    check = only(storing.shared(served, Answers("", workers=seen)))
    assert check.verdict is WARN and "this very folder" in check.advice
    monkeypatch.setattr(storing, "file_system", lambda path: "nfs4")
    assert only(storing.shared(served, Answers("", workers=seen))).verdict is OK


def test_the_kind_of_a_file_system_is_that_of_its_nearest_mount() -> None:
    assert reading.file_system(Path("/proc/self")) == "proc"
    assert not reading.is_network(reading.file_system(Path("/proc"))) and reading.is_network("nfs4")


SHOWN = "Id={}\nLoadState={}\nUnitFileState={}\nActiveState={}\n"


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (("loaded", "enabled", "active"), OK),
        (("loaded", "disabled", "active"), WARN),
        (("loaded", "enabled", "failed"), FAIL),
        (("not-found", "", "inactive"), WARN),
        (None, WARN),
    ],
)
def test_systemd_is_asked_for_the_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: tuple[str, ...] | None, verdict: Verdict
) -> None:
    """A program of its name that prints what systemctl prints, in the states that no test can bring a machine into."""
    program = tmp_path / "systemctl"
    shown = "\n".join(SHOWN.format(unit, *state) for unit in box.UNITS) if state else ""
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{shown}EOF\nexit {0 if state else 1}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert {check.verdict for check in box.service()} == {verdict}


def test_logs_that_nobody_rotates_are_told(make_settings: MakeSettings) -> None:
    settings = make_settings({"logging.max_file_MB": 1})
    folder = settings.logs_dir
    (folder / "server.jsonl").write_text("{}\n")
    assert only(box.logs(settings)).verdict is OK
    old = datetime.now(UTC) - timedelta(days=30)
    (folder / f"server.{old:%Y%m%dT%H%M%S%f}.jsonl").write_text("{}\n")
    check = only(box.logs(settings))
    assert check.verdict is WARN and "1 full files" in check.found
    (folder / "server.jsonl").write_bytes(b"\n" * 2_100_000)
    assert only(box.logs(settings)).verdict is FAIL
    assert only(box.logs(make_settings({"logging.to_files": False}))).verdict is WARN


def test_the_age_of_the_last_backup_is_told(
    settings: Settings, database: Database, command: Mofsim, tmp_path: Path
) -> None:
    assert only(box.backups(settings, database)).found == "none yet, and nothing to lose"
    with database.write() as session:
        task = Task(
            task_type="optimization", status="QUEUED", priority=2, model_name="lj", preset="quick", parameters={},
            structure=session.get_one(Structure, 1), timeout_seconds=1.0, held=False, awaits_parent=False,
        )  # fmt: skip
        session.add(task)
    assert only(box.backups(settings, database)).verdict is WARN
    assert command("--settings", settings.file, "db", "backup", tmp_path / "monday.tar").status == 0
    check = only(box.backups(settings, database))
    assert check.verdict is OK and check.found.endswith(f"({tmp_path / 'monday.tar'})")
    week_ago = time.time() - 8 * 86_400
    os.utime(settings.storage.root / "last-backup", (week_ago, week_ago))
    check = only(box.backups(settings, database))
    assert check.verdict is WARN and "8 d 0 h old" in check.found


def test_open_files_are_counted(make_settings: MakeSettings) -> None:
    used, most = reading.open_files(os.getpid())
    assert most == resource.getrlimit(resource.RLIMIT_NOFILE)[0] and 0 < used < most
    settings = make_settings()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        assert only(box.open_files(settings)).verdict is WARN
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
