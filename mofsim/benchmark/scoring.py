"""From the rows of a batch and reference values to scores."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from mofsim import __version__
from mofsim.benchmark import metrics
from mofsim.benchmark.columns import columns_of
from mofsim.benchmark.metrics import METRICS, SPEED, Metric, baseline_of, number_of
from mofsim.benchmark.notes import notes_of
from mofsim.benchmark.outcomes import QUANTITIES, is_scored, outcomes_of, place
from mofsim.benchmark.ranking import rankings_of
from mofsim.benchmark.references import References
from mofsim.benchmark.sampling import STATISTICS, Sampling, mean
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Column, MetalErrors, NotCovered, Outcome, Reference, Score, Scores
from mofsim.vocabulary import Preset, Quantity, TaskType, Verdict

#: what stands for the metals of a framework that has none
NO_METAL = "no metal"


def score(
    rows: Iterable[BatchRow],
    references: References,
    *,
    title: str = "Benchmark",
    sampling: Sampling | None = None,
    made_at: datetime | None = None,
    not_covered: Sequence[NotCovered] = (),
) -> Scores:
    """Everything that a report says. The same rows and references give the same, in whatever order they come.

    What models do not cover has no rows: it is told, and counts for nothing.
    """
    sampling = sampling or Sampling()
    given = sorted(rows, key=lambda row: row.task_id)
    columns, found = answers(given, references)
    outcomes, repeated = _newest(found)
    return Scores(
        title=title,
        made_at=made_at,
        mofsim=__version__,
        seed=sampling.seed,
        resamples=sampling.resamples,
        confidence_percent=sampling.confidence_percent,
        columns=columns,
        scores=[*_scores(columns, outcomes, sampling), *_speeds(columns, outcomes, sampling)],
        rankings=rankings_of(columns, outcomes),
        by_metal=_by_metal(columns, outcomes),
        outcomes=outcomes,
        not_covered=list(not_covered),
        references=_used(given, outcomes, references),
        notes=notes_of(columns, outcomes, repeated, [row for row in given if not is_scored(row)], not_covered),
        rows=given,
    )


def answers(rows: Iterable[BatchRow], references: References) -> tuple[list[Column], list[Outcome]]:
    """What each task answered, beside the references, and the columns that they stand in."""
    given = sorted(rows, key=lambda row: row.task_id)
    columns, column_of = columns_of(given)
    return columns, outcomes_of(given, column_of, references)


def _newest(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Outcome]]:
    """Of several tasks of the same column, type and structure the newest counts; those that do not are the second."""
    newest = {place(each): each for each in sorted(outcomes, key=lambda each: each.task_id)}
    kept = {each.task_id for each in newest.values()}
    return [each for each in outcomes if each.task_id in kept], [each for each in outcomes if each.task_id not in kept]


def _scores(columns: Sequence[Column], outcomes: Sequence[Outcome], sampling: Sampling) -> list[Score]:
    return [
        _score(column, task_type, metric, own, sampling)
        for task_type, its_metrics in METRICS.items()
        for column in columns
        if (own := _of(outcomes, column, task_type))
        for metric in its_metrics
    ]


def _speeds(columns: Sequence[Column], outcomes: Sequence[Outcome], sampling: Sampling) -> list[Score]:
    """For each device alone: a speed without the device that it was measured on says nothing."""
    found = []
    for task_type in METRICS:
        for column in columns:
            timed = [each for each in _of(outcomes, column, task_type) if number_of(SPEED, each) is not None]
            for device in sorted({each.device or "" for each in timed}):
                own = [each for each in timed if (each.device or "") == device]
                found.append(_score(column, task_type, SPEED, own, sampling, device or None))
    return found


def _of(outcomes: Sequence[Outcome], column: Column, task_type: TaskType) -> list[Outcome]:
    return [each for each in outcomes if each.column == column.id and each.task_type is task_type]


def _score(
    column: Column,
    task_type: TaskType,
    metric: Metric,
    outcomes: Sequence[Outcome],
    sampling: Sampling,
    device: str | None = None,
) -> Score:
    statistic = STATISTICS[metric.statistic]
    numbers = [number for each in outcomes if (number := number_of(metric, each)) is not None]
    baselines = [number for each in outcomes if (number := baseline_of(metric, each)) is not None]
    interval = sampling.interval(numbers, statistic)
    return Score(
        column=column.id,
        task_type=task_type,
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        statistic=metric.statistic,
        higher_is_better=metric.higher_is_better,
        device=device,
        value=statistic(numbers) if numbers else None,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        n=len(numbers),
        baseline=statistic(baselines) if baselines else None,
        baseline_n=len(baselines),
        failures=_count(outcomes, lambda each: each.verdict is Verdict.FAILED),
        unconverged=_count(outcomes, lambda each: each.verdict is Verdict.ANSWERED and each.converged is False),
        excluded=_count(outcomes, lambda each: each.excluded is not None),
        not_counted=_count(outcomes, lambda each: each.verdict is Verdict.NOT_COUNTED),
        pending=_count(outcomes, lambda each: each.verdict is Verdict.PENDING),
        without_reference=_count(outcomes, lambda each: each.task_type in QUANTITIES and each.reference is None),
    )


def _count(outcomes: Sequence[Outcome], is_so: Callable[[Outcome], bool]) -> int:
    return sum(map(is_so, outcomes))


def _by_metal(columns: Sequence[Column], outcomes: Sequence[Outcome]) -> list[MetalErrors]:
    """Where a model is bad: errors in the unit of the task type's main results, in percent for volumes."""
    found = []
    for task_type in QUANTITIES:
        for column in columns:
            own = [each for each in _of(outcomes, column, task_type) if each.reference is not None]
            for metal in sorted({metal for each in own for metal in each.metals or [NO_METAL]}):
                those = [each for each in own if metal in (each.metals or [NO_METAL])]
                found.append(_metal_errors(column, task_type, metal, those))
    return found


def _metal_errors(column: Column, task_type: TaskType, metal: str, outcomes: Sequence[Outcome]) -> MetalErrors:
    percent = task_type is TaskType.OPTIMIZATION
    errors = [
        abs(error)
        for each in outcomes
        if not each.excluded and (error := each.error_percent if percent else each.error) is not None
    ]
    [unit] = {metric.unit for metric in METRICS[task_type] if metric.name == ("mape" if percent else "mae")}
    return MetalErrors(
        column=column.id,
        task_type=task_type,
        metal=metal,
        n=len(errors),
        mean_absolute_error=mean(errors) if errors else None,
        unit=unit,
        failures=_count(outcomes, lambda each: each.verdict is Verdict.FAILED),
    )


def _used(rows: Sequence[BatchRow], outcomes: Sequence[Outcome], references: References) -> list[Reference]:
    """The references of these structures, volumes of bulk moduli too."""
    names = {row.structure for row in rows if is_scored(row)}
    guests = {each.guest for each in outcomes}
    found = {
        (each.structure, each.quantity, each.guest): each
        for name in sorted(names)
        for quantity in Quantity
        for guest in guests
        if (each := references.for_task(name, quantity, guest))
    }
    return [found[about] for about in sorted(found, key=lambda about: (about[0], about[1], about[2] or ""))]


def main_score(scores: Scores, column: Column, task_type: TaskType) -> Score | None:
    """The one number of the task type."""
    name = metrics.MAIN[task_type]
    own = (s for s in scores.scores if (s.column, s.task_type, s.metric) == (column.id, task_type, name))
    return next(own, None)


def is_for_a_first_look(columns: Iterable[Column]) -> bool:
    return any(column.preset is Preset.QUICK for column in columns)
