"""Signatures are those of Standard Webhooks, and the verification in the docs accepts them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.webhooks.model import Notification
from gateway.webhooks.signing import new_secret, signed_headers

AT = datetime.fromtimestamp(1_614_265_330, UTC)
PAGE = Path(__file__).parents[4] / "docs" / "webhooks.md"
TOLD = Notification("msg_p5jXN8AQM9LWM0D4loKWxJek", "t", "x", AT, b'{"test": 2432232314}')
Verify = Callable[[bytes, Mapping[str, str], str, float], bool]


def fresh_secret() -> str:
    return new_secret(os.urandom(64))


@pytest.fixture
def verify() -> Verify:
    """As the page shows it."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    defined: dict[str, Any] = {}
    exec(source, defined)
    found: Verify = defined["verify"]
    return found


class TestSignedHeaders:
    def test_are_those_of_the_published_example(self) -> None:
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        assert signed_headers(TOLD, [secret], AT) == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    def test_have_a_signature_of_each_secret(self) -> None:
        old, new = fresh_secret(), fresh_secret()
        both = signed_headers(TOLD, [new, old], AT)["webhook-signature"]
        alone = [signed_headers(TOLD, [one], AT)["webhook-signature"] for one in (new, old)]
        assert both == " ".join(alone)

    def test_secrets_are_256_random_bits(self) -> None:
        secrets = {fresh_secret() for _ in range(20)}
        assert len(secrets) == 20
        assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", one) for one in secrets)

    def test_the_same_entropy_makes_the_same_secret(self) -> None:
        assert new_secret(b"entropy" * 9) == new_secret(b"entropy" * 9)


class TestTheVerificationOfTheDocs:
    def test_accepts_what_is_ours(self, verify: Verify) -> None:
        old, new = fresh_secret(), fresh_secret()
        headers = signed_headers(TOLD, [new, old], AT)
        assert verify(TOLD.payload, headers, new, AT.timestamp())
        assert verify(TOLD.payload, headers, old, AT.timestamp())

    def test_refuses_everything_else(self, verify: Verify) -> None:
        secret = fresh_secret()
        headers = dict(signed_headers(TOLD, [secret], AT))
        now_s = AT.timestamp()
        assert not verify(TOLD.payload + b" ", headers, secret, now_s)
        assert not verify(TOLD.payload, headers, fresh_secret(), now_s)
        assert not verify(TOLD.payload, headers | {"webhook-id": "msg_2"}, secret, now_s)
        assert not verify(TOLD.payload, headers, secret, now_s + 301)
        assert not verify(TOLD.payload, headers, secret, now_s - 301)
        unsigned = headers | {"webhook-signature": "v1a,x v2,y"}
        assert not verify(TOLD.payload, unsigned, secret, now_s)
