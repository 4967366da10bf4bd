"""What Prometheus reads: all of it from small tables, at the moment that it asks. docs/metrics.md lists it.

Nothing here reads the tasks themselves, but for those that wait for a device: a million finished ones change nothing.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim import __version__
from mofsim.core import alerts, counters, queries, workers
from mofsim.core.alert_kinds import STALE
from mofsim.db.tables import AlertNotification, Device, WebhookDelivery, utcnow
from mofsim.server.timing import Timings
from mofsim.vocabulary import (
    AlertLevel,
    AlertType,
    AttemptOutcome,
    Counted,
    DeliveryState,
    Duration,
    Priority,
    RuleKind,
    TaskStatus,
    WorkerState,
)

BYTES_PER_MB = 1e6

#: as `mofsim.core.rescue` calls them
RESCUES = ("lease_expired", "worker_restarted")
#: What is counted, in the words of Prometheus; each by a label, and 0 for what never came about.
COUNTERS: dict[Counted, tuple[str, str, str, Iterable[str]]] = {
    Counted.ATTEMPTS: ("attempts", "Attempts at tasks, by how they ended.", "outcome", AttemptOutcome),
    Counted.TASKS_ENDED: (
        "tasks_ended",
        "Tasks that ended, by how.",
        "status",
        [status for status in TaskStatus if status.is_final],
    ),
    Counted.RESCUES: ("rescues", "Tasks queued again since their worker was gone.", "reason", RESCUES),
    Counted.WEBHOOKS: (
        "webhook_deliveries",
        "Webhooks of tasks that came to an end, by which.",
        "state",
        [DeliveryState.DELIVERED, DeliveryState.GIVEN_UP],
    ),
    Counted.ALERTS: ("alerts_raised", "Alerts that were raised.", "type", [*AlertType, *RuleKind]),
    Counted.NOTIFICATIONS: (
        "alert_notifications",
        "Messages to alert channels that came to an end, by which.",
        "state",
        [DeliveryState.DELIVERED, DeliveryState.GIVEN_UP],
    ),
}

HISTOGRAMS = {
    Duration.WAIT: ("task_wait", "How long tasks waited for a device, at each attempt."),
    Duration.RUN: ("task_run", "How long attempts ran from their first step to their end."),
}

#: name, words, unit, factor and column of what is told of each GPU
GPU = [
    ("gpu_memory_used", "Memory of a GPU in use, by all processes.", "bytes", BYTES_PER_MB, "memory_used_MB"),
    ("gpu_memory_total", "Memory of a GPU.", "bytes", BYTES_PER_MB, "memory_total_MB"),
    ("gpu_utilisation", "Share of time in which a kernel ran, 0 to 1.", "ratio", 0.01, "utilisation_percent"),
    ("gpu_temperature", "Temperature of a GPU.", "celsius", 1.0, "temperature_C"),
    ("gpu_power", "Power that a GPU takes.", "watts", 1.0, "power_W"),
    ("gpu_power_limit", "Power that a GPU may take.", "watts", 1.0, "power_limit_W"),
    ("gpu_ecc_uncorrected_errors", "Memory errors since the driver was loaded.", "", 1.0, "ecc_errors"),
]
GPU_LABELS = ["gpu", "host", "index", "name"]


def collect(session: Session) -> list[Metric]:
    """What the database tells."""
    return [
        *_tasks(session),
        *_counters(session),
        *_histograms(session),
        *_gpus(session),
        *_system(session),
        *_waiting(session),
    ]


def disk(root: Path) -> Metric:
    free = GaugeMetricFamily("mofsim_storage_free_bytes", "Room on the disk of the data folder.", unit="bytes")
    free.add_metric([], shutil.disk_usage(root).free)
    return free


def exposition(timings: Timings, found: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The text of everything, and its type: as Prometheus wants it, or OpenMetrics where that is asked for."""
    everything = _All(timings, list(found))
    try:
        encode, content_type = choose_encoder(accept)
        return encode(everything), content_type
    except (TypeError, ValueError):
        # It asks for a version that is none.
        encode, content_type = choose_encoder("")
        return encode(everything), content_type


class _All(Collector):
    def __init__(self, timings: Timings, found: list[Metric]) -> None:
        self._timings = timings
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found
        yield from self._timings.registry.collect()


def _tasks(session: Session) -> Iterator[Metric]:
    by_status = GaugeMetricFamily("mofsim_tasks", "Tasks there are, by status.", labels=["status"])
    for status, n in queries.counts_by_status(session).items():
        by_status.add_metric([status], n)
    yield by_status
    waiting = GaugeMetricFamily("mofsim_tasks_waiting", "Tasks that wait for a device.", labels=["priority"])
    found = queries.queued_by_priority(session)
    for priority in Priority:
        waiting.add_metric([priority.name], found[priority.name])
    yield waiting


def _counters(session: Session) -> Iterator[Metric]:
    found = counters.counts(session)
    for counted, (name, words, label, known) in COUNTERS.items():
        family = CounterMetricFamily(f"mofsim_{name}", words, labels=[label])
        for value, n in ({str(word): 0 for word in known} | found[counted]).items():
            family.add_metric([value], n)
        yield family


def _histograms(session: Session) -> Iterator[Metric]:
    families = {
        name: HistogramMetricFamily(f"mofsim_{word}_seconds", words, labels=["task_type", "model"], unit="seconds")
        for name, (word, words) in HISTOGRAMS.items()
    }
    for each in counters.histograms(session):
        bounds = [("+Inf" if bound == float("inf") else str(bound), n) for bound, n in each.buckets]
        families[each.name].add_metric([each.task_type, each.model], bounds, each.seconds)
    yield from families.values()


def _gpus(session: Session) -> Iterator[Metric]:
    """What was read lately; a GPU that nobody reads has gaps rather than old numbers, and a refused value none."""
    fresh = utcnow() - STALE
    gpus = [gpu for gpu in workers.gpus(session) if gpu.seen_at > fresh]
    for name, words, unit, factor, column in GPU:
        full = f"mofsim_{name}_{unit}" if unit else f"mofsim_{name}"
        family = GaugeMetricFamily(full, words, labels=GPU_LABELS, unit=unit)
        for gpu in gpus:
            value = getattr(gpu, column)
            if value is not None:
                family.add_metric(_labels(gpu), value * factor)
        yield family
    healthy = GaugeMetricFamily("mofsim_gpu_healthy", "1 when a GPU can be used, else 0.", labels=GPU_LABELS)
    for gpu in gpus:
        healthy.add_metric(_labels(gpu), float(gpu.fault is None))
    yield healthy


def _labels(gpu: Device) -> list[str]:
    return [gpu.id, gpu.host, str(gpu.gpu_index), gpu.name or ""]


def _system(session: Session) -> Iterator[Metric]:
    build = GaugeMetricFamily("mofsim_build_info", "1; the version is its label.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    by_state = dict.fromkeys(WorkerState, 0)
    for worker in workers.listing(session):
        by_state[WorkerState(worker.state)] += 1
    states = GaugeMetricFamily("mofsim_workers", "Workers, by state.", labels=["state"])
    for state, n in by_state.items():
        states.add_metric([state], n)
    yield states
    by_level = dict.fromkeys(AlertLevel, 0)
    unseen = 0
    for alert in alerts.active(session):
        by_level[AlertLevel(alert.level)] += 1
        unseen += alert.acknowledged_at is None
    levels = GaugeMetricFamily("mofsim_alerts_active", "Alerts that hold now, by level.", labels=["level"])
    for level, n in by_level.items():
        levels.add_metric([level], n)
    yield levels
    yield GaugeMetricFamily("mofsim_alerts_unacknowledged", "Alerts that hold and nobody looks after.", unseen)


def _waiting(session: Session) -> Iterator[Metric]:
    for name, words, table in (
        ("mofsim_webhook_deliveries_waiting", "Webhooks of tasks that are still to be delivered.", WebhookDelivery),
        ("mofsim_alert_notifications_waiting", "Messages that alert channels are still to get.", AlertNotification),
    ):
        waiting = select(func.count()).select_from(table).where(table.next_attempt_at.is_not(None))
        yield GaugeMetricFamily(name, words, session.scalar(waiting) or 0)
