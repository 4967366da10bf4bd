"""Python's search for cyclic garbage, which finds none while modules are imported and models are loaded.

mofsim.collector does the same for the other processes; this package imports nothing of theirs.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


def spare_the_end() -> None:
    """No search as the process ends, when all is freed anyway: with torch it takes a second."""
    atexit.register(gc.freeze)


@contextmanager
def paused() -> Iterator[None]:
    """No search meanwhile, but afterwards: tensors in cycles hold memory of a GPU."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
