"""What can go wrong in a run, and the stable word that the parent is told.

SimulationError
├── InvalidInput
├── MissingPackage
├── ModelLoadFailed
└── SimulationExploded
Stopped (asked for, so not an error)
"""

import errno

from .protocol import StopReason


class SimulationError(Exception):
    """Its message is written for the person who submitted the task."""


class InvalidInput(SimulationError):
    """The structure or the parameters cannot be run with this model."""


class MissingPackage(SimulationError):
    """The environment lacks what this task type computes with; neither the model nor the structure is to blame."""


class ModelLoadFailed(SimulationError):
    """The potential could not be loaded; the message says what to do."""


class SimulationExploded(SimulationError):
    """Energy, forces or volume left what is physical; the frames before are kept."""


class Stopped(Exception):
    """The parent asked for the end of this run."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason = reason


def error_type(error: BaseException) -> str:
    """The word for `error` in the protocol.

    One of the names above, OutOfMemory, DeviceFault, DiskFull, or the exception's class.
    """
    if is_out_of_memory(error):
        return "OutOfMemory"
    if broke_the_device(error):
        return "DeviceFault"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "DiskFull"
    return type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA and the host raise different exceptions when memory ends, and old ones only say it in words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in words or "can't allocate memory" in words)


def broke_the_device(error: BaseException) -> bool:
    """Whether the CUDA context is lost, so that every later call in this process would fail too."""
    if is_out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and "CUDA error" in str(error)
    )
