"""One JSON object a line, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from clientsphere_common.logging import configure_logging


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestConfigureLogging:
    def test_writes_an_event_as_one_json_object(self, stream: io.StringIO) -> None:
        configure_logging("info", "json", stream)
        structlog.get_logger("ingestion.worker").info("document_indexed", passages=42)
        (line,) = lines(stream)
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "document_indexed",
            "passages": 42,
            "level": "info",
            "logger": "ingestion.worker",
        }

    def test_puts_the_ids_of_the_request_on_every_line(self, stream: io.StringIO) -> None:
        configure_logging("info", "json", stream)
        structlog.contextvars.bind_contextvars(request_id="req_1")
        structlog.get_logger("a").info("question_asked")
        logging.getLogger("a.library").warning("connected")
        assert [line["request_id"] for line in lines(stream)] == ["req_1", "req_1"]

    def test_records_of_libraries_look_the_same(self, stream: io.StringIO) -> None:
        configure_logging("info", "json", stream)
        logging.getLogger("a.library").warning("retrying %s", "once")
        (line,) = lines(stream)
        assert (line["event"], line["level"], line["logger"]) == (
            "retrying once",
            "warning",
            "a.library",
        )

    def test_leaves_out_what_is_less_serious_than_the_level(self, stream: io.StringIO) -> None:
        configure_logging("warning", "json", stream)
        structlog.get_logger("a").info("question_asked")
        structlog.get_logger("a").warning("relay_delayed")
        assert [line["event"] for line in lines(stream)] == ["relay_delayed"]

    @pytest.mark.parametrize("library", ["aiosqlite", "httpcore2.http11", "never.heard.of"])
    def test_libraries_are_heard_from_warning_on(self, stream: io.StringIO, library: str) -> None:
        configure_logging("debug", "json", stream)
        logging.getLogger(library).debug("executing %s", "INSERT INTO roles VALUES ('secret')")
        logging.getLogger(library).info("GET / 200")
        logging.getLogger(library).warning("closing")
        assert [line["event"] for line in lines(stream)] == ["closing"]

    def test_kafka_is_heard_only_when_all_is_lost(self, stream: io.StringIO) -> None:
        configure_logging("debug", "json", stream)
        logging.getLogger("kafka.conn").error("socket disconnected")
        logging.getLogger("kafka.conn").critical("out of memory")
        assert [line["event"] for line in lines(stream)] == ["out of memory"]

    def test_the_service_is_named_on_every_line_of_every_thread(self, stream: io.StringIO) -> None:
        configure_logging("info", "json", stream, service="retrieval")
        structlog.get_logger("a").info("process_started")
        structlog.contextvars.clear_contextvars()
        thread = threading.Thread(target=logging.getLogger("a.library").warning, args=["retrying"])
        thread.start()
        thread.join()
        assert [(line["event"], line["service"]) for line in lines(stream)] == [
            ("process_started", "retrieval"),
            ("retrying", "retrieval"),
        ]

    def test_a_process_of_many_services_names_none(self, stream: io.StringIO) -> None:
        configure_logging("info", "json", stream)
        structlog.get_logger("a").info("process_started")
        assert "service" not in lines(stream)[0]

    def test_an_exception_comes_with_its_traceback_on_the_same_line(
        self, stream: io.StringIO
    ) -> None:
        configure_logging("info", "json", stream)
        try:
            raise ValueError("no such page")
        except ValueError:
            structlog.get_logger("a").exception("parse_failed")
        (line,) = lines(stream)
        assert "Traceback" in line["exception"]
        assert "ValueError: no such page" in line["exception"]

    def test_the_console_format_is_for_a_person(self, stream: io.StringIO) -> None:
        configure_logging("info", "console", stream)
        structlog.get_logger("a").info("document_indexed", passages=42)
        assert "document_indexed" in stream.getvalue()
        assert "passages=42" in stream.getvalue()
        assert "{" not in stream.getvalue()

    def test_a_second_call_replaces_the_first(self, stream: io.StringIO) -> None:
        first = io.StringIO()
        configure_logging("info", "json", first)
        configure_logging("info", "json", stream)
        logging.getLogger("a.library").warning("connected")
        assert first.getvalue() == ""
        assert len(lines(stream)) == 1
