"""Takes from the parsing process what parsing does not need: memory, time, files, the network."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys

from ingestion.parsing.model import ParseLimits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES = 64


def confine(limits: ParseLimits) -> None:
    """Limit this process for good. It dies with its parent, and writes to no file.

    The network is taken away where the kernel lets an ordinary process do so; elsewhere the
    deployment must (a pod without egress).
    """
    # A second between the limits: SIGXCPU tells what happened, SIGKILL would not.
    _lower(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if sys.platform == "linux":
        _lower(resource.RLIMIT_AS, limits.memory_bytes)
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # Root keeps its right to read the file only without a new user namespace.
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    _, allowed = resource.getrlimit(kind)
    ceiling = sys.maxsize if allowed == resource.RLIM_INFINITY else allowed
    hard = soft if hard is None else hard
    resource.setrlimit(kind, (min(soft, ceiling), min(hard, ceiling)))
