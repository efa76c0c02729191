"""What the failures of Vault mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultError
from requests.exceptions import RequestException

from clientsphere_common.errors import DependencyUnavailableError


@contextmanager
def vault_failures(deed: str) -> Iterator[None]:
    """Translate what Vault answers when it cannot do `deed` for us.

    InvalidPath and InvalidRequest pass: what they mean depends on what was asked.
    """
    try:
        yield
    except (InvalidPath, InvalidRequest):
        raise
    except Forbidden as error:
        raise vault_denied(deed) from error
    except (VaultError, RequestException, TimeoutError) as error:
        raise DependencyUnavailableError(
            "vault_unavailable", f"Vault did not {deed}: it cannot be reached or is not ready."
        ) from error


def vault_denied(deed: str) -> DependencyUnavailableError:
    return DependencyUnavailableError(
        "vault_denied", f"Vault refused to {deed}: the role of this service does not allow it."
    )
