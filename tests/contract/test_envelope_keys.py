"""What every keeper of the tenants' keys does, whichever technology keeps them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from clientsphere_common.errors import InternalError
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys
from clientsphere_common.secrets.ports import EnvelopeKeys
from clientsphere_common.secrets.vault.session import VaultSession
from clientsphere_common.secrets.vault.transit import VaultEnvelopeKeys
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, running_openbao


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture(params=["local", "vault"])
async def keys(request: pytest.FixtureRequest) -> AsyncIterator[EnvelopeKeys]:
    if request.param == "local":
        yield LocalEnvelopeKeys(lambda: bytes(range(32)))
        return
    settings = request.getfixturevalue("openbao").settings()
    session = VaultSession(settings)
    async with running(session):
        yield VaultEnvelopeKeys(session, settings)


class TestDataKeys:
    async def test_a_wrapped_key_can_be_had_again(self, keys: EnvelopeKeys) -> None:
        made = await keys.new_data_key("tnt_a")
        assert await keys.unwrap("tnt_a", made.wrapped) == made.key

    async def test_each_has_256_bits_of_its_own(self, keys: EnvelopeKeys) -> None:
        first, second = await keys.new_data_key("tnt_a"), await keys.new_data_key("tnt_a")
        assert len(first.key) == len(second.key) == 32
        assert first.key != second.key

    async def test_what_is_wrapped_does_not_hold_the_key(self, keys: EnvelopeKeys) -> None:
        made = await keys.new_data_key("tnt_a")
        assert made.key not in made.wrapped

    async def test_another_tenant_cannot_unwrap_it(self, keys: EnvelopeKeys) -> None:
        made = await keys.new_data_key("tnt_a")
        await keys.new_data_key("tnt_b")
        with pytest.raises(InternalError) as refused:
            await keys.unwrap("tnt_b", made.wrapped)
        assert refused.value.code == "ciphertext_refused"

    async def test_a_tenant_without_a_key_cannot_unwrap_anything(self, keys: EnvelopeKeys) -> None:
        made = await keys.new_data_key("tnt_a")
        with pytest.raises(InternalError):
            await keys.unwrap("tnt_never_seen", made.wrapped)

    @pytest.mark.parametrize("wrapped", [b"", b"short", b"vault:v1:AAAA", bytes(60), b"\xff" * 60])
    async def test_what_was_never_wrapped_is_refused(
        self, keys: EnvelopeKeys, wrapped: bytes
    ) -> None:
        await keys.new_data_key("tnt_a")
        with pytest.raises(InternalError):
            await keys.unwrap("tnt_a", wrapped)


class TestEncrypt:
    @pytest.mark.parametrize("plaintext", [b"", b"a few words", bytes(range(256)) * 32])
    async def test_what_was_encrypted_can_be_read(
        self, keys: EnvelopeKeys, plaintext: bytes
    ) -> None:
        assert await keys.decrypt("tnt_a", await keys.encrypt("tnt_a", plaintext)) == plaintext

    async def test_the_same_words_never_look_the_same(self, keys: EnvelopeKeys) -> None:
        assert await keys.encrypt("tnt_a", b"words") != await keys.encrypt("tnt_a", b"words")

    async def test_another_tenant_cannot_read_it(self, keys: EnvelopeKeys) -> None:
        await keys.encrypt("tnt_b", b"something of its own")
        with pytest.raises(InternalError):
            await keys.decrypt("tnt_b", await keys.encrypt("tnt_a", b"words"))
