"""What Prometheus reads: by the parsers of its own client, under load, with hostile names, and at what cost."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text

from mofsim.core import alerts, leases, lifecycle, rescue
from mofsim.core.leases import Outcome
from mofsim.db.engine import Database
from mofsim.db.tables import Device, Task, utcnow
from mofsim.server import metrics
from mofsim.settings import Settings
from mofsim.vocabulary import AlertLevel, AlertType, AttemptOutcome, RuleKind, TaskStatus
from tests.conftest import MakeSettings, ServeWith

ROOT = Path(__file__).parents[2]
UNITS = ("seconds", "bytes", "ratio", "celsius", "watts")

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(exposition: str) -> Samples:
    """Sample name and labels → value; twice the same is a mistake."""
    found: Samples = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


async def scrape(client: httpx.AsyncClient) -> Samples:
    answer = await client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(answer.text)


def of(found: Samples, sample: str, /, **labels: str) -> float:
    return found[sample, tuple(sorted(labels.items()))]


def claim(database: Database, lease_seconds: float = 60) -> leases.Lease:
    with database.write() as session:
        claimed = leases.claim(
            session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=lease_seconds, affinity_seconds=0
        )
        assert claimed is not None
    with database.write() as session:
        leases.start(session, claimed[0], 10)
    return claimed[0]


async def test_names_and_units_are_sound_and_both_formats_valid(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    families = list(text_string_to_metric_families(answer.text))
    names = {family.name for family in families}
    assert len(names) == len(families) and all(re.fullmatch(r"mofsim_[a-z0-9_]+", name) for name in names)
    for family in families:
        assert family.documentation.endswith("."), family.name
        assert family.type in ("gauge", "counter", "histogram")
        # A histogram is of seconds; who has a unit in the name has it at the end.
        assert family.type != "histogram" or family.name.endswith("_seconds")
        assert not re.search(rf"_({'|'.join(UNITS)})_", family.name), family.name
    strict = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert strict.headers["content-type"].startswith("application/openmetrics-text")
    assert {family.name for family in parse_openmetrics(strict.text)} == names


async def test_every_task_is_told_and_counted_to_its_end(
    client: httpx.AsyncClient, database: Database, submit: Callable[..., int]
) -> None:
    task_ids = [submit(options={"priority": word}) for word in ("HIGH", "NORMAL", "NORMAL")]
    before = await scrape(client)
    assert of(before, "mofsim_tasks", status="QUEUED") == 3
    assert [of(before, "mofsim_tasks_waiting", priority=word) for word in ("CRITICAL", "HIGH", "NORMAL")] == [0, 1, 2]
    with database.write() as session:
        session.get_one(Task, task_ids[0]).queued_at = utcnow().fromtimestamp(time.time() - 30, utcnow().tzinfo)
    lease = claim(database)
    with database.write() as session:
        leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    claim(database, lease_seconds=-1)
    with database.write() as session:
        assert rescue.requeue_expired(session, backoff_seconds=0)
    lease = claim(database)
    with database.write() as session:
        leases.finish(session, lease, Outcome(TaskStatus.FAILED, error_type="Broken"))
        lifecycle.fail(session, session.get_one(Task, task_ids[2]), "Broken", "it can not run")

    found = await scrape(client)
    assert of(found, "mofsim_tasks", status="QUEUED") == 0 and of(found, "mofsim_tasks", status="FAILED") == 2
    assert of(found, "mofsim_tasks_ended_total", status="COMPLETED") == 1
    assert of(found, "mofsim_tasks_ended_total", status="FAILED") == 2
    for outcome, n in (("COMPLETED", 1), ("FAILED", 1), ("LOST", 1), ("RELEASED", 0)):
        assert of(found, "mofsim_attempts_total", outcome=outcome) == n, outcome
    assert of(found, "mofsim_rescues_total", reason="lease_expired") == 1
    labels = {"task_type": "optimization", "model": "7net-0"}
    assert of(found, "mofsim_task_wait_seconds_count", **labels) == 3
    assert 30 <= of(found, "mofsim_task_wait_seconds_sum", **labels) < 40
    assert of(found, "mofsim_task_wait_seconds_bucket", le="15.0", **labels) == 2
    assert of(found, "mofsim_task_wait_seconds_bucket", le="60.0", **labels) == 3
    assert of(found, "mofsim_task_run_seconds_count", **labels) == 3
    with database.write() as session:
        session.delete(session.get_one(Task, task_ids[2]))
    assert of(await scrape(client), "mofsim_tasks_ended_total", status="FAILED") == 2, "a counter never falls"


async def test_gpus_are_told_in_base_units_and_what_is_not_known_is_left_out(
    client: httpx.AsyncClient, database: Database
) -> None:
    known = {"memory_total_MB": 80_000.0, "memory_used_MB": 1500.5, "utilisation_percent": 97.0, "power_W": 350.5}
    names = ["memory_total_MB", "memory_used_MB", "utilisation_percent", "temperature_C", "power_W", "power_limit_W"]
    hostile = 'H100 "80\\GB"\nHBM3'
    with database.write() as session:
        for index, seen_at in enumerate((utcnow(), utcnow().replace(year=2020))):
            values = dict.fromkeys(names) | known
            session.add(
                Device(id=f"GPU-{index}", host="box", gpu_index=index, name=hostile, seen_at=seen_at, **values)  # type: ignore[arg-type]
            )
    found = await scrape(client)
    labels = {"gpu": "GPU-0", "host": "box", "index": "0", "name": hostile}
    assert of(found, "mofsim_gpu_memory_used_bytes", **labels) == 1_500_500_000
    assert of(found, "mofsim_gpu_utilisation_ratio", **labels) == pytest.approx(0.97)
    assert of(found, "mofsim_gpu_power_watts", **labels) == 350.5 and of(found, "mofsim_gpu_healthy", **labels) == 1
    told = {name for name, values in found if name.startswith("mofsim_gpu_")}
    assert "mofsim_gpu_temperature_celsius" not in told and "mofsim_gpu_power_limit_watts" not in told
    assert all(dict(values)["gpu"] == "GPU-0" for name, values in found if name.startswith("mofsim_gpu_"))


async def test_alerts_are_counted_by_level_and_type(client: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        for subject in ("a", "b"):
            alerts.raise_alert(session, AlertType.GPU_FAULT, subject, AlertLevel.CRITICAL, "x", {})
        alerts.acknowledge(session, 1, "ada")
    found = await scrape(client)
    assert of(found, "mofsim_alerts_active", level="CRITICAL") == 2 and of(found, "mofsim_alerts_unacknowledged") == 1
    assert of(found, "mofsim_alerts_raised_total", type="gpu_fault") == 2
    assert of(found, "mofsim_alerts_raised_total", type=RuleKind.DISK_LOW) == 0
    assert of(found, "mofsim_alert_notifications_waiting") == 2


async def test_requests_are_counted_by_route_and_not_by_what_people_type(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/tasks/7", "/api/v1/tasks/8", "/nothing/here", "/nothing/there"):
        await client.get(path)
    await client.request("BREW", "/health")
    found = await scrape(client)
    name = "mofsim_http_request_duration_seconds_count"
    assert of(found, name, method="GET", route="/api/v1/tasks/{id}", status="404") == 2
    assert of(found, name, method="GET", route="unmatched", status="404") == 2
    assert {dict(labels)["method"] for each, labels in found if each == name} == {"GET", "other"}


async def test_it_answers_well_while_tasks_come_and_go(
    client: httpx.AsyncClient, database: Database, submit: Callable[..., int]
) -> None:
    """Each answer is whole and valid, and no counter falls from one to the next."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            submit()
            lease = claim(database)
            with database.write() as session:
                leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        before: Samples = {}
        for _ in range(10):
            answers = await asyncio.gather(*(client.get("/metrics") for _ in range(4)))
            found = samples(answers[0].text)
            assert [key for key in before if key[0].endswith(("_total", "_bucket")) and found[key] < before[key]] == []
            counted = of(found, "mofsim_attempts_total", outcome=AttemptOutcome.COMPLETED)
            assert counted == of(found, "mofsim_tasks_ended_total", status="COMPLETED")
            before = found
    finally:
        stop.set()
        worker.join()
    assert counted > 0


@pytest.mark.files
async def test_finished_tasks_cost_nothing(client: httpx.AsyncClient, database: Database, submit: Any) -> None:
    """No statement reads the tasks but those that wait: by the plan that SQLite makes for each of them."""
    submit()
    statements: list[tuple[str, Any]] = []
    with database.read() as session:
        connection = session.connection()
        event.listen(
            connection, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])), retval=False
        )
        metrics.collect(session)
        assert len(statements) > 8
        scans = []
        for statement, parameters in list(statements):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scans += [row[3] for row in plan if re.match(r"SCAN (?!CONSTANT)", row[3])]
    large = {"tasks", "attempts", "task_results", "task_logs", "events", "structures", "webhook_deliveries"}
    heavy = [scan for scan in scans if scan.split()[1] in large and "USING" not in scan]
    assert heavy == [], scans
    assert [scan for scan in scans if scan.split()[1] == "tasks"] in (
        [],
        ["SCAN tasks USING COVERING INDEX ix_tasks_waiting"],
    )


def test_every_metric_of_the_dashboard_is_there(
    settings: Settings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "mofsim.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 10
    with serve_with(settings) as server:
        text_ = httpx.get(f"{server.url}/metrics", headers=with_key).text
    known = {family.name: family.type for family in text_string_to_metric_families(text_)}
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    names = {f"{name}{suffix}" for name, kind in known.items() for suffix in suffixes[kind]}
    used = {name for expression in expressions for name in re.findall(r"mofsim_\w+", expression)}
    assert used - names == set()
    documented = (ROOT / "docs" / "metrics.md").read_text()
    for name, kind in known.items():
        assert f"`{name}{'_total' if kind == 'counter' else ''}`" in documented, name


def test_a_server_whose_answers_are_slow_raises_an_alert_until_they_are_not(
    make_settings: MakeSettings, serve_with: ServeWith, with_key: dict[str, str]
) -> None:
    """Slow since another process holds the database; measured, handed over and judged by what runs for real."""
    from mofsim.core import alert_kinds, alert_rules, alert_watch
    from mofsim.schemas.alerts import AlertRuleChange

    settings = make_settings({"alerts.interval_seconds": 0.1})
    database = Database(settings.database_url)

    def slow_servers() -> list[str]:
        with database.write() as session:
            for step in alert_watch.steps(session, alert_kinds.Box("box", 500.0)):
                step()
        with database.read() as session:
            return [alert.subject for alert in alerts.active(session) if alert.alert_type == RuleKind.API_SLOW]

    def wait_for(wanted: bool) -> None:
        end = time.monotonic() + 15
        while bool(slow_servers()) is not wanted:
            assert time.monotonic() < end, slow_servers()
            time.sleep(0.1)

    with serve_with(settings) as server, httpx.Client(base_url=server.url, timeout=30, headers=with_key) as client:
        with database.write() as session:
            rule = next(rule for rule in alert_rules.listing(session) if rule.kind == RuleKind.API_SLOW)
            change = AlertRuleChange.model_validate({"condition": {"threshold": 0.8, "for_seconds": 0}})
            alert_rules.change(session, rule.id, change, [])
        for _ in range(30):
            client.get("/api/v1/tasks")
        time.sleep(0.3)
        assert slow_servers() == []
        with database.write() as session:
            session.execute(text("UPDATE task_counts SET n = n"))
            waiting = threading.Thread(target=lambda: client.post("/api/v1/alerts/7/ack"))
            waiting.start()
            time.sleep(1.0)
        waiting.join()
        wait_for(True)
        assert slow_servers()[0].endswith(f":{settings.server.port}")
        for _ in range(120):
            client.get("/api/v1/tasks/1")
        wait_for(False)
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM measurements")).scalar() == 0, "it said goodbye"
    database.close()
