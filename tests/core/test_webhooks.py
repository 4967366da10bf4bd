"""What goes into the outbox, and who may take it out."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mofsim.core import leases, outbox, steering, webhooks
from mofsim.core.errors import Conflict, NotFound
from mofsim.core.leases import Outcome
from mofsim.core.outbox import Answer
from mofsim.db.engine import Database
from mofsim.db.tables import Event, Structure, Task, WebhookDelivery, utcnow
from mofsim.schemas.webhooks import Delivery
from mofsim.vocabulary import AttemptOutcome, DeliveryState, TaskStatus

URL = "https://lab.example.org/hook"
DELAYS = [60.0, 300.0]


@pytest.fixture
def session(database: Database, structure: Structure):
    with database.write() as session:
        yield session


@pytest.fixture
def told(session, new_task):
    """A task with a receiver."""
    return new_task(session, callback_url=URL, callback_secret="hush")


def run(session, progress: int = 0):
    lease, task = leases.claim(
        session, "box:cpu0", gpu_id=None, loaded_models=[], lease_seconds=30, affinity_seconds=120
    )
    leases.start(session, lease, 100)
    for step in range(progress):
        beat(session, lease, step)
    return lease, task


def beat(session, lease, step: int, interval: float = 0) -> None:
    leases.heartbeat(session, lease, lease_seconds=30, progress={"step": step}, webhook_interval_seconds=interval)


def pending(session) -> list[str]:
    query = select(WebhookDelivery.event).where(WebhookDelivery.next_attempt_at.is_not(None))
    return list(session.scalars(query.order_by(WebhookDelivery.id)))


def deliver(session, error: str | None = None) -> WebhookDelivery:
    parcel = outbox.claim(session, 30)
    assert parcel is not None
    outbox.record(session, parcel, Answer(None if error else 200, error), DELAYS)
    return session.get_one(WebhookDelivery, parcel.delivery_id)


def test_each_change_that_a_receiver_cares_for_is_in_the_outbox(session, told) -> None:
    lease, _ = run(session, progress=1)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    assert pending(session) == ["task.started", "task.progress", "task.completed"]
    last = webhooks.history(session, told.id)[-1].payload
    assert last["task"]["status"] == "COMPLETED" and last["result_url"] == f"/api/v1/tasks/{told.id}/result"


@pytest.mark.parametrize(
    ("status", "event"), [("FAILED", "task.failed"), ("TIMEOUT", "task.timeout"), ("CANCELLED", "task.cancelled")]
)
def test_every_end_has_its_event(session, told, status: str, event: str) -> None:
    lease, _ = run(session)
    if status == TaskStatus.CANCELLED:
        steering.request_cancel(session, told.id)
    leases.finish(session, lease, Outcome(TaskStatus(status)))
    assert pending(session)[-1] == event


def test_only_the_events_that_were_asked_for_are_sent(session, new_task) -> None:
    new_task(session, callback_url=URL, callback_events=["task.completed"])
    lease, _ = run(session, progress=2)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    assert pending(session) == ["task.completed"]


def test_a_change_that_is_rolled_back_tells_nobody(database: Database, structure: Structure, new_task) -> None:
    with database.write() as session:
        task = new_task(session, callback_url=URL)
    with pytest.raises(RuntimeError), database.write() as session:
        steering.request_cancel(session, task.id)
        raise RuntimeError
    with database.read() as session:
        assert pending(session) == []


def test_progress_is_told_once_in_its_interval(session, told) -> None:
    lease, _ = run(session)
    for step in range(5):
        beat(session, lease, step, interval=30)
    assert pending(session) == ["task.started", "task.progress"]


def test_pending_progress_makes_way_for_newer_progress(session, told) -> None:
    run(session, progress=10)
    history = webhooks.history(session, told.id)
    assert [each.event for each in history] == ["task.started", "task.progress"]
    assert history[-1].payload["task"]["progress"]["step"] == 9


def test_new_progress_is_as_late_as_the_one_that_it_replaces(session, told) -> None:
    lease, _ = run(session, progress=1)
    deliver(session)
    failed = deliver(session, error="down")
    beat(session, lease, 2)
    newest = webhooks.history(session, told.id)[-1]
    assert newest.id != failed.id
    assert (newest.attempts, newest.next_attempt_at) == (1, failed.next_attempt_at)


def test_progress_never_overtakes_what_happened_before_it(session, told) -> None:
    lease, _ = run(session, progress=1)
    leases.give_back(session, lease, AttemptOutcome.LOST, "killed", backoff_seconds=0)
    run(session, progress=1)
    assert pending(session) == ["task.started", "task.started", "task.progress"]


def test_progress_that_is_being_sent_stays(session, told) -> None:
    lease, _ = run(session, progress=1)
    deliver(session)
    parcel = outbox.claim(session, 30)
    assert parcel is not None and parcel.event == "task.progress"
    for step in range(5):
        beat(session, lease, step)
    assert pending(session) == ["task.progress", "task.progress"]


def test_a_later_event_waits_until_the_earlier_one_is_over(session, told) -> None:
    lease, _ = run(session)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    assert deliver(session, error="down").event == "task.started"
    assert outbox.claim(session, 30) is None and not outbox.is_due(session)
    session.execute(update(WebhookDelivery).values(next_attempt_at=utcnow()))
    assert deliver(session).event == "task.started"
    assert deliver(session).event == "task.completed"


def test_tasks_do_not_wait_for_each_other(session, new_task) -> None:
    for _ in range(2):
        new_task(session, callback_url=URL)
        run(session)
    first, second = outbox.claim(session, 30), outbox.claim(session, 30)
    assert first is not None and second is not None and first.task_id != second.task_id


def test_a_receiver_that_is_busy_is_passed_over(session, told, new_task) -> None:
    run(session)
    assert outbox.claim(session, 30, busy_urls=[URL]) is None
    assert outbox.claim(session, 30, busy_urls=["https://other"]) is not None


def test_a_delivery_is_given_up_after_its_last_try(session, told) -> None:
    run(session)
    waits = []
    for _ in range(3):
        delivery = deliver(session, error="HTTP 500")
        if delivery.next_attempt_at:
            waits.append(round((delivery.next_attempt_at - utcnow()).total_seconds()))
            delivery.next_attempt_at = utcnow()
            session.flush()
    assert waits == [60, 300]
    wire = Delivery.model_validate(delivery)
    assert (wire.state, wire.attempts, wire.last_error) == (DeliveryState.GIVEN_UP, 3, "HTTP 500")
    assert outbox.claim(session, 30) is None


def test_whoever_lost_the_lease_writes_nothing(session, told) -> None:
    run(session)
    slow = outbox.claim(session, lease_seconds=-1)
    quick = outbox.claim(session, 30)
    assert slow is not None and quick is not None and slow.delivery_id == quick.delivery_id
    assert outbox.record(session, slow, Answer(500, "late"), DELAYS) is None
    assert outbox.record(session, quick, Answer(200, None), DELAYS) is DeliveryState.DELIVERED


def test_what_was_given_up_can_be_sent_once_more(session, told) -> None:
    run(session)
    delivery = deliver(session, error="x")
    delivery.next_attempt_at = None
    session.flush()
    webhooks.redeliver(session, delivery.id)
    assert deliver(session).state is DeliveryState.DELIVERED
    with pytest.raises(NotFound):
        webhooks.redeliver(session, 99)


def test_what_is_being_sent_can_not_be_sent_once_more(session, told) -> None:
    run(session)
    parcel = outbox.claim(session, 30)
    assert parcel is not None
    with pytest.raises(Conflict):
        webhooks.redeliver(session, parcel.delivery_id)


def test_old_history_is_trimmed_and_what_waits_is_kept(session, told) -> None:
    lease, _ = run(session)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    deliver(session)
    assert outbox.trim(session, utcnow() + timedelta(seconds=1)) == 1
    assert pending(session) == ["task.completed"]


def test_the_secret_is_in_no_event_payload_or_history(session, told) -> None:
    lease, _ = run(session, progress=1)
    leases.finish(session, lease, Outcome(TaskStatus.COMPLETED))
    told_ = [each.data for each in session.scalars(select(Event))]
    rows = webhooks.history(session, told.id)
    wires = [Delivery.model_validate(row).model_dump_json() for row in rows]
    assert len(rows) == 3 and "hush" not in repr([told_, wires, [row.payload for row in rows]])
    assert "hush" not in repr(outbox.claim(session, 30))


def test_a_deleted_task_takes_its_deliveries_along(session, told) -> None:
    steering.request_cancel(session, told.id)
    steering.remove(session, told.id)
    session.flush()
    assert pending(session) == [] and session.get(Task, told.id) is None
