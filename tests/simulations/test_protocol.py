"""Messages as bytes, and the order in which they are seen."""

import json
import os
from typing import Any

import numpy as np
import pytest

from mofsim.simulations.channel import Inbox
from mofsim.simulations.protocol import decode_request, encode, plain


def test_numpy_values_become_plain_numbers_and_lists() -> None:
    value = {"a": np.float32(0.5), "b": np.int64(3), "c": np.arange(3), "d": (np.bool_(True), None, "x")}
    assert plain(value) == {"a": 0.5, "b": 3, "c": [0, 1, 2], "d": [True, None, "x"]}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -np.inf, np.float64("nan"), np.float32("inf")])
def test_a_number_that_is_not_finite_becomes_null(number: float) -> None:
    message: Any = {"type": "progress", "energy_eV": number, "list": [number, 1.0]}
    assert json.loads(encode(message)) == {"type": "progress", "energy_eV": None, "list": [None, 1.0]}


def test_floats_survive_json_to_the_last_bit() -> None:
    message: Any = {"type": "progress", "energy_eV": 0.1 + 0.2}
    assert json.loads(encode(message))["energy_eV"] == 0.1 + 0.2


@pytest.mark.parametrize(
    "line",
    [b"no json", b"[1]", b'{"type":"fly"}', b'{"type":"cancel","task_id":1}', b'{"type":"run","task_id":1}'],
)
def test_a_line_that_is_no_request_is_told_apart(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode_request(line)


class Pipe:
    """An inbox, and the end that writes into it."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.inbox = Inbox(read)
        self.inbox.start()

    def send(self, **message: Any) -> None:
        os.write(self._write, json.dumps(message).encode() + b"\n")

    def settle(self) -> None:
        """Return when what was sent so far has been read."""
        self.send(type="unload", name="mark")
        while self.inbox.next().get("name") != "mark":
            pass


RUN: dict[str, Any] = {
    "type": "run",
    "task_id": 7,
    "attempt": 1,
    "task_type": "single-point",
    "directory": "/d",
    "structure": "/s",
    "model": {},
    "parameters": {},
}


def test_a_cancel_just_before_its_run_is_honoured() -> None:
    pipe = Pipe()
    pipe.send(type="cancel", task_id=7, reason="timeout")
    pipe.send(**RUN)
    pipe.settle()
    assert pipe.inbox.stop_reason(7, 1) == "timeout"


def test_a_cancel_of_another_task_is_ignored() -> None:
    pipe = Pipe()
    pipe.send(type="cancel", task_id=8, reason="cancelled")
    pipe.send(**RUN)
    pipe.settle()
    assert pipe.inbox.stop_reason(7, 1) is None


def test_a_cancel_that_comes_after_the_end_does_not_stop_the_next_attempt() -> None:
    pipe = Pipe()
    pipe.send(**RUN)
    pipe.settle()
    pipe.inbox.run_ended(7)
    pipe.send(type="cancel", task_id=7, reason="cancelled")
    pipe.send(**{**RUN, "attempt": 2})
    pipe.settle()
    assert pipe.inbox.stop_reason(7, 2) is None


def test_a_cancel_with_an_attempt_stops_that_attempt_only() -> None:
    pipe = Pipe()
    pipe.send(type="cancel", task_id=7, reason="cancelled", attempt=1)
    pipe.settle()
    assert (pipe.inbox.stop_reason(7, 1), pipe.inbox.stop_reason(7, 2)) == ("cancelled", None)


def test_a_shutdown_stops_whatever_runs() -> None:
    pipe = Pipe()
    pipe.send(**RUN)
    pipe.send(type="shutdown")
    pipe.settle()
    assert pipe.inbox.stop_reason(7, 1) == "shutdown"
