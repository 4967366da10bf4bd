"""What is scored of each task type. Every score is the mean, or median, of one number for each structure."""

from collections.abc import Callable
from dataclasses import dataclass

from mofsim.schemas.scores import Outcome
from mofsim.vocabulary import TaskType, Verdict

#: a relaxed volume is right when it is this near to that of DFT, as in the published benchmark
VOLUME_LIMIT_PERCENT = 10.0

Number = Callable[[Outcome], float | None]
Question = Callable[[Outcome], bool | None]


@dataclass(frozen=True)
class Metric:
    """`of` gives the number of a task that answered, and None for one that takes no part."""

    name: str
    title: str
    unit: str
    of: Number
    #: the same of what is answered without a model; None where nobody could
    baseline: Number
    higher_is_better: bool | None = False
    #: what a structure counts on which the model failed; None: it takes no part, and is only told
    failure: float | None = None
    needs_reference: bool = False
    needs_metals: bool = False
    statistic: str = "mean"


def number_of(metric: Metric, outcome: Outcome) -> float | None:
    """What a task adds to the score; None where it takes no part."""
    if (metric.needs_reference and outcome.reference is None) or (metric.needs_metals and not outcome.metals):
        return None
    match outcome.verdict:
        case Verdict.ANSWERED:
            return metric.of(outcome)
        case Verdict.FAILED:
            return metric.failure
    return None


def baseline_of(metric: Metric, outcome: Outcome) -> float | None:
    """Of the same tasks: whoever computes nothing never fails."""
    return metric.baseline(outcome) if number_of(metric, outcome) is not None else None


def _nobody(outcome: Outcome) -> None:
    return None


def _always(number: float) -> Number:
    return lambda outcome: number


def _share(
    name: str,
    title: str,
    is_so: Question,
    *,
    baseline: Number = _nobody,
    of_reference: bool = False,
    of_metals: bool = False,
) -> Metric:
    """In percent of the structures. A failure is a no."""
    return Metric(
        name=name,
        title=title,
        unit="%",
        of=_percent(is_so),
        baseline=baseline,
        higher_is_better=True,
        failure=0.0,
        needs_reference=of_reference,
        needs_metals=of_metals,
    )


def _percent(is_so: Question) -> Number:
    def percent(outcome: Outcome) -> float | None:
        answer = is_so(outcome)
        return None if answer is None else 100.0 * answer

    return percent


def _absolute(number: Number) -> Number:
    def absolute(outcome: Outcome) -> float | None:
        value = number(outcome)
        return None if value is None else abs(value)

    return absolute


def _fact(name: str) -> Number:
    return lambda outcome: outcome.facts.get(name)


def _error(outcome: Outcome) -> float | None:
    return None if outcome.excluded else outcome.error


def _error_percent(outcome: Outcome) -> float | None:
    return None if outcome.excluded else outcome.error_percent


def _error_without_a_model(outcome: Outcome) -> float | None:
    if outcome.baseline is None or outcome.reference is None:
        return None
    return outcome.baseline - outcome.reference


def _error_percent_without_a_model(outcome: Outcome) -> float | None:
    error = _error_without_a_model(outcome)
    return 100 * error / abs(outcome.reference) if error is not None and outcome.reference else None


def _errors(of: str, unit: str, *, percent: bool, absolute: bool = True) -> tuple[Metric, ...]:
    """The mean absolute error, in its unit and in percent, and the mean error, which tells too high from too low."""
    size = f"Mean absolute error of {of}"
    mae = Metric("mae", size, unit, _absolute(_error), _absolute(_error_without_a_model), needs_reference=True)
    mape = Metric(
        "mape",
        f"{size}, relative",
        "%",
        _absolute(_error_percent),
        _absolute(_error_percent_without_a_model),
        needs_reference=True,
    )
    signed = (_error, _error_without_a_model) if absolute else (_error_percent, _error_percent_without_a_model)
    bias = Metric("bias", f"Mean error of {of}", unit, *signed, higher_is_better=None, needs_reference=True)
    return (*((mae,) if absolute else ()), *((mape,) if percent else ()), bias)


def _is_near(outcome: Outcome) -> bool:
    return outcome.error_percent is not None and abs(outcome.error_percent) < VOLUME_LIMIT_PERCENT


def _is_near_without_a_model(outcome: Outcome) -> bool | None:
    off = _error_percent_without_a_model(outcome)
    return None if off is None else abs(off) < VOLUME_LIMIT_PERCENT


def _keeps_coordination(outcome: Outcome) -> bool | None:
    changed = outcome.facts.get("metals_with_changed_coordination")
    return None if changed is None else changed == 0


def _kept_sites(outcome: Outcome) -> float | None:
    """Structures count alike, however many metals they have."""
    sites, changed = outcome.facts.get("metals"), outcome.facts.get("metals_with_changed_coordination")
    return 100 * (1 - changed / sites) if sites and changed is not None else None


def _is_minimum(outcome: Outcome) -> bool | None:
    modes = outcome.facts.get("imaginary_modes")
    return None if modes is None else modes == 0


def _has_value(outcome: Outcome) -> bool:
    return outcome.value is not None


_MOVED = (
    Metric("rmsd", "Root mean square displacement, over N atoms", "Å", _fact("rmsd_A"), _nobody, None),
    Metric("rmsd_3n", "The same, over 3N components", "Å", _fact("rmsd_3n_A"), _nobody, None),
)

METRICS: dict[TaskType, tuple[Metric, ...]] = {
    TaskType.OPTIMIZATION: (
        _share(
            "within_10_percent",
            "Volume within 10 % of the reference",
            _is_near,
            baseline=_percent(_is_near_without_a_model),
            of_reference=True,
        ),
        _share(
            "success",
            "The same, and converged",
            lambda outcome: _is_near(outcome) and bool(outcome.converged),
            baseline=_percent(_is_near_without_a_model),
            of_reference=True,
        ),
        _share("converged", "Converged", lambda outcome: bool(outcome.converged)),
        *_errors("the volume", "%", percent=True, absolute=False),
        *_MOVED,
    ),
    TaskType.STABILITY: (
        _share(
            "stable",
            "Stable: the volume drifts by at most 10 %",
            lambda outcome: bool(outcome.facts.get("stable")),
            baseline=_always(100.0),
        ),
        Metric("drift", "Mean absolute drift of the volume", "%", _absolute(lambda o: o.value), _always(0.0)),
        _share(
            "coordination_kept",
            "Every metal keeps its coordination number",
            _keeps_coordination,
            baseline=_always(100.0),
            of_metals=True,
        ),
        Metric(
            name="metals_kept",
            title="Metals that keep their coordination number",
            unit="%",
            of=_kept_sites,
            baseline=_always(100.0),
            higher_is_better=True,
            failure=0.0,
            needs_metals=True,
        ),
        *_MOVED,
    ),
    TaskType.BULK_MODULUS: (
        *_errors("the bulk modulus", "GPa", percent=True),
        _share("usable", "The fit can be trusted", lambda outcome: bool(outcome.facts.get("fit_ok"))),
    ),
    TaskType.HEAT_CAPACITY: (
        *_errors("the heat capacity at 300 K", "J/(g K)", percent=True),
        _share("usable", "Came to a value", _has_value),
        _share("minimum", "No imaginary modes at Γ", _is_minimum),
    ),
    # In percent an energy near zero would be all that one sees.
    TaskType.INTERACTION_ENERGY: (
        *_errors("the interaction energy", "eV", percent=False),
        _share("usable", "Came to a value", _has_value),
    ),
}

SPEED = Metric(
    name="speed",
    title="Speed",
    unit="atoms·steps/s",
    of=lambda outcome: outcome.atom_steps_per_second,
    baseline=_nobody,
    higher_is_better=True,
    statistic="median",
)

#: The one number of a task type that a summary has room for.
MAIN = {
    TaskType.OPTIMIZATION: "within_10_percent",
    TaskType.STABILITY: "stable",
    TaskType.BULK_MODULUS: "mae",
    TaskType.HEAT_CAPACITY: "mae",
    TaskType.INTERACTION_ENERGY: "mae",
}
