"""The picture of an equation of state, ready for a slide. matplotlib is imported when it is drawn."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from .equation_of_state import Fit

_POINTS_COLOUR = "#1f4e79"
_CURVE_COLOUR = "#c0504d"


def eos_plot(points: Sequence[dict[str, Any]], curve: Fit | None, relaxed_volume_A3: float, title: str) -> bytes:
    """PNG of energies (eV, from the lowest) over volumes (Å³), with the curve where there is one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.6), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    lowest = min(point["energy_eV"] for point in points)
    for converged, face, label in ((True, _POINTS_COLOUR, "computed"), (False, "white", "not converged")):
        chosen = [point for point in points if point["converged"] is converged]
        if chosen:
            volumes = [point["volume_A3"] for point in chosen]
            energies = [point["energy_eV"] - lowest for point in chosen]
            style: dict[str, Any] = {"color": _POINTS_COLOUR, "markerfacecolor": face, "markersize": 7, "label": label}
            axes.plot(volumes, energies, "o", zorder=3, **style)
    if curve:
        _draw_curve(axes, points, curve, lowest)
    axes.axvline(relaxed_volume_A3, color="#7f7f7f", linestyle=":", linewidth=1.3, label="relaxed volume")
    axes.set_title(f"Equation of state of {title}", fontsize=13)
    axes.set_xlabel("volume (Å³)")
    axes.set_ylabel("E − E(lowest) (eV)")
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", framealpha=1.0, edgecolor="none")
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _draw_curve(axes: Any, points: Sequence[dict[str, Any]], curve: Fit, lowest: float) -> None:
    volumes = [point["volume_A3"] for point in points]
    fine = np.linspace(min(volumes), max(volumes), 200)
    word = "" if curve.ok else " (not to be trusted)"
    label = f"Birch–Murnaghan{word}\nB₀ = {curve.bulk_modulus_GPa:.2f} GPa, V₀ = {curve.volume_A3:.1f} Å³"
    axes.plot(fine, curve.energies(fine) - lowest, color=_CURVE_COLOUR, linewidth=1.6, label=label)
