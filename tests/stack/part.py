"""One process of the stack: started in a session of its own, ended by nobody but us."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.stack.folder import StackFolder, Started

_EXIT_S = 60.0
_CHILDREN_EXIT_S = 5.0
_SAME_PROCESS_S = 2.0
_PAUSE_S = 0.05
_IN_THE_BACKGROUND = '"$@" >&2 & echo $!'


class PartNotStartedError(Exception):
    """It ended, or did not answer in time; the message has the end of its log."""


def nothing() -> None:
    """What a part prepares or completes that needs neither."""


@dataclass(frozen=True)
class Program:
    command: list[str]
    answers: Callable[[], bool]
    """Whether it can be used by now; false, or an OSError, while it cannot."""
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    start_timeout_s: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    prepare: Callable[[], None] = nothing
    """Makes what it needs, where that is missing, before every start."""
    complete: Callable[[], None] = nothing
    """Brings it into use after every start."""


class Part:
    """A server or service on one address and one folder for all its lives."""

    def __init__(
        self, folder: StackFolder, name: str, what: str, address: str, program: Program
    ) -> None:
        self.name = name
        self.what = what
        """For people: what it is, and what it stands in for."""
        self.url = address
        self._folder = folder
        self._program = program

    @property
    def log_path(self) -> Path:
        return self._folder.log(self.name)

    @property
    def is_running(self) -> bool:
        return self._process() is not None

    def start(self) -> None:
        """Return when it can be used; nothing happens when it runs already."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it without waiting."""
        if self.is_running:
            return
        self._program.prepare()
        process = psutil.Process(self._spawn())
        self._folder.note(
            self.name,
            Started(
                process.pid,
                process.create_time(),
                self._program.command,
                dict(self._program.environment),
            ),
        )

    def _spawn(self) -> int:
        """By a shell that ends at once: what it has started is nobody's child."""
        with self.log_path.open("ab") as log:
            spawned = subprocess.run(
                ["/bin/sh", "-c", _IN_THE_BACKGROUND, "sh", *self._program.command],
                env=dict(self._program.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                user=self._program.user,
                group=self._program.user,
                extra_groups=[] if self._program.user else None,
                start_new_session=True,
                cwd="/",
                check=True,
            )
        return int(spawned.stdout)

    def wait(self) -> None:
        """Raises PartNotStartedError."""
        deadline = time.monotonic() + self._program.start_timeout_s
        while not self._answers():
            if not self.is_running or time.monotonic() > deadline:
                tail = self.log_path.read_text(errors="replace")[-3000:]
                raise PartNotStartedError(f"{self.name} did not start:\n{tail}")
            time.sleep(_PAUSE_S)
        self._program.complete()

    def stop(self) -> None:
        """Ask it to end, and wait until it has; one that does not is killed."""
        process = self._process()
        if process is None:
            return
        self.resume()
        with suppress(psutil.NoSuchProcess):
            process.send_signal(self._program.stop_signal)
        if _remaining([process], _EXIT_S):
            self.kill()
        self._folder.note(self.name, None)

    def kill(self) -> None:
        """End it as a power cut would; its children are gone when this returns."""
        process = self._process()
        if process is None:
            return
        family = self._family()
        _each(psutil.Process.kill, [process])
        _each(psutil.Process.kill, _remaining(family, _CHILDREN_EXIT_S))
        _remaining(family, _EXIT_S)
        self._folder.note(self.name, None)

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        # The first one first, so that it starts no others meanwhile.
        _each(psutil.Process.suspend, self._family()[:1])
        _each(psutil.Process.suspend, self._family()[1:])

    def resume(self) -> None:
        _each(psutil.Process.resume, self._family())

    def _answers(self) -> bool:
        try:
            return self._program.answers()
        except OSError:
            return False

    def _family(self) -> list[psutil.Process]:
        process = self._process()
        if process is None:
            return []
        try:
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _process(self) -> psutil.Process | None:
        """The one that was started last, while it runs; whoever has its number now is not it."""
        started = self._folder.started(self.name)
        if started is None:
            return None
        try:
            process = psutil.Process(started.pid)
            is_ours = abs(process.create_time() - started.created_at_s) < _SAME_PROCESS_S
        except psutil.NoSuchProcess:
            return None
        return process if is_ours and _runs(process) else None


def _each(act: Callable[[psutil.Process], None], processes: list[psutil.Process]) -> None:
    """Some may end by themselves meanwhile."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            act(process)


def _runs(process: psutil.Process) -> bool:
    """What has ended may stay listed; while threads of it still end, it holds its port."""
    try:
        has_ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        return process.is_running() and not has_ended
    except psutil.NoSuchProcess:
        return False


def _remaining(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that still run after a while."""
    deadline = time.monotonic() + timeout_s
    while (running := [one for one in processes if _runs(one)]) and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)
    return running
