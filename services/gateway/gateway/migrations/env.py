"""Alembic's entry into this service's schema."""

from clientsphere_common.db.migrations import run_env
from gateway.adapters.tables import Base

run_env(Base.metadata)
