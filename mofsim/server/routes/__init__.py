"""The routes, one file per group."""

from starlette.routing import Route

from mofsim.server import openapi
from mofsim.server.routes import (
    alert_channels,
    alert_rules,
    alerts,
    audit,
    batches,
    custom_models,
    deliveries,
    events,
    files,
    geometry,
    keys,
    logs,
    metrics,
    models,
    results,
    steering,
    structure_sets,
    structures,
    submission,
    system,
    system_logs,
    tasks,
    uploads,
)

# The router takes the first that fits: fixed paths stand before those with an id in their place.
routes: list[Route] = [
    *submission.routes,
    *tasks.routes,
    *steering.routes,
    *batches.routes,
    *results.routes,
    *logs.routes,
    *files.routes,
    *geometry.routes,
    *deliveries.routes,
    *uploads.routes,
    *structure_sets.routes,
    *structures.routes,
    *custom_models.routes,
    *models.routes,
    *system.routes,
    *system_logs.routes,
    *alert_channels.routes,
    *alert_rules.routes,
    *alerts.routes,
    *keys.routes,
    *audit.routes,
    *events.routes,
    *metrics.routes,
    *openapi.routes,
]
