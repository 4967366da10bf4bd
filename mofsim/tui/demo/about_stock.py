"""What the demo tells of models, structures and alerts, and what can be done to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mofsim.schemas.alerts import AlertNotification, AlertRule
from mofsim.schemas.resources import Alert, Geometry, MemoryNeed, Model, ModelDetail, StructureSet, Worker
from mofsim.tui.demo import physics
from mofsim.tui.demo.crystals import crystal
from mofsim.tui.demo.steering import ME, missing, refused
from mofsim.vocabulary import AlertNews, DeliveryState, EventType, TaskType

if TYPE_CHECKING:
    from mofsim.tui.demo.world import World

Given = Mapping[str, Any]
NO_FILES = "the demo has no server that could read a file; `mofsim up` starts one"


def structures(world: World, method: str, rest: list[str], query: Given, body: Any) -> Any:
    match method, list(map(unquote, rest)):
        case "GET", []:
            return list(world.structures.values())
        case "GET", ["sets"]:
            return world.sets
        case "PUT", ["sets", name]:
            saved = StructureSet(name=name, structure_ids=body["structure_ids"])
            world.sets = [*(each for each in world.sets if each.name != name), saved]
            return saved
        case "POST", []:
            raise refused(NO_FILES)
        case "GET", [id] if int(id) in world.structures:
            return world.structures[int(id)]
        case "GET", [id, "geometry"] if int(id) in world.structures:
            found = crystal(world.structures[int(id)].name)
            places, cell = [list(place) for place in found.positions], [list(vector) for vector in found.cell]
            return Geometry(symbols=list(found.symbols), positions_A=places, cell_A=cell)
    raise missing("/".join(["structures", *rest]))


def models(world: World, method: str, rest: list[str], body: Any) -> Any:
    match method, list(map(unquote, rest)):
        case "GET", []:
            return [_with_places(world, model) for model in world.models.values()]
        case "GET", ["custom"]:
            return [_detail(world, model) for model in world.models.values() if model.is_custom]
        case "POST", ["custom"]:
            raise refused(NO_FILES)
        case "DELETE", ["custom", name] if name in world.models:
            del world.models[name]
            return None
        case "POST", ["custom", name, "validate"] if name in world.models:
            task = world.add_task(TaskType.VALIDATION, world.structures[1], name)
            return world.submitted(task, ME)
        case "GET", [name] if name in world.models:
            return _detail(world, world.models[name])
        case "POST", [name, "load" | "unload" as verb] if name in world.models:
            return _wish(world, name, verb, body.get("worker"))
    raise missing(f"model {'/'.join(rest)}")


def _with_places(world: World, model: Model) -> Model:
    places = [worker.id for worker in world.workers.values() if model.name in worker.loaded_models]
    return model.model_copy(update={"loaded_on": places})


def _detail(world: World, model: Model) -> ModelDetail:
    at_work = [
        task.id
        for task in world.tasks.values()
        if task.task_type is TaskType.VALIDATION and task.model == model.name and not task.status.is_final
    ]
    needs = [
        MemoryNeed(device="cuda", n_atoms=n, peak_MB=physics.memory_MB(n), too_little_MB=None) for n in (54, 106, 156)
    ]
    return ModelDetail(
        **_with_places(world, model).model_dump(),
        checkpoint="simulated",
        weights_sha256=None,
        python="",
        environment=None,
        versions={},
        load_seconds=4.0,
        memory=[] if model.is_custom else needs,
        validation=None if at_work else world.validations.get(model.name),
        validation_task=at_work[0] if at_work else None,
    )


def _wish(world: World, name: str, verb: str, worker: str | None) -> list[Worker]:
    if worker is not None and worker not in world.workers:
        raise missing(f"worker {worker}")
    return [world.wish(each, name, verb) for id, each in list(world.workers.items()) if worker in (None, id)]


def alerts(world: World, method: str, rest: list[str], body: Any) -> Any:
    newest = sorted(world.alerts.values(), key=lambda alert: -alert.id)
    match method, rest:
        case "GET", ["active"]:
            return [alert for alert in newest if not alert.resolved]
        case "GET", ["history"]:
            return newest
        case "GET", ["rules"]:
            return list(world.rules.values())
        case _, ["rules", id, *action] if int(id) in world.rules:
            return _change_rule(world, world.rules[int(id)], _silence(world, body) if action else body)
        case "GET", [id] if int(id) in world.alerts:
            return world.alerts[int(id)]
        case "GET", [id, "notifications"] if int(id) in world.alerts:
            return [_notification(world.alerts[int(id)])]
        case "POST", [id, action] if int(id) in world.alerts:
            return _steer(world, world.alerts[int(id)], action, body)
    raise missing("/".join(["alerts", *rest]))


def _steer(world: World, alert: Alert, action: str, body: Any) -> Alert:
    note = body.get("note", "")
    if action == "ack":
        values = {"acknowledged_at": world.now, "acknowledged_by": ME, "acknowledged_note": note}
        return world.change_alert(alert.id, **values)
    if action == "resolve":
        over = {"resolved": True, "resolved_at": world.now, "resolved_by": ME, "resolved_note": note}
        return world.change_alert(alert.id, EventType.ALERT_RESOLVED, **over)
    if action == "silence":
        return world.change_alert(alert.id, **_silence(world, body))
    raise missing(f"action {action}")


def _silence(world: World, body: Any) -> dict[str, Any]:
    seconds = float(body.get("seconds") or 0.0)
    until = world.now + timedelta(seconds=seconds) if seconds else None
    return {"silenced_until": until, "silenced_by": ME if until else None}


def _change_rule(world: World, rule: AlertRule, values: Any) -> AlertRule:
    changed = rule.model_copy(update=dict(values))
    world.rules[rule.id] = changed
    world.tell(EventType.ALERT_RULE_CHANGED, {"rule": changed.model_dump(mode="json")})
    if not changed.enabled:
        for alert in [each for each in world.alerts.values() if each.rule_id == rule.id and not each.resolved]:
            world.change_alert(alert.id, EventType.ALERT_RESOLVED, resolved=True, resolved_at=world.now)
    return changed


def _notification(alert: Alert) -> AlertNotification:
    return AlertNotification(
        id=alert.id, alert_id=alert.id, channel="log", event=AlertNews.RAISED, state=DeliveryState.DELIVERED,
        attempts=1, created_at=alert.created_at, last_attempt_at=alert.created_at, next_attempt_at=None,
        delivered_at=alert.created_at, response_status=None, last_error=None,
    )  # fmt: skip
