"""The GPUs of this box, as NVML sees them.

Each field is asked by itself: a driver may refuse any of them (MIG, a virtual GPU, a container, an older version)
and still tell the others. What it refuses is None, "not known", and never 0.
"""

import ctypes
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

import pynvml

# Not structlog's, which writes to stdout where no process has set it up (mofsim doctor, a script).
log = logging.getLogger(__name__)

_MB = 1e6

#: what a call raises when it gets no answer; some drivers return text that is no UTF-8
_REFUSALS = (pynvml.NVMLError, UnicodeDecodeError)

_WHY_UNUSABLE = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver here (libnvidia-ml.so.1 not found)",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA driver is installed but not loaded: "
    "`sudo modprobe nvidia`, or reboot",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the NVIDIA driver that runs and its library differ in version, "
    "as after an update: reboot",
    pynvml.NVML_ERROR_NO_PERMISSION: "no permission to use the NVIDIA driver: "
    "this account must be able to read and write /dev/nvidia*",
    pynvml.NVML_ERROR_GPU_NOT_FOUND: "the NVIDIA driver finds no GPU",
}

_FAULTS = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "GPU is lost: it fell off the bus or does not answer. Reboot; "
    "`sudo dmesg | grep -i xid` shows what happened",
    pynvml.NVML_ERROR_RESET_REQUIRED: "GPU needs a reset: stop all that uses it, this worker too, then "
    "`sudo nvidia-smi --gpu-reset -i {index}`, or reboot",
}


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that computes on a GPU."""

    #: as the host counts; in a container it may name nothing
    pid: int
    memory_MB: float | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """What one GPU told at one moment; None is "not known". 1 MB is 10⁶ bytes."""

    #: NVML's UUID: the only name that lasts, an index may change with a reboot
    id: str
    #: NVML's, which is nvidia-smi's and not CUDA's
    index: int
    name: str | None = None
    memory_total_MB: float | None = None
    #: by all processes; an older driver (memory version 1) counts in what it keeps for itself
    memory_used_MB: float | None = None
    #: share of the last sample period, 1/6 to 1 s, in which a kernel ran
    utilisation_percent: float | None = None
    temperature_C: float | None = None
    power_W: float | None = None
    power_limit_W: float | None = None
    #: those that compute; graphics is not counted
    processes: tuple[GpuProcess, ...] | None = None
    #: of its memory, that could not be corrected (ECC), since the driver was loaded
    ecc_errors: int | None = None
    #: the newest error (XID) that the driver told this process of, and when; None also when there was none
    xid: int | None = None
    xid_at: datetime | None = None
    #: why it must not be used, in words for a person
    fault: str | None = None


class GpuReader:
    """Reads the GPUs again and again in one NVML session, in one thread; remembers those that get lost.

    The session opens with the first `read` and is opened anew when the driver was reloaded. `watch_xids`: it also
    listens for the errors that the driver tells of.
    """

    def __init__(self, *, watch_xids: bool = False) -> None:
        self._is_open = False
        self._xids = _Xids() if watch_xids else None
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
            found, unreached, otherwise = [], {}, _why_unusable(error)
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
            with suppress(*_REFUSALS):
                gpu = _ask(index)
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
                found.append(_ask(index))
            except _REFUSALS as error:
                unreached[index] = _fault(error, index)
        if self._xids:
            self._xids.listen(found)
        return found, unreached

    def _report(self, unreached: dict[int, str]) -> None:
        """Log, once each, the GPUs that were never reached: without a UUID they cannot be listed."""
        for index in unreached.keys() - self._index_of.values() - self._reported:
            self._reported.add(index)
            log.warning("GPU %d left out: %s", index, unreached[index])


class _Xids:
    """Errors of GPUs as the driver tells them: events, which are gone for whoever did not listen when they came.

    Drivers often refuse this (containers, MIG, permissions); then nothing is known.
    """

    #: at most so many events at a time, should one storm
    MOST = 100

    def __init__(self) -> None:
        self._set: Any = None
        #: UUIDs that were registered, or refused to be
        self._tried: set[str] = set()
        self._uuid_of: dict[int, str] = {}
        self._newest: dict[str, tuple[int, datetime]] = {}

    def forget(self) -> None:
        """The session in which it listened is gone."""
        self._set, self._tried, self._uuid_of = None, set(), {}

    def listen(self, gpus: list[Gpu]) -> None:
        """Note what came since the last time, and listen to GPUs that are new. Raises nothing."""
        for gpu in gpus:
            if gpu.id not in self._tried:
                self._tried.add(gpu.id)
                with suppress(*_REFUSALS):
                    self._register(gpu)
        if self._uuid_of:
            with suppress(*_REFUSALS):
                self._read()

    def added_to(self, gpu: Gpu) -> Gpu:
        xid, at = self._newest.get(gpu.id, (None, None))
        return replace(gpu, xid=xid, xid_at=at)

    def _register(self, gpu: Gpu) -> None:
        if self._set is None:
            self._set = pynvml.nvmlEventSetCreate()
        handle = pynvml.nvmlDeviceGetHandleByIndex(gpu.index)
        pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, self._set)
        self._uuid_of[_address(handle)] = gpu.id

    def _read(self) -> None:
        """Until there is no more, which is a time-out."""
        for _ in range(self.MOST):
            event = pynvml.nvmlEventSetWait_v2(self._set, 0)
            # By the address: to ask a GPU that is about to get lost for its UUID is not safe.
            uuid = self._uuid_of.get(_address(event.device))
            if uuid is not None and event.eventType == pynvml.nvmlEventTypeXidCriticalError:
                self._newest[uuid] = int(event.eventData), datetime.now(UTC)


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


class _Device:
    """One GPU, asked call by call. Raises NVMLError if it cannot be reached at all."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.fault: str | None = None
        # Not kept from read to read: NVML has crashed on the handle of a GPU that went away.
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        self.uuid = str(pynvml.nvmlDeviceGetUUID(self._handle))

    def tell(self, *calls: Callable[[Any], Any]) -> Any:
        """The answer of the first of `calls` that gives one (name the newest first), or None."""
        for call in calls:
            try:
                return call(self._handle)
            except (pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_ResetRequired) as error:
                self.fault = _fault(error, self.index)
            except _REFUSALS:
                continue
        return None


def _ask(index: int) -> Gpu:
    device = _Device(index)
    name = device.tell(pynvml.nvmlDeviceGetName)
    memory = device.tell(_memory_v2, pynvml.nvmlDeviceGetMemoryInfo)
    rates = device.tell(pynvml.nvmlDeviceGetUtilizationRates)
    temperature = device.tell(_temperature)
    power = device.tell(pynvml.nvmlDeviceGetPowerUsage)
    limit = device.tell(pynvml.nvmlDeviceGetEnforcedPowerLimit)
    # The unversioned call turns "no such function" into an error that is no NVMLError.
    processes = device.tell(
        pynvml.nvmlDeviceGetComputeRunningProcesses_v3, pynvml.nvmlDeviceGetComputeRunningProcesses_v2
    )
    ecc_errors = device.tell(_ecc_errors)
    return Gpu(
        id=device.uuid,
        index=index,
        name=name,
        memory_total_MB=_per(_MB, memory and memory.total),
        memory_used_MB=_per(_MB, memory and memory.used),
        utilisation_percent=_per(1, rates and rates.gpu),
        temperature_C=_per(1, temperature),
        power_W=_per(1000, power),
        power_limit_W=_per(1000, limit),
        processes=None if processes is None else tuple(map(_process, processes)),
        ecc_errors=ecc_errors,
        fault=device.fault,
    )


def _memory_v2(handle: Any) -> Any:
    return pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)


def _temperature(handle: Any) -> Any:
    return pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)


def _ecc_errors(handle: Any) -> Any:
    return pynvml.nvmlDeviceGetTotalEccErrors(
        handle, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
    )


def _process(process: Any) -> GpuProcess:
    return GpuProcess(process.pid, _per(_MB, process.usedGpuMemory))


def _per(unit: float, value: int | None) -> float | None:
    return None if value is None else value / unit


def _fault(error: Exception, index: int) -> str:
    words = _FAULTS.get(getattr(error, "value", None), "the NVIDIA driver cannot reach this GPU: {error}")
    return words.format(index=index, error=error)


def _why_unusable(error: pynvml.NVMLError) -> str:
    return _WHY_UNUSABLE.get(error.value, f"the NVIDIA driver cannot be used: {error}")


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
            return _why_unusable(error)
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
