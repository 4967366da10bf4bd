"""Which column is better: by its places on each structure, so that one bad structure, or a failure, decides nothing."""

from collections.abc import Iterator, Sequence

from mofsim.benchmark.metrics import METRICS, SPEED, number_of
from mofsim.benchmark.sampling import mean, ranks
from mofsim.schemas.scores import Column, Outcome, Place, Ranking
from mofsim.vocabulary import Preset, TaskType, Verdict

#: what a column is ranked by, in words
BY = {
    TaskType.OPTIMIZATION: "error of the volume; not converged is last",
    TaskType.STABILITY: "drift of the volume",
    TaskType.BULK_MODULUS: "error of the bulk modulus; a fit that can not be trusted is last",
    TaskType.HEAT_CAPACITY: "error of the heat capacity",
    TaskType.INTERACTION_ENERGY: "error of the interaction energy",
}
_LAST = float("inf")

_Structure = tuple[str, str | None]


def rankings_of(columns: Sequence[Column], outcomes: Sequence[Outcome]) -> list[Ranking]:
    """For each task type and preset that has two columns with a structure in common; and speeds, for each device."""
    return [*_by_error(columns, outcomes), *_by_speed(columns, outcomes)]


def _by_error(columns: Sequence[Column], outcomes: Sequence[Outcome]) -> Iterator[Ranking]:
    for task_type in METRICS:
        for preset in Preset:
            own = [column for column in columns if column.preset is preset]
            sizes = {c.id: _distances(outcomes, c, task_type) for c in own}
            found = _places({column: size for column, size in sizes.items() if size})
            if found:
                n, places = found
                yield Ranking(task_type=task_type, by=BY[task_type], preset=preset, n_structures=n, places=places)


def _by_speed(columns: Sequence[Column], outcomes: Sequence[Outcome]) -> Iterator[Ranking]:
    for task_type in METRICS:
        for preset in Preset:
            for device in sorted({each.device for each in outcomes if each.device}):
                slowness: dict[str, dict[_Structure, float]] = {}
                for column in columns:
                    if column.preset is preset:
                        slowness[column.id] = {
                            (each.structure, each.guest): -speed
                            for each in outcomes
                            if (each.column, each.task_type, each.device) == (column.id, task_type, device)
                            and (speed := number_of(SPEED, each)) is not None
                        }
                found = _places({column: size for column, size in slowness.items() if size})
                if found:
                    n, places = found
                    yield Ranking(
                        task_type=task_type, by="speed", preset=preset, device=device, n_structures=n, places=places
                    )


def _distances(outcomes: Sequence[Outcome], column: Column, task_type: TaskType) -> dict[_Structure, float]:
    """How bad each structure is that says something of the model; a failure is worse than any number."""
    return {
        (each.structure, each.guest): distance
        for each in outcomes
        if each.column == column.id and each.task_type is task_type and (distance := _distance(each)) is not None
    }


def _distance(outcome: Outcome) -> float | None:
    """None where the task says nothing of the model, or there is nothing to compare it with."""
    if outcome.verdict not in (Verdict.ANSWERED, Verdict.FAILED):
        return None
    if outcome.task_type is TaskType.STABILITY:
        return _LAST if outcome.value is None or outcome.verdict is Verdict.FAILED else abs(outcome.value)
    if outcome.reference is None:
        return None
    unconverged = outcome.task_type is TaskType.OPTIMIZATION and not outcome.converged
    return _LAST if outcome.error is None or outcome.excluded or unconverged else abs(outcome.error)


def _places(distances: dict[str, dict[_Structure, float]]) -> tuple[int, list[Place]] | None:
    """On the structures that all columns have; None where there is nothing to order."""
    if len(distances) < 2:
        return None
    common = sorted(set.intersection(*(set(own) for own in distances.values())), key=str)
    if not common:
        return None
    each_structure = [ranks([own[structure] for own in distances.values()]) for structure in common]
    means = [mean(places) for places in zip(*each_structure, strict=True)]
    found = [
        Place(column=column, rank=rank, mean_rank=own)
        for column, rank, own in zip(distances, ranks(means), means, strict=True)
    ]
    return len(common), sorted(found, key=lambda place: (place.rank, place.column))
