"""What a run of the tests tells at its end: what it measured, and what it ran on."""

from __future__ import annotations

import pytest
from xdist.workermanage import WorkerController

_BACKENDS = pytest.StashKey[dict[str, None]]()
_REPORTS = pytest.StashKey[dict[str, str]]()
_SENT = "closing_words"


def tell_backend(config: pytest.Config, what: str) -> None:
    """`what` the tests ran on, such as "PostgreSQL 15: real" or "Tansu, stands in for Kafka"."""
    config.stash.setdefault(_BACKENDS, {})[what] = None


def tell_report(config: pytest.Config, title: str, text: str) -> None:
    config.stash.setdefault(_REPORTS, {})[title] = text


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes hands its words to the one that people read."""
    config = session.config
    if hasattr(config, "workeroutput"):
        backends = [*config.stash.get(_BACKENDS, {})]
        config.workeroutput[_SENT] = backends, config.stash.get(_REPORTS, {})


# Only known where pytest-xdist is at work.
@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    # One that crashed has sent nothing.
    backends, reports = getattr(node, "workeroutput", {}).get(_SENT, ((), {}))
    for what in backends:
        tell_backend(node.config, what)
    for title, text in reports.items():
        tell_report(node.config, title, text)


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
