"""One GPU, asked once.

Each field is asked by itself: a driver may refuse any of them (MIG, a virtual GPU, a container, an older version)
and still tell the others. What it refuses is None, "not known", and never 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pynvml

_MB = 1e6

#: what a call raises when it gets no answer; some drivers return text that is no UTF-8
REFUSALS = (pynvml.NVMLError, UnicodeDecodeError)

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
                self.fault = fault_of(error, self.index)
            except REFUSALS:
                continue
        return None


def ask(index: int) -> Gpu:
    """Raises what is in REFUSALS if it cannot be reached at all."""
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


def fault_of(error: Exception, index: int) -> str:
    """Why a GPU cannot be used, in words for a person."""
    words = _FAULTS.get(getattr(error, "value", None), "the NVIDIA driver cannot reach this GPU: {error}")
    return words.format(index=index, error=error)


def why_unusable(error: pynvml.NVMLError) -> str:
    """Why none can be used, in words for a person."""
    return _WHY_UNUSABLE.get(error.value, f"the NVIDIA driver cannot be used: {error}")
