"""One way to log, for every process: structlog events on stderr, text on a terminal, JSON lines elsewhere."""

import logging
import sys

import structlog

from mofsim.settings import Settings


def configure(settings: Settings) -> None:
    """Set up structlog and send the standard library's loggers the same way."""
    as_text = settings.logging.format == "text" or (settings.logging.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = _text_renderer() if as_text else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message") if not as_text else _unchanged,
                structlog.processors.format_exc_info if not as_text else _unchanged,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.logging.level)
    # Huey tells about every ticket, SQLAlchemy and Alembic about every statement.
    for noisy in ("huey", "sqlalchemy", "alembic", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _text_renderer() -> structlog.dev.ConsoleRenderer:
    # The default shows the local variables of each frame, and with them the secrets that they hold.
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _unchanged(_logger: object, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return event
