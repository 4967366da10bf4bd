"""Logs of the processes of mofsim: how they are written, read and kept."""

from mofsim.logs.files import tidy
from mofsim.logs.history import Follower, Found, Place, Wanted, search
from mofsim.logs.setup import configure, keep

__all__ = ["Follower", "Found", "Place", "Wanted", "configure", "keep", "search", "tidy"]
