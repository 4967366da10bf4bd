"""The rules that raise alerts: seen, added, changed, silenced, reset and deleted."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mofsim.core import alert_rules
from mofsim.schemas.alerts import AlertKind, AlertRule, AlertRuleChange, AlertSilence, NewAlertRule
from mofsim.schemas.envelope import Page
from mofsim.server.answers import answer, whole
from mofsim.server.context import context, read, write
from mofsim.server.openapi import document
from mofsim.server.requests import asker, json_body, path_id


@document("alerts", answer=Page[AlertKind])
async def list_kinds(request: Request) -> Response:
    """List what rules can watch, with the units of the thresholds and the conditions of the built-in rules."""
    return whole(alert_rules.kinds())


@document("alerts", answer=Page[AlertRule])
async def list_rules(request: Request) -> Response:
    """List the rules, the built-in ones first."""
    return whole(map(alert_rules.wire, await read(request, alert_rules.listing)))


@document("alerts", answer=AlertRule, errors=[404])
async def get_rule(request: Request) -> Response:
    """Get one rule."""
    return answer(alert_rules.wire(await read(request, alert_rules.find, _id(request))))


@document("alerts", json=NewAlertRule, answer=AlertRule, status=201, errors=[409, 422])
async def create_rule(request: Request) -> Response:
    """Add a rule of your own: a kind, with other limits, levels or channels than the built-in one."""
    wanted = await json_body(request, NewAlertRule)
    rule = await write(request, alert_rules.create, wanted, _channels(request))
    return answer(alert_rules.wire(rule), 201, headers={"Location": f"/api/v1/alerts/rules/{rule.id}"})


@document("alerts", json=AlertRuleChange, answer=AlertRule, errors=[404, 422])
async def change_rule(request: Request) -> Response:
    """Change a rule; what is left out stays as it is, and so it is with the parts of its condition."""
    wanted = await json_body(request, AlertRuleChange)
    rule = await write(request, alert_rules.change, _id(request), wanted, _channels(request))
    return answer(alert_rules.wire(rule))


@document("alerts", answer=None, errors=[404, 409])
async def delete_rule(request: Request) -> Response:
    """Delete a rule of your own, and end its alerts. A built-in one can only be switched off."""
    rule_id = _id(request)
    await write(request, alert_rules.delete, rule_id)
    return answer(message=f"alert rule {rule_id} was deleted")


@document("alerts", answer=AlertRule, errors=[404, 409])
async def reset_rule(request: Request) -> Response:
    """Make a built-in rule what it was when it came."""
    return answer(alert_rules.wire(await write(request, alert_rules.reset, _id(request))))


@document("alerts", json=AlertSilence, answer=AlertRule, errors=[404, 422])
async def silence_rule(request: Request) -> Response:
    """Tell no channel of what a rule raises for a time; 0 seconds end that. Its alerts are still there."""
    wanted = await json_body(request, AlertSilence)
    given = wanted.seconds, asker(request), wanted.note
    return answer(alert_rules.wire(await write(request, alert_rules.silence, _id(request), *given)))


def _id(request: Request) -> int:
    return path_id(request, "alert rule")


def _channels(request: Request) -> list[str]:
    return list(context(request).settings.alerts.channels)


routes = [
    Route("/api/v1/alerts/kinds", list_kinds),
    Route("/api/v1/alerts/rules", list_rules),
    Route("/api/v1/alerts/rules", create_rule, methods=["POST"]),
    Route("/api/v1/alerts/rules/{id}", get_rule),
    Route("/api/v1/alerts/rules/{id}", change_rule, methods=["PATCH"]),
    Route("/api/v1/alerts/rules/{id}", delete_rule, methods=["DELETE"]),
    Route("/api/v1/alerts/rules/{id}/reset", reset_rule, methods=["POST"]),
    Route("/api/v1/alerts/rules/{id}/silence", silence_rule, methods=["POST"]),
]
