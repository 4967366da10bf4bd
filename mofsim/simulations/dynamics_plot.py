"""The picture of a run of dynamics, ready for a slide. matplotlib is imported when it is drawn, and not before."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_COLOURS = {"temperature": "#c0504d", "pressure": "#4f7f3a", "volume": "#1f4e79", "energy": "#7a4f9e"}
#: more points than this are averaged: a picture has fewer columns
_POINTS = 2000


@dataclass(frozen=True)
class Targets:
    """What the thermostat and the barostat hold, and how far the volume may go."""

    temperature_K: float
    pressure_bar: float
    volume_A3: float
    drift_limit_percent: float


def dynamics_plot(
    rows: Sequence[dict[str, float]], npt_stage: int, targets: Targets, n_atoms: int, title: str, note: str
) -> bytes:
    """PNG with temperature, pressure, volume and energies over time.

    `rows` are those of series.csv; the stages below `npt_stage` have a fixed cell, those at time 0 no dynamics.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 9.0), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True)
    moving = [row for row in rows if row["time_fs"] > 0]
    time = np.array([row["time_fs"] for row in moving]) / 1000
    _draw_temperature(panels[0], time, moving, targets)
    _draw_pressure(panels[1], time, moving, targets)
    _draw_volume(panels[2], time, moving, targets)
    _draw_energies(panels[3], time, moving, n_atoms)
    figure.suptitle(f"Dynamics of {title}", fontsize=13)
    panels[0].set_title(note, fontsize=10.5, color="#404040")
    panels[-1].set_xlabel("time (ps)")
    npt_from = next((row["time_fs"] / 1000 for row in moving if row["stage"] == npt_stage), None)
    for axes in panels:
        if npt_from is not None:
            label = "constant volume" if axes is panels[0] else None
            axes.axvspan(0, npt_from, color="#f0e6d2", alpha=0.7, linewidth=0, label=label)
        _finish(axes)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _draw_temperature(axes: Any, time: np.ndarray, rows: Sequence[dict[str, float]], targets: Targets) -> None:
    _draw(axes, time, [row["temperature_K"] for row in rows], _COLOURS["temperature"], "temperature")
    label = f"thermostat {targets.temperature_K:g} K"
    axes.axhline(targets.temperature_K, color="black", linestyle="--", linewidth=1.1, label=label)
    axes.set_ylabel("T (K)")


def _draw_pressure(axes: Any, time: np.ndarray, rows: Sequence[dict[str, float]], targets: Targets) -> None:
    _draw(axes, time, [row["pressure_GPa"] for row in rows], _COLOURS["pressure"], "pressure")
    label = f"barostat {targets.pressure_bar:g} bar"
    axes.axhline(targets.pressure_bar * 1e-4, color="black", linestyle="--", linewidth=1.1, label=label)
    axes.set_ylabel("P (GPa)")


def _draw_volume(axes: Any, time: np.ndarray, rows: Sequence[dict[str, float]], targets: Targets) -> None:
    drift = [100 * (row["volume_A3"] / targets.volume_A3 - 1) for row in rows]
    _draw(axes, time, drift, _COLOURS["volume"], f"volume, from {targets.volume_A3:.1f} Å³")
    limit = targets.drift_limit_percent
    if max(map(abs, drift)) > limit / 3:
        style = {"color": "black", "linestyle": ":", "linewidth": 1.1}
        axes.axhline(limit, label=f"limit of stability, ±{limit:g} %", **style)
        axes.axhline(-limit, **style)
    axes.set_ylabel("ΔV (%)")


def _draw_energies(axes: Any, time: np.ndarray, rows: Sequence[dict[str, float]], n_atoms: int) -> None:
    start = rows[0]["energy_eV"]
    for column, label, colour in (
        ("energy_eV", "potential energy", _COLOURS["energy"]),
        ("total_energy_eV", "total energy", "#7f7f7f"),
    ):
        _draw(axes, time, [1000 * (row[column] - start) / n_atoms for row in rows], colour, label)
    axes.set_ylabel("E − E(start) (meV/atom)")


def _draw(axes: Any, time: np.ndarray, values: Sequence[float], colour: str, label: str) -> None:
    """Pale as it is, and where there are many points their average over it."""
    chunk = len(time) // _POINTS + 1
    whole = len(time) // chunk * chunk
    means = [np.asarray(data)[:whole].reshape(-1, chunk).mean(axis=1) for data in (time, values)]
    if chunk > 1:
        axes.plot(time, values, color=colour, linewidth=0.5, alpha=0.25)
    axes.plot(*means, color=colour, linewidth=1.3, label=label)


def _finish(axes: Any) -> None:
    axes.margins(x=0)
    low, high = axes.get_ylim()
    # Room for the legend above all lines.
    axes.set_ylim(low, high + 0.22 * (high - low))
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right", ncols=3, fontsize=8.5)
