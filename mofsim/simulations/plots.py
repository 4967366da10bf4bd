"""Pictures of a run, ready for a slide. matplotlib is imported when one is drawn, and not before."""

import io
from collections.abc import Sequence
from typing import Any

_ENERGY_COLOUR = "#1f4e79"
_ATOMS_COLOUR = "#c0504d"
_FILTER_COLOUR = "#7f7f7f"


def convergence_plot(
    rows: Sequence[dict[str, float]],
    n_atoms: int,
    goal_eV_per_A: float,
    filter_column: str,
    title: str,
    note: str,
) -> bytes:
    """PNG of a relaxation: energy above the last step (meV/atom), and forces on a log axis with the goal.

    `rows` are those of series.csv; `note` is a line on how it ended.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.6), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    steps = [row["step"] for row in rows]
    mark = "o" if len(rows) < 40 else None
    last = rows[-1]["energy_eV"]
    energies = [1e3 * (row["energy_eV"] - last) / n_atoms for row in rows]
    upper.plot(steps, energies, color=_ENERGY_COLOUR, marker=mark, markersize=3.5, linewidth=1.6)
    upper.set_ylabel("E − E(last) (meV/atom)")
    upper.set_title(f"Relaxation of {title}", fontsize=13)
    upper.text(0.985, 0.93, note, transform=upper.transAxes, ha="right", va="top", color="#404040")
    _draw_forces(lower, steps, rows, goal_eV_per_A, filter_column, mark)
    for axes in (upper, lower):
        axes.grid(True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _draw_forces(
    axes: Any,
    steps: Sequence[float],
    rows: Sequence[dict[str, float]],
    goal: float,
    filter_column: str,
    mark: str | None,
) -> None:
    from matplotlib.ticker import MaxNLocator

    style = {"marker": mark, "markersize": 3.5, "linewidth": 1.6}
    converging = [row[filter_column] for row in rows]
    atoms = [row["fmax_eV_per_A"] for row in rows]
    axes.plot(steps, converging, color=_FILTER_COLOUR, label="atoms and cell (criterion)", **style)
    axes.plot(steps, atoms, color=_ATOMS_COLOUR, label="atoms", **style)
    axes.axhline(goal, color="black", linestyle="--", linewidth=1.2, label=f"goal {goal:g} eV/Å")
    axes.set_yscale("log")
    axes.set_ylabel("largest force (eV/Å)")
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="upper right")
