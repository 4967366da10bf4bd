"""A libnvidia-ml.so.1 without a driver: real pynvml loads it, so struct layouts and error codes are exercised.

The state file has one fact a line; of two lines about the same thing the later one counts:

    count 2                         GPUs that NVML lists
    init error DRIVER_NOT_LOADED    nvmlInit fails
    reload 1                        another number: the driver was reloaded, open sessions are gone
    v2memory no                     memory version 2 is answered with FUNCTION_NOT_FOUND
    gpu 0 uuid GPU-…                and name
    gpu 0 memory_total 85899345920  bytes; and memory_used, memory_reserved
    gpu 0 utilisation 97            percent
    gpu 0 temperature 61            °C
    gpu 0 power 350000              mW; and power_limit
    gpu 0 process 4242 1073741824   a process and its bytes, or ? for "not available"; one line each
    gpu 0 ecc 0                     uncorrected errors of its memory
    gpu 0 xid 79                    an error that the driver tells those who listen; one line each
    gpu 0 refuse power              this is refused, as NOT_SUPPORTED or the error named behind it; the fields:
                                    handle uuid name memory utilisation temperature power power_limit processes ecc
                                    events
    gpu 1 error GPU_IS_LOST         every call about this GPU fails
"""

import os
import shutil
import subprocess
from pathlib import Path

LIBRARY = "libnvidia-ml.so.1"


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path, *options: str) -> Path:
    """Compile the library into `folder`, which is returned; `-DOLDER_DRIVER` leaves newer functions out."""
    folder.mkdir(parents=True)
    source = Path(__file__).with_name("nvml.c")
    command = [compiler() or "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *options]
    subprocess.run([*command, "-o", str(folder / LIBRARY), str(source)], check=True)
    return folder


class FakeNvml:
    """A box with two healthy GPUs, to begin with. Changes reach a process that is running at its next call."""

    def __init__(self, library_folder: Path, state: Path) -> None:
        self._library_folder = library_folder
        self._state = state
        self._lines: list[str] = []
        self.reset()

    def reset(self) -> None:
        """Two healthy GPUs."""
        self._lines = ["count 2", *healthy_gpu(0), *healthy_gpu(1)]
        self._write()

    def set(self, *lines: str) -> None:
        """Add lines to the state, e.g. `"gpu 1 error GPU_IS_LOST"`."""
        self._lines += lines
        self._write()

    def unset(self, prefix: str) -> None:
        """Take out the lines that begin with `prefix`, e.g. `"gpu 1 error"`."""
        self._lines = [line for line in self._lines if not f"{line} ".startswith(f"{prefix} ")]
        self._write()

    def env(self) -> dict[str, str]:
        """The environment for a subprocess that is to see this box."""
        folders = [str(self._library_folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        return os.environ | {"LD_LIBRARY_PATH": ":".join(folders), "FAKE_NVML_STATE": str(self._state)}

    def _write(self) -> None:
        # Renamed into place: a running process never reads half a file.
        draft = self._state.with_suffix(".draft")
        draft.write_text("".join(f"{line}\n" for line in self._lines), "utf-8", errors="surrogateescape")
        draft.replace(self._state)


def uuid(index: int) -> str:
    return f"GPU-{index:08x}-0000-4000-8000-000000000000"


def healthy_gpu(index: int) -> list[str]:
    """State of a GPU of 80 GiB at work, with one process; numbers differ from GPU to GPU."""
    facts = {
        "uuid": uuid(index),
        "name": "NVIDIA H100 80GB HBM3",
        "memory_total": 80 * 2**30,
        "memory_used": (index + 1) * 2**30,
        "memory_reserved": 2**29,
        "utilisation": 90 + index,
        "temperature": 60 + index,
        "power": 350_500 + index * 1000,
        "power_limit": 700_000,
        "ecc": 0,
        "process": f"{4242 + index} {2**30}",
    }
    return [f"gpu {index} {field} {value}" for field, value in facts.items()]
