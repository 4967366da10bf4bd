"""Alerts and their rules over HTTP; what raises and resolves them is held elsewhere."""

from collections.abc import Callable

import httpx
import pytest

from mofsim.core import alert_kinds, alert_watch, alerts, events
from mofsim.core.alert_kinds import Box
from mofsim.db.engine import Database
from mofsim.vocabulary import AlertLevel, AlertType, EventType, RuleKind

ALERTS = "/api/v1/alerts"
RULES = f"{ALERTS}/rules"


@pytest.fixture
def fail(database: Database, client: httpx.AsyncClient) -> Callable[[], None]:
    """The disk of a box is nearly full, and its chores look."""

    def fail() -> None:
        with database.write() as session:
            for step in alert_watch.steps(session, Box("box", 1.0)):
                step()

    return fail


async def rule_named(client: httpx.AsyncClient, name: str) -> dict:  # type: ignore[type-arg]
    items = (await client.get(RULES)).json()["data"]["items"]
    return next(item for item in items if item["name"] == name)


async def test_the_built_in_rules_are_there_from_the_start(client: httpx.AsyncClient) -> None:
    items = (await client.get(RULES)).json()["data"]["items"]
    assert {item["kind"] for item in items} == set(RuleKind) and all(item["is_builtin"] for item in items)
    kinds = (await client.get(f"{ALERTS}/kinds")).json()["data"]["items"]
    assert {kind["kind"]: kind["condition"] for kind in kinds} == {item["kind"]: item["condition"] for item in items}
    hot = next(item for item in items if item["name"] == "gpu_hot")
    assert (hot["unit"], hot["condition"]["threshold"]) == ("°C", 85.0)
    assert (await client.get(f"{RULES}/{hot['id']}")).json()["data"] == hot


async def test_a_rule_is_changed_in_part_and_reset(client: httpx.AsyncClient) -> None:
    hot = await rule_named(client, "gpu_hot")
    place = f"{RULES}/{hot['id']}"
    changed = await client.patch(place, json={"condition": {"threshold": 70}, "channels": ["log"], "enabled": False})
    assert changed.status_code == 200
    want = hot | {"condition": {"threshold": 70.0, "for_seconds": 10.0}, "channels": ["log"], "enabled": False}
    assert changed.json()["data"] == want
    never = await client.patch(place, json={"escalate_to": None, "escalate_after_seconds": None, "channels": None})
    assert (never.json()["data"]["escalate_to"], never.json()["data"]["channels"]) == (None, None)
    assert (await client.post(f"{place}/reset")).json()["data"] == hot
    assert (await client.delete(place)).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"condition": {"steps": 5}}, "condition.steps"),
        ({"condition": {"threshold": -1}}, "condition.threshold"),
        ({"condition": {"treshold": 1}}, "condition.treshold"),
        ({"channels": ["nobody"]}, "channels"),
        ({"level": "LOUD"}, "level"),
        ({"kind": "disk_low"}, "kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_change_names_its_field(client: httpx.AsyncClient, body: dict, field: str) -> None:  # type: ignore[type-arg]
    hot = await rule_named(client, "gpu_hot")
    answer = await client.patch(f"{RULES}/{hot['id']}", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert await rule_named(client, "gpu_hot") == hot


async def test_a_rule_of_ones_own_is_added_and_deleted(client: httpx.AsyncClient) -> None:
    body = {"name": "warm", "kind": "gpu_hot", "condition": {"threshold": 60}, "level": "INFO"}
    made = await client.post(RULES, json=body)
    assert made.status_code == 201
    place = made.headers["Location"]
    rule = (await client.get(place)).json()["data"]
    assert rule == made.json()["data"] and not rule["is_builtin"]
    assert (rule["condition"], rule["cooldown_seconds"]) == ({"threshold": 60.0, "for_seconds": 10.0}, 300.0)
    assert (await client.post(RULES, json=body)).status_code == 409
    assert (await client.post(f"{place}/reset")).status_code == 409
    assert (await client.delete(place)).status_code == 200
    assert (await client.get(place)).status_code == 404
    assert (await client.patch(place, json={})).status_code == 404


async def test_an_alert_is_acknowledged_silenced_and_resolved(
    client: httpx.AsyncClient, fail: Callable[[], None]
) -> None:
    fail()
    alert = (await client.get(f"{ALERTS}/active")).json()["data"]["items"][0]
    place = f"{ALERTS}/{alert['id']}"
    assert (alert["alert_type"], alert["subject"], alert["acknowledged_at"]) == ("disk_low", "box", None)
    assert alert["rule_id"] == (await rule_named(client, "disk_low"))["id"]
    told = (await client.get(f"{place}/notifications")).json()["data"]["items"]
    assert [(each["event"], each["state"], each["channel"]) for each in told] == [("alert.raised", "PENDING", None)]

    acknowledged = (await client.post(f"{place}/ack", json={"note": "on my way"})).json()["data"]
    assert acknowledged["acknowledged_at"]
    assert (acknowledged["acknowledged_by"], acknowledged["acknowledged_note"]) == ("local", "on my way")
    silenced = (await client.post(f"{place}/silence", json={"seconds": 60, "note": "at lunch"})).json()["data"]
    assert silenced["silenced_until"] and not silenced["resolved"]
    assert (silenced["silenced_by"], silenced["silenced_note"]) == ("local", "at lunch")
    assert (await client.get(f"{place}/notifications")).json()["data"]["items"] == []
    loud = (await client.post(f"{place}/silence", json={"seconds": 0})).json()["data"]
    assert (loud["silenced_until"], loud["silenced_by"], loud["silenced_note"]) == (None, None, None)
    over = (await client.post(f"{place}/resolve")).json()["data"]
    assert over["resolved"] and (over["resolved_by"], over["resolved_note"]) == ("local", None)
    for action, body in (("ack", {}), ("resolve", {}), ("silence", {"seconds": 1})):
        answer = await client.post(f"{place}/{action}", json=body)
        assert answer.status_code == 409 and "over already" in answer.json()["error"]["detail"]
    fail()
    assert (await client.get(f"{ALERTS}/active")).json()["data"]["items"] == []
    assert (await client.get(place)).json()["data"] == over


async def test_who_does_something_about_an_alert_is_told_by_the_key(
    client: httpx.AsyncClient, fail: Callable[[], None]
) -> None:
    fail()
    key = (await client.post("/api/v1/keys", json={"name": "ada", "scope": "submit"})).json()["data"]
    as_ada = {"Authorization": f"Bearer {key['token']}"}
    place = f"{ALERTS}/1"
    for action, wrong in (("ack", {"by": "ben"}), ("ack", {"note": "\x1b[2J"}), ("resolve", {"by": "ben"})):
        assert (await client.post(f"{place}/{action}", json=wrong, headers=as_ada)).status_code == 422
    acknowledged = await client.post(f"{place}/ack", headers=as_ada)
    again = await client.post(f"{place}/ack", json={"note": "me too"})
    for answer in (acknowledged, again):
        data = answer.json()["data"]
        assert (data["acknowledged_by"], data["acknowledged_note"]) == ("ada", None)
    await client.post(f"{place}/resolve", headers=as_ada)
    lines = (await client.get("/api/v1/system/audit", params={"limit": 6})).json()["data"]["items"]
    assert [(line["key_name"], line["route"].rpartition("/")[2], line["status"]) for line in lines] == [
        ("ada", "resolve", 200),
        ("local", "ack", 200),
        ("ada", "ack", 200),
        ("ada", "resolve", 422),
        ("ada", "ack", 422),
        ("ada", "ack", 422),
    ]
    assert {line["subject"] for line in lines} == {"alerts/1"}


async def test_a_changed_rule_is_an_event_and_so_are_its_alerts(
    client: httpx.AsyncClient, database: Database, fail: Callable[[], None]
) -> None:
    fail()
    with database.read() as session:
        since = events.last_id(session)
    rule = await rule_named(client, "disk_low")
    await client.patch(f"{RULES}/{rule['id']}", json={"level": "ERROR", "escalate_to": "CRITICAL"})
    await client.patch(f"{RULES}/{rule['id']}", json={"enabled": False})
    own = (await client.post(RULES, json={"name": "warm", "kind": "gpu_hot"})).json()["data"]
    await client.delete(f"{RULES}/{own['id']}")
    with database.read() as session:
        told = events.after(session, since, 100)
    assert [(each.type, each.task_id) for each in told] == [
        (EventType.ALERT_CHANGED, None),
        (EventType.ALERT_RULE_CHANGED, None),
        (EventType.ALERT_RESOLVED, None),
        (EventType.ALERT_RULE_CHANGED, None),
        (EventType.ALERT_RULE_CHANGED, None),
        (EventType.ALERT_RULE_DELETED, None),
    ]
    assert told[0].data["alert"]["level"] == told[1].data["rule"]["level"] == "ERROR"
    assert told[3].data["rule"] == await rule_named(client, "disk_low")
    assert told[4].data["rule"] == own and told[5].data == {"rule_id": own["id"]}


async def test_only_a_channel_of_the_settings_can_be_tested(client: httpx.AsyncClient) -> None:
    asked = await client.post(f"{ALERTS}/channels/log/test")
    told = asked.json()["data"]
    assert (asked.status_code, told["channel"], told["event"], told["state"]) == (202, "log", "alert.test", "PENDING")
    assert (await client.get(f"{ALERTS}/{told['alert_id']}/notifications")).json()["data"]["items"] == [told]
    assert (await client.get(f"{ALERTS}/active")).json()["data"]["items"] == []
    missing = await client.post(f"{ALERTS}/channels/lab%20x/test")
    assert missing.status_code == 404 and "there are log" in missing.json()["error"]["detail"]


async def test_a_rule_is_silenced(client: httpx.AsyncClient, fail: Callable[[], None]) -> None:
    rule = await rule_named(client, "disk_low")
    silenced = (await client.post(f"{RULES}/{rule['id']}/silence", json={"seconds": 60, "note": "new disk"})).json()
    assert silenced["data"]["silenced_until"]
    assert (silenced["data"]["silenced_by"], silenced["data"]["silenced_note"]) == ("local", "new disk")
    fail()
    assert (await client.get(f"{ALERTS}/1/notifications")).json()["data"]["items"] == []
    too_long = await client.post(f"{RULES}/{rule['id']}/silence", json={"seconds": 1e9})
    assert (too_long.status_code, too_long.json()["error"]["field"]) == (422, "seconds")


@pytest.mark.parametrize("path", ["7", "7/notifications", "rules/99", "rules/x", "x"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{ALERTS}/{path}")
    assert answer.status_code == 404 and answer.json()["error"]["field"] == "id"


async def test_alerts_of_workers_are_acknowledged_too(client: httpx.AsyncClient, database: Database) -> None:
    with database.write() as session:
        alerts.raise_alert(session, AlertType.GPU_FAULT, "box:gpu0", AlertLevel.CRITICAL, "it is lost", {})
    acknowledged = await client.post(f"{ALERTS}/1/ack")
    assert acknowledged.status_code == 200 and acknowledged.json()["data"]["acknowledged_at"]
    assert acknowledged.json()["data"]["rule_id"] is None


def test_every_kind_says_what_it_watches() -> None:
    assert set(alert_kinds.KINDS) == set(RuleKind)
    for kind in alert_kinds.KINDS.values():
        assert kind.says and (kind.escalate_to is None) == (kind.escalate_after_seconds is None)
        assert kind.escalate_to is None or kind.escalate_to.rank > kind.level.rank
