"""The header Idempotency-Key, as draft-ietf-httpapi-idempotency-key-header-07 describes it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clientsphere_common.errors import InvalidInputError

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_CHARS = 255
_CHAR = r'(?:[ !#-\[\]-~]|\\["\\])'
_BARE_CHAR = r"[A-Za-z0-9!#$%&'*+.^_`|~:/=-]"
_STRING = re.compile(rf'"({_CHAR}*)"')
"""A String of RFC 8941, section 3.3.3."""
_BARE = re.compile(f"{_BARE_CHAR}+")
"""What many clients send instead: a UUID, for example."""
PATTERN = f'^("{_CHAR}{{1,{MAX_CHARS}}}"|{_BARE_CHAR}{{1,{MAX_CHARS}}})$'
"""What `idempotency_key` takes, for a JSON schema."""


def idempotency_key(sent: Sequence[str]) -> str | None:
    """The key in the lines of the header; None when there are none. Quotes make no difference.

    Raises InvalidInputError.
    """
    if not sent:
        return None
    line = sent[0].strip(" ") if len(sent) == 1 else ""
    quoted = _STRING.fullmatch(line)
    if quoted is not None:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = line if _BARE.fullmatch(line) else ""
    if not 1 <= len(key) <= MAX_CHARS:
        raise InvalidInputError(
            "idempotency_key_malformed",
            f'Send one header {HEADER}: "<1 to {MAX_CHARS} printable ASCII characters>".',
        )
    return key
