"""Secrets are replaced in Vault while processes run, and nobody has to start them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from clientsphere.llm.v1 import llm_service_pb2 as pb
from clientsphere.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from clientsphere_common.db.assembly import open_tables
from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.db.provisioning import RolePasswords, provision
from clientsphere_common.db.session import Database
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.keys import new_private_key
from clientsphere_common.secrets.assembly import vault_secrets
from clientsphere_common.secrets.kept import random_text
from clientsphere_common.secrets.ports import Secrets
from clientsphere_common.secrets.settings import SecretsSettings
from gateway.own_secrets import open_own_secrets
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AccessTokens, TokenSubject
from llm_proxy.own_secrets import open_upstream_keys
from llm_proxy.settings import LlmProxySettings
from llm_proxy.wiring import Surroundings, build
from tests.harness.eventually import eventually
from tests.harness.modules import running
from tests.harness.openai_server import openai_server
from tests.harness.openbao import OpenBao, running_openbao
from tests.harness.postgres_server import WITH_PASSWORDS, PostgresServer
from tests.harness.rpc import as_caller, rpc_host

NOTICED_AFTER_S = 0.1


@pytest.fixture(scope="module", name="vault")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture
async def secrets(vault: OpenBao, tmp_path: Path) -> AsyncIterator[Secrets]:
    settings = SecretsSettings(folder=tmp_path, refresh_interval_s=NOTICED_AFTER_S)
    parts = vault_secrets(settings, vault.settings())
    async with running(*parts.modules):
        yield parts.secrets


class TestDatabasePassword:
    @pytest.fixture(name="database_name")
    def _database_name(self, postgres_server: PostgresServer) -> Iterator[str]:
        with postgres_server.empty_database() as name:
            yield name

    async def test_is_replaced_while_the_tables_are_in_use(
        self,
        vault: OpenBao,
        secrets: Secrets,
        postgres_server: PostgresServer,
        database_name: str,
        tmp_path: Path,
    ) -> None:
        admin_url = postgres_server.url("postgres", database_name)
        settings = DatabaseSettings(url=postgres_server.address(database_name))
        rotate(vault, admin_url, "first")
        tables = await open_tables(settings, WITH_PASSWORDS, tmp_path, tmp_path, secrets)
        async with running(tables.modules[0]):
            for password in ("second", "third"):
                await use(tables.use)
                async with tables.use.transaction("tnt_a") as under_way:
                    await (await under_way.connection()).execute(text("SELECT 1"))
                    rotate(vault, admin_url, password)
                    await (await under_way.connection()).execute(text("SELECT 1"))
                end_connections(admin_url)
                await use(tables.use)


class TestApiKeyOfTheModels:
    async def test_is_replaced_while_texts_are_embedded(
        self, vault: OpenBao, secrets: Secrets
    ) -> None:
        vault.write("llm-proxy-embedding-api-key", "key-1")
        async with openai_server() as api:
            settings = LlmProxySettings(
                embedding_base_url=api.base_url, embedding_model="embedder", embedding_dimension=2
            )
            keys = await open_upstream_keys(settings, secrets)
            async with rpc_host(build(settings, Surroundings(keys))) as host:
                as_caller("tnt_a")

                async def sends(key: str) -> bool:
                    api.embeddings = [(0, 5)]
                    stub = LlmServiceStub(host.channel)
                    request = pb.EmbedRequest(texts=["text"])
                    await host.calls.unary(stub.Embed, request, timeout_s=5)
                    return api.authorization == f"Bearer {key}"

                assert await sends("key-1")
                vault.write("llm-proxy-embedding-api-key", "key-2")
                await eventually(lambda: sends("key-2"))


class TestKeysOfTheGateway:
    async def test_are_replaced_while_it_serves(self, vault: OpenBao, secrets: Secrets) -> None:
        operator_key = random_text()
        vault.write("gateway-operator-key", operator_key)
        vault.write("gateway-api-key-pepper", random_text())
        vault.write("gateway-token-key", new_private_key())
        opened = await open_own_secrets(secrets, 900)
        tokens = AccessTokens(opened.use.token_keys, "clientsphere", 900, TokenVerifier())
        subject = TokenSubject("tnt_a", "key_a")
        async with running(*opened.modules):
            before, first_key = tokens.issue(subject), opened.use.token_keys.kid
            vault.write("gateway-operator-key", random_text())
            vault.write("gateway-token-key", new_private_key())

            async def are_replaced() -> bool:
                is_signed_anew = opened.use.token_keys.kid != first_key
                return is_signed_anew and not opened.use.operator_key.matches(operator_key)

            await eventually(are_replaced)
            for issued in (before, tokens.issue(subject)):
                assert tokens.verify(tokens.read(issued.access_token)) == subject


def rotate(vault: OpenBao, admin_url: str, password: str) -> None:
    vault.write(f"{WITH_PASSWORDS}-database-password", password)
    provision(admin_url, WITH_PASSWORDS, RolePasswords(login=password))


def end_connections(admin_url: str) -> None:
    with open_blocking_engine(admin_url).begin() as connection:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        connection.execute(text(query))


async def use(database: Database) -> None:
    async with database.snapshot("tnt_a") as session:
        await (await session.connection()).execute(text("SELECT 1"))
