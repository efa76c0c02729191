"""Every kind of failure has one name and one meaning on each wire."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from clientsphere_common.errors import ERROR_CLASSES, NotFoundError, ServiceError


class TestServiceError:
    def test_its_text_is_the_message_for_a_person(self) -> None:
        error = NotFoundError("document_not_found", "There is no such document.")
        assert str(error) == error.message == "There is no such document."

    def test_its_representation_tells_class_and_code(self) -> None:
        error = NotFoundError("document_not_found", "There is no such document.")
        assert repr(error) == "NotFoundError('document_not_found', 'There is no such document.')"

    def test_trying_again_is_pointless_unless_said_otherwise(self) -> None:
        assert NotFoundError("document_not_found", "There is no such document.").retry_after_s == 0


class TestErrorClasses:
    def test_every_subclass_is_rebuilt_as_itself_or_as_what_it_is_one_of(self) -> None:
        for subclass in _subclasses(ServiceError):
            assert issubclass(subclass, ERROR_CLASSES[subclass.kind])

    @pytest.mark.parametrize("error_class", ERROR_CLASSES.values())
    def test_every_kind_has_a_status_that_means_failure(
        self, error_class: type[ServiceError]
    ) -> None:
        assert 400 <= error_class.http_status < 600
        assert error_class.grpc_status is not grpc.StatusCode.OK


def _subclasses(cls: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
