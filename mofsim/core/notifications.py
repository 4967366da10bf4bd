"""Take out of the outbox what channels are to be told of alerts: first whom to tell, then each channel in its order."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from mofsim.core import alerts, counters, outbox
from mofsim.core.outbox import Answer, Parcel
from mofsim.db.tables import Alert, AlertNotification, AlertRule, utcnow
from mofsim.vocabulary import AlertLevel, AlertNews, AlertType, Counted, DeliveryState


def is_due(session: Session) -> bool:
    """Whether there is anything to send now; a cheap look before the write."""
    return session.scalar(select(AlertNotification.id).where(_due()).limit(1)) is not None


def due_channels(session: Session) -> list[str]:
    query = select(AlertNotification.channel).where(_due(), AlertNotification.channel.is_not(None)).distinct()
    return [name for name in session.scalars(query.order_by(AlertNotification.channel)) if name is not None]


def address(session: Session, channels: Mapping[str, AlertLevel]) -> int:
    """Give each piece of news to the channels that it is for, by the rule and by their least level; how many came in.

    `channels`: the least level of each. One that is nobody's is gone.
    """
    unaddressed = session.scalars(
        select(AlertNotification)
        .where(AlertNotification.channel.is_(None))
        .order_by(AlertNotification.id)
        .with_for_update(skip_locked=True)
    ).all()
    for news in unaddressed:
        alert = session.get_one(Alert, news.alert_id)
        rule = session.get(AlertRule, alert.rule_id) if alert.rule_id else None
        if news.event == AlertNews.RESOLVED or not alerts.is_silent(session, alert):
            for name in _receivers(alert, rule, channels):
                session.add(_addressed(news, name))
        session.delete(news)
    return len(unaddressed)


def _receivers(alert: Alert, rule: AlertRule | None, channels: Mapping[str, AlertLevel]) -> list[str]:
    wanted = rule.channels if rule is not None else None
    level = AlertLevel(alert.level)
    return [name for name, least in channels.items() if (wanted is None or name in wanted) and level.rank >= least.rank]


def _addressed(news: AlertNotification, channel: str) -> AlertNotification:
    return AlertNotification(
        alert_id=news.alert_id,
        channel=channel,
        event=news.event,
        payload=news.payload,
        attempts=0,
        next_attempt_at=news.next_attempt_at,
        created_at=news.created_at,
    )


def claim(session: Session, channel: str, lease_seconds: float, url: str, secret: str | None) -> Parcel | None:
    """What a channel is to be told next; None when nothing is due."""
    query = (
        select(AlertNotification)
        .where(_due(), AlertNotification.channel == channel)
        .order_by(AlertNotification.next_attempt_at, AlertNotification.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.scalar(query)
    if row is None:
        return None
    token = outbox.begin(row, lease_seconds)
    return Parcel(
        delivery_id=row.id,
        task_id=None,
        event=row.event,
        attempt=row.attempts,
        payload={**row.payload, "delivery_id": row.id},
        url=url,
        secret=secret,
        token=token,
    )


def record(
    session: Session, parcel: Parcel, answer: Answer, retry_delays_seconds: Sequence[float]
) -> DeliveryState | None:
    """Write how a try ended; None when the parcel is somebody else's by now, or gone with its alert."""
    row = session.get(AlertNotification, parcel.delivery_id, with_for_update=True)
    if row is None or row.lease_token != parcel.token:
        return None
    # Who tests wants to know how it went, not that it goes well later.
    state = outbox.end(row, answer, () if row.event == AlertNews.TEST else retry_delays_seconds)
    if state is not DeliveryState.PENDING:
        counters.count(session, Counted.NOTIFICATIONS, state)
    return state


def test(session: Session, channel: str, by: str) -> AlertNotification:
    """Send one message to a channel, whatever its least level, as an alert is sent that is over already; once.

    `by` is the name of the key that asks; "" where the server wants none.
    """
    now = utcnow()
    alert = Alert(
        level=AlertLevel.INFO,
        alert_type=AlertType.CHANNEL_TEST,
        subject=channel,
        message=f"a test of the channel {channel}" + (f", asked for by {by}" if by else "") + "; nothing is wrong",
        details={},
        created_at=now,
        updated_at=now,
        resolved=True,
        resolved_at=now,
    )
    session.add(alert)
    row = alerts.put(session, alert, AlertNews.TEST, channel)
    session.flush()
    return row


def history(session: Session, alert_id: int) -> list[AlertNotification]:
    """What channels were told or are to be told of an alert, oldest first. Raises NotFound."""
    alerts.find(session, alert_id)
    query = select(AlertNotification).where(AlertNotification.alert_id == alert_id).order_by(AlertNotification.id)
    return list(session.scalars(query))


def _due() -> ColumnElement[bool]:
    """Its time has come, nobody is sending it, and its channel was told all that came before of the same alert."""
    now = utcnow()
    earlier = aliased(AlertNotification)
    is_first = ~exists().where(
        earlier.alert_id == AlertNotification.alert_id,
        earlier.channel == AlertNotification.channel,
        earlier.next_attempt_at.is_not(None),
        earlier.id < AlertNotification.id,
    )
    free = or_(AlertNotification.lease_until.is_(None), AlertNotification.lease_until < now)
    return and_(AlertNotification.next_attempt_at <= now, free, is_first)
