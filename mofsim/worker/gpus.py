"""The GPUs of this box, as NVML sees them."""

import logging
from contextlib import suppress
from typing import Literal, Self

import pynvml

from mofsim.worker.gpu import REFUSALS, Gpu, ask, fault_of, why_unusable
from mofsim.worker.xids import Xids

# Not structlog's, which writes to stdout where no process has set it up (mofsim doctor, a script).
log = logging.getLogger(__name__)


class GpuReader:
    """Reads the GPUs again and again in one NVML session, in one thread; remembers those that get lost.

    The session opens with the first `read` and is opened anew when the driver was reloaded. `watch_xids`: it also
    listens for the errors that the driver tells of.
    """

    def __init__(self, *, watch_xids: bool = False) -> None:
        self._is_open = False
        self._xids = Xids() if watch_xids else None
        #: the index at which each UUID was seen last
        self._index_of: dict[str, int] = {}
        self._reported: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            with suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def read(self) -> list[Gpu]:
        """All GPUs by index, with those that an earlier read saw and that cannot be reached now (`fault`).

        Empty where there is no GPU or no usable driver; `why_no_gpus` tells which. Raises nothing.
        """
        try:
            found, unreached = self._survey()
            otherwise = "the NVIDIA driver does not list this GPU any more"
        except pynvml.NVMLError as error:
            self.close()
            found, unreached, otherwise = [], {}, why_unusable(error)
        self._index_of |= {gpu.id: gpu.index for gpu in found}
        reached = {gpu.id for gpu in found}
        missing = [
            Gpu(id=uuid, index=index, fault=unreached.get(index, otherwise))
            for uuid, index in self._index_of.items()
            if uuid not in reached
        ]
        self._report(unreached)
        gpus = sorted(found + missing, key=lambda gpu: gpu.index)
        return [self._xids.added_to(gpu) for gpu in gpus] if self._xids else gpus

    def read_one(self, id: str) -> Gpu | None:
        """One GPU, at a fraction of the cost of all; None if it was never seen. Raises nothing."""
        index = self._index_of.get(id)
        if index is not None and self._is_open:
            with suppress(*REFUSALS):
                gpu = ask(index)
                if gpu.id == id:
                    return gpu
        # It moved, was lost, or the driver was reloaded.
        return next((gpu for gpu in self.read() if gpu.id == id), None)

    def _survey(self) -> tuple[list[Gpu], dict[int, str]]:
        try:
            return self._ask_all()
        except pynvml.NVMLError_Uninitialized:
            self._is_open = False
            return self._ask_all()

    def _ask_all(self) -> tuple[list[Gpu], dict[int, str]]:
        """The GPUs that tell their UUID, and for the index of each other one, why it does not."""
        if not self._is_open:
            pynvml.nvmlInit()
            self._is_open = True
            if self._xids:
                self._xids.forget()
        found, unreached = [], {}
        for index in range(pynvml.nvmlDeviceGetCount()):
            try:
                found.append(ask(index))
            except REFUSALS as error:
                unreached[index] = fault_of(error, index)
        if self._xids:
            self._xids.listen(found)
        return found, unreached

    def _report(self, unreached: dict[int, str]) -> None:
        """Log, once each, the GPUs that were never reached: without a UUID they cannot be listed."""
        for index in unreached.keys() - self._index_of.values() - self._reported:
            self._reported.add(index)
            log.warning("GPU %d left out: %s", index, unreached[index])


def list_gpus() -> list[Gpu]:
    """The GPUs that can be reached now, by index; empty where there is none. Raises nothing."""
    with GpuReader() as reader:
        return reader.read()


def why_no_gpus() -> str | None:
    """Why `list_gpus` is empty, in words for a person; None if it is not."""
    with GpuReader() as reader:
        try:
            found, unreached = reader._survey()
        except pynvml.NVMLError as error:
            return why_unusable(error)
    if found:
        return None
    return "; ".join(f"GPU {index}: {why}" for index, why in unreached.items()) or "the NVIDIA driver finds no GPU"


def visible(gpus: list[Gpu], wanted: Literal["all"] | list[int]) -> list[Gpu]:
    """Those of `gpus` that the setting `worker.gpus` names by index.

    Raises ValueError for an index that none of them has.
    """
    if wanted == "all":
        return gpus
    there = {gpu.index for gpu in gpus}
    if unknown := set(wanted) - there:
        raise ValueError(f"there is no GPU {_listed(unknown)} on this box; it has {_listed(there) or 'none'}")
    return [gpu for gpu in gpus if gpu.index in wanted]


def _listed(indices: set[int]) -> str:
    return ", ".join(map(str, sorted(indices)))
