"""What a run of the tests tells at its end: what it measured, and what it ran on."""

from __future__ import annotations

import pytest

_BACKENDS = pytest.StashKey[dict[str, None]]()
_REPORTS = pytest.StashKey[dict[str, str]]()


def tell_backend(config: pytest.Config, what: str) -> None:
    """`what` the tests ran on, such as "PostgreSQL 15: real" or "Tansu, stands in for Kafka"."""
    config.stash.setdefault(_BACKENDS, {})[what] = None


def tell_report(config: pytest.Config, title: str, text: str) -> None:
    config.stash.setdefault(_REPORTS, {})[title] = text


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for title, text in config.stash.get(_REPORTS, {}).items():
        terminalreporter.section(title)
        terminalreporter.write_line(text)
    if backends := config.stash.get(_BACKENDS, {}):
        terminalreporter.section("what the tests ran on")
        for what in sorted(backends):
            terminalreporter.write_line(what)
