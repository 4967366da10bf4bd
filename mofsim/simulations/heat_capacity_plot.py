"""The picture of a heat capacity, ready for a slide. matplotlib is imported when it is drawn."""

import io

import numpy as np

_COLOUR = "#1f4e79"
_POINT_COLOUR = "#c0504d"


def heat_capacity_plot(
    temperatures_K: np.ndarray, values_J_per_gK: np.ndarray, at_300_K: float, left_out: str, title: str
) -> bytes:
    """PNG of the heat capacity over temperature, with its value at 300 K, and what is `left_out` of it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.6), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(temperatures_K, values_J_per_gK, color=_COLOUR, linewidth=1.8, label="harmonic phonons")
    axes.plot([300], [at_300_K], "o", color=_POINT_COLOUR, markersize=7, label=f"300 K: {at_300_K:.4f} J/(g K)")
    axes.set_title(f"Heat capacity of {title}", fontsize=13)
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel("Cv (J/(g K))")
    axes.set_xlim(0, float(temperatures_K[-1]))
    axes.set_ylim(bottom=0)
    if left_out:
        axes.text(0.985, 0.04, left_out, transform=axes.transAxes, ha="right", va="bottom", color=_POINT_COLOUR)
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()
