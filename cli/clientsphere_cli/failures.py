"""What can go wrong for a user, each as one sentence that is printed instead of a traceback."""

from __future__ import annotations

from dataclasses import dataclass


class CliError(Exception):
    """Ends the command with exit code 1; its text is all that the user sees."""


@dataclass(frozen=True)
class Problem:
    """What the server said was wrong (RFC 9457)."""

    status: int
    code: str
    detail: str
    request_id: str | None = None


class ApiError(CliError):
    """The server understood the request and refused it."""

    def __init__(self, problem: Problem) -> None:
        where = f", request {problem.request_id}" if problem.request_id else ""
        super().__init__(f"{problem.detail} ({problem.code}{where})")
        self.problem = problem
