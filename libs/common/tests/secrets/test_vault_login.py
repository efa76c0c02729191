"""A pod logs in by the token of its service account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.secrets.settings import VaultSettings
from clientsphere_common.secrets.vault.session import VaultSession
from tests.harness.modules import running
from tests.harness.openbao import OpenBao, running_openbao
from tests.harness.token_reviewer import (
    NAMESPACE,
    SERVICE_ACCOUNT,
    any_authority,
    running_token_reviewer,
    service_account_token,
)


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with (
        running_token_reviewer() as reviewer,
        running_openbao(tmp_path_factory.mktemp("openbao")) as server,
    ):
        server.admin.sys.enable_auth_method("kubernetes")
        server.admin.write_data(
            "auth/kubernetes/config",
            data={
                "kubernetes_host": reviewer,
                "kubernetes_ca_cert": any_authority(),
                "disable_local_ca_jwt": True,
            },
        )
        server.admin.auth.kubernetes.create_role(
            "gateway",
            bound_service_account_names=[SERVICE_ACCOUNT],
            bound_service_account_namespaces=[NAMESPACE],
            policies=["service"],
        )
        yield server


def settings_of(openbao: OpenBao, token_file: Path, role: str = "gateway") -> VaultSettings:
    return openbao.settings(
        auth_method="kubernetes", role=role, service_account_token_file=token_file
    )


class TestKubernetesLogin:
    async def test_logs_in_by_the_token_of_the_pod(self, openbao: OpenBao, tmp_path: Path) -> None:
        token_file = tmp_path / "token"
        token_file.write_text(service_account_token())
        session = VaultSession(settings_of(openbao, token_file))
        async with running(session):
            answer = await session.call("look", lambda vault: vault.auth.token.lookup_self())
        assert answer["data"]["meta"]["service_account_name"] == SERVICE_ACCOUNT

    @pytest.mark.parametrize(
        ("account", "role"), [("somebody-else", "gateway"), (SERVICE_ACCOUNT, "no-such-role")]
    )
    async def test_another_account_or_role_is_refused(
        self, openbao: OpenBao, tmp_path: Path, account: str, role: str
    ) -> None:
        token_file = tmp_path / "token"
        token_file.write_text(service_account_token(account))
        session = VaultSession(settings_of(openbao, token_file, role))
        async with running(session):
            with pytest.raises(DependencyUnavailableError) as refused:
                await session.check()
        assert refused.value.code == "vault_denied"
