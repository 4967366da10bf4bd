"""Plots as inline SVG: a frame with axes, and marks in it. Colours are classes, so that the page's theme decides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mofsim.benchmark.curves import Points
from mofsim.benchmark.report.markup import Markup, element
from mofsim.benchmark.report.numbers import tick_labels, ticks

#: colours that the page has; after them they come again, with another shape
N_COLOURS = 8
_SHAPES = ("circle", "square", "triangle", "diamond")

LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 42


@dataclass(frozen=True)
class Axis:
    """From `low` to `high` of what it shows, on `start` to `end` of the picture."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        part = (self._measure(value) - self._measure(self.low)) / (self._measure(self.high) - self._measure(self.low))
        return round(self.start + part * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        return _powers(self.low, self.high) if self.is_log else ticks(self.low, self.high)

    def _measure(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


@dataclass(frozen=True)
class Frame:
    width: int
    height: int
    x: Axis
    y: Axis


def frame(
    width: int,
    height: int,
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    is_log: tuple[bool, bool] = (False, False),
) -> Frame:
    """Room for the axes' numbers and names is taken off."""
    log_x, log_y = is_log
    return Frame(width, height, Axis(*x, LEFT, width - RIGHT, log_x), Axis(*y, height - BOTTOM, TOP, log_y))


def extent(values: Sequence[float], margin: float = 0.05, *, is_log: bool = False) -> tuple[float, float]:
    """A range that holds all values and some room; never empty."""
    low, high = min(values), max(values)
    if is_log:
        factor = max((high / low) ** margin, 1.05)
        return low / factor, high * factor
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room


def picture(f: Frame, title: str, *marks: Markup) -> Markup:
    """`title` is read to those who do not see."""
    return element(
        "svg",
        element("title", title),
        *marks,
        viewBox=f"0 0 {f.width} {f.height}",
        width=f.width,
        height=f.height,
        role="img",
        class_="plot",
    )


def axes(f: Frame, x_name: str, y_name: str) -> Markup:
    left, right, top, bottom = f.x.start, f.x.end, f.y.end, f.y.start
    marks = [element("rect", x=left, y=top, width=right - left, height=bottom - top, class_="frame")]
    x_ticks, y_ticks = f.x.ticks(), f.y.ticks()
    for value, label in zip(x_ticks, tick_labels(x_ticks) if x_ticks else [], strict=True):
        at = f.x.at(value)
        marks.append(line_mark(at, top, at, bottom, "grid"))
        marks.append(text_mark(label, at, bottom + 15, "tick", anchor="middle"))
    for value, label in zip(y_ticks, tick_labels(y_ticks) if y_ticks else [], strict=True):
        at = f.y.at(value)
        marks.append(line_mark(left, at, right, at, "grid"))
        marks.append(text_mark(label, left - 6, at + 4, "tick", anchor="end"))
    marks.append(text_mark(x_name, (left + right) / 2, f.height - 8, "axis", anchor="middle"))
    middle = (top + bottom) / 2
    turned = f"rotate(-90 12 {middle:g})"
    marks.append(text_mark(y_name, 12, middle, "axis", anchor="middle", transform=turned))
    return element("g", *marks)


def colour(number: int) -> str:
    """The class of the so many-th series, counted from 0."""
    return f"s{number % N_COLOURS + 1}"


def marker(number: int, x: float, y: float, title: str = "", size: float = 4.2) -> Markup:
    """A point of the so many-th series; its shape tells it apart where colours do not. A mouse shows `title`."""
    shape = _SHAPES[(number + number // N_COLOURS) % len(_SHAPES)]
    told = [element("title", title)] if title else []
    if shape == "circle":
        return element("circle", *told, cx=x, cy=y, r=size, class_=f"mark {colour(number)}")
    r = size * 1.15
    corners = {
        "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
        "triangle": [(0, -1.1), (1.05, 0.8), (-1.05, 0.8)],
        "diamond": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
    }[shape]
    points = " ".join(f"{x + a * r:.2f},{y + b * r:.2f}" for a, b in corners)
    return element("polygon", *told, points=points, class_=f"mark {colour(number)}")


def polyline(f: Frame, points: Points, class_: str) -> Markup:
    path = " ".join(f"{f.x.at(x)},{f.y.at(y)}" for x, y in zip(points.x, points.y, strict=True))
    return element("polyline", points=path, class_=f"curve {class_}")


def line_mark(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def text_mark(
    text: str, x: float, y: float, class_: str, anchor: str = "start", transform: str | None = None
) -> Markup:
    return element("text", text, x=x, y=y, class_=class_, text_anchor=anchor, transform=transform)


def _powers(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten, or round numbers where the range has few of them."""
    found = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factor in (1, 2, 5)
        if low <= factor * 10.0**power <= high
    ]
    if len(found) > 7:
        found = [value for value in found if math.isclose(math.log10(value) % 1, 0, abs_tol=1e-9)]
    return found if len(found) > 1 else ticks(low, high, 3)
