"""What workers and their devices are, as jobs tell it to the screens that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from mofsim.schemas.machines import History, Host
    from mofsim.schemas.overview import Overview
    from mofsim.schemas.resources import Gpu, Model, Worker
    from mofsim.schemas.tasks import Task


@dataclass
class OverviewCame(Message):
    overview: Overview


@dataclass
class MachinesCame(Message):
    """Workers, GPUs and boxes, all that there are."""

    workers: Sequence[Worker]
    gpus: Sequence[Gpu]
    hosts: Sequence[Host]


@dataclass
class RunningCame(Message):
    """The tasks that workers hold."""

    tasks: Sequence[Task]


@dataclass
class HistoryCame(Message):
    """What a GPU or a box showed over so many seconds."""

    history: History
    seconds: float


@dataclass
class ModelsCame(Message):
    models: Sequence[Model]
