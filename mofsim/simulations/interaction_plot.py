"""The picture of a guest's sites in a host, ready for a slide. matplotlib is imported when it is drawn."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .sites import EV_IN_KJ_PER_MOL

_SITE_COLOUR = "#1f4e79"
_START_COLOUR = "#c0504d"
_CANDIDATE_COLOUR = "#9a9a9a"
_COLOURS = {"open metal": "#d9a441", "grid": _CANDIDATE_COLOUR}


def interaction_plot(sites: Sequence[dict[str, Any]], scores_eV: Mapping[str, Sequence[float]], title: str) -> bytes:
    """PNG of the sites' interaction energies, before and after relaxation, beside those of all candidates.

    `sites` are rows of sites.csv, the best first; `scores_eV` has the candidates by where they came from.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.6), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 3))
    low, high = _range(sites, [score for scores in scores_eV.values() for score in scores])
    _draw_candidates(left, scores_eV, low, high)
    _draw_sites(right, sites, high)
    left.set_ylim(low, high)
    left.set_ylabel("interaction energy (eV); negative: bound")
    scale = right.secondary_yaxis("right", functions=(_to_kJ_per_mol, _to_eV))
    scale.set_ylabel("kJ/mol")
    for axes in (left, right):
        axes.axhline(0, color="black", linewidth=0.9)
        axes.grid(True, axis="y", alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Interaction energy of {title}", fontsize=13)
    buffer = io.BytesIO()
    canvas.print_png(buffer)
    return buffer.getvalue()


def _range(sites: Sequence[dict[str, Any]], scores_eV: Sequence[float]) -> tuple[float, float]:
    """Of the energies to show, in eV: what is repelled by more than the best site is bound says nothing."""
    relaxed = [site["interaction_energy_eV"] for site in sites]
    starts = [site["unrelaxed_interaction_energy_eV"] for site in sites]
    lowest = min(*relaxed, *scores_eV, 0.0)
    highest = max(*relaxed, *(start for start in starts if start < abs(lowest)), 0.3 * abs(lowest), 0.02)
    room = 0.08 * (highest - lowest)
    return lowest - 1.5 * room, highest + room


def _draw_candidates(axes: Any, scores_eV: Mapping[str, Sequence[float]], low: float, high: float) -> None:
    shown = {origin: [score for score in scores if score <= high] for origin, scores in scores_eV.items() if scores}
    total, above = sum(map(len, scores_eV.values())), sum(map(len, scores_eV.values())) - sum(map(len, shown.values()))
    colours = [_COLOURS[origin] for origin in shown]
    style: dict[str, Any] = {"orientation": "horizontal", "stacked": True, "color": colours, "label": list(shown)}
    axes.hist(list(shown.values()), bins=np.linspace(low, high, 30).tolist(), **style)
    note = f"\n({above} above)" if above else ""
    axes.set_xlabel(f"{total} candidates{note}")
    if len(shown) > 1:
        axes.legend(frameon=False, loc="lower right", fontsize=9)


def _draw_sites(axes: Any, sites: Sequence[dict[str, Any]], high: float) -> None:
    places = range(1, len(sites) + 1)
    after = [site["interaction_energy_eV"] for site in sites]
    before = [min(site["unrelaxed_interaction_energy_eV"], high) for site in sites]
    axes.vlines(places, after, before, color=_CANDIDATE_COLOUR, linewidth=1.2)
    axes.plot(places, before, "o", color=_START_COLOUR, markerfacecolor="white", label="candidate")
    for converged, face, label in ((True, _SITE_COLOUR, "relaxed"), (False, "white", "relaxed, not converged")):
        chosen = [(place, site) for place, site in zip(places, sites, strict=True) if site["converged"] is converged]
        if chosen:
            energies = [site["interaction_energy_eV"] for _, site in chosen]
            style: dict[str, Any] = {"color": _SITE_COLOUR, "markerfacecolor": face, "markersize": 9, "label": label}
            axes.plot([place for place, _ in chosen], energies, "D", **style)
    for place, site in zip(places, sites, strict=True):
        at = (place, site["interaction_energy_eV"])
        axes.annotate(_words(site), at, (9, -3), textcoords="offset points", fontsize=9, va="top")
    axes.set_xlim(0.6, len(sites) + 0.9)
    axes.set_xticks(list(places), [_name(place, site) for place, site in zip(places, sites, strict=True)])
    axes.set_xlabel("site")
    axes.legend(frameon=False, loc="upper right")


def _name(place: int, site: dict[str, Any]) -> str:
    """With how often it was found, where that is more than once."""
    return f"{place}\n(found {site['times_found']}×)" if site["times_found"] > 1 else str(place)


def _words(site: dict[str, Any]) -> str:
    energy = f"{site['interaction_energy_eV']:.3f} eV".replace("-", "−")
    if site["nearest_metal_A"] is None:
        return f"{energy}\n{site['nearest_host']} {site['nearest_host_A']:.2f} Å"
    return f"{energy}\n{site['nearest_metal']}–{site['nearest_metal_guest_atom']} {site['nearest_metal_A']:.2f} Å"


def _to_kJ_per_mol(energies_eV: np.ndarray) -> np.ndarray:
    return energies_eV * EV_IN_KJ_PER_MOL


def _to_eV(energies_kJ_per_mol: np.ndarray) -> np.ndarray:
    return energies_kJ_per_mol / EV_IN_KJ_PER_MOL
