"""Answers of each column against the references, a picture for each and the same axes in all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mofsim.benchmark.metrics import VOLUME_LIMIT_PERCENT
from mofsim.benchmark.report.markup import Markup, element
from mofsim.benchmark.report.numbers import with_unit
from mofsim.benchmark.report.svg import Frame, axes, extent, frame, line_mark, marker, picture, text_mark
from mofsim.schemas.scores import Outcome

#: of answers, the furthest from the reference, that are named in the plot, and how far they must be, in percent
_NAMED, _FAR = 3, 1.0
#: a spread of references beyond which each order of magnitude gets the same room
_WIDE = 20.0
#: room that a name takes for each letter, and for a line
_LETTER, _LINE = 5.5, 11.0


@dataclass(frozen=True)
class _Point:
    x: float
    y: float
    outcome: Outcome
    #: what a mouse is shown
    told: str


def answers(outcomes: Mapping[int, Sequence[Outcome]], quantity: str, unit: str) -> dict[int, Markup]:
    """By series; on the line model and reference are the same. A series with nothing to draw has no picture."""
    points = {series: _points(own, unit, relative=False) for series, own in outcomes.items()}
    values = [value for own in points.values() for point in own for value in (point.x, point.y)]
    if not values:
        return {}
    is_log = min(values) > 0 and max(values) / min(values) > _WIDE
    limits = extent(values, is_log=is_log)
    f = frame(330, 318, limits, limits, is_log=(is_log, is_log))
    behind = element(
        "g",
        axes(f, f"reference, {unit}", f"model, {unit}"),
        line_mark(f.x.start, f.y.start, f.x.end, f.y.end, "ideal"),
    )
    return _pictures(f, points, behind, quantity)


def volume_errors(outcomes: Mapping[int, Sequence[Outcome]]) -> dict[int, Markup]:
    """By series. Volumes themselves would all lie on the line, so large are their differences."""
    points = {series: _points(own, "Å³", relative=True) for series, own in outcomes.items()}
    everything = [point for own in points.values() for point in own]
    if not everything:
        return {}
    limit = VOLUME_LIMIT_PERCENT
    x = extent([point.x for point in everything], is_log=True)
    y = extent([*(point.y for point in everything), -1.25 * limit, 1.25 * limit], 0.03)
    f = frame(330, 268, x, y, is_log=(True, False))
    behind = element(
        "g",
        axes(f, "reference volume, Å³", "error, %"),
        line_mark(f.x.start, f.y.at(0.0), f.x.end, f.y.at(0.0), "zero"),
        *(line_mark(f.x.start, f.y.at(at), f.x.end, f.y.at(at), "ideal") for at in (-limit, limit)),
    )
    return _pictures(f, points, behind, "Error of the volume")


def _points(outcomes: Sequence[Outcome], unit: str, *, relative: bool) -> list[_Point]:
    return [
        _Point(each.reference, y, each, f"{each.structure}: {with_unit(each.value, unit)}, reference "
               f"{with_unit(each.reference, unit)}")
        for each in outcomes
        if each.reference is not None and (y := each.error_percent if relative else each.value) is not None
    ]  # fmt: skip


def _pictures(f: Frame, points: Mapping[int, Sequence[_Point]], behind: Markup, title: str) -> dict[int, Markup]:
    return {
        series: picture(f, title, behind, *(_mark(f, point, series) for point in own), *_names(f, own))
        for series, own in points.items()
        if own
    }


def _mark(f: Frame, point: _Point, series: int) -> Markup:
    mark = marker(series, f.x.at(point.x), f.y.at(point.y), point.told)
    return element("g", mark, class_="excluded") if point.outcome.excluded else mark


def _names(f: Frame, points: Sequence[_Point]) -> list[Markup]:
    """Beside their marks, on the side that has more room; one that would lie on another is left to the mouse."""
    taken: list[tuple[float, float, float]] = []
    found = []
    for point in _furthest(points):
        x, y, name = f.x.at(point.x), f.y.at(point.y), point.outcome.structure
        width, is_right = _LETTER * len(name), x > (f.x.start + f.x.end) / 2
        start = x - 8 - width if is_right else x + 8
        if all(abs(y - top) > _LINE or start > last or start + width < first for first, last, top in taken):
            taken.append((start, start + width, y))
            found.append(text_mark(name, x - 8 if is_right else x + 8, y + 3, "name", "end" if is_right else "start"))
    return found


def _furthest(points: Sequence[_Point]) -> list[_Point]:
    far = [(abs(point.outcome.error_percent or 0.0), point) for point in points]
    ordered = sorted(far, key=lambda each: -each[0])
    return [point for off, point in ordered[:_NAMED] if off > _FAR]
