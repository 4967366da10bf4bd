"""A mofsim of its own for a benchmark: free port, throwaway data folder, ended with the benchmark."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mofsim.client import Client

SETTINGS = """
[worker]
cpu_slots = 1
[models.lj]
framework = "ase"
checkpoint = "ase.calculators.lj:LennardJones"
options = { sigma = 1.0, epsilon = 0.001, rc = 3.0 }
description = "so fast that only mofsim's own time is left"
"""


@contextmanager
def service() -> Iterator[Client]:
    """A client of a running server with one CPU worker."""
    with tempfile.TemporaryDirectory(prefix="mofsim-benchmark-") as folder:
        settings = Path(folder, "settings.toml")
        settings.write_text(SETTINGS)
        environment = os.environ | {"MOFSIM_STORAGE__ROOT": f"{folder}/data", "MOFSIM_SETTINGS": str(settings)}
        command = [sys.executable, "-m", "mofsim", "--json", "up", "--port", "0"]
        with Path(folder, "up.log").open("w") as log:
            up = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert up.stdout is not None
            ready = up.stdout.readline()
            if not ready:
                raise SystemExit(Path(folder, "up.log").read_text())
            with Client(json.loads(ready)["url"]) as client:
                yield client
        finally:
            up.terminate()
            up.wait(30)
