from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

import twelvelabs_async
from twelvelabs_async._http.errors import error_class_for_status
from twelvelabs_async._text import MAX_MESSAGE_LENGTH, printable
from twelvelabs_async.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientStateError,
    ConflictError,
    GoneError,
    InternalServerError,
    InvalidInputError,
    MalformedResponseError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExhaustedError,
    RateLimitError,
    TooManyRequestsError,
    TwelveLabsError,
    UnprocessableEntityError,
    WaitTimeoutError,
)


def subclasses(kind: type[TwelveLabsError] = TwelveLabsError) -> Iterator[type[TwelveLabsError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


ERROR_CLASSES = sorted(
    {kind for kind in subclasses() if kind.__module__ == "twelvelabs_async.errors"},
    key=lambda k: k.__name__,
)
VALUES: dict[str, Any] = {
    "str": "text",
    "str | None": "text",
    "int": 3,
    "int | None": 418,
    "float": 1.5,
    "float | None": 2.5,
    "bool": True,
    "Mapping[str, str]": {"Retry-After": "5"},
    "datetime | None": datetime(2030, 1, 2, tzinfo=UTC),
    "tuple[str, ...]": ("one", "two"),
    "GiveUpReason | None": "deadline",
    "Any": {"more": [1, 2]},
}


def create_with_all_fields(kind: type[TwelveLabsError]) -> TwelveLabsError:
    # Unresolved: `attrs.resolve_types`, which other libraries call, replaces the types of `attrs.fields`.
    annotations = {name: text for base in kind.__mro__ for name, text in inspect.get_annotations(base).items()}
    return kind(**{field.name: VALUES[annotations[field.name]] for field in attrs.fields(kind)})


@pytest.mark.parametrize("kind", ERROR_CLASSES)
def test_p18_every_error_derives_from_twelvelabs_error_and_is_public(kind: type[TwelveLabsError]) -> None:
    assert issubclass(kind, TwelveLabsError)
    assert getattr(twelvelabs_async, kind.__name__) is kind


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (InvalidInputError, ValueError),
        (ClientStateError, RuntimeError),
        (APIConnectionError, ConnectionError),
        (APITimeoutError, TimeoutError),
        (APITimeoutError, APIConnectionError),
        (WaitTimeoutError, TimeoutError),
        (QuotaExhaustedError, RateLimitError),
        (MalformedResponseError, APIError),
    ],
)
def test_errors_have_the_expected_base_classes(kind: type[Exception], parent: type[Exception]) -> None:
    assert issubclass(kind, parent)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (418, APIError),
        (422, UnprocessableEntityError),
        (429, TooManyRequestsError),
        (500, InternalServerError),
        (503, InternalServerError),
        (599, InternalServerError),
        (999, InternalServerError),
        (302, APIError),
    ],
)
def test_each_status_code_has_an_error_class(status: int, kind: type[APIError]) -> None:
    assert error_class_for_status(status) is kind


@pytest.mark.parametrize("kind", ERROR_CLASSES)
@pytest.mark.parametrize("full", [True, False])
def test_an_error_keeps_all_fields_when_pickled_or_copied(kind: type[TwelveLabsError], *, full: bool) -> None:
    error = create_with_all_fields(kind) if full else kind()
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301  # pickled by this test
        assert type(copied) is kind
        assert attrs.asdict(copied) == attrs.asdict(error)
        assert (str(copied), repr(copied)) == (str(error), repr(error))


@pytest.mark.parametrize("kind", ERROR_CLASSES)
def test_an_error_can_be_raised_with_a_cause_and_notes(kind: type[TwelveLabsError]) -> None:
    with pytest.raises(kind) as caught:
        raise create_with_all_fields(kind) from OSError("below")
    caught.value.add_note("above")
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("kind", ERROR_CLASSES)
def test_p17_an_error_is_one_printable_line(kind: type[TwelveLabsError]) -> None:
    error = kind(message="first\r\nsecond\x1b[31m red \x00\x85\u2028\u202e\ud800 end" + "x" * 5_000_000)
    for text in (str(error), repr(error)):
        assert text
        assert text.isprintable()
        assert len(text) < MAX_MESSAGE_LENGTH + 300


def test_an_error_message_contains_the_status_code_operation_and_request_id() -> None:
    error = NotFoundError(
        message="no such asset",
        operation="GET /assets/{asset_id}",
        status_code=404,
        code="resource_not_exist",
        request_id="r1",
        attempts=2,
    )
    assert str(error) == ("404 resource_not_exist on GET /assets/{asset_id}: no such asset (attempt 2, request r1)")


def test_an_error_message_contains_the_ambiguity_and_the_give_up_reason() -> None:
    error = InternalServerError(status_code=503, ambiguous=True, give_up_reason="retry_budget_exhausted")
    assert "ambiguous" in str(error)
    assert "retry_budget_exhausted" in str(error)


def test_the_message_of_a_401_mentions_the_api_key() -> None:
    assert "API key" in str(AuthenticationError(status_code=401))


def test_an_error_without_fields_has_a_message() -> None:
    assert str(APIError()) == "APIError"


def test_printable_keeps_unicode_and_truncates_after_1000_characters() -> None:
    assert printable("  naïve   日本語\t🎬 ") == "naïve 日本語 🎬"
    assert printable("a" * 1000) == "a" * 1000
    assert printable("a" * 1001) == "a" * 999 + "…"


def test_a_pickled_error_keeps_its_notes() -> None:
    error = APIError(message="failed", status_code=500)
    error.add_note("while ingesting a.mp4")
    assert pickled_copy(error).__notes__ == ["while ingesting a.mp4"]
    assert not hasattr(pickled_copy(APIError(message="failed")), "__notes__")


def pickled_copy(error: Exception) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301  # pickled by this test
