"""A section for each structure: all models side by side, and their curves in one plot."""

import math
from collections.abc import Callable, Iterable, Sequence

from mofsim.benchmark.curves import Points, ReadResult, energies, heat_capacities
from mofsim.benchmark.equation_of_state import fit
from mofsim.benchmark.report import plots, task_tables
from mofsim.benchmark.report.markup import Markup, element, link
from mofsim.benchmark.report.table import Table
from mofsim.schemas.scores import Column, Outcome, Reference, Scores
from mofsim.vocabulary import Quantity, TaskType, Verdict

ROOM_TEMPERATURE_K = 300.0
#: pieces of a curve that is drawn smoothly
_SMOOTH = 40


Show = Callable[[Table], Markup]
Warn = Callable[[Iterable[Column]], list[Markup]]


def structure_sections(scores: Scores, read: ReadResult, show: Show, warn: Warn) -> list[Markup]:
    """`read` is asked for the results that have curves, one at a time; `show` makes a table."""
    names = sorted({each.structure for each in scores.outcomes}, key=str.casefold)
    index = element("nav", *(link(name, f"#{_id(i)}") for i, name in enumerate(names)), class_="index")
    return [index, *(_section(scores, name, _id(i), read, show, warn) for i, name in enumerate(names))]


def _id(number: int) -> str:
    return f"structure-{number + 1}"


def _section(scores: Scores, name: str, id: str, read: ReadResult, show: Show, warn: Warn) -> Markup:
    own = [each for each in scores.outcomes if each.structure == name]
    columns = [column for column in scores.columns if any(each.column == column.id for each in own)]
    figures = [figure for figure in (_energies(scores, own, read), _heat_capacities(scores, own, read)) if figure]
    return element(
        "section",
        element("h3", name, " ", element("span", f"{own[0].formula}, {own[0].n_atoms} atoms", class_="muted")),
        show(task_tables.structure_table(scores, name)),
        *warn(columns),
        *([element("div", *figures, class_="figures")] if figures else []),
        class_="structure",
        id=id,
    )


def _energies(scores: Scores, own: Sequence[Outcome], read: ReadResult) -> Markup | None:
    """Over volumes of the submitted cell, from the lowest of each curve: models have zeros of their own."""
    answered = _answered(own, TaskType.BULK_MODULUS)
    lines = {
        _series(scores, each): _per_atom(points, each.n_atoms)
        for each in answered
        if (points := energies(read(each.task_id)))
    }
    if not lines:
        return None
    reference = _dft(scores, answered[0])
    title = f"Energy over volume of {own[0].structure}"
    picture = plots.curves(lines, "volume, Å³", "E − lowest E, meV/atom", title, reference=reference, through=_fitted)
    return _figure(scores, picture, title, lines, "Reference" if reference else None)


def _fitted(points: Points) -> Points:
    """The equation of state, for the eye: as smooth as a line of a few pixels can be."""
    curve = fit(points.x, points.y)
    if curve is None:
        return points
    first, last = points.x[0], points.x[-1]
    x = tuple(first + (last - first) * i / _SMOOTH for i in range(_SMOOTH + 1))
    return Points(x, tuple(map(curve.energy, x)))


def _per_atom(points: Points, n_atoms: float) -> Points:
    lowest = min(points.y)
    return Points(points.x, tuple(1000 * (y - lowest) / n_atoms for y in points.y))


def _dft(scores: Scores, outcome: Outcome) -> Points | None:
    """The points of the reference's own fit, brought to the submitted cell; None where their cell is not known."""
    found = _reference(scores, outcome, Quantity.BULK_MODULUS)
    if found is None or not found.volumes_A3 or not found.energies_eV or not outcome.scale:
        return None
    volumes = tuple(volume / outcome.scale for volume in found.volumes_A3)
    return _per_atom(Points(volumes, tuple(found.energies_eV)), outcome.n_atoms * outcome.scale)


def _heat_capacities(scores: Scores, own: Sequence[Outcome], read: ReadResult) -> Markup | None:
    answered = _answered(own, TaskType.HEAT_CAPACITY)
    lines = {_series(scores, each): points for each in answered if (points := heat_capacities(read(each.task_id)))}
    if not lines:
        return None
    value = answered[0].reference
    reference = Points((ROOM_TEMPERATURE_K,), (value,)) if value is not None else None
    title = f"Heat capacity of {own[0].structure}"
    picture = plots.curves(lines, "T, K", "Cv, J/(g K)", title, reference=reference, with_points=False)
    return _figure(scores, picture, title, lines, "Reference at 300 K" if reference else None)


def _answered(own: Sequence[Outcome], task_type: TaskType) -> list[Outcome]:
    return [each for each in own if (each.task_type, each.verdict) == (task_type, Verdict.ANSWERED)]


def _series(scores: Scores, outcome: Outcome) -> int:
    return [column.id for column in scores.columns].index(outcome.column)


def _reference(scores: Scores, outcome: Outcome, quantity: Quantity) -> Reference | None:
    """The very one that the outcome was compared with."""
    return next(
        (
            each
            for each in scores.references
            if each.quantity is quantity
            and outcome.reference is not None
            and math.isclose(each.value, outcome.reference)
            and each.source == outcome.reference_source
        ),
        None,
    )


def _figure(
    scores: Scores, picture: Markup | None, title: str, lines: dict[int, Points], reference: str | None
) -> Markup:
    keys = [plots.key(series, scores.columns[series].label) for series in sorted(lines)]
    keys += [plots.key(None, reference)] if reference else []
    caption = element("figcaption", title, element("div", *keys, class_="keys"))
    return element("figure", picture or Markup(), caption)
