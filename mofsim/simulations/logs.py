"""Python's logging and warnings as messages of the protocol."""

import datetime
import logging
import warnings
from typing import cast

from .channel import Writer
from .protocol import LogLevel


class ReportHandler(logging.Handler):
    """Sends each record to the parent, with the task that runs at that moment."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer
        self.task_id: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        self._writer.send(
            {
                "type": "log",
                "task_id": self.task_id,
                "time": time.isoformat(timespec="milliseconds"),
                "level": _level(record.levelno),
                "logger": record.name,
                "message": self.format(record),
            }
        )


def report_logs(writer: Writer) -> ReportHandler:
    """Install the handler for everything from INFO up, warnings of Python included."""
    handler = ReportHandler(writer)
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(message)s", force=True)
    # It tells each time which fonts it found.
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    # Of a cell filter, once a step, with an error that nobody could see; one of 1e-9 or more is told.
    warnings.filterwarnings("ignore", message=r"logm result may be inaccurate, .*e-[1-9]\d")
    return handler


def _level(number: int) -> LogLevel:
    name = logging.getLevelName(min(number, logging.ERROR) // 10 * 10)
    return cast(LogLevel, name if name in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO")
