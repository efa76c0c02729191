"""Attacks on what a token says: its header, its JSON and its claims, all genuinely signed."""

from __future__ import annotations

import json
from typing import Any

from tests.harness.token_forge import MISSING, TokenForge, b64

Attacks = dict[str, str]


def content_attacks(forge: TokenForge) -> Attacks:
    return {
        **_types(forge),
        **_headers(forge),
        **_json(forge),
        **_times(forge),
        **_texts(forge),
    }


def _types(forge: TokenForge) -> Attacks:
    values = ["JWT", "jwt", "AT+JWT", "at+JWT", "application/at+jwt", "at+jwt ", "at jwt", ""]
    values += ["id+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", "JOSE", "JOSE+JSON"]
    others = [None, True, 1, ["at+jwt"], {"at+jwt": 1}]
    return {
        **{f"typ {value!r}": forge.with_header(typ=value) for value in [*values, *others]},
        "no typ": forge.with_header(typ=MISSING),
    }


def _headers(forge: TokenForge) -> Attacks:
    extra: dict[str, object] = {
        "crit": ["exp"],
        "jku": "https://attacker.example/jwks.json",
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes(32))},
        "x5u": "file:///etc/passwd",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "x5t#S256": "AAAA",
        "cty": "JWT",
        "zip": "DEF",
        "b64": True,
        "enc": "A256GCM",
        "p2c": 2_000_000_000,
        "epk": {"kty": "EC"},
        "nonce": "AAAA",
        "iss": forge.claims["iss"],
        "exp": forge.claims["exp"],
        "url": "https://attacker.example",
        "ppt": "shaken",
        "extra": "x",
        "": "",
        "__proto__": {"alg": "none"},
    }
    return {
        **{f"a header {name!r}": forge.with_header(**{name: one}) for name, one in extra.items()},
        "an empty crit": forge.with_header(crit=[]),
        "a crit that names what is there": forge.with_header(crit=["alg"]),
        "crit of b64": forge.with_header(crit=["b64"], b64=False),
        "crit of b64, unencoded": _unencoded(forge),
        "no header at all": forge.signed(header="{}"),
        "a header that is a list": forge.signed(header=[forge.header]),
        "a header that is text": forge.signed(header='"alg"'),
        "a header that is null": forge.signed(header="null"),
        "a header that is no JSON": forge.signed(header="alg=Ed25519"),
        "alg twice": forge.with_header_text('"alg":"Ed25519"'),
        "alg twice, none first": forge.signed(
            header=f'{{"alg":"none","alg":"Ed25519","kid":"{forge.kid}","typ":"at+jwt"}}'
        ),
        "alg twice, once escaped": forge.with_header_text('"\\u0061lg":"none"'),
        "kid twice": forge.with_header_text(f'"kid":"{forge.kid}"'),
        "a header nested deeply": forge.signed(header='{"alg":' + "[" * 2500 + "]" * 2500 + "}"),
        "a header with something behind it": forge.signed(header=json.dumps(forge.header) + "{}"),
        "a header with a comment": forge.signed(header="/**/" + json.dumps(forge.header)),
    }


def _unencoded(forge: TokenForge) -> str:
    header = b64(json.dumps({**forge.header, "b64": False, "crit": ["b64"]}))
    body = f"{header}.{json.dumps(forge.claims)}"
    return f"{body}.{b64(forge.key.sign(body.encode()))}"


def _json(forge: TokenForge) -> Attacks:
    whole = json.dumps(forge.claims)
    texts = {
        "that is a list": json.dumps([forge.claims]),
        "that is text": json.dumps(whole),
        "that is null": "null",
        "that is a number": "1",
        "that is empty": "{}",
        "of blanks": "   ",
        "that is no JSON": "tenant=tnt_a",
        "with single quotes": whole.replace('"', "'"),
        "with a comma at the end": whole[:-1] + ",}",
        "with a comment": whole[:-1] + "/* */}",
        "that is cut short": whole[:-1],
        "with something behind it": whole + whole,
        "with a zero behind it": whole + "\x00",
        "nested deeply in lists": '{"a":' + "[" * 2500 + "]" * 2500 + "}",
        "nested deeply in objects": '{"a":' * 900 + "1" + "}" * 900,
    }
    deeper = '"a":' + "[" * 8 + "]" * 8
    numbers = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 4400, "0x10", "01", "+1"]
    return {
        **{f"a payload {name}": forge.signed(claims=text) for name, text in texts.items()},
        **{
            f"{name} twice": forge.with_claims_text(f'"{name}":{json.dumps(forge.claims[name])}')
            for name in ("tenant", "sub", "exp", "iat", "iss", "aud", "jti")
        },
        "the tenant twice, one of another": forge.with_claims_text('"tenant":"tnt_other"'),
        "the tenant twice, once escaped": forge.with_claims_text('"\\u0074enant":"tnt_other"'),
        "exp twice, the later one later": forge.with_claims_text('"exp":9999999999'),
        "a name twice, deep inside": forge.with_claims_text('"x":{"y":[{"a":1,"a":2}]}'),
        "a claim nested one level too deep": forge.with_claims_text(deeper),
        **{f"a claim {one:.12}": forge.with_claims_text(f'"x":{one}') for one in numbers},
        "half a surrogate pair": forge.with_claims_text('"x":"\\ud800"'),
        "half a surrogate pair in a name": forge.with_claims_text('"\\udfff":1'),
    }


def _times(forge: TokenForge) -> Attacks:
    now, exp = forge.claims["iat"], forge.claims["exp"]
    values: list[Any] = [str(exp), exp + 0.5, float(exp), True, False, None, [exp], {"at": exp}]
    values += ["", "never", "2999-01-01T00:00:00Z", -1, -exp, 2**63, 10**20, 10**400, 1e300]
    return {
        **{f"exp {value!r:.30}": forge.with_claims(exp=value) for value in values},
        **{f"iat {value!r:.30}": forge.with_claims(iat=value) for value in values},
        **{f"nbf {value!r:.30}": forge.with_claims(nbf=value) for value in values},
        "exp in exponential notation": forge.signed(
            claims=json.dumps(forge.claims).replace(str(exp), f"{exp / 1e9}e9")
        ),
        "iat in the future": forge.with_claims(iat=now + 31),
        "iat in the far future": forge.with_claims(iat=exp + 10**6, exp=exp + 10**7),
        "iat in milliseconds": forge.with_claims(iat=now * 1000),
        "exp in milliseconds": forge.with_claims(exp=exp * 1000),
        "nbf in the future": forge.with_claims(nbf=now + 31),
    }


def _texts(forge: TokenForge) -> Attacks:
    tried: list[Any] = ["", " ", None, True, 0, 1, [], {}, "\x00", "*", "%", "' OR 1=1 --"]
    found: Attacks = {}
    for name in ("iss", "aud", "sub", "tenant"):
        own = forge.claims[name]
        values = [*tried, [own], [own, own], [own, "other"], {own: own}]
        values += [
            f"{own} ",
            f" {own}",
            f"{own}\x00",
            f"{own}/",
            own.upper(),
            own[:-1],
            f"{own}\u200b",
        ]
        found |= {f"{name} {one!r:.60}": forge.with_claims(**{name: one}) for one in values}
    return found | {
        **{f"no {name}": forge.with_claims(**{name: MISSING}) for name in _REQUIRED},
        **{
            f"{name} under another case": forge.with_claims(
                **{name: MISSING, name.capitalize(): forge.claims[name]}
            )
            for name in _REQUIRED
        },
        "a sub of 256 characters": forge.with_claims(sub="k" * 256),
        "a sub with a line break": forge.with_claims(sub="key_a\nkey_b"),
        "an issuer of the attacker's": forge.with_claims(iss="https://attacker.example"),
        "another tenant": forge.with_claims(tenant="tnt_other"),
        "another principal": forge.with_claims(sub="key_other"),
        "the operator": forge.with_claims(sub="operator"),
    }


_REQUIRED = ("iss", "sub", "aud", "exp", "iat", "tenant")
