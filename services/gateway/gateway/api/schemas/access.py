"""Who may read and edit something, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.names import NAME_PATTERN
from gateway.api.schemas.common import Example, RequestBody, ResponseBody, examples
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess

_EVERYONE: Example = {"everyone": True}
_HR: Example = {"groups": ["hr"], "principals": ["key_pw5gAQ8y"]}
_HR_SHOWN: Example = {"everyone": False, **_HR}
_EVERYONE_SHOWN: Example = {"everyone": True, "groups": [], "principals": []}

_Identity = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=NAME_PATTERN, strict=True)
]
_Identities = Annotated[list[_Identity], Field(max_length=50)]


def _true(value: object) -> bool:
    """Or 1 would be taken for it."""
    if value is not True:
        raise ValueError("this is true, or not there")
    return True


class Everyone(RequestBody):
    model_config = examples(_EVERYONE)

    everyone: Annotated[Literal[True], BeforeValidator(_true)]

    def to_audience(self) -> Audience:
        return EVERYONE


class Named(RequestBody):
    model_config = examples(_HR)

    groups: _Identities = Field(default=[])
    """As your identity provider calls them."""
    principals: _Identities = Field(default=[])
    """Ids of API keys and users, as `GET /v1/me` has them."""

    def to_audience(self) -> Audience:
        return audience(self.groups, self.principals)


AudienceWish = Everyone | Named


class AudienceBody(ResponseBody):
    model_config = examples(_HR_SHOWN)

    everyone: bool = Field(validation_alias="is_everyone")
    """Of the tenant."""
    groups: list[str]
    principals: list[str]


class KnowledgeBaseAccessWish(RequestBody):
    model_config = examples({"readers": _HR, "editors": {"groups": ["hr-editors"]}})

    readers: AudienceWish
    """Who may see it, its documents and their passages."""
    editors: AudienceWish
    """Which of its readers may upload and delete in it, if their role lets them."""

    def to_access(self) -> KnowledgeBaseAccess:
        return KnowledgeBaseAccess(self.readers.to_audience(), self.editors.to_audience())


class KnowledgeBaseAccessBody(ResponseBody):
    model_config = examples({"readers": _HR_SHOWN, "editors": _EVERYONE_SHOWN})

    readers: AudienceBody
    editors: AudienceBody


class DocumentAccessWish(RequestBody):
    model_config = examples({"readers": _HR})

    readers: AudienceWish
    """Which readers of its knowledge base may see it."""

    def to_access(self) -> DocumentAccess:
        return DocumentAccess(self.readers.to_audience())


class DocumentAccessBody(ResponseBody):
    model_config = examples({"readers": _HR_SHOWN})

    readers: AudienceBody
