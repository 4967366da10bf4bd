"""What becomes of an alert: raised once, acknowledged, silenced, risen, over; and what the channels are told of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mofsim.core import alert_kinds, alert_rules, alert_watch, alerts, leases, notifications, rescue
from mofsim.core.alert_kinds import Box
from mofsim.core.errors import Conflict, Invalid, NotFound
from mofsim.core.outbox import Answer
from mofsim.db.engine import Database
from mofsim.db.tables import Alert, AlertNotification, AlertRule, Event, Task, utcnow
from mofsim.schemas.alerts import AlertRuleChange, NewAlertRule
from mofsim.vocabulary import AlertLevel, AlertNews, AlertType, DeliveryState, RuleKind, TaskStatus

PLENTY, LITTLE = Box("box", 500.0), Box("box", 10.0)
ALL = {"log": AlertLevel.INFO}


class House:
    """The rules of a database, looked at as a box does."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with self.write() as session:
            alert_rules.add_builtin(session)

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self.database.write() as session:
            yield session

    def look(self, box: Box = PLENTY) -> int:
        """How many steps were done."""
        with self.write() as session:
            steps = alert_watch.steps(session, box)
            for step in steps:
                step()
        # As chores look before they write.
        with self.database.read() as session:
            left = alert_watch.steps(session, box)
            assert left == [], "a look must leave nothing to do for the next one at the same moment"
        return len(steps)

    def change(self, name: str, **values: object) -> None:
        with self.write() as session:
            wanted = AlertRuleChange.model_validate(values)
            alert_rules.change(session, self.rule(name).id, wanted, ["log", "book"])

    def rule(self, name: str) -> AlertRule:
        with self.database.read() as session:
            named = session.scalars(select(AlertRule.id).where(AlertRule.name == name)).one()
            return alert_rules.find(session, named)

    def active(self) -> list[Alert]:
        with self.database.read() as session:
            return alerts.active(session)

    def told(self) -> list[tuple[str, str]]:
        """What the channels are told: event and level."""
        with self.database.read() as session:
            rows = session.scalars(select(AlertNotification).order_by(AlertNotification.id))
            return [(row.event, row.payload["alert"]["level"]) for row in rows]

    def happened(self) -> list[str]:
        with self.database.read() as session:
            events = session.scalars(select(Event.type).where(Event.type.like("alert.%")).order_by(Event.id))
            return list(events)

    def later(self, seconds: float) -> None:
        """As if all alerts were older by so long."""
        with self.write() as session:
            for alert in session.scalars(select(Alert)):
                for name in ("created_at", "told_at", "silenced_until", "updated_at"):
                    if time := getattr(alert, name):
                        setattr(alert, name, time - timedelta(seconds=seconds))


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def test_a_rule_raises_once_and_resolves_when_all_is_well(house: House) -> None:
    assert house.look() == 0
    assert house.look(LITTLE) == 2
    assert house.look(LITTLE) == 0
    (alert,) = house.active()
    assert (alert.alert_type, alert.subject, alert.level) == ("disk_low", "box", "WARNING")
    assert alert.details == {"value": 10.0, "threshold": 50.0} and "10.0 GB are free" in alert.message
    assert house.look() == 2
    assert house.active() == [] and house.happened() == ["alert.raised", "alert.resolved"]
    assert house.told() == [(AlertNews.RAISED, "WARNING"), (AlertNews.RESOLVED, "WARNING")]


def test_a_box_judges_its_own_disk_only(house: House) -> None:
    house.look(LITTLE)
    house.look(Box("another", 1.0))
    assert {alert.subject for alert in house.active()} == {"box", "another"}
    house.look(Box("another", 100.0))
    assert [alert.subject for alert in house.active()] == ["box"]


def test_what_must_hold_for_a_while_is_no_alert_before(house: House) -> None:
    house.change("disk_low", condition={"for_seconds": 3600})
    house.look(LITTLE)
    assert house.active() == []
    house.look()
    house.change("disk_low", condition={"for_seconds": 0})
    house.look(LITTLE)
    assert len(house.active()) == 1


def test_an_alert_that_nobody_acknowledges_rises_once_and_is_told_anew(house: House) -> None:
    house.look(LITTLE)
    house.later(3599)
    house.look(LITTLE)
    assert house.active()[0].level == "WARNING"
    house.later(2)
    house.look(LITTLE)
    house.look(LITTLE)
    assert house.active()[0].level == "ERROR" and house.active()[0].escalated_at
    assert house.told() == [(AlertNews.RAISED, "WARNING"), (AlertNews.ESCALATED, "ERROR")]
    assert house.happened() == ["alert.raised", "alert.escalated"]


def test_an_acknowledged_alert_does_not_rise(house: House) -> None:
    house.look(LITTLE)
    with house.write() as session:
        alerts.acknowledge(session, 1, "ada")
        assert alerts.acknowledge(session, 1, "ben").acknowledged_by == "ada"
    house.later(10_000)
    house.look(LITTLE)
    assert (house.active()[0].level, house.active()[0].acknowledged_by) == ("WARNING", "ada")
    house.look()
    assert house.told()[-1] == (AlertNews.RESOLVED, "WARNING")
    assert house.happened() == ["alert.raised", "alert.changed", "alert.resolved"]
    with house.write() as session, pytest.raises(Conflict, match="over already"):
        alerts.acknowledge(session, 1, "ada")
    with house.write() as session, pytest.raises(NotFound):
        alerts.acknowledge(session, 7, "ada")


def test_one_that_somebody_resolved_comes_back_only_after_it_was_well(house: House) -> None:
    house.look(LITTLE)
    with house.write() as session:
        alerts.resolve_by_hand(session, 1, "ada")
    house.look(LITTLE)
    assert house.active() == []
    with house.database.read() as session:
        assert session.get_one(Alert, 1).resolved_by == "ada"
    house.look()
    house.look(LITTLE)
    assert [alert.id for alert in house.active()] == [2]


def test_one_that_flaps_is_told_once_within_its_cooldown_and_again_when_it_stays(house: House) -> None:
    for _ in range(3):
        house.look(LITTLE)
        house.look()
    house.look(LITTLE)
    assert len(house.happened()) == 7, "each time is an alert, and an event"
    assert [event for event, _ in house.told()] == [AlertNews.RAISED, AlertNews.RESOLVED]
    house.later(301)
    house.look(LITTLE)
    assert [event for event, _ in house.told()] == [AlertNews.RAISED, AlertNews.RESOLVED, AlertNews.RAISED]


def test_a_silenced_alert_is_there_and_told_when_the_silence_is_over(house: House) -> None:
    house.look(LITTLE)
    with house.write() as session:
        alerts.silence(session, 1, 600)
    assert house.told() == [], "what was not sent yet is taken back"
    house.look(LITTLE)
    assert house.told() == [] and len(house.active()) == 1
    house.later(601)
    house.look(LITTLE)
    assert [event for event, _ in house.told()] == [AlertNews.RAISED]
    with house.write() as session:
        alerts.silence(session, 1, 600)
    house.look()
    assert house.told() == []


def test_a_rule_can_be_silenced_whatever_it_raises(house: House) -> None:
    with house.write() as session:
        alert_rules.silence(session, house.rule("disk_low").id, 600)
    house.look(LITTLE)
    assert len(house.active()) == 1 and house.told() == []
    with house.write() as session:
        alert_rules.silence(session, house.rule("disk_low").id, 0)
    house.look(LITTLE)
    assert [event for event, _ in house.told()] == [AlertNews.RAISED]


def test_a_rule_that_is_switched_off_takes_its_alerts_back(house: House) -> None:
    house.look(LITTLE)
    house.change("disk_low", enabled=False)
    assert house.active() == []
    house.look(LITTLE)
    assert house.active() == []
    house.change("disk_low", enabled=True)
    house.look(LITTLE)
    assert len(house.active()) == 1


def test_changes_are_kept_by_a_restart_and_undone_by_a_reset(house: House) -> None:
    house.change("gpu_hot", condition={"threshold": 70}, level="ERROR", escalate_to=None, escalate_after_seconds=None)
    with house.write() as session:
        alert_rules.add_builtin(session)
    rule = house.rule("gpu_hot")
    assert rule.condition == {"threshold": 70, "for_seconds": 10.0} and rule.level == "ERROR"
    with house.write() as session:
        alert_rules.reset(session, rule.id)
    rule = house.rule("gpu_hot")
    assert (rule.condition["threshold"], rule.level, rule.escalate_to) == (85.0, "WARNING", "ERROR")
    with house.write() as session, pytest.raises(Conflict, match="built in"):
        alert_rules.delete(session, rule.id)


def test_rules_of_ones_own_stand_beside_the_built_in_ones(house: House) -> None:
    wanted = NewAlertRule.model_validate(
        {"name": "very-full", "kind": "disk_low", "condition": {"threshold": 20}, "level": "CRITICAL"}
    )
    with house.write() as session:
        rule_id = alert_rules.create(session, wanted, []).id
    house.look(LITTLE)
    assert {(alert.rule_id == rule_id, alert.level) for alert in house.active()} == {
        (False, "WARNING"),
        (True, "CRITICAL"),
    }
    house.look(Box("box", 30.0))
    assert [alert.level for alert in house.active()] == ["WARNING"]
    house.look(LITTLE)
    with house.write() as session:
        alert_rules.delete(session, rule_id)
    assert [alert.level for alert in house.active()] == ["WARNING"]
    with house.write() as session, pytest.raises(Conflict, match="already"):
        alert_rules.create(session, wanted.model_copy(update={"name": "disk_low"}), [])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"condition": {"steps": 5}}, "condition.steps"),
        ({"condition": {"threshold": None}}, "condition.threshold"),
        ({"level": None}, "level"),
        ({"escalate_to": "INFO"}, "escalate_to"),
        ({"escalate_to": None}, "escalate_to"),
        ({"channels": ["nobody"]}, "channels"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(house: House, values: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        house.change("disk_low", **values)
    assert refused.value.field == field
    assert house.rule("disk_low").condition == alert_kinds.KINDS[RuleKind.DISK_LOW].condition


def test_an_alert_without_a_rule_is_told_and_cools_down_too(house: House) -> None:
    def fail() -> None:
        with house.write() as session:
            alerts.raise_alert(session, AlertType.GPU_FAULT, "box:gpu0", AlertLevel.CRITICAL, "it is lost", {})

    fail()
    with house.write() as session:
        assert alerts.resolve(session, AlertType.GPU_FAULT, "box:gpu0")
    fail()
    assert [event for event, _ in house.told()] == [AlertNews.RAISED, AlertNews.RESOLVED]
    house.later(301)
    house.look()
    assert [event for event, _ in house.told()] == [AlertNews.RAISED, AlertNews.RESOLVED, AlertNews.RAISED]


def test_each_channel_gets_what_it_is_for_in_order(house: House) -> None:
    house.change("disk_low", channels=["book"])
    house.look(LITTLE)
    house.change("queue_long", condition={"threshold": 0})
    house.look()
    channels = {"log": AlertLevel.INFO, "book": AlertLevel.WARNING, "pager": AlertLevel.CRITICAL}
    with house.write() as session:
        assert notifications.address(session, channels) == 2
        assert notifications.due_channels(session) == ["book"]
        first = notifications.claim(session, "book", 30, "", None)
        assert first is not None and first.event == AlertNews.RAISED and first.payload["alert"]["subject"] == "box"
        assert notifications.claim(session, "book", 30, "", None) is None, "the second waits for the first"
        assert notifications.record(session, first, Answer(500, "no"), [60.0]) is DeliveryState.PENDING
        assert notifications.claim(session, "book", 30, "", None) is None
        session.execute(update(AlertNotification).values(next_attempt_at=utcnow()).where(AlertNotification.id == 3))
        again = notifications.claim(session, "book", 30, "", None)
        assert again is not None and again.delivery_id == first.delivery_id
        assert notifications.record(session, first, Answer(200, None), [60.0]) is None, "it is another's by now"
        assert notifications.record(session, again, Answer(200, None), [60.0]) is DeliveryState.DELIVERED
        last = notifications.claim(session, "book", 30, "", None)
        assert last is not None and last.event == AlertNews.RESOLVED
        assert notifications.record(session, last, Answer(None, "away"), []) is DeliveryState.GIVEN_UP
        assert not notifications.is_due(session)
        assert [row.state for row in notifications.history(session, 1)] == ["DELIVERED", "GIVEN_UP"]


def test_what_a_task_did_is_over_when_it_runs_no_longer(house: House, new_task: Callable[..., Task]) -> None:
    with house.write() as session:
        for _ in range(2):
            new_task(session)
    with house.write() as session:
        for _ in range(2):
            claimed = leases.claim(
                session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=-1, affinity_seconds=0
            )
            assert claimed is not None
            subject = alerts.task_subject(claimed[1].id)
            alerts.raise_alert(session, RuleKind.NO_PROGRESS, subject, AlertLevel.WARNING, "stuck", {})
    with house.write() as session:
        session.get_one(Task, 2).lease_until = utcnow() + timedelta(seconds=60)
    with house.write() as session:
        assert [task.status for task in rescue.requeue_expired(session, backoff_seconds=0)] == [TaskStatus.QUEUED]
    assert [alert.subject for alert in house.active()] == ["task 2"]


def test_old_alerts_are_forgotten_with_what_was_told_of_them(house: House) -> None:
    house.look(LITTLE)
    house.look()
    house.look(LITTLE)
    with house.write() as session:
        assert alerts.trim(session, utcnow() + timedelta(seconds=1)) == 1
    assert [alert.id for alert in house.active()] == [2] and house.told() == []
