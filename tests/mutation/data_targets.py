"""What keeps the data of tenants apart."""

from __future__ import annotations

from tests.mutation.target import COMMON, Target, of_types

TENANT_FILTER = "clientsphere_common.vectors.tenant_filter"

DATA: tuple[Target, ...] = (
    Target(
        TENANT_FILTER,
        (f"{COMMON}/vectors/test_tenant_filter.py",),
        same=of_types("Conditions = tuple[Condition, ...]"),
    ),
    Target(
        "clientsphere_common.vectors.points",
        (f"{COMMON}/vectors/test_points.py",),
        same={
            "one more: latest[passage.document_id] = max(passage.version,"
            " latest.get(passage.document_id, 0))": "versions count from 1"
        },
    ),
    Target(
        "clientsphere_common.objects.keys",
        (f"{COMMON}/objects/test_keys.py",),
        same={
            r'another text: _KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*'
            r'(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")': "a whole match is the same when it is lazy"
        },
    ),
    Target(
        "clientsphere_common.db.session",
        (
            f"{COMMON}/db/test_session.py",
            "tests/contract/test_database.py",
            "tests/contract/test_row_security.py",
        ),
        parts=(
            "TenantScoped",
            "_show_rows_of_the_tenant",
            "_show_rows_of_all_tenants",
            "_only_rows_of_the_tenant",
            "_write_only_for_the_tenant",
            "_tenant_session",
        ),
        same={
            **{
                f"{what}: tenant_id: Mapped[str] = mapped_column(String(64), index=True)": (
                    "the migrations make the columns, and a test compares the two"
                )
                for what in ("one more", "False for it", "without index")
            },
            "if False: if not isinstance(row, TenantScoped):": (
                "a row of no tenant has no column that would be written"
            ),
        },
    ),
    Target(
        "clientsphere_common.db.row_security",
        (
            "tests/contract/test_row_security.py",
            "tests/contract/test_protected_tables.py",
            "tests/contract/test_migrations.py",
        ),
    ),
)
