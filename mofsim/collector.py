"""Python's search for cyclic garbage, in a process that imports much: it finds none, and takes a third of the time.

A start of the server makes some 200 000 objects that all stay. Python looks through them again and again while it
imports, and once more as the process ends.
"""

import atexit
import gc

#: objects that were made and not freed before the youngest are searched (Python's own: 700)
SEARCH_AFTER = 50_000
#: the same once it has started: answers of httpx hold each other, and each keeps its body until a search finds it
SEARCH_LATER = 5_000


def spare() -> None:
    """Search less often, and not at the end, when all is freed anyway. For the first line of a process."""
    gc.set_threshold(SEARCH_AFTER)
    atexit.register(gc.freeze)


def settle() -> None:
    """Leave out what is there once a process is ready to serve: it stays, and requests would wait for the search."""
    gc.collect()
    gc.freeze()


def go_on() -> None:
    """The start is over: leave out what is there, unsearched, for somebody waits; search the rest more often."""
    gc.freeze()
    gc.set_threshold(SEARCH_LATER)
