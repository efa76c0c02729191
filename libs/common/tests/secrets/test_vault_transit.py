"""What Vault adds to the tenants' keys: they can be deleted, and a role may not use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from clientsphere_common.errors import DependencyUnavailableError, InternalError
from clientsphere_common.secrets.vault.session import VaultSession
from clientsphere_common.secrets.vault.transit import VaultEnvelopeKeys
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, running_openbao


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
async def session(openbao: OpenBao) -> AsyncIterator[VaultSession]:
    session = VaultSession(openbao.settings())
    async with running(session):
        yield session


@pytest.fixture
def keys(openbao: OpenBao, session: VaultSession) -> VaultEnvelopeKeys:
    return VaultEnvelopeKeys(session, openbao.settings())


def delete_key(openbao: OpenBao, tenant_id: str) -> None:
    transit = openbao.admin.secrets.transit
    transit.update_key_configuration(f"clientsphere-{tenant_id}", deletion_allowed=True)
    transit.delete_key(f"clientsphere-{tenant_id}")


class TestVaultEnvelopeKeys:
    async def test_what_was_wrapped_before_a_rotation_can_still_be_read(
        self, openbao: OpenBao, keys: VaultEnvelopeKeys
    ) -> None:
        before = await keys.new_data_key("tnt_rotated")
        openbao.admin.secrets.transit.rotate_key("clientsphere-tnt_rotated")
        after = await keys.new_data_key("tnt_rotated")
        assert after.wrapped.startswith(b"vault:v2:")
        assert await keys.unwrap("tnt_rotated", before.wrapped) == before.key

    async def test_without_its_key_nothing_of_a_tenant_can_be_read(
        self, openbao: OpenBao, keys: VaultEnvelopeKeys
    ) -> None:
        made = await keys.new_data_key("tnt_erased")
        delete_key(openbao, "tnt_erased")
        with pytest.raises(InternalError):
            await keys.unwrap("tnt_erased", made.wrapped)

    async def test_a_tenant_whose_key_was_deleted_gets_another(
        self, openbao: OpenBao, keys: VaultEnvelopeKeys
    ) -> None:
        await keys.new_data_key("tnt_back")
        delete_key(openbao, "tnt_back")
        with pytest.raises(DependencyUnavailableError) as missing:
            await keys.new_data_key("tnt_back")
        assert missing.value.code == "vault_key_missing"
        assert (await keys.new_data_key("tnt_back")).wrapped

    async def test_a_role_that_may_not_use_them_is_told(
        self, openbao: OpenBao, session: VaultSession
    ) -> None:
        foreign = VaultEnvelopeKeys(session, openbao.settings(transit_key_prefix="other-"))
        with pytest.raises(DependencyUnavailableError) as refused:
            await foreign.encrypt("tnt_a", b"words")
        assert refused.value.code == "vault_denied"

    @pytest.mark.parametrize("tenant_id", ["", "a/b", "../config", "a b", "a?"])
    async def test_a_tenant_that_is_no_part_of_an_address_is_refused(
        self, keys: VaultEnvelopeKeys, tenant_id: str
    ) -> None:
        with pytest.raises(ValueError, match="not the id of a tenant"):
            await keys.decrypt(tenant_id, b"vault:v1:AAAA")
