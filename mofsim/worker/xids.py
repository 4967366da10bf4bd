"""Errors of GPUs that the driver tells of (XID)."""

import ctypes
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pynvml

from mofsim.worker.gpu import REFUSALS, Gpu


class Xids:
    """They are events, which are gone for whoever did not listen when they came.

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
                with suppress(*REFUSALS):
                    self._register(gpu)
        if self._uuid_of:
            with suppress(*REFUSALS):
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
