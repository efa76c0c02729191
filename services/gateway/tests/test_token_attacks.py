"""Every attack on tokens ends alike: 401, a problem document, and no word about why."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.http_server import HttpAddress, HttpServer
from gateway.http_protocol import BoundedHttpProtocol
from gateway.model.tenancy import NewTenant
from gateway.token_keys import TokenKeys
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AUDIENCE, AccessTokens, TokenSubject
from tests.harness.gateway import Gateway
from tests.harness.modules import running
from tests.harness.token_attacks import attacks, mutations
from tests.harness.token_forge import TokenForge

ALIKE = {"token_invalid", "principal_unknown"}


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def forge(gateway: Gateway, tenant: NewTenant, key: Ed25519PrivateKey) -> TokenForge:
    """Signs with the gateway's own key, for the tenant's owner."""
    gateway.token_keys.replace(key)
    now_s = int(gateway.clock())
    return TokenForge(
        key,
        {
            "iss": "clientsphere",
            "sub": tenant.owner_key.record.id,
            "aud": AUDIENCE,
            "exp": now_s + 900,
            "iat": now_s,
            "jti": "tok_1",
            "tenant": tenant.tenant.id,
        },
    )


@pytest.fixture
async def server(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a socket, as a process serves it."""
    http = HttpServer(
        gateway.app, HttpAddress("127.0.0.1", 0, "TEST_"), protocol=BoundedHttpProtocol
    )
    async with running(http), httpx.AsyncClient(base_url=http.url) as client:
        yield client


async def answer(client: httpx.AsyncClient, credential: str) -> httpx.Response:
    headers = [(b"Authorization", f"Bearer {credential}".encode("latin-1"))]
    return await client.get("/v1/me", headers=headers)


async def accepted_or_not_alike(client: httpx.AsyncClient, credentials: dict[str, str]) -> set[str]:
    """Which of `credentials` are not refused as they all must be."""
    wrong = set()
    for name, credential in credentials.items():
        response = await answer(client, credential)
        is_problem = response.headers["content-type"] == "application/problem+json"
        challenge = response.headers.get("www-authenticate")
        if (response.status_code, is_problem, challenge) != (401, True, "Bearer"):
            wrong.add(f"{name}: {response.status_code}")
        elif response.json()["code"] not in ALIKE:
            wrong.add(f"{name}: {response.json()['code']}")
    return wrong


class TestTheForge:
    async def test_makes_valid_tokens_so_that_what_is_refused_is_the_attack(
        self, gateway: Gateway, forge: TokenForge
    ) -> None:
        valid = [
            forge.signed(),
            forge.with_claims(nbf=forge.claims["iat"]),
            forge.with_claims(scope="x", more={"deep": [1, 2.5, None, True]}),
            forge.with_claims(exp=forge.claims["exp"] + 10**6),
            forge.with_claims(pad="\U0001f600"),
        ]
        async with gateway.client() as client:
            for token in valid:
                assert (await answer(client, token)).status_code == 200


class TestAttacks:
    def test_there_are_enough_of_them(self, forge: TokenForge) -> None:
        assert len(attacks(forge)) >= 400

    async def test_are_all_refused_alike(self, gateway: Gateway, forge: TokenForge) -> None:
        async with gateway.client() as client:
            assert await accepted_or_not_alike(client, attacks(forge)) == set()

    async def test_are_refused_after_a_valid_token_was_seen_too(
        self, gateway: Gateway, forge: TokenForge
    ) -> None:
        async with gateway.client() as client:
            assert (await answer(client, forge.signed())).status_code == 200
            assert await accepted_or_not_alike(client, attacks(forge)) == set()

    async def test_are_refused_on_a_socket_too(
        self, server: httpx.AsyncClient, forge: TokenForge
    ) -> None:
        assert (await answer(server, forge.signed())).status_code == 200
        assert await accepted_or_not_alike(server, attacks(forge)) == set()

    async def test_say_the_same_words(self, gateway: Gateway, forge: TokenForge) -> None:
        bodies = set()
        async with gateway.client() as client:
            for credential in attacks(forge).values():
                members = (await answer(client, credential)).json()
                if members["code"] == "token_invalid":
                    del members["request_id"]
                    bodies.add(str(members))
        assert len(bodies) == 1


class TestMutations:
    def test_of_a_valid_token_are_all_refused(self, gateway: Gateway, forge: TokenForge) -> None:
        token = forge.signed()
        verified = gateway.tokens.verify(gateway.verifier.read(token))
        accepted = [name for name, changed in mutations(token) if is_accepted(gateway, changed)]
        assert accepted == []
        assert gateway.tokens.verify(gateway.verifier.read(token)) == verified

    async def test_are_refused_over_http_too(self, gateway: Gateway, forge: TokenForge) -> None:
        every = list(mutations(forge.signed()))
        sample = dict(random.Random(4).sample(every, 400))
        async with gateway.client() as client:
            assert await accepted_or_not_alike(client, sample) == set()

    def test_of_several_places_are_refused(self, gateway: Gateway, forge: TokenForge) -> None:
        token, dice = forge.signed(), random.Random(4)
        alphabet = "".join(chr(code) for code in range(32, 127)) + "\xa0\xe9\u00b2"
        for _ in range(3000):
            changed = list(token)
            for _ in range(dice.randint(2, 8)):
                changed[dice.randrange(len(changed))] = dice.choice(alphabet)
            assert "".join(changed) == token or not is_accepted(gateway, "".join(changed))


class TestSize:
    def test_may_be_8_kib_and_no_byte_more(self, gateway: Gateway, forge: TokenForge) -> None:
        sizes = set()
        for pad in range(5780, 5830):
            for blanks in range(4):
                header = json.dumps(forge.header) + " " * blanks
                token = forge.signed(header, {**forge.claims, "pad": "x" * pad})
                sizes.add(len(token))
                assert is_accepted(gateway, token) == (len(token) <= 8192)
        assert sizes >= {8191, 8192, 8193, 8194}

    def test_is_looked_at_before_anything_else(self, gateway: Gateway) -> None:
        """8 MiB cost nothing: neither hashing nor matching them would be that fast."""
        endless = "a" * 8 * 1024 * 1024
        started = time.process_time()
        for _ in range(100):
            assert not is_accepted(gateway, endless)
        assert time.process_time() - started < 0.1


class TestTime:
    def test_an_expired_token_is_told_so(self, gateway: Gateway, forge: TokenForge) -> None:
        token = forge.signed()
        gateway.clock.now_s += 929
        assert is_accepted(gateway, token)
        gateway.clock.now_s += 1
        assert refusal(gateway, token) == "token_expired"

    def test_an_expired_token_that_is_not_genuine_is_not(
        self, gateway: Gateway, forge: TokenForge
    ) -> None:
        token = forge.signed()
        gateway.clock.now_s += 10_000
        assert refusal(gateway, token[:-4] + "AAAA") == "token_invalid"

    def test_a_clock_may_be_half_a_minute_ahead(self, gateway: Gateway, forge: TokenForge) -> None:
        now_s = forge.claims["iat"]
        assert is_accepted(gateway, forge.with_claims(iat=now_s + 30, nbf=now_s + 30))


class TestOtherKeys:
    def test_of_another_installation_open_nothing(self, gateway: Gateway) -> None:
        keys = TokenKeys(Ed25519PrivateKey.generate(), 930, gateway.clock)
        verifier = TokenVerifier(gateway.clock)
        elsewhere = AccessTokens(keys, "clientsphere", 900, verifier, gateway.clock)
        token = elsewhere.issue(TokenSubject("tnt_a", "key_a")).access_token
        assert refusal(gateway, token) == "token_invalid"

    def test_that_were_replaced_end_with_the_last_of_their_tokens(
        self, gateway: Gateway, forge: TokenForge
    ) -> None:
        token = forge.with_claims(exp=forge.claims["exp"] + 10**6)
        assert is_accepted(gateway, token)
        gateway.token_keys.replace(Ed25519PrivateKey.generate())
        gateway.clock.now_s += 929
        assert is_accepted(gateway, token)
        gateway.clock.now_s += 1
        assert refusal(gateway, token) == "token_invalid"


def is_accepted(gateway: Gateway, text: str) -> bool:
    try:
        gateway.tokens.verify(gateway.verifier.read(text))
    except UnauthenticatedError:
        return False
    return True


def refusal(gateway: Gateway, text: str) -> str:
    with pytest.raises(UnauthenticatedError) as refused:
        gateway.tokens.verify(gateway.verifier.read(text))
    assert text not in str(refused.value)
    return refused.value.code
