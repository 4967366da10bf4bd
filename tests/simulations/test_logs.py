"""What an executor reports of Python's warnings."""

import logging
import warnings
from collections.abc import Iterator

import pytest

from mofsim.simulations.logs import report_logs


@pytest.fixture
def root() -> Iterator[None]:
    """Logging and warnings as they were."""
    logger, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = logger.level
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(False)
    logger.handlers[:] = before
    logger.setLevel(level)


class Told(list[dict[str, object]]):
    def send(self, message: dict[str, object]) -> None:
        self.append(message)


def test_a_matrix_logarithm_is_told_only_when_it_is_inaccurate(root: None) -> None:
    told = Told()
    warnings.simplefilter("always")
    report_logs(told)  # type: ignore[arg-type]
    for error in ("5.05e-13", "2.0e-10", "3.1e-09", "0.002"):
        warnings.warn(f"logm result may be inaccurate, approximate err = {error}", RuntimeWarning, stacklevel=1)
    messages = [str(each["message"]) for each in told]
    assert ["3.1e-09" in messages[0], "0.002" in messages[1], len(messages)] == [True, True, 2]
