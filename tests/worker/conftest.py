import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mofsim.core import environments, structures
from mofsim.core.storage import Storage
from mofsim.vocabulary import TaskStatus, TaskType, WorkerState
from mofsim.worker.environments import EnvironmentFailed, create

from .box import Box
from .elsewhere import Environment
from .fake_nvml import FakeNvml, build, compiler


@pytest.fixture(scope="session")
def nvml_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with a libnvidia-ml.so.1, as a `current` and as an `older` driver brings it."""
    if compiler() is None:
        missing = "no C compiler (cc, gcc or clang) to build the fake NVML with"
        # Where every change is tested, a hole in the tests must not look like success.
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("nvml")
    return {"current": build(folder / "current"), "older": build(folder / "older", "-DOLDER_DRIVER")}


@pytest.fixture
def fake_nvml(nvml_folders: dict[str, Path], tmp_path: Path) -> FakeNvml:
    """A box with two healthy GPUs for a subprocess that is started with `fake_nvml.env()`."""
    return FakeNvml(nvml_folders["current"], tmp_path / "nvml.state")


@pytest.fixture
def older_nvml(nvml_folders: dict[str, Path], tmp_path: Path) -> FakeNvml:
    """The same box with a driver that does not export memory version 2 and processes version 3."""
    return FakeNvml(nvml_folders["older"], tmp_path / "nvml.state")


@pytest.fixture(scope="session")
def builtins(tmp_path_factory: pytest.TempPathFactory) -> tuple[list, Path]:
    storage = Storage(tmp_path_factory.mktemp("builtins"))
    storage.create()
    return structures.build_builtins(storage), storage.structures / "builtin"


@pytest.fixture
def box(tmp_path: Path, builtins: tuple[list, Path]) -> Iterator[Box]:
    box = Box(tmp_path)
    box.fill(*builtins)
    yield box
    box.close()


@pytest.fixture(scope="module")
def shared_box(tmp_path_factory: pytest.TempPathFactory, builtins: tuple[list, Path]) -> Iterator[Box]:
    """The box of `working_box`. Four processes start with a worker, which takes longer than most tests do."""
    box = Box(tmp_path_factory.mktemp("shared"))
    box.fill(*builtins)
    box.start()
    yield box
    box.close()


@pytest.fixture
def working_box(shared_box: Box) -> Iterator[Box]:
    """A box whose worker runs, idle and with no task that has not ended; the tests of a file share it."""
    shared_box.wait_until_idle()
    yield shared_box
    shared_box.clear()


@pytest.fixture
def gpu_box(tmp_path: Path, builtins: tuple[list, Path], fake_nvml: FakeNvml) -> Iterator[Box]:
    """A box with two GPUs, of 24 and of 80 GB, on which nobody computes."""
    leave_to_us(fake_nvml)
    box = Box(tmp_path, fake_nvml.env() | {"MOFSIM_WORKER__CPU_SLOTS": "0"})
    box.fill(*builtins)
    yield box
    box.close()


@pytest.fixture(scope="session")
def root(request: pytest.FixtureRequest) -> Path:
    """A data folder whose environments last, in pytest's cache folder: its name changes with what is in them.

    They share torch and what else fits with the interpreter of the tests, so that some 100 MB and half a minute make
    one.
    """
    made_of = f"{environments.RECIPES} {environments.COMMON} {sys.version} {sys.path}"
    key = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder: Path = request.config.cache.mkdir(f"environments-{key}")  # type: ignore[union-attr]
    return folder


@pytest.fixture(scope="session")
def environment(root: Path) -> Environment:
    """The folder of a framework's environment."""

    def environment(framework: str) -> Path:
        if framework not in environments.names(root):
            try:
                with pytest.MonkeyPatch.context() as patch:
                    # Most of what is installed is never imported.
                    patch.setenv("PIP_NO_COMPILE", "1")
                    create(root, framework, framework, {}, share=True)
            except EnvironmentFailed as error:
                missing = f"no environment for {framework}: {error}"
                # Where every change is tested, a hole in the tests must not look like success.
                pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        return environments.folder_of(root, framework)

    return environment


@pytest.fixture(scope="module")
def shared_gpu(
    tmp_path_factory: pytest.TempPathFactory, nvml_folders: dict[str, Path], builtins: tuple[list, Path]
) -> Iterator[tuple[Box, FakeNvml]]:
    """The box of `one_gpu`, and its NVML."""
    folder = tmp_path_factory.mktemp("gpu")
    nvml = FakeNvml(nvml_folders["current"], folder / "nvml.state")
    leave_to_us(nvml, "count 1")
    box = Box(folder, nvml.env() | {"MOFSIM_WORKER__CPU_SLOTS": "0"})
    box.fill(*builtins)
    box.start()
    yield box, nvml
    box.close()


@pytest.fixture
def one_gpu(shared_gpu: tuple[Box, FakeNvml]) -> Iterator[tuple[Box, FakeNvml]]:
    """A box whose only GPU, of 24 GB, is well and idle; the tests of a file share it."""
    box, nvml = shared_gpu
    leave_to_us(nvml, "count 1")
    # A new worker that had to wait for its GPU has no executor before its first task.
    assert box.wait_for_end(box.submit("lj", TaskType.SINGLE_POINT)).status == TaskStatus.COMPLETED
    box.wait_for_worker("gpu0", WorkerState.IDLE)
    assert box.alerts() == []
    yield box, nvml
    leave_to_us(nvml, "count 1")
    box.clear()


def leave_to_us(nvml: FakeNvml, *more: str) -> None:
    """Nobody else computes on its two GPUs, of 24 and of 80 GB."""
    nvml.reset()
    for index, memory in ((0, 24), (1, 80)):
        nvml.unset(f"gpu {index} process")
        nvml.set(f"gpu {index} memory_total {memory}000000000", f"gpu {index} memory_used 500000000")
    nvml.set(*more)
