"""Opens the object store that the settings choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clientsphere_common.modules import Module, Opened
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.objects.encrypted import EncryptedObjectStore
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.objects.s3 import S3Bucket, S3Keys, S3ObjectStore
from clientsphere_common.objects.settings import S3Settings
from clientsphere_common.readiness import Check
from clientsphere_common.secrets.following import FollowedSecret, optional_secret
from clientsphere_common.secrets.ports import EnvelopeKeys, Secrets

_KEY_ID = "s3-access-key-id"
_KEY = "s3-secret-access-key"


async def open_objects(
    settings: S3Settings, data_dir: Path, secrets: Secrets, envelope_keys: EnvelopeKeys
) -> Opened[ObjectStore]:
    """A bucket's where one is named, else a folder of `data_dir`, of one process.

    The keys to the bucket are two secrets, `s3-access-key-id` and `s3-secret-access-key`, and may
    change while the process runs; without the first the machine's or pod's own credentials serve.
    Raises DependencyUnavailableError when secrets cannot be had.
    """
    modules: list[Module] = []
    keeper: DirectoryObjectStore | S3ObjectStore
    if settings.bucket:
        keeper = S3ObjectStore(_bucket(settings, await _keys(secrets, modules)))
    else:
        keeper = DirectoryObjectStore(data_dir / "objects")
    store = EncryptedObjectStore(keeper, envelope_keys) if settings.encrypt_per_tenant else keeper
    return Opened(store, [*modules, keeper], [Check(keeper.name, keeper.check)])


async def _keys(secrets: Secrets, modules: list[Module]) -> Callable[[], S3Keys] | None:
    if await optional_secret(secrets, _KEY_ID) is None:
        return None
    key_id, key = FollowedSecret(secrets, _KEY_ID), FollowedSecret(secrets, _KEY)
    modules += [key_id, key]
    return lambda: S3Keys(key_id.value, key.value)


def _bucket(settings: S3Settings, keys: Callable[[], S3Keys] | None) -> S3Bucket:
    return S3Bucket(
        name=settings.bucket,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        keys=keys,
        encryption=settings.encryption,
        kms_key_id=settings.kms_key_id,
        connect_timeout_s=settings.connect_timeout_s,
        stall_timeout_s=settings.stall_timeout_s,
        transfer_timeout_s=settings.transfer_timeout_s,
        retries=settings.retries,
    )
