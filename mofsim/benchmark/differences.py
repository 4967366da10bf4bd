"""Two benchmarks of the same model: what was computed otherwise, and what came out otherwise."""

from collections.abc import Iterator
from typing import Any

from mofsim.benchmark.metrics import SPEED
from mofsim.benchmark.names import submitted
from mofsim.benchmark.outcomes import VALUES, guest_of, is_scored, place_of
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Change, Column, Outcome, RunComparison, Score, Scores
from mofsim.vocabulary import TaskType

#: what makes a result another one
_SETTINGS = ("model_sha256", "dtype", "d3", "d3_settings", "preset", "structure_sha256", "device", "mofsim")
#: A result is another one when it differs by more than this part of itself: two devices round differently.
DEFAULT_TOLERANCE = 1e-3
#: no machine is equally fast twice
_SPEED_TOLERANCE = 0.1

_Key = tuple[str, str, TaskType, str | None]


def compare(before: Scores, after: Scores, tolerance: float = DEFAULT_TOLERANCE) -> RunComparison:
    """Task by task, by model, structure, type and guest; presets are never mixed up.

    `column` of a change is the model and its preset, whatever else is not the same.
    """
    old, new = _by_task(before), _by_task(after)
    both = [about for about in old if about in new]
    return RunComparison(
        before=before.title,
        after=after.title,
        n_compared=len(both),
        settings=_grouped([change for about in both for change in _settings(about, old[about], new[about])]),
        results=[change for about in both for change in _results(about, old[about], new[about], tolerance)],
        scores=list(_scores(before, after, tolerance)),
        only_before=[_name(about) for about in old if about not in new],
        only_after=[_name(about) for about in new if about not in old],
    )


def _by_task(scores: Scores) -> dict[_Key, tuple[BatchRow, Outcome]]:
    outcomes = {each.task_id: each for each in scores.outcomes}
    columns = {column.id: column for column in scores.columns}
    return {
        (_model(columns[outcome.column]), submitted(row.structure), row.task_type, guest_of(row)): (row, outcome)
        for row in scores.rows
        if is_scored(row) and (outcome := outcomes.get(row.task_id))
    }


def _model(column: Column) -> str:
    return f"{column.model} · {column.preset}"


def _name(about: _Key) -> str:
    model, structure, task_type, guest = about
    return f"{task_type} of {structure}{f' with {guest}' if guest else ''} by {model}"


def _change(about: _Key, name: str, before: Any, after: Any) -> Change:
    model, structure, task_type, guest = about
    return Change(
        column=model, structure=structure, guest=guest, task_type=task_type, name=name, before=before, after=after
    )


def _settings(about: _Key, old: tuple[BatchRow, Outcome], new: tuple[BatchRow, Outcome]) -> Iterator[Change]:
    (before, _), (after, _) = old, new
    for name in _SETTINGS:
        was, now = getattr(before, name), getattr(after, name)
        if name == "device":
            was, now = place_of(before), place_of(after)
        # A task that failed before it could tell is not one that was computed otherwise.
        if was != now and was is not None and now is not None:
            yield _change(about, name, was, now)
    for name in sorted({*before.parameters, *after.parameters}):
        was, now = before.parameters.get(name), after.parameters.get(name)
        if was != now:
            yield _change(about, f"{before.task_type}.{name}", was, now)


def _grouped(changes: list[Change]) -> list[Change]:
    """One line for what is the same change of many tasks; its structure is then how many there are."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        what = change.model_dump(include={"column", "name", "before", "after"})
        groups.setdefault(repr(sorted(what.items())), []).append(change)
    return [
        same[0] if len(same) == 1 else same[0].model_copy(update={"structure": f"{len(same)} tasks", "guest": None})
        for same in groups.values()
    ]


def _results(
    about: _Key, old: tuple[BatchRow, Outcome], new: tuple[BatchRow, Outcome], tolerance: float
) -> Iterator[Change]:
    (_, before), (_, after) = old, new
    if before.verdict is not after.verdict:
        yield _change(about, "verdict", before.reason or before.verdict, after.reason or after.verdict)
    for name in ("converged", "excluded"):
        was, now = getattr(before, name), getattr(after, name)
        if before.verdict is after.verdict and was != now:
            yield _change(about, name, was, now)
    if _is_other(before.value, after.value, tolerance):
        yield _change(about, VALUES[before.task_type], before.value, after.value)


def _is_other(before: float | None, after: float | None, tolerance: float) -> bool:
    """Where one of them has none, the verdict tells."""
    if before is None or after is None:
        return False
    return abs(after - before) > tolerance * max(abs(before), abs(after))


def _scores(before: Scores, after: Scores, tolerance: float) -> Iterator[Change]:
    """Of columns that both have once; a model with two columns of a preset can not be told apart."""
    old, new = _unique(before), _unique(after)
    for about, was in old.items():
        now = new.get(about)
        allowed = _SPEED_TOLERANCE if was.metric == SPEED.name else tolerance
        if now is not None and _is_other(was.value, now.value, allowed):
            model, task_type, *_ = about
            yield Change(
                column=model,
                structure="all",
                guest=None,
                task_type=task_type,
                name=f"{was.title}, {was.unit}",
                before=was.value,
                after=now.value,
            )


def _unique(scores: Scores) -> dict[tuple[str, TaskType, str, str | None], Score]:
    models = [_model(column) for column in scores.columns]
    names = {column.id: _model(column) for column in scores.columns if models.count(_model(column)) == 1}
    return {
        (names[each.column], each.task_type, each.metric, each.device): each
        for each in scores.scores
        if each.column in names
    }
