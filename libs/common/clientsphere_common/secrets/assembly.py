"""Chooses where secrets and the tenants' keys come from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clientsphere_common.modules import Module, Opened
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.kept import KeptSource, Makers
from clientsphere_common.secrets.local_keys import (
    LocalEnvelopeKeys,
    load_or_create_root_key,
    load_root_key,
)
from clientsphere_common.secrets.polled import PolledSecrets
from clientsphere_common.secrets.ports import EnvelopeKeys, Secrets
from clientsphere_common.secrets.settings import SecretsSettings, VaultSettings
from clientsphere_common.secrets.sources import FirstOfSources, SecretSource
from clientsphere_common.secrets.vault.kv import VaultSource
from clientsphere_common.secrets.vault.session import VaultSession
from clientsphere_common.secrets.vault.transit import VaultEnvelopeKeys


@dataclass(frozen=True)
class SecretParts:
    secrets: PolledSecrets
    envelope_keys: EnvelopeKeys
    modules: Sequence[Module]
    """To be started in this order, before what reads secrets."""


def embedded_secrets(
    settings: SecretsSettings,
    environment: Mapping[str, str],
    data_dir: Path,
    makers: Makers | None = None,
) -> SecretParts:
    """The environment, else files of `data_dir`, where those of `makers` are made when missing.

    The root of the tenants' keys is such a file, too.
    """
    folder = data_dir / "secrets"
    kept = KeptSource(folder, makers or {})
    source = FirstOfSources([EnvironmentSource(environment), FolderSource(folder), kept])
    secrets = PolledSecrets(source, settings.refresh_interval_s)
    root_key = data_dir / "keys" / "envelope-root-key"
    keys = LocalEnvelopeKeys(lambda: load_or_create_root_key(root_key))
    return SecretParts(secrets, keys, [secrets])


def file_secrets(settings: SecretsSettings) -> SecretParts:
    """Only the folder; it has to hold `envelope-root-key`, the same for all processes."""
    secrets = PolledSecrets(FolderSource(settings.folder), settings.refresh_interval_s)
    root_key = settings.folder / "envelope-root-key"
    return SecretParts(secrets, LocalEnvelopeKeys(lambda: load_root_key(root_key)), [secrets])


def vault_secrets(settings: SecretsSettings, vault: VaultSettings) -> SecretParts:
    """What an agent has written into the folder, else what Vault says."""
    session = VaultSession(vault)
    source = FirstOfSources([FolderSource(settings.folder), VaultSource(session, vault)])
    secrets = PolledSecrets(source, settings.refresh_interval_s)
    return SecretParts(secrets, VaultEnvelopeKeys(session, vault), [session, secrets])


def open_secrets(data_dir: Path, makers: Makers | None = None) -> SecretParts:
    """What the settings name; raises ValidationError when they are not complete."""
    settings = SecretsSettings()
    if settings.source == "vault":
        return vault_secrets(settings, VaultSettings())  # type: ignore[call-arg]  # from the environment
    if settings.source == "files":
        return file_secrets(settings)
    return embedded_secrets(settings, os.environ, data_dir, makers)


def command_secrets(environment: Mapping[str, str], data_dir: Path) -> Opened[Secrets]:
    """For a command that ends soon: what the environment says, else the place of the settings.

    Raises ValidationError when the settings are not complete.
    """
    settings = SecretsSettings()
    sources: list[SecretSource] = [EnvironmentSource(environment)]
    modules: list[Module] = []
    if settings.source == "embedded":
        sources.append(FolderSource(data_dir / "secrets"))
    else:
        sources.append(FolderSource(settings.folder))
    if settings.source == "vault":
        vault = VaultSettings()  # type: ignore[call-arg]  # from the environment
        session = VaultSession(vault)
        sources.append(VaultSource(session, vault))
        modules.append(session)
    return Opened(PolledSecrets(FirstOfSources(sources), settings.refresh_interval_s), modules)
