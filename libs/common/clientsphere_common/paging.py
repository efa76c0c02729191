"""Pages of a list, and the texts that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from clientsphere_common.errors import InvalidInputError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200

_DIGEST_BYTES = 12
_MAX_POSITION_NUMBER = 2**63 - 1

T = TypeVar("T")
U = TypeVar("U")
Position = tuple[int, str]
"""Where an item stands in the order of its list: a time or a number, then its id."""


@dataclass(frozen=True)
class PageWish:
    size: int = DEFAULT_PAGE_SIZE
    token: str = ""
    """From the page before; empty for the first one."""


@dataclass(frozen=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_page_token: str | None = None
    """None on the last page."""

    def of(self, convert: Callable[[T], U]) -> Page[U]:
        return Page(tuple(map(convert, self.items)), self.next_page_token)


def page_wish(size: int, token: str) -> PageWish:
    """As a call between services has it: a size of 0 stands for 50. Raises InvalidInputError."""
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise InvalidInputError("invalid_page_size", f"A page has 1 to {MAX_PAGE_SIZE} items.")
    return PageWish(size or DEFAULT_PAGE_SIZE, token)


def page_token(query: Sequence[str], last: Position) -> str:
    """Leads on from `last` in the list that `query` names: its name, tenant and filters."""
    position = json.dumps(last, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(query, position) + position).decode()


def position_of(token: str, query: Sequence[str]) -> Position:
    """What `page_token` made `token` of.

    Raises InvalidInputError for one that was handed out for another query, or never. The digest
    is no secret: a query reads only what its caller may see, wherever it begins.
    """
    try:
        decoded = base64.b64decode(token, altchars=b"-_", validate=True)
        digest, position = decoded[:_DIGEST_BYTES], decoded[_DIGEST_BYTES:]
        number, id_ = json.loads(position)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise _unknown_token() from error
    if digest != _digest(query, position) or not _is_position(number, id_):
        raise _unknown_token()
    return number, id_


def _digest(query: Sequence[str], position: bytes) -> bytes:
    scope = json.dumps(list(query)).encode()
    return hashlib.sha256(scope + b"\0" + position).digest()[:_DIGEST_BYTES]


def _is_position(number: object, id_: object) -> bool:
    is_number = type(number) is int and 0 <= number <= _MAX_POSITION_NUMBER
    return is_number and isinstance(id_, str) and id_.isascii() and "\0" not in id_


def _unknown_token() -> InvalidInputError:
    return InvalidInputError("invalid_page_token", "The page token is not one that was handed out.")
