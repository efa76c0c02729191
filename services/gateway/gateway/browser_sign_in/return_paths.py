"""Where somebody who has signed in goes on: to a page of ours, and nowhere else."""

from __future__ import annotations

import re

from clientsphere_common.errors import InvalidInputError

_MAX_CHARS = 512
# Neither `//host` nor `/\host`, which browsers take for another host, and nothing that they drop.
_OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*", re.ASCII)


def own_path(written: str) -> str:
    """Raises InvalidInputError for everything but a path, with its query, of our own origin."""
    if len(written) > _MAX_CHARS or not _OWN_PATH.fullmatch(written):
        raise InvalidInputError(
            "return_path_invalid",
            f"return_to must be a path such as /documents, of at most {_MAX_CHARS} characters.",
        )
    return written
