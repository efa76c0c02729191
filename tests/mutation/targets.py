"""What is mutated, which tests must notice, and which changes make no difference."""

from __future__ import annotations

from tests.mutation.credential_targets import CREDENTIALS
from tests.mutation.data_targets import DATA
from tests.mutation.limit_targets import LIMITS
from tests.mutation.target import Target

TARGETS: tuple[Target, ...] = (*DATA, *CREDENTIALS, *LIMITS)


def target_of(module: str) -> Target:
    return next(one for one in TARGETS if one.module == module)
