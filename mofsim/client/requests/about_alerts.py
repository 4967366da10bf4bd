"""Alerts, and the rules that raise them."""

from typing import Any

from mofsim.client.request import API, Request, get, segment
from mofsim.client.requests.answers import _list_of, _nothing
from mofsim.schemas.alerts import AlertKind, AlertNotification, AlertRule
from mofsim.schemas.resources import Alert
from mofsim.vocabulary import RuleKind


def alerts() -> Request[list[Alert]]:
    """What needs a person now, newest first."""
    return get("/alerts/active", _list_of(Alert))


def alert_history(limit: int = 100) -> Request[list[Alert]]:
    """The newest alerts, those that are over too."""
    return get("/alerts/history", _list_of(Alert), {"limit": limit})


def alert(id: int) -> Request[Alert]:
    return get(f"/alerts/{id}", Alert.model_validate)


def alert_notifications(id: int) -> Request[list[AlertNotification]]:
    """What channels were told or are to be told of an alert, oldest first."""
    return get(f"/alerts/{id}/notifications", _list_of(AlertNotification))


def acknowledge_alert(id: int, note: str = "") -> Request[Alert]:
    """Say that you look after it, whose name is that of your key: its level rises no more."""
    return Request("POST", f"{API}/alerts/{id}/ack", Alert.model_validate, json={"note": note}, tries=2)


def resolve_alert(id: int, note: str = "") -> Request[Alert]:
    """Say that it is over; it comes back only after its cause was gone once."""
    return Request("POST", f"{API}/alerts/{id}/resolve", Alert.model_validate, json={"note": note})


def silence_alert(id: int, seconds: float, note: str = "") -> Request[Alert]:
    """Tell no channel of it for so long; 0 ends that."""
    body = {"seconds": seconds, "note": note}
    return Request("POST", f"{API}/alerts/{id}/silence", Alert.model_validate, json=body, tries=2)


def test_alert_channel(name: str) -> Request[AlertNotification]:
    """Send a test message to a channel; `alert_notifications` of its `alert_id` tells how it went."""
    return Request("POST", f"{API}/alerts/channels/{segment(name)}/test", AlertNotification.model_validate)


def alert_kinds() -> Request[list[AlertKind]]:
    """What rules can watch."""
    return get("/alerts/kinds", _list_of(AlertKind))


def alert_rules() -> Request[list[AlertRule]]:
    return get("/alerts/rules", _list_of(AlertRule))


def alert_rule(id: int) -> Request[AlertRule]:
    return get(f"/alerts/rules/{id}", AlertRule.model_validate)


def create_alert_rule(name: str, kind: RuleKind | str, **values: Any) -> Request[AlertRule]:
    """Add a rule; `values` are condition, level, escalate_to, escalate_after_seconds, cooldown_seconds, channels and
    enabled."""
    return Request("POST", f"{API}/alerts/rules", AlertRule.model_validate, json={"name": name, "kind": kind, **values})


def change_alert_rule(id: int, **values: Any) -> Request[AlertRule]:
    """Change what is given, of `create_alert_rule`; of the condition too only what is given."""
    return Request("PATCH", f"{API}/alerts/rules/{id}", AlertRule.model_validate, json=values, tries=2)


def delete_alert_rule(id: int) -> Request[None]:
    """Delete a rule of one's own; a built-in one can be switched off."""
    return Request("DELETE", f"{API}/alerts/rules/{id}", _nothing)


def reset_alert_rule(id: int) -> Request[AlertRule]:
    """Make a built-in rule what it was when it came."""
    return Request("POST", f"{API}/alerts/rules/{id}/reset", AlertRule.model_validate, tries=2)


def silence_alert_rule(id: int, seconds: float, note: str = "") -> Request[AlertRule]:
    """Tell no channel of what it raises for so long; 0 ends that."""
    body = {"seconds": seconds, "note": note}
    return Request("POST", f"{API}/alerts/rules/{id}/silence", AlertRule.model_validate, json=body, tries=2)
