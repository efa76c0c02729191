"""The lines that a process would write, taken up by a test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog

from clientsphere_common.logging import configure_logging


@contextmanager
def logging_to(stream: TextIO) -> Iterator[None]:
    """Everything down to debug, as JSON; afterwards as it was."""
    root, structured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    configure_logging("debug", "json", stream)
    # A logger that is cached here would write in this way for ever, whatever a later test captures.
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**structured)
        root.handlers = handlers
        root.setLevel(level)
