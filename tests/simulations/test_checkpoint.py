"""Checkpoints as files: what is kept to the last bit, what is refused, and which ones stay."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mofsim.simulations.checkpoint import Cadence, Checkpoint, CheckpointFolder
from mofsim.simulations.checkpoint_format import Unusable, decode, encode
from mofsim.simulations.growing import GrowingFile, copy_beginning


@pytest.fixture
def checkpoint() -> Checkpoint:
    rng = np.random.default_rng(3)
    return Checkpoint(
        attempt=1,
        step=100,
        identity="mine",
        directory="../1",
        files={"series.csv": [10, 20]},
        atoms={"positions": rng.random((4, 3)), "cell": np.eye(3)},
        rng=dict(rng.bit_generator.state),
        seconds=0.1 + 0.2,
        steps_made=101,
        task={"stage": 2, "memory": [{"s": rng.random((0, 12))}, None, 1 / 3]},
    )


def newest(folder: CheckpointFolder) -> Checkpoint:
    return next(folder.usable())


def test_a_checkpoint_keeps_every_bit(tmp_path: Path, checkpoint: Checkpoint) -> None:
    folder = CheckpointFolder(tmp_path, "mine")
    folder.write(checkpoint)
    read = newest(folder)
    assert read.atoms["positions"].tobytes() == checkpoint.atoms["positions"].tobytes()
    assert (read.seconds, read.rng, read.files) == (checkpoint.seconds, checkpoint.rng, checkpoint.files)
    assert read.task["memory"][0]["s"].shape == (0, 12)
    assert read.task["memory"][1:] == [None, 1 / 3]


def test_an_object_array_is_refused_so_that_nothing_is_pickled() -> None:
    with pytest.raises(TypeError, match="ndarray"):
        encode({"x": np.array([object()])})


@pytest.mark.parametrize("place", [0, 30, 100, -1])
def test_a_flipped_bit_is_seen(place: int) -> None:
    content = bytearray(encode({"x": np.arange(5)}))
    content[place] ^= 1
    with pytest.raises(Unusable):
        decode(bytes(content))


@pytest.mark.parametrize("length", [0, 5, 50, 90, 300])
def test_a_torn_file_is_seen(length: int) -> None:
    with pytest.raises(Unusable):
        decode(encode({"x": np.arange(500)})[:length])


def test_the_two_newest_are_kept_and_nothing_else_is_left(tmp_path: Path, checkpoint: Checkpoint) -> None:
    folder = CheckpointFolder(tmp_path, "mine")
    for step in (100, 200, 1000, 300):
        folder.write(replace(checkpoint, step=step))
    assert [c.step for c in folder.usable()] == [1000, 300]
    assert len(list(tmp_path.iterdir())) == 2


def test_an_attempt_that_was_given_up_does_not_push_out_its_successor(tmp_path: Path, checkpoint: Checkpoint) -> None:
    folder = CheckpointFolder(tmp_path, "mine")
    for attempt, step in ((1, 500), (2, 550), (2, 600), (1, 700)):
        folder.write(replace(checkpoint, attempt=attempt, step=step))
    assert [(c.attempt, c.step) for c in folder.usable()] == [(2, 600), (2, 550)]


def test_after_a_damaged_checkpoint_the_one_before_it_is_used(
    tmp_path: Path, checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    folder = CheckpointFolder(tmp_path, "mine")
    folder.write(checkpoint)
    folder.write(replace(checkpoint, step=200))
    torn = tmp_path / "000001-000000200.checkpoint"
    torn.write_bytes(torn.read_bytes()[:-7])
    assert newest(folder).step == 100
    assert caplog.records[0].levelno == logging.WARNING and "torn" in caplog.text


def test_a_checkpoint_of_something_else_is_not_used(
    tmp_path: Path, checkpoint: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    CheckpointFolder(tmp_path, "mine").write(checkpoint)
    assert list(CheckpointFolder(tmp_path, "another").usable()) == []
    assert "another structure, model or set of parameters" in caplog.text


def test_the_cadence_counts_steps_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    cadence = Cadence(steps=3, seconds=1e9)
    assert [cadence.step() for _ in range(3)] == [False, False, True]
    cadence.begin()
    assert cadence.step() is False
    assert Cadence(steps=10**9, seconds=1e-9).step() is True


@pytest.fixture
def grown(tmp_path: Path) -> GrowingFile:
    file = GrowingFile(tmp_path / "old")
    file.write("step 0 å\n")
    file.write("step 1\n")
    return file


def test_a_file_goes_on_where_the_checkpoint_left_it(tmp_path: Path, grown: GrowingFile) -> None:
    size, crc = grown.size, grown.crc
    grown.write("beyond the checkpoint\n")
    copy_beginning(tmp_path / "old", tmp_path / "new", size, crc)
    again = GrowingFile(tmp_path / "new", size, crc)
    again.write("step 2\n")
    again.close()
    assert (tmp_path / "new").read_text() == "step 0 å\nstep 1\nstep 2\n"
    copy_beginning(tmp_path / "new", tmp_path / "newest", again.size, again.crc)


@pytest.mark.parametrize("damage", ["changed", "short", "gone"])
def test_a_file_that_is_not_what_it_was_is_not_taken(tmp_path: Path, grown: GrowingFile, damage: str) -> None:
    old = tmp_path / "old"
    content = old.read_bytes()
    damages: dict[str, Any] = {
        "changed": lambda: old.write_bytes(b"S" + content[1:]),
        "short": lambda: old.write_bytes(content[:-1]),
        "gone": old.unlink,
    }
    damages[damage]()
    with pytest.raises(Unusable):
        copy_beginning(old, tmp_path / "new", grown.size, grown.crc)
    assert not (tmp_path / "new").exists()
