"""The keys that let llm-proxy in at the models' APIs: secrets, replaced while it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clientsphere_common.modules import Module, Opened
from clientsphere_common.secrets.following import FollowedSecret, optional_secret
from clientsphere_common.secrets.ports import Secrets
from llm_proxy.settings import LlmProxySettings

ApiKey = Callable[[], str]
"""The newest; empty for an API that asks for none, as local servers mostly do."""


def no_key() -> str:
    return ""


@dataclass(frozen=True)
class UpstreamKeys:
    completion: ApiKey = no_key
    embedding: ApiKey = no_key


async def open_upstream_keys(settings: LlmProxySettings, secrets: Secrets) -> Opened[UpstreamKeys]:
    """Only those of APIs that are configured; the one that is missing now is not looked for later.

    Raises DependencyUnavailableError while their place does not answer.
    """
    modules: list[Module] = []

    async def key_of(use: str, base_url: str) -> ApiKey:
        name = f"llm-proxy-{use}-api-key"
        known = await optional_secret(secrets, name) if base_url else None
        if known is None:
            return no_key
        followed = FollowedSecret(secrets, name, known=known)
        modules.append(followed)
        return lambda: followed.value

    keys = UpstreamKeys(
        completion=await key_of("completion", settings.completion_base_url),
        embedding=await key_of("embedding", settings.embedding_base_url),
    )
    return Opened(keys, modules)
