"""How much of a database server one process may take, and how long it waits for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatabaseLimits:
    """For a database behind a server; a file needs none of them."""

    connections: int = 10
    """Open at most, by each process."""
    connection_wait_s: float = 5.0
    """Longest wait for one of them to become free."""
    connect_timeout_s: int = 3
    statement_timeout_s: float = 10.0
    lock_timeout_s: float = 5.0
    """Longest wait for another transaction of the same tenant."""
    idle_timeout_s: float = 30.0
    """Longest pause inside a transaction before the server ends it."""
    transaction_timeout_s: float = 60.0
    """Longest time from the first statement to the commit, also when the server hangs."""
    connection_age_s: int = 1800
    """Oldest connection that is used again; a changed password is noticed by then."""
