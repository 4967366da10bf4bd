"""A mofsim of its own for a benchmark: free port, throwaway data folder, ended with the benchmark."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mofsim.client import Client

SETTINGS = """
[worker]
cpu_slots = {cpu_slots}
[models.lj]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
options = {{ sigma = 1.0, epsilon = 0.001, rc = 3.0 }}
description = "so fast that only mofsim's own time is left"
[models.sleeper]
framework = "ase"
checkpoint = "calculators:Sleeper"
description = "keeps a worker busy and takes no time of the processor"
[models.nothing]
framework = "ase"
checkpoint = "calculators:Nothing"
description = "takes no time at all"
"""


@dataclass(frozen=True)
class Running:
    """A client of it, and the process that all its others descend from."""

    client: Client
    pid: int
    #: of its processes
    environment: Mapping[str, str]


@contextmanager
def service() -> Iterator[Client]:
    """A client of a running server with one CPU worker."""
    with running() as it:
        yield it.client


@contextmanager
def running(cpu_slots: int = 1, engines: Mapping[str, str] | None = None) -> Iterator[Running]:
    """It, with so many CPU workers; `engines` are its settings where rows and tickets lie in no file."""
    with tempfile.TemporaryDirectory(prefix="mofsim-benchmark-") as folder:
        settings = Path(folder, "settings.toml")
        settings.write_text(SETTINGS.format(cpu_slots=cpu_slots))
        environment = os.environ | {
            "MOFSIM_STORAGE__ROOT": f"{folder}/data",
            "MOFSIM_SETTINGS": str(settings),
            "PYTHONPATH": str(Path(__file__).parent),
            "MOFSIM_SECURITY__REQUESTS_PER_MINUTE": "0",
            "MOFSIM_SECURITY__SUBMITS_PER_MINUTE": "0",
            **(engines or {}),
        }
        command = [sys.executable, "-m", "mofsim", "--json", "up", "--port", "0"]
        with Path(folder, "up.log").open("w") as log:
            up = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert up.stdout is not None
            ready = up.stdout.readline()
            if not ready:
                raise SystemExit(Path(folder, "up.log").read_text())
            with Client(json.loads(ready)["url"]) as client:
                yield Running(client, up.pid, environment)
        finally:
            up.terminate()
            up.wait(30)
