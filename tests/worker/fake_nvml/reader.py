"""Another process that reads the GPUs: pynvml loads its library once, so each box needs a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: answers each line on stdin with what one reader, open all the time, sees then
_PROGRAM = """
import dataclasses, json, sys
from mofsim.worker.gpus import GpuReader, why_no_gpus
with GpuReader(watch_xids=True) as reader:
    for line in sys.stdin:
        gpus = [dataclasses.asdict(gpu) for gpu in reader.read()]
        print(json.dumps({"gpus": gpus, "why": why_no_gpus()}, default=str), flush=True)
"""


class Reader:
    """A process with one GpuReader, which reads when it is told to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        #: what `why_no_gpus` said with the latest reading
        self.why: str | None = None
        #: what the process wrote to stderr, once it ended
        self.log = ""

    def read(self) -> list[dict[str, Any]]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        self.why = answer["why"]
        return answer["gpus"]


@contextmanager
def reading(env: dict[str, str]) -> Iterator[Reader]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        reader = Reader(process)
        try:
            yield reader
        finally:
            reader.log = process.communicate()[1]
            sys.stderr.write(reader.log)
