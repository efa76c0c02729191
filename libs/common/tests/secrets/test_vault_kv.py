"""What Vault adds to a secret: versions, roles, and being away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.vault.kv import VaultSource
from clientsphere_common.secrets.vault.session import VaultSession
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, eventually, running_openbao

NAME = "upstream-key"
PATH = f"clientsphere/{NAME}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def openbao(server: OpenBao) -> Iterator[OpenBao]:
    """The server with its role as it was and nothing but one secret."""
    server.write(NAME, "sk-first")
    yield server
    server.allow()
    server.admin.secrets.kv.v2.delete_metadata_and_all_versions(PATH)


@pytest.fixture
async def source(openbao: OpenBao) -> AsyncIterator[VaultSource]:
    settings = openbao.settings(timeout_s=0.5)
    session = VaultSession(settings)
    async with running(session):
        yield VaultSource(session, settings)


class TestVaultSource:
    async def test_an_unchanged_secret_is_only_confirmed(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        known = await source.fetch(NAME, None)
        confirmed = await source.fetch(NAME, known)
        assert (confirmed.value, confirmed.version) == (known.value, known.version)
        assert confirmed.confirmed_at_s > known.confirmed_at_s

    async def test_a_secret_made_anew_is_read_though_it_counts_from_one(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        known = await source.fetch(NAME, None)
        openbao.admin.secrets.kv.v2.delete_metadata_and_all_versions(PATH)
        openbao.write(NAME, "sk-anew")
        assert (await source.fetch(NAME, known)).value == "sk-anew"

    async def test_a_destroyed_version_is_not_found(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        known = await source.fetch(NAME, None)
        openbao.admin.secrets.kv.v2.destroy_secret_versions(PATH, [1])
        with pytest.raises(NotFoundError):
            await source.fetch(NAME, known)

    async def test_a_secret_without_a_text_is_told(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        openbao.admin.secrets.kv.v2.create_or_update_secret(PATH, {"password": "hidden"})
        with pytest.raises(DependencyUnavailableError) as unreadable:
            await source.fetch(NAME, None)
        assert unreadable.value.code == "secret_unreadable"
        assert "hidden" not in unreadable.value.message

    async def test_another_role_is_told_what_it_may_not_read(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        openbao.allow(token_policies=["default"])
        settings = openbao.settings()
        session = VaultSession(settings)
        async with running(session):
            with pytest.raises(DependencyUnavailableError) as refused:
                await VaultSource(session, settings).fetch(NAME, None)
        assert refused.value.code == "vault_denied"
        assert NAME in refused.value.message


class TestAway:
    async def test_the_last_good_value_is_kept_and_its_age_is_told(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        secrets = PolledSecrets(source, 0.05, clock=lambda: time.time() + 60)
        async with running(secrets):
            await secrets.read(NAME)
            await secrets.check()
            openbao.pause()
            try:
                await eventually(lambda: is_stale(secrets))
                assert (await secrets.read(NAME)).value == "sk-first"
                with pytest.raises(DependencyUnavailableError, match=r"confirmed 6\d s ago"):
                    await secrets.check()
            finally:
                openbao.resume()

    async def test_what_changed_meanwhile_is_seen_when_it_is_back(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        secrets = PolledSecrets(source, 0.05)
        async with running(secrets):
            first = await secrets.read(NAME)
            openbao.pause()
            try:
                await secrets.refresh()
            finally:
                openbao.resume()
            openbao.write(NAME, "sk-second")
            assert (await anext(secrets.changes(first))).value == "sk-second"
            await eventually(lambda: is_well(secrets))

    async def test_a_secret_that_was_never_read_cannot_be_had(
        self, openbao: OpenBao, source: VaultSource
    ) -> None:
        openbao.pause()
        try:
            with pytest.raises(DependencyUnavailableError) as away:
                await PolledSecrets(source, 60).read(NAME)
        finally:
            openbao.resume()
        assert away.value.code == "vault_unavailable"


async def is_stale(secrets: PolledSecrets) -> bool:
    return not await is_well(secrets)


async def is_well(secrets: PolledSecrets) -> bool:
    try:
        await secrets.check()
    except DependencyUnavailableError:
        return False
    return True
