"""Structured logs: one JSON object a line, with the request's ids on every line it causes."""

from __future__ import annotations

import logging
import sys
from typing import Final, Literal, TextIO

import structlog

LogFormat = Literal["json", "console"]
_MADE_BY_STRUCTLOG: Final = "_logger"
_KAFKA_HEARD_FROM: Final = logging.CRITICAL
"""It reports at ERROR that a broker has closed a connection, or is not there at the moment. Both
are expected, and our event log says what comes of them."""


def configure_logging(
    level: str, log_format: LogFormat, stream: TextIO = sys.stderr, *, service: str = ""
) -> None:
    """Send structlog's and the standard library's records through one renderer to `stream`.

    Libraries are heard from WARNING on, whatever `level` is: below, they write down what they are
    given, such as statements with their values. A process that is one service names it in
    `service`, for every line, whatever thread writes it.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        *([_naming(service)] if service else []),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(log_format, shared))
    handler.addFilter(_is_our_own_or_serious)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("kafka").setLevel(_KAFKA_HEARD_FROM)


def _is_our_own_or_serious(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or hasattr(record, _MADE_BY_STRUCTLOG)


def _naming(service: str) -> structlog.typing.Processor:
    """Not a context variable: those do not reach other threads, and requests clear them."""

    def name_service(
        _logger: object, _method: str, line: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        line["service"] = service
        return line

    return name_service


def _formatter(
    log_format: LogFormat, shared: list[structlog.typing.Processor]
) -> structlog.stdlib.ProcessorFormatter:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
