"""A short run of both; `python -m tests.upload_fuzz` is the long one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from mofsim.cli import ports
from tests.conftest import Prepared

from .attack import attack
from .mutations import MUTATIONS, mutants, sound

#: Reading takes a process of its own for each, and most of a second.
SENT = 6
READ = 3 * len(MUTATIONS)


def test_what_is_broken_is_refused_and_what_is_taken_can_be_simulated(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.upload_fuzz.reader", str(READ), "7", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each for each in told if each["wrong"]] == []
    said = {each["said"] for each in told}
    assert len(told) == READ and {"accepted", "unreadable", "binary", "too_many_atoms"} <= said, said


def test_uploads_leave_nothing_behind_and_the_server_well(tmp_path: Path, prepared: Prepared) -> None:
    shutil.copytree(prepared.folder, tmp_path / "data")
    # One of each of those that touch more than the reader.
    wanted = ("packed", "odd_name", "null_bytes", "long_line", "poscar", "odd_properties")
    uploads = [upload for upload in mutants(len(MUTATIONS), 3, sound()) if upload.mutation in wanted]
    report = attack(tmp_path, uploads, ports.free("127.0.0.1"))
    assert not report["wrong"], json.dumps(report, indent=1)
    assert report["sent"] == len(wanted) == SENT and report["accepted"] and not report["server_errors"], report
