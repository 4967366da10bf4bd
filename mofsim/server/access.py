"""Which key each route wants: the one table of it. A route that is missing here wants the largest."""

from collections.abc import Mapping

from starlette.routing import Match, Route
from starlette.types import Scope as Connection

from mofsim.vocabulary import Scope

#: Method and template of a path.
Endpoint = tuple[str, str]

#: None: open to everybody; there is nothing of anybody's in it.
TABLE: Mapping[Endpoint, Scope | None] = {
    ("GET", "/health"): None,
    ("GET", "/api/v1/health"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/docs"): None,
    ("GET", "/redoc"): None,
    ("GET", "/metrics"): Scope.READ,
    ("GET", "/api/v1/events"): Scope.READ,
    ("GET", "/api/v1/files/{task}/{attempt}/{name}"): Scope.READ,
    # Tasks
    ("GET", "/api/v1/tasks"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/attempts"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/events"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/deliveries"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/explain"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/files"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/geometry"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/logs"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/logs/stream"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/result"): Scope.READ,
    ("GET", "/api/v1/tasks/{id}/series"): Scope.READ,
    ("POST", "/api/v1/tasks/estimate"): Scope.READ,
    ("POST", "/api/v1/tasks/optimization"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/single-point"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/stability"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/bulk-modulus"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/heat-capacity"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/interaction-energy"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/batch"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}"): Scope.SUBMIT,
    ("DELETE", "/api/v1/tasks/{id}"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/cancel"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/undo-cancel"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/retry"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/hold"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/release"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/detach"): Scope.SUBMIT,
    ("POST", "/api/v1/tasks/{id}/priority"): Scope.SUBMIT,
    ("POST", "/api/v1/deliveries/{id}/redeliver"): Scope.SUBMIT,
    # Batches
    ("GET", "/api/v1/batches"): Scope.READ,
    ("GET", "/api/v1/batches/{id}"): Scope.READ,
    ("GET", "/api/v1/batches/{id}/results"): Scope.READ,
    ("POST", "/api/v1/batches/{id}/cancel"): Scope.SUBMIT,
    ("POST", "/api/v1/batches/{id}/retry-failed"): Scope.SUBMIT,
    # Benchmarks
    ("GET", "/api/v1/benchmarks"): Scope.READ,
    ("GET", "/api/v1/benchmarks/{id}"): Scope.READ,
    ("GET", "/api/v1/benchmarks/{id}/progress"): Scope.READ,
    ("GET", "/api/v1/benchmarks/{id}/results"): Scope.READ,
    ("GET", "/api/v1/benchmarks/{id}/report"): Scope.READ,
    ("GET", "/api/v1/benchmarks/{id}/structures/{structure}"): Scope.READ,
    ("POST", "/api/v1/benchmarks/estimate"): Scope.READ,
    ("POST", "/api/v1/benchmarks"): Scope.SUBMIT,
    ("POST", "/api/v1/benchmarks/{id}/models"): Scope.SUBMIT,
    ("POST", "/api/v1/benchmarks/{id}/retry"): Scope.SUBMIT,
    ("POST", "/api/v1/benchmarks/{id}/cancel"): Scope.SUBMIT,
    ("DELETE", "/api/v1/benchmarks/{id}"): Scope.SUBMIT,
    # Structures
    ("GET", "/api/v1/structures"): Scope.READ,
    ("GET", "/api/v1/structures/builtin"): Scope.READ,
    ("GET", "/api/v1/structures/{id}"): Scope.READ,
    ("GET", "/api/v1/structures/{id}/file"): Scope.READ,
    ("GET", "/api/v1/structures/{id}/geometry"): Scope.READ,
    ("POST", "/api/v1/structures"): Scope.SUBMIT,
    ("DELETE", "/api/v1/structures/{id}"): Scope.SUBMIT,
    ("GET", "/api/v1/structures/sets"): Scope.READ,
    ("PUT", "/api/v1/structures/sets/{name}"): Scope.SUBMIT,
    ("DELETE", "/api/v1/structures/sets/{name}"): Scope.SUBMIT,
    # Models: a file with weights can run code when it is loaded
    ("GET", "/api/v1/models"): Scope.READ,
    ("GET", "/api/v1/models/{name}"): Scope.READ,
    ("POST", "/api/v1/models/{name}/load"): Scope.ADMIN,
    ("POST", "/api/v1/models/{name}/unload"): Scope.ADMIN,
    ("GET", "/api/v1/models/custom"): Scope.READ,
    ("GET", "/api/v1/models/custom/{name}"): Scope.READ,
    ("POST", "/api/v1/models/custom"): Scope.ADMIN,
    ("POST", "/api/v1/models/custom/{name}/validate"): Scope.ADMIN,
    ("DELETE", "/api/v1/models/custom/{name}"): Scope.ADMIN,
    # The system
    ("GET", "/api/v1/system/config"): Scope.READ,
    ("GET", "/api/v1/system/gpus"): Scope.READ,
    ("GET", "/api/v1/system/gpus/{id}/history"): Scope.READ,
    ("GET", "/api/v1/system/hosts"): Scope.READ,
    ("GET", "/api/v1/system/hosts/{host}/history"): Scope.READ,
    ("GET", "/api/v1/system/logs"): Scope.READ,
    ("GET", "/api/v1/system/logs/stream"): Scope.READ,
    ("GET", "/api/v1/system/overview"): Scope.READ,
    ("GET", "/api/v1/system/queue"): Scope.READ,
    ("GET", "/api/v1/system/stats"): Scope.READ,
    ("GET", "/api/v1/system/workers"): Scope.READ,
    ("POST", "/api/v1/system/workers/{worker}/drain"): Scope.ADMIN,
    ("POST", "/api/v1/system/workers/{worker}/resume"): Scope.ADMIN,
    # Files of tasks, between the server and workers that do not share its data folder
    ("GET", "/api/v1/transfer"): Scope.WORKER,
    ("GET", "/api/v1/transfer/structures/{id}"): Scope.WORKER,
    ("GET", "/api/v1/transfer/models/{sha256}"): Scope.WORKER,
    ("GET", "/api/v1/transfer/tasks/{task}/{attempt}/earlier"): Scope.WORKER,
    ("GET", "/api/v1/transfer/tasks/{task}/{attempt}/earlier/{earlier}/{name}"): Scope.WORKER,
    ("GET", "/api/v1/transfer/tasks/{task}/{attempt}/files/{name}"): Scope.WORKER,
    ("PATCH", "/api/v1/transfer/tasks/{task}/{attempt}/files/{name}"): Scope.WORKER,
    ("PUT", "/api/v1/transfer/tasks/{task}/{attempt}/files/{name}"): Scope.WORKER,
    ("DELETE", "/api/v1/transfer/tasks/{task}/{attempt}/checkpoints"): Scope.WORKER,
    # Alerts
    ("GET", "/api/v1/alerts/active"): Scope.READ,
    ("GET", "/api/v1/alerts/history"): Scope.READ,
    ("GET", "/api/v1/alerts/kinds"): Scope.READ,
    ("GET", "/api/v1/alerts/{id}"): Scope.READ,
    ("GET", "/api/v1/alerts/{id}/notifications"): Scope.READ,
    ("POST", "/api/v1/alerts/{id}/ack"): Scope.SUBMIT,
    ("POST", "/api/v1/alerts/{id}/resolve"): Scope.SUBMIT,
    ("POST", "/api/v1/alerts/{id}/silence"): Scope.SUBMIT,
    ("GET", "/api/v1/alerts/rules"): Scope.READ,
    ("GET", "/api/v1/alerts/rules/{id}"): Scope.READ,
    ("POST", "/api/v1/alerts/rules"): Scope.ADMIN,
    ("PATCH", "/api/v1/alerts/rules/{id}"): Scope.ADMIN,
    ("DELETE", "/api/v1/alerts/rules/{id}"): Scope.ADMIN,
    ("POST", "/api/v1/alerts/rules/{id}/reset"): Scope.ADMIN,
    ("POST", "/api/v1/alerts/rules/{id}/silence"): Scope.ADMIN,
    ("POST", "/api/v1/alerts/channels/{name}/test"): Scope.ADMIN,
    # Keys
    ("GET", "/api/v1/keys"): Scope.ADMIN,
    ("POST", "/api/v1/keys"): Scope.ADMIN,
    ("DELETE", "/api/v1/keys/{id}"): Scope.ADMIN,
    ("GET", "/api/v1/system/audit"): Scope.ADMIN,
}

#: Sent by POST because of its body; nothing is changed.
_CHANGE_NOTHING = frozenset({("POST", "/api/v1/tasks/estimate"), ("POST", "/api/v1/benchmarks/estimate")})
#: What makes work besides: every POST below /tasks but the changes of single tasks.
_BENCHMARKS = frozenset({("POST", "/api/v1/benchmarks"), ("POST", "/api/v1/benchmarks/{id}/models")})
_UPLOADS = frozenset({("POST", "/api/v1/structures"), ("POST", "/api/v1/models/custom")})
_SUBMITS = "/api/v1/tasks/"
#: What workers do there belongs to attempts, and is no change that anybody made.
_TRANSFER = "/api/v1/transfer"


def endpoint(connection: Connection) -> Endpoint | None:
    """The route that a request will come to; None when there is none for its path and method."""
    method = "GET" if connection["method"] == "HEAD" else connection["method"]
    for route in connection["app"].routes:
        if isinstance(route, Route) and route.matches(connection)[0] is Match.FULL:
            return method, route.path
    return None


def needed(endpoint: Endpoint | None) -> Scope | None:
    """None: no key. What is not there is told to whom has a key only."""
    return Scope.READ if endpoint is None else TABLE.get(endpoint, Scope.ADMIN)


def changes(endpoint: Endpoint | None) -> bool:
    if endpoint is None or endpoint in _CHANGE_NOTHING or endpoint[1].startswith(_TRANSFER):
        return False
    return endpoint[0] != "GET"


def makes_work(endpoint: Endpoint | None) -> bool:
    """Whether it submits tasks, or has a file read."""
    if endpoint is None or endpoint in _UPLOADS | _BENCHMARKS:
        return endpoint is not None
    method, path = endpoint
    return method == "POST" and path.startswith(_SUBMITS) and "{" not in path and changes(endpoint)
