"""What decides who a caller is, and what the caller may do."""

from __future__ import annotations

from tests.mutation.target import COMMON, GATEWAY, Target, of_types

_TOKENS = (
    f"{GATEWAY}/test_token_rules.py",
    f"{GATEWAY}/test_compact_tokens.py",
    f"{GATEWAY}/test_token_verifier.py",
    f"{GATEWAY}/test_tokens.py",
    f"{GATEWAY}/test_strict_json.py",
    f"{GATEWAY}/test_token_attacks.py",
    f"{GATEWAY}/test_token_endings.py",
)
_SIGNING_IN = f"{GATEWAY}/token_issuers/test_oidc_sign_in.py"
_KEYS = (
    f"{GATEWAY}/test_key_format.py",
    f"{GATEWAY}/test_key_restrictions.py",
    f"{GATEWAY}/test_api_keys.py",
    f"{GATEWAY}/test_key_usage.py",
    f"{GATEWAY}/test_two_gateways.py",
    f"{GATEWAY}/test_permissions.py",
    f"{GATEWAY}/test_api_access.py",
)
_BROWSERS = (
    f"{GATEWAY}/browser_sign_in/test_sessions.py",
    f"{GATEWAY}/browser_sign_in/test_sign_in.py",
    f"{GATEWAY}/browser_sign_in/test_attacks.py",
)

CREDENTIALS: tuple[Target, ...] = (
    Target(
        "gateway.token_rules",
        _TOKENS,
        same=of_types("Claims = Mapping[str, object]"),
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
        (f"{GATEWAY}/test_strict_json.py",),
        same={'if True: if b"\\\\u" in text:': "without an escape there is no half pair to find"},
    ),
    Target(
        "gateway.networks",
        (f"{GATEWAY}/test_networks.py",),
        same={"return None: return False": "no is no"},
    ),
    Target(
        "gateway.tokens",
        (f"{GATEWAY}/test_tokens.py", *_TOKENS),
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
    Target("gateway.token_keys", (f"{GATEWAY}/test_token_keys.py", *_TOKENS)),
    Target(
        "gateway.token_issuers.documents",
        (f"{GATEWAY}/token_issuers/test_documents.py",),
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
            f"{GATEWAY}/token_issuers/test_model.py",
            f"{GATEWAY}/token_issuers/test_signed_in.py",
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
        (f"{GATEWAY}/token_issuers/test_signed_in.py", _SIGNING_IN),
        kept=0.9,
    ),
    Target(
        "gateway.token_issuers.registry",
        (f"{GATEWAY}/token_issuers/test_registry.py",),
        same={
            "one more: self._changes = 0": "only whether it changes counts",
            "one more: self._changes += 1": "only whether it changes counts",
        },
    ),
    Target(
        "gateway.remembered",
        (f"{GATEWAY}/test_remembered.py",),
        same={'another text: T = TypeVar("T")': "a name of types"},
    ),
    Target("gateway.own_secrets", (f"{GATEWAY}/test_own_secrets.py",)),
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
            f"{GATEWAY}/test_api_access.py",
            f"{GATEWAY}/test_api_limits.py",
            f"{GATEWAY}/test_api_requests.py",
            f"{GATEWAY}/browser_sign_in/test_sessions.py",
        ),
        kept=0.9,
    ),
    Target("gateway.key_mint", _KEYS, kept=0.9),
    Target(
        "gateway.token_issuers.issuer_keys",
        (f"{GATEWAY}/token_issuers/test_issuer_keys.py",),
        kept=0.9,
        same={
            "True for it: self._is_failing = False": "there is no key yet to serve on with",
            'another text: name = "keys of token issuers"': "a name for people",
        },
    ),
    Target("clientsphere_common.access.enforcement", (f"{COMMON}/test_access.py",)),
    Target("clientsphere_common.access.audience", (f"{COMMON}/test_audience.py",)),
    Target("gateway.permissions", (f"{GATEWAY}/test_permissions.py",)),
)
