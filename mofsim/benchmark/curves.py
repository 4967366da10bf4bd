"""Curves of single tasks, which the rows of a batch have no room for: energies over volumes, heat capacities over T.

Whoever makes the report gives a function that has the answer of `GET /tasks/{id}/result`, from a server or a file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: the answer for a task, or None where there is none any more
ReadResult = Callable[[int], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Points:
    """x and y of a curve, in the units that its plot names."""

    x: tuple[float, ...]
    y: tuple[float, ...]


def energies(answer: Mapping[str, Any] | None) -> Points | None:
    """Volumes in Å³ and energies in eV of the cell that was submitted; None without at least two."""
    points = _result(answer).get("points")
    return _points(_column(points, "volume_A3"), _column(points, "energy_eV"))


def heat_capacities(answer: Mapping[str, Any] | None) -> Points | None:
    """Temperatures in K and heat capacities in J/(g K); None without at least two."""
    result = _result(answer)
    return _points(result.get("temperatures_K"), result.get("heat_capacities_J_per_gK"))


def versions(answer: Mapping[str, Any] | None) -> dict[str, str]:
    """Of all packages that the task depended on."""
    found = (answer or {}).get("provenance") or {}
    return dict(found.get("versions") or {})


def _result(answer: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (answer or {}).get("result") or {}


def _column(points: Any, name: str) -> list[Any] | None:
    return [point.get(name) for point in points] if isinstance(points, list) else None


def _points(x: Sequence[Any] | None, y: Sequence[Any] | None) -> Points | None:
    pairs = [
        (float(a), float(b))
        for a, b in zip(x or (), y or (), strict=False)
        if isinstance(a, int | float) and isinstance(b, int | float)
    ]
    return Points(*map(tuple, zip(*sorted(pairs), strict=True))) if len(pairs) > 1 else None
