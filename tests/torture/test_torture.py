"""A short torture with each kind of fault; `python -m tests.torture` is the long one."""

import json
from pathlib import Path

import pytest

from .torment import torment


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_whatever_is_killed_frozen_deleted_or_full(tmp_path: Path) -> None:
    report = torment(tmp_path, seed=1, seconds=35)
    assert not report["wrong"], json.dumps(report, indent=1)
    assert len(report["faults"]) == report["kinds_of_faults"], report["faults"]
    assert report["found"]["tasks COMPLETED"] and report["found"]["deliveries tried again"], report["found"]
