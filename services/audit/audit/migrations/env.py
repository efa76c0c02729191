"""Alembic's entry into this service's schema."""

from audit.adapters.tables import Base
from clientsphere_common.db.migrations import run_env

run_env(Base.metadata)
