"""Settings of the tables, read once at start from CLIENTSPHERE_DATABASE_* variables."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from clientsphere_common.db.limits import DatabaseLimits


class DatabaseSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_DATABASE_",
        frozen=True,
        # Whoever puts a password into the address shall not find it in a log.
        hide_input_in_errors=True,
    )

    url: str = Field(
        default="",
        description="Database of all services on a PostgreSQL server, without a user:"
        " `postgresql://host:5432/clientsphere?sslmode=verify-full`. Empty: one SQLite file a"
        " service in the data folder.",
    )
    connections: int = Field(
        default=10, ge=1, le=200, description="Most connections of one service to the server."
    )
    connection_wait_s: float = Field(
        default=5, gt=0, description="Longest wait for one of them to become free, in seconds."
    )
    connect_timeout_s: int = Field(
        default=3, ge=2, description="Longest time to connect to the server, in seconds."
    )
    statement_timeout_s: float = Field(
        default=10, gt=0, description="Longest time of one statement, in seconds."
    )
    lock_timeout_s: float = Field(
        default=5,
        gt=0,
        description="Longest wait for another transaction of the same tenant, in seconds.",
    )
    idle_timeout_s: float = Field(
        default=30, gt=0, description="Longest pause inside a transaction, in seconds."
    )
    transaction_timeout_s: float = Field(
        default=60, gt=0, description="Longest time of one transaction, in seconds."
    )
    connection_age_s: int = Field(
        default=1800, ge=1, description="Oldest connection that is used again, in seconds."
    )

    @field_validator("url")
    @classmethod
    def _names_a_server_and_no_user(cls, value: str) -> str:
        if not value:
            return value
        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError("not an address such as postgresql://host:5432/database") from error
        if url.drivername != "postgresql" or not url.database:
            raise ValueError("not an address such as postgresql://host:5432/database")
        if {"user", "password"} & url.query.keys() or url.username or url.password:
            raise ValueError("each service has a user of its own, and its password is a secret")
        return value

    @property
    def limits(self) -> DatabaseLimits:
        return DatabaseLimits(**self.model_dump(exclude={"url"}))
