"""One way to log, for every process: JSON lines in a file of its own, and on stderr text for a terminal or JSON."""

import logging
import sys
from pathlib import Path

import structlog

from mofsim.logs.files import LogFile
from mofsim.settings import Settings
from mofsim.vocabulary import LogLevel

#: what a line has at its top; all else a program said is in `extra`
FIELDS = ("timestamp", "level", "logger", "message", "process", "task_id", "gpu_id", "request_id", "exception")


def configure(settings: Settings, process: str) -> None:
    """Set up structlog and send the standard library's loggers the same way.

    Each line tells which `process` wrote it: "server", "supervisor", "chores", "worker-gpu0" …
    """
    as_text = settings.logging.format == "text" or (settings.logging.format == "auto" and sys.stderr.isatty())
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setFormatter(_text_formatter() if as_text else _json_formatter(process))
    root = logging.getLogger()
    root.handlers = [stderr]
    root.setLevel(settings.logging.level)
    # Huey tells about every ticket, SQLAlchemy and Alembic about every statement.
    for noisy in ("huey", "sqlalchemy", "alembic", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def keep(settings: Settings, process: str, folder: Path) -> None:
    """Write the log of this process to its file in `folder` too, which is made; after `configure`."""
    if not settings.logging.to_files:
        return
    try:
        file = LogFile(folder, process, settings.logging.max_file_MB * 1_000_000)
    except OSError as error:
        # Whoever can not write there has more trouble than this, and says so.
        logging.getLogger("mofsim.logs").error("no log file in %s: %s", folder, error)
        return
    file.setFormatter(_json_formatter(process))
    logging.getLogger().addHandler(file)


def _shared() -> list[structlog.types.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(*processors: structlog.types.Processor) -> structlog.stdlib.ProcessorFormatter:
    forget = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=[forget, *processors])


def _json_formatter(process: str) -> structlog.stdlib.ProcessorFormatter:
    def arranged(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        level = event["level"].upper()
        event["level"] = level if level in set(LogLevel) else LogLevel.ERROR.value
        line = {name: event.pop(name) for name in FIELDS if name in event}
        return line | {"process": process, "extra": event}

    return _formatter(
        structlog.processors.EventRenamer("message"),
        structlog.processors.format_exc_info,
        arranged,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    )


def _text_formatter() -> structlog.stdlib.ProcessorFormatter:
    # The default shows the local variables of each frame, and with them the secrets that they hold.
    return _formatter(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
