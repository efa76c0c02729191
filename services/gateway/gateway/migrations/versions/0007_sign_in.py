"""People sign in with a browser: what issuers offer, sign-ins that were begun, and sessions.

Only adds, so gateways of the version before go on working.
"""

import sqlalchemy as sa
from alembic import op

from clientsphere_common.db.row_security import protect_rows

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UNIQUE_CLIENT = "uq_token_issuers_sign_in_client"


def upgrade() -> None:
    op.add_column("token_issuers", sa.Column("sign_in_client_id", sa.String(256)))
    op.add_column("token_issuers", sa.Column("sign_in", sa.JSON))
    op.create_index(
        _UNIQUE_CLIENT,
        "token_issuers",
        ["url", "sign_in_client_id", "condition_claim", "condition_value"],
        unique=True,
    )
    _create_attempts()
    _create_sessions()


def downgrade() -> None:
    op.drop_table("sessions")
    op.drop_table("sign_in_attempts")
    op.drop_index(_UNIQUE_CLIENT, "token_issuers")
    with op.batch_alter_table("token_issuers") as token_issuers:
        token_issuers.drop_column("sign_in")
        token_issuers.drop_column("sign_in_client_id")


def _create_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        sa.Column("state_digest", sa.LargeBinary, primary_key=True),
        *_of_tenant_and_issuer(),
        sa.Column("browser_digest", sa.LargeBinary, nullable=False),
        sa.Column("nonce_digest", sa.LargeBinary, nullable=False),
        sa.Column("code_verifier", sa.String(64), nullable=False),
        sa.Column("return_path", sa.String(512), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_sign_in_attempts_tenant_id", "sign_in_attempts", ["tenant_id"])
    op.create_index("ix_sign_in_attempts_issuer_id", "sign_in_attempts", ["issuer_id"])
    protect_rows("sign_in_attempts", allowed=("SELECT", "INSERT", "DELETE"))


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        *_of_tenant_and_issuer(),
        sa.Column("principal_id", sa.String(64), nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_sessions_tenant_id", "sessions", ["tenant_id"])
    op.create_index("ix_sessions_issuer_id", "sessions", ["issuer_id"])
    protect_rows("sessions")


def _of_tenant_and_issuer() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("tenant_id", sa.String(64), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column(
            "issuer_id",
            sa.String(64),
            sa.ForeignKey("token_issuers.id", ondelete="CASCADE"),
            nullable=False,
        ),
    )
