"""Being logged in survives short leases, revoked tokens, and a Vault that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.vault.session import VaultSession
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, eventually, running_openbao


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
def openbao(server: OpenBao) -> Iterator[OpenBao]:
    """The server with its role as it was, whatever a test did to it."""
    yield server
    server.allow(token_ttl="1h", token_max_ttl=0, token_type="default")


async def own_token(session: VaultSession) -> dict[str, Any]:
    answer = await session.call("look", lambda vault: vault.auth.token.lookup_self())
    return dict(answer["data"])


async def accessor(session: VaultSession) -> str:
    return str((await own_token(session))["accessor"])


class TestStart:
    async def test_logs_in_by_its_role(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            assert "service" in (await own_token(session))["policies"]
            await session.check()

    async def test_a_wrong_secret_id_is_told_and_tried_again(
        self, openbao: OpenBao, tmp_path: Path
    ) -> None:
        credential = tmp_path / "secret-id"
        credential.write_text("wrong")
        session = VaultSession(openbao.settings(secret_id_file=credential))
        async with running(session):
            with pytest.raises(DependencyUnavailableError) as refused:
                await session.check()
            assert refused.value.code == "vault_denied"
            credential.write_text(openbao.secret_id_file.read_text())
            await eventually(lambda: answers(session))

    async def test_a_missing_secret_id_is_told(self, openbao: OpenBao, tmp_path: Path) -> None:
        session = VaultSession(openbao.settings(secret_id_file=tmp_path / "missing"))
        async with running(session):
            with pytest.raises(DependencyUnavailableError) as missing:
                await session.check()
        assert missing.value.code == "vault_credential_missing"

    async def test_an_unknown_way_to_log_in_is_told(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings(auth_mount="elsewhere"))
        async with running(session):
            with pytest.raises(DependencyUnavailableError):
                await session.check()


class TestToken:
    async def test_is_renewed_before_it_ends(self, openbao: OpenBao) -> None:
        openbao.allow(token_ttl="2s")
        session = VaultSession(openbao.settings())
        async with running(session):
            first = await accessor(session)
            await asyncio.sleep(3)
            assert await accessor(session) == first

    async def test_is_replaced_when_it_reaches_its_longest_life(self, openbao: OpenBao) -> None:
        openbao.allow(token_ttl="2s", token_max_ttl="3s")
        session = VaultSession(openbao.settings())
        async with running(session):
            first = await accessor(session)
            await eventually(lambda: is_replaced(session, first))

    async def test_that_cannot_be_renewed_is_replaced(self, openbao: OpenBao) -> None:
        openbao.allow(token_ttl="1s", token_type="batch")
        session = VaultSession(openbao.settings())
        async with running(session):
            await asyncio.sleep(2)
            await session.check()

    async def test_that_was_revoked_is_replaced_without_a_call(self, openbao: OpenBao) -> None:
        openbao.allow(token_ttl="1s")
        session = VaultSession(openbao.settings())
        async with running(session):
            revoked = await accessor(session)
            with capture_logs() as logged:
                openbao.admin.auth.token.revoke_accessor(revoked)
                await eventually(lambda: says(logged, "vault_logged_in"))

    async def test_that_was_revoked_is_replaced_at_the_next_call(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            revoked = await accessor(session)
            openbao.admin.auth.token.revoke_accessor(revoked)
            assert await accessor(session) != revoked

    async def test_that_was_revoked_is_replaced_once_for_many_calls(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            openbao.admin.auth.token.revoke_accessor(await accessor(session))
            assert len(set(await asyncio.gather(*(accessor(session) for _ in range(8))))) == 1

    async def test_is_revoked_at_the_end(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            used = await accessor(session)
        assert used not in openbao.admin.list("auth/token/accessors")["data"]["keys"]


class TestRole:
    async def test_what_it_may_not_do_is_refused_with_the_reason(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            with pytest.raises(DependencyUnavailableError) as refused:
                await session.call("list the policies", lambda vault: vault.sys.list_policies())
            assert refused.value.code == "vault_denied"
            assert refused.value.message == (
                "Vault refused to list the policies: the role of this service does not allow it."
            )

    async def test_a_refusal_costs_no_login(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            before = await accessor(session)
            with pytest.raises(DependencyUnavailableError):
                await session.call("list", lambda vault: vault.sys.list_policies())
            assert await accessor(session) == before


class TestAway:
    async def test_starts_without_vault_and_logs_in_when_it_comes(self, tmp_path: Path) -> None:
        with running_openbao(tmp_path) as openbao:
            openbao.kill()
            session = VaultSession(openbao.settings())
            async with running(session):
                assert not await answers(session)
                openbao.start()
                await eventually(lambda: answers(session))

    async def test_a_new_vault_that_knows_none_of_our_tokens_is_no_hurdle(
        self, tmp_path: Path
    ) -> None:
        with running_openbao(tmp_path) as openbao:
            session = VaultSession(openbao.settings())
            async with running(session):
                openbao.kill()
                assert not await answers(session)
                openbao.start()
                await session.check()

    async def test_a_vault_that_hangs_fails_within_the_timeout(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings(timeout_s=0.3))
        async with running(session):
            openbao.pause()
            try:
                async with asyncio.timeout(3):
                    with pytest.raises(DependencyUnavailableError) as away:
                        await session.check()
            finally:
                openbao.resume()
            assert away.value.code == "vault_unavailable"
            await eventually(lambda: answers(session))

    async def test_a_token_that_ends_while_vault_hangs_is_replaced(self, openbao: OpenBao) -> None:
        openbao.allow(token_ttl="1s")
        session = VaultSession(openbao.settings(timeout_s=0.3))
        async with running(session):
            with capture_logs() as logged:
                openbao.pause()
                try:
                    await eventually(lambda: says(logged, "vault_login_failed"))
                    await asyncio.sleep(1)
                finally:
                    openbao.resume()
                await eventually(lambda: answers(session))

    async def test_many_calls_to_a_vault_that_hangs_all_fail_in_time(
        self, openbao: OpenBao
    ) -> None:
        session = VaultSession(openbao.settings(timeout_s=0.3))
        async with running(session):
            openbao.pause()
            try:
                async with asyncio.timeout(3):
                    assert not any(await asyncio.gather(*(answers(session) for _ in range(40))))
            finally:
                openbao.resume()

    async def test_stops_without_vault(self, tmp_path: Path) -> None:
        with running_openbao(tmp_path) as openbao:
            session = VaultSession(openbao.settings())
            async with running(session):
                openbao.kill()


class TestWatch:
    async def test_waits_for_as_long_as_all_is_well(self, openbao: OpenBao) -> None:
        session = VaultSession(openbao.settings())
        async with running(session):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session.watch(), 0.2)
            await session.check()


async def answers(session: VaultSession) -> bool:
    try:
        await session.check()
    except DependencyUnavailableError:
        return False
    return True


async def says(logged: Sequence[MutableMapping[str, Any]], event: str) -> bool:
    return any(line["event"] == event for line in logged)


async def is_replaced(session: VaultSession, accessor_before: str) -> bool:
    return await accessor(session) != accessor_before
