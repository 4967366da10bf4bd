"""Numbers as people read them in a report."""

import math

UNKNOWN = "–"


def number(value: float | None, unit: str = "") -> str:
    """With as many digits as its unit deserves, and a minus that is one."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    digits = _DIGITS.get(unit)
    text = f"{value:.{_digits(value) if digits is None else digits}f}"
    # -0.0 is no number that anybody has measured.
    text = text.lstrip("-") if not float(text) else text
    return text.replace("-", "−")


def with_unit(value: float | None, unit: str) -> str:
    text = number(value, unit)
    return text if text == UNKNOWN or not unit else f"{text} {unit}"


_DIGITS = {"%": 1, "GPa": 2, "J/(g K)": 3, "eV": 3, "Å": 3, "Å³": 1}


def _digits(value: float) -> int:
    """Four figures that say something."""
    return 4 if not value else max(0, min(6, 3 - math.floor(math.log10(abs(value)))))


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within a range, some `about` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_labels(values: list[float]) -> list[str]:
    """All with the digits that the finest step needs."""
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) or 1.0
    digits = max(0, min(8, -math.floor(math.log10(abs(step)) + 1e-9)))
    # 2.5, 7.5 …: the leading figure alone would make two ticks alike.
    if len({f"{value:.{digits}f}" for value in values}) < len(values) or step / 10**-digits % 1 > 1e-6:
        digits += 1
    return [f"{value:.{digits}f}".replace("-", "−") for value in values]
