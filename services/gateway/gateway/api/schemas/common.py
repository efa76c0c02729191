"""What the schemas of all resources share."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from clientsphere_common.access.model import Permission
from clientsphere_common.names import NAME_PATTERN

Example = dict[str, Any]


def examples(*values: Example) -> ConfigDict:
    """The part of a schema's configuration that shows what it looks like."""
    return ConfigDict(json_schema_extra={"examples": list(values)})


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=NAME_PATTERN),
]
Id = Annotated[str, StringConstraints(max_length=64)]


def _no_guess(value: object) -> object:
    """JSON knows one kind of number, so 8.0 is 8; "8" and true are not."""
    if isinstance(value, str | bool):
        raise ValueError("Input should be a valid integer")
    return value


WHOLE = BeforeValidator(_no_guess)
"""Stands after the bounds of an integer: before them it would keep them out of the schema."""


def repeatable(schema: Example) -> None:
    """A value that is sent twice means what it means once, so it is not refused."""
    del schema["uniqueItems"]


Permissions = Annotated[frozenset[Permission], Field(min_length=1, json_schema_extra=repeatable)]


class RequestBody(BaseModel):
    """A field that is not known is an error: it would do nothing, and nobody would notice."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ResponseBody(BaseModel):
    """Read off the domain's objects, attribute by attribute."""

    model_config = ConfigDict(from_attributes=True, frozen=True, use_attribute_docstrings=True)


T = TypeVar("T")


class PageBody(ResponseBody, Generic[T]):
    """A page of a list, in the order that the operation tells."""

    items: list[T]
    next_page_token: str | None
    """For the next page; null on the last one."""
