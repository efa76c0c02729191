"""Migrations of a made-up service, written by the test that runs them."""

from __future__ import annotations

from pathlib import Path

ENV = """
from sqlalchemy import MetaData
from clientsphere_common.db.migrations import run_env
run_env(MetaData())
"""

VERSION = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {before!r}


def upgrade() -> None:
{body}
"""

CREATE_PAPERS = 'op.create_table("papers", sa.Column("id", sa.String, primary_key=True))'
ADD_PAGES = 'op.add_column("papers", sa.Column("pages", sa.Integer))'
FAIL = 'raise OSError("killed")'


class MigrationScripts:
    """The migrations of a made-up service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENV)

    def write(self, revision: str, before: str | None, *statements: str) -> Path:
        body = "\n".join(f"    {statement}" for statement in statements)
        script = VERSION.format(revision=revision, before=before, body=body)
        file = self.folder / "versions" / f"{revision}_step.py"
        file.write_text(script)
        return file
