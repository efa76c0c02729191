"""What is mutated, which tests must notice, and which changes make no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_COMMON = "libs/common/tests"
_GATEWAY = "services/gateway/tests"
_TOKENS = (
    f"{_GATEWAY}/test_token_rules.py",
    f"{_GATEWAY}/test_compact_tokens.py",
    f"{_GATEWAY}/test_token_verifier.py",
    f"{_GATEWAY}/test_tokens.py",
    f"{_GATEWAY}/test_strict_json.py",
    f"{_GATEWAY}/test_token_attacks.py",
    f"{_GATEWAY}/test_token_endings.py",
)
_SIGNING_IN = f"{_GATEWAY}/token_issuers/test_oidc_sign_in.py"
_KEYS = (
    f"{_GATEWAY}/test_key_format.py",
    f"{_GATEWAY}/test_key_restrictions.py",
    f"{_GATEWAY}/test_api_keys.py",
    f"{_GATEWAY}/test_key_usage.py",
    f"{_GATEWAY}/test_two_gateways.py",
    f"{_GATEWAY}/test_permissions.py",
    f"{_GATEWAY}/test_api_access.py",
)
_BROWSERS = (
    f"{_GATEWAY}/browser_sign_in/test_sessions.py",
    f"{_GATEWAY}/browser_sign_in/test_sign_in.py",
    f"{_GATEWAY}/browser_sign_in/test_attacks.py",
)


@dataclass(frozen=True)
class Target:
    module: str
    tests: tuple[str, ...]
    """Those that fail soonest come first."""
    parts: tuple[str, ...] = ()
    """The functions and classes that count; empty: all of the module."""
    kept: float = 1.0
    """The share of mutants that must be noticed."""
    same: Mapping[str, str] = field(default_factory=dict)
    """Mutants that behave as the module does, as `what: line`, each with the reason."""


TENANT_FILTER = "clientsphere_common.vectors.tenant_filter"

TARGETS: tuple[Target, ...] = (
    Target(
        TENANT_FILTER,
        (f"{_COMMON}/vectors/test_tenant_filter.py",),
        same={
            f"without part {part}: Conditions = tuple[Condition, ...]": "a name of types"
            for part in (0, 1)
        },
    ),
    Target(
        "clientsphere_common.vectors.points",
        (f"{_COMMON}/vectors/test_points.py",),
        same={
            "one more: latest[passage.document_id] = max(passage.version,"
            " latest.get(passage.document_id, 0))": "versions count from 1"
        },
    ),
    Target(
        "clientsphere_common.objects.keys",
        (f"{_COMMON}/objects/test_keys.py",),
        same={
            r'another text: _KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*'
            r'(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")': "a whole match is the same when it is lazy"
        },
    ),
    Target(
        "clientsphere_common.db.session",
        (
            f"{_COMMON}/db/test_session.py",
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
    Target(
        "gateway.token_rules",
        _TOKENS,
        same={
            f"without part {part}: Claims = Mapping[str, object]": "a name of types"
            for part in (0, 1)
        },
    ),
    Target("gateway.token_verifier", _TOKENS, kept=0.9),
    Target(
        "gateway.compact_tokens",
        _TOKENS,
        same={
            "return None: return False": "no is no",
            'another text: decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))': (
                "decoders pass over what is not of the alphabet"
            ),
            'another text: if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:': (
                "nothing that is encoded ends with a question mark"
            ),
        },
    ),
    Target("gateway.key_format", _KEYS, kept=0.9),
    Target(
        "gateway.api_keys",
        (*_KEYS, _SIGNING_IN),
        same={
            "only operand 0: if not self._mint.is_secret_of(record, secret) or record is None:": (
                "nothing is the secret of no key; the rest tells the type checker"
            )
        },
    ),
    Target("gateway.authentication", (*_KEYS, *_TOKENS, _SIGNING_IN)),
    Target(
        "gateway.strict_json",
        (f"{_GATEWAY}/test_strict_json.py",),
        same={'if True: if b"\\\\u" in text:': "without an escape there is no half pair to find"},
    ),
    Target(
        "gateway.networks",
        (f"{_GATEWAY}/test_networks.py",),
        same={"return None: return False": "no is no"},
    ),
    Target(
        "gateway.tokens",
        (f"{_GATEWAY}/test_tokens.py", *_TOKENS),
        kept=0.9,
        same={
            'without separators: payload = json.dumps(claims, separators=(",", ":"))': (
                "the same JSON, with blanks in it"
            ),
            "without private: return {name: str(value)"
            " for name, value in key.as_dict(private=False).items()}": (
                "a public key has no private members to leave out"
            ),
        },
    ),
    Target("gateway.token_keys", (f"{_GATEWAY}/test_token_keys.py", *_TOKENS)),
    Target(
        "gateway.token_issuers.documents",
        (f"{_GATEWAY}/token_issuers/test_documents.py",),
        same={
            **{
                f"without part {part}: Jwk = Mapping[str, Any]": "a name of types"
                for part in (0, 1)
            },
            "another text: number = int.from_bytes(base64.urlsafe_b64decode("
            'modulus + "=" * (-len(modulus) % 4)))': (
                "decoders pass over what is not of the alphabet"
            ),
        },
    ),
    Target(
        "gateway.token_issuers.model",
        (
            f"{_GATEWAY}/token_issuers/test_model.py",
            f"{_GATEWAY}/token_issuers/test_signed_in.py",
        ),
        same={
            **{
                f"without part {part}: ClaimPath = tuple[str, ...]": "a name of types"
                for part in (0, 1)
            },
            "return None: return False": "no is no",
        },
    ),
    Target(
        "gateway.token_issuers.signed_in",
        (f"{_GATEWAY}/token_issuers/test_signed_in.py", _SIGNING_IN),
        kept=0.9,
    ),
    Target(
        "gateway.token_issuers.registry",
        (f"{_GATEWAY}/token_issuers/test_registry.py",),
        same={
            "one more: self._changes = 0": "only whether it changes counts",
            "one more: self._changes += 1": "only whether it changes counts",
        },
    ),
    Target(
        "gateway.remembered",
        (f"{_GATEWAY}/test_remembered.py",),
        same={'another text: T = TypeVar("T")': "a name of types"},
    ),
    Target("gateway.own_secrets", (f"{_GATEWAY}/test_own_secrets.py",)),
    Target(
        "gateway.api.session_cookies",
        _BROWSERS,
        kept=0.9,
        same={
            'return None: return ""': "no secret is no secret",
            **{
                f"without {argument}: response.{call}": "what the framework says by itself"
                for argument in ("path", "samesite")
                for call in (
                    "set_cookie(",
                    'delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")',
                )
            },
        },
    ),
    Target(
        "gateway.api.gate",
        (
            f"{_GATEWAY}/test_api_access.py",
            f"{_GATEWAY}/test_api_limits.py",
            f"{_GATEWAY}/test_api_requests.py",
            f"{_GATEWAY}/browser_sign_in/test_sessions.py",
        ),
        kept=0.9,
    ),
    Target("gateway.key_mint", _KEYS, kept=0.9),
    Target(
        "gateway.token_issuers.issuer_keys",
        (f"{_GATEWAY}/token_issuers/test_issuer_keys.py",),
        kept=0.9,
        same={
            "True for it: self._is_failing = False": "there is no key yet to serve on with",
            'another text: name = "keys of token issuers"': "a name for people",
        },
    ),
    Target("clientsphere_common.access.enforcement", (f"{_COMMON}/test_access.py",)),
    Target("clientsphere_common.access.audience", (f"{_COMMON}/test_audience.py",)),
    Target("gateway.permissions", (f"{_GATEWAY}/test_permissions.py",)),
)


def target_of(module: str) -> Target:
    return next(one for one in TARGETS if one.module == module)
