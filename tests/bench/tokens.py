"""Measures what our checks add to joserfc's verification of a token, on one core.

    python -m tests.bench.tokens

The floor is `joserfc.jws.deserialize_compact` with the key at hand: it decodes the token and
verifies the signature, and looks at no claim. `new` are tokens seen for the first time, `seen`
those whose signature is remembered.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.token_rules import TokenRules
from gateway.token_verifier import TokenVerifier

CALLS = 3000
ROUNDS = 7
LEAST_RATIO = 12 / 15
KEYS: dict[str, OKPKey | RSAKey | ECKey] = {
    "Ed25519": OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()),
    "RS256": RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "ES256": ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
}


def token(algorithm: str) -> str:
    now_s = int(time.time())
    claims = {
        "iss": "clientsphere",
        "sub": "key_4fJk29Qz",
        "aud": "clientsphere-api",
        "exp": now_s + 900,
        "iat": now_s,
        "jti": "tok_0d7b52a4c9e84f1fb6a3c2d1e0f98765",
        "tenant": "tnt_0d7b52a4c9e84f1fb6a3c2d1e0f98765",
    }
    header = {"alg": algorithm, "kid": "k" * 43, "typ": "at+jwt"}
    return jws.serialize_compact(
        header, json.dumps(claims), KEYS[algorithm], algorithms=[algorithm]
    )


def per_second(*calls: Callable[[], object]) -> list[float]:
    """Best of several rounds each, taken in turn so that a busy machine is busy for all."""
    best = [0.0 for _ in calls]
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            started = time.process_time()
            for _ in range(CALLS):
                call()
            best[place] = max(best[place], CALLS / (time.process_time() - started))
    return best


def measure(algorithm: str) -> float:
    """The ratio of new tokens to the floor."""
    text, key = token(algorithm), KEYS[algorithm]
    public = type(key).import_key(key.as_dict(private=False))
    rules = TokenRules(
        issuer="clientsphere",
        audience="clientsphere-api",
        algorithms=frozenset({algorithm}),
        types=frozenset({"at+jwt"}),
        text_claims=("tenant",),
    )
    forgetful, remembering = TokenVerifier(remembered_tokens=0), TokenVerifier()

    def verify_with(verifier: TokenVerifier) -> Callable[[], object]:
        return lambda: verifier.verify(verifier.read(text), rules, public)

    floor, new, seen = per_second(
        lambda: jws.deserialize_compact(text, public, algorithms=[algorithm]),
        verify_with(forgetful),
        verify_with(remembering),
    )
    sys.stdout.write(
        f"{algorithm:<10}joserfc alone {floor:7.0f}/s   new {new:7.0f}/s   seen {seen:8.0f}/s"
        f"   new / joserfc {new / floor:.2f}\n"
    )
    return new / floor


def main() -> int:
    worst = min([measure(algorithm) for algorithm in KEYS])
    return 0 if worst >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
