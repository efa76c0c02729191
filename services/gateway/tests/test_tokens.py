"""Access tokens: issued, verified, expired, and attacked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from clientsphere_common.errors import UnauthenticatedError
from gateway.token_keys import TokenKeys
from gateway.tokens import AUDIENCE, AccessTokens, TokenSubject
from tests.harness.gateway import Clock

NOW_S = 1_800_000_000
ISSUER = "clientsphere"
SIGNING_KEY = ed25519.Ed25519PrivateKey.generate()
SUBJECT = TokenSubject("tnt_a", "key_a")


def access_tokens(clock: Clock | None = None, issuer: str = ISSUER) -> AccessTokens:
    keys = TokenKeys(SIGNING_KEY, 930, clock or Clock(NOW_S))
    return AccessTokens(keys, issuer, 900, clock or Clock(NOW_S))


KID = access_tokens().public_keys()[0]["kid"]
HEADER: dict[str, Any] = {"alg": "Ed25519", "kid": KID, "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "key_a",
    "aud": AUDIENCE,
    "exp": NOW_S + 900,
    "iat": NOW_S,
    "jti": "tok_1",
    "tenant": "tnt_a",
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object = HEADER, claims: object = CLAIMS) -> str:
    """A token with a genuine signature over whatever it says; text is taken as it is."""
    parts = [one if isinstance(one, str) else json.dumps(one) for one in (header, claims)]
    body = ".".join(b64(part.encode()) for part in parts)
    return f"{body}.{b64(SIGNING_KEY.sign(body.encode()))}"


def with_header(**changes: object) -> str:
    return signed(header={**HEADER, **changes})


def with_claims(**changes: object) -> str:
    return signed(claims={**CLAIMS, **changes})


def without_claim(name: str) -> str:
    return signed(claims={key: value for key, value in CLAIMS.items() if key != name})


def refusal(token: str, clock: Clock | None = None) -> str:
    """The code with which `token` is refused."""
    with pytest.raises(UnauthenticatedError) as refused:
        access_tokens(clock).verify(token)
    assert token not in str(refused.value) or not token
    return refused.value.code


class TestAccessTokens:
    def test_verify_gives_back_for_whom_they_were_issued(self) -> None:
        tokens = access_tokens()
        assert tokens.verify(tokens.issue(SUBJECT).access_token) == SUBJECT

    def test_no_two_are_the_same(self) -> None:
        tokens = access_tokens()
        assert tokens.issue(SUBJECT).access_token != tokens.issue(SUBJECT).access_token

    def test_say_how_long_they_live(self) -> None:
        assert access_tokens().issue(SUBJECT).expires_in == 900

    def test_a_clock_may_be_half_a_minute_behind(self) -> None:
        token = access_tokens(Clock(NOW_S + 30)).issue(SUBJECT).access_token
        assert access_tokens().verify(token) == SUBJECT

    def test_live_half_a_minute_longer_than_they_say_and_no_second_more(self) -> None:
        token = access_tokens().issue(SUBJECT).access_token
        assert access_tokens(Clock(NOW_S + 929)).verify(token) == SUBJECT
        assert refusal(token, Clock(NOW_S + 930)) == "token_expired"

    def test_a_public_key_is_all_that_others_need(self) -> None:
        (public_key,) = access_tokens().public_keys()
        token = access_tokens().issue(SUBJECT).access_token
        verified = jws.deserialize_compact(
            token, OKPKey.import_key(dict(public_key)), algorithms=["Ed25519"]
        )
        assert json.loads(verified.payload)["sub"] == "key_a"
        assert "d" not in public_key

    def test_the_tools_of_the_attacks_below_make_valid_tokens_too(self) -> None:
        assert access_tokens().verify(signed()) == SUBJECT
        assert access_tokens().verify(with_claims(nbf=NOW_S, scope="x")) == SUBJECT


def hs256_with(secret: bytes) -> str:
    header = {**HEADER, "alg": "HS256"}
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    return f"{body}.{b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


def signed_by(key: OKPKey | RSAKey | ECKey | OctKey, algorithm: str) -> str:
    header = {**HEADER, "alg": algorithm}
    return jws.serialize_compact(header, json.dumps(CLAIMS), key, algorithms=[algorithm])


def public_bytes(encoding: Encoding, form: PublicFormat) -> bytes:
    return SIGNING_KEY.public_key().public_bytes(encoding, form)


def tampered(change: Callable[[list[str]], list[str]]) -> str:
    return ".".join(change(signed().split(".")))


def flipped(signature: str) -> str:
    return ("A" if signature[0] != "A" else "B") + signature[1:]


def non_canonical(signature: str) -> str:
    """Other unused bits at the end: the same bytes for a lenient decoder."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]


OTHER_CLAIMS = b64(json.dumps({**CLAIMS, "tenant": "tnt_b"}).encode())
UNSIGNED_BODY = signed().rpartition(".")[0]
EXAMPLE_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(bytes(32))}

ATTACKS: dict[str, str] = {
    "nothing": "",
    "garbage": "garbage",
    "two dots": "..",
    "one segment": signed().split(".")[0],
    "two segments": UNSIGNED_BODY,
    "four segments": f"{signed()}.{b64(b'x')}",
    "five segments, as an encrypted token has": f"{signed()}.a.b",
    "an empty signature": f"{UNSIGNED_BODY}.",
    "an empty payload": tampered(lambda s: [s[0], "", s[2]]),
    "white space around": f" {signed()}",
    "a line break at the end": f"{signed()}\n",
    "padding": f"{signed()}==",
    "the other base64 alphabet": tampered(lambda s: [s[0], s[1], "+/" + s[2][2:]]),
    "a non-canonical signature": tampered(lambda s: [s[0], s[1], non_canonical(s[2])]),
    "characters beyond ASCII": "\u00e9" + signed()[1:],
    "a full-width digit": signed()[:-1] + "\uff11",
    "8 KiB and more": with_claims(pad="x" * 8192),
    "8 MiB": "a" * 8 * 1024 * 1024,
    "another tenant's claims under our signature": tampered(lambda s: [s[0], OTHER_CLAIMS, s[2]]),
    "a flipped signature": tampered(lambda s: [s[0], s[1], flipped(s[2])]),
    "a signature cut short": tampered(lambda s: [s[0], s[1], s[2][:-4]]),
    "a signature of zeros": tampered(lambda s: [s[0], s[1], b64(bytes(64))]),
    "alg none": f"{b64(json.dumps({**HEADER, 'alg': 'none'}).encode())}.{b64(b'{}')}.",
    "alg none, signed": with_header(alg="none"),
    "alg None": with_header(alg="None"),
    "alg nOnE": with_header(alg="nOnE"),
    "the older name of the algorithm": with_header(alg="EdDSA"),
    "alg in lower case": with_header(alg="ed25519"),
    "alg as a list": with_header(alg=["Ed25519"]),
    "alg null": with_header(alg=None),
    "no alg": signed(header={"kid": KID, "typ": "at+jwt"}),
    "HS256 with the raw public key": hs256_with(public_bytes(Encoding.Raw, PublicFormat.Raw)),
    "HS256 with the public key's PEM": hs256_with(
        public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HS256 with the key id": hs256_with(KID.encode()),
    "HS256 with an empty secret": hs256_with(b""),
    "RS256": signed_by(
        RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048)), "RS256"
    ),
    "ES256": signed_by(ECKey.import_key(ec.generate_private_key(ec.SECP256R1())), "ES256"),
    "another key under our key id": signed_by(
        OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()), "Ed25519"
    ),
    "an unknown kid": with_header(kid="unknown"),
    "an empty kid": with_header(kid=""),
    "a kid that is a path": with_header(kid="../../dev/null"),
    "a kid that is SQL": with_header(kid="' OR 1=1 --"),
    "a kid that is a number": with_header(kid=1),
    "a kid that is a list": with_header(kid=[KID]),
    "a kid that is an object": with_header(kid={"a": KID}),
    "a kid that is null": with_header(kid=None),
    "no kid": signed(header={"alg": "Ed25519", "typ": "at+jwt"}),
    "typ JWT": with_header(typ="JWT"),
    "typ of an ID token": with_header(typ="id+jwt"),
    "typ of a DPoP proof": with_header(typ="dpop+jwt"),
    "typ in capitals": with_header(typ="AT+JWT"),
    "no typ": signed(header={"alg": "Ed25519", "kid": KID}),
    "crit": with_header(crit=["exp"]),
    "an empty crit": with_header(crit=[]),
    "crit of b64": with_header(crit=["b64"], b64=False),
    "an embedded jwk": with_header(jwk=EXAMPLE_JWK),
    "a jku": with_header(jku="https://attacker.example/jwks.json"),
    "an x5u": with_header(x5u="file:///etc/passwd"),
    "an x5c": with_header(x5c=["MIIB"]),
    "a content type": with_header(cty="JWT"),
    "a compressed payload": with_header(zip="DEF"),
    "an unknown header": with_header(extra="x"),
    "a header with alg twice": signed(
        header=f'{{"alg":"none","alg":"Ed25519","kid":"{KID}","typ":"at+jwt"}}'
    ),
    "a header that is a list": signed(header=[HEADER]),
    "a header that is no JSON": signed(header="alg=Ed25519"),
    "a header nested deeply": signed(header='{"alg":' + "[" * 3000 + "]" * 3000 + "}"),
    "a payload that is a list": signed(claims=[CLAIMS]),
    "a payload that is no JSON": signed(claims="tenant=tnt_a"),
    "a payload nested deeply": signed(claims='{"a":' + "[" * 2500 + "]" * 2500 + "}"),
    "a payload with invalid UTF-8": tampered(lambda s: [s[0], b64(b'{"a":"\xff"}'), s[2]]),
    "the tenant twice": signed(claims=json.dumps(CLAIMS)[:-1] + ',"tenant":"tnt_b"}'),
    "exp twice": signed(claims=json.dumps(CLAIMS)[:-1] + f',"exp":{NOW_S + 10**6}}}'),
    "a name twice, deep inside": signed(claims=json.dumps(CLAIMS)[:-1] + ',"x":{"a":1,"a":2}}'),
    "exp that is NaN": signed(claims=json.dumps({**CLAIMS, "exp": float("nan")})),
    "exp that is Infinity": signed(claims=json.dumps({**CLAIMS, "exp": float("inf")})),
    "exp beyond every float": signed(claims=json.dumps(CLAIMS).replace(str(NOW_S + 900), "1e400")),
    "exp as text": with_claims(exp=str(NOW_S + 900)),
    "exp as a fraction": with_claims(exp=NOW_S + 900.5),
    "exp as true": with_claims(exp=True),
    "exp as a list": with_claims(exp=[NOW_S + 900]),
    "exp null": with_claims(exp=None),
    "iat in the future": with_claims(iat=NOW_S + 31),
    "iat as text": with_claims(iat=str(NOW_S)),
    "nbf in the future": with_claims(nbf=NOW_S + 31),
    "nbf as text": with_claims(nbf="0"),
    "another audience": with_claims(aud="another-api"),
    "our audience among others": with_claims(aud=[AUDIENCE, "another-api"]),
    "no audience at all": with_claims(aud=None),
    "another issuer": with_claims(iss="https://attacker.example"),
    "our issuer in a list": with_claims(iss=[ISSUER]),
    "our issuer and a slash": with_claims(iss=f"{ISSUER}/"),
    "an empty tenant": with_claims(tenant=""),
    "a tenant that is a list": with_claims(tenant=["tnt_a", "tnt_b"]),
    "a tenant that is a number": with_claims(tenant=1),
    "an empty subject": with_claims(sub=""),
    "a subject that is an object": with_claims(sub={"id": "key_a"}),
    **{f"no {name}": without_claim(name) for name in ("iss", "sub", "aud", "exp", "iat", "tenant")},
}


class TestAttacks:
    @pytest.mark.parametrize("token", ATTACKS.values(), ids=ATTACKS.keys())
    def test_are_refused_alike(self, token: str) -> None:
        assert refusal(token) == "token_invalid"

    def test_there_are_enough_of_them(self) -> None:
        assert len(ATTACKS) >= 80

    def test_an_expired_token_is_told_so(self) -> None:
        assert refusal(with_claims(exp=NOW_S - 30)) == "token_expired"

    def test_a_very_old_exp_is_as_expired(self) -> None:
        assert refusal(with_claims(exp=-(10**100))) == "token_expired"

    def test_a_token_of_another_issuer_with_the_same_key_is_refused(self) -> None:
        token = access_tokens(issuer="elsewhere").issue(SUBJECT).access_token
        assert refusal(token) == "token_invalid"
