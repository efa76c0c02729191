"""Writes docs/settings.md from the settings classes, or fails when it is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from audit.settings import AuditSettings
from clientsphere_cli.settings import CliSettings
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.objects.settings import S3Settings
from clientsphere_common.process.settings import OpsSettings
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.rpc.settings import RpcSettings
from clientsphere_common.secrets.settings import SecretsSettings, VaultSettings
from clientsphere_common.settings import PlatformSettings
from clientsphere_common.vectors.settings import QdrantSettings
from gateway.settings import GatewaySettings
from gateway.webhooks.settings import WebhookSettings
from ingestion.settings import IngestionSettings
from llm_proxy.settings import LlmProxySettings
from retrieval.settings import RetrievalSettings

PAGE = Path("docs/settings.md")
INTRODUCTION = """# Settings

Every setting is an environment variable. A process reads them once, when it starts, and refuses to
start with a value that is impossible. This page is generated from the settings classes
(`make docs` writes it, `make check` fails when it is out of date).
"""
SECTIONS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("Every process", PlatformSettings),
    ("Health and metrics of a service that runs alone", OpsSettings),
    ("Secrets", SecretsSettings),
    ("Secrets in Vault", VaultSettings),
    ("Passage index", QdrantSettings),
    ("Object store", S3Settings),
    ("gRPC between processes", RpcSettings),
    ("The event log", EventLogSettings),
    ("gateway", GatewaySettings),
    ("Webhooks: gateway", WebhookSettings),
    ("ingestion", IngestionSettings),
    ("retrieval", RetrievalSettings),
    ("llm-proxy", LlmProxySettings),
    ("audit", AuditSettings),
    ("Cache and rate limits: Redis", RedisSettings),
    ("Tables", DatabaseSettings),
    ("The clientsphere command", CliSettings),
)


def render() -> str:
    return "\n".join([INTRODUCTION, *(_section(*section) for section in SECTIONS)])


def _section(title: str, settings: type[BaseSettings]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    rows = [
        f"| `{prefix}{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in settings.model_fields.items()
    ]
    table = ["| variable | default | meaning |", "|---|---|---|", *rows]
    return "\n".join([f"## {title}", "", *table, ""])


def _default(value: object) -> str:
    if value is None or value == "":
        return "not set"
    if value is PydanticUndefined:
        return "required"
    return f"`{value}`"


def main(arguments: list[str]) -> int:
    text = render()
    if "--check" not in arguments:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    sys.stdout.write(f"{PAGE} is out of date: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
