"""A short torture with each kind of fault; `python -m tests.torture` is the long one."""

import json
from pathlib import Path

import pytest

from .torment import torment


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("rows", "tickets", "seconds"), [("sqlite", "sqlite", 35), ("postgresql", "redis", 35)])
def test_nothing_is_lost_whatever_is_killed_frozen_deleted_or_full(
    tmp_path: Path, rows: str, tickets: str, seconds: int
) -> None:
    report = torment(tmp_path, 1, seconds, rows, tickets)
    assert not report["wrong"], json.dumps(report, indent=1)
    assert len(report["faults"]) == report["kinds_of_faults"], report["faults"]
    assert report["found"]["tasks COMPLETED"] and report["found"]["deliveries tried again"], report["found"]
