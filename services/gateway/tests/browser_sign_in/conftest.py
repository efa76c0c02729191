"""An issuer at which people sign in, over HTTPS, and a gateway that lets them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.gateway import Tables
from tests.harness.signing_in import SigningIn, signing_in


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def signing(tables: Tables, authority: CertificateAuthority) -> AsyncIterator[SigningIn]:
    async with signing_in(tables, authority) as signing:
        yield signing


@pytest.fixture
async def sign_in_id(signing: SigningIn) -> str:
    return await signing.offer()
