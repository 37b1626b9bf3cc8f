from __future__ import annotations

import json
import os
from typing import Any

import pytest
from multidict import CIMultiDict

from twelvelabs_async.errors import (
    APIError,
    BadRequestError,
    GoneError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.refusal import refusal, request_id

ADVICE = Advice(server_time=0.0)


def refused(status: int, body: object, headers: dict[str, str] | None = None) -> APIError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refusal(status, CIMultiDict(headers or {}), raw, ADVICE)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"code": "resource_not_exist", "message": "no", "docs_url": "https://d", "details": {"a": 1}},
            ("resource_not_exist", "no", "https://d", {"a": 1}),
        ),
        ({"error": {"code": "x", "message": "nested", "details": [1]}}, ("x", "nested", None, [1])),
        ({"error_code": 40001, "message": "expired"}, ("40001", "expired", None, None)),
        (b"", (None, "Bad Request", None, None)),
        ({"error": "just text"}, (None, "just text", None, None)),
        ({}, (None, "Bad Request", None, None)),
        ([], (None, "Bad Request", None, None)),
        ("text", (None, "Bad Request", None, None)),
        (None, (None, "Bad Request", None, None)),
        (7, (None, "Bad Request", None, None)),
        ({"code": None, "message": None, "error": None}, (None, "Bad Request", None, None)),
        ({"code": {"a": 1}, "message": ["odd"], "docs_url": 5.5}, (None, "['odd']", None, None)),
        (b"<!DOCTYPE html><html><body>Bad gateway</body></html>", (None, "Bad Request", None, None)),
        (
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>expired</Message></Error>',
            ("AccessDenied", "expired", None, None),
        ),
        (b"<Error><Code>SlowDown</Code></Error>", ("SlowDown", "Bad Request", None, None)),
        (b"<" * 100_000, (None, "Bad Request", None, None)),
        (b'{"code": "cut off', (None, "Bad Request", None, None)),
        (b'\xff\xfe{"code"', (None, "Bad Request", None, None)),
        (b"[" * 100_000, (None, "Bad Request", None, None)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_shape_of_refusal_is_read(body: object, expected: tuple[Any, ...]) -> None:
    error = refused(400, body)
    assert isinstance(error, BadRequestError)
    assert (error.code, error.message, error.docs_url, error.details) == expected
    assert error.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 5_000_000,
        b'{"message": "' + b"x" * 5_000_000 + b'"}',
        json.dumps({"message": "x" * 60_000, "code": "y" * 60_000, "docs_url": "z" * 3000}).encode()[:65_000],
        os.urandom(100_000),
        b"\x00" * 70_000,
        json.dumps({"message": "a\x1b[31m\r\nb\u202e" * 1000, "code": "c\nd" * 100}).encode(),
    ],
    ids=["text", "json", "long fields", "junk", "zeros", "escapes"],
)
def test_p17_a_refusal_of_any_size_and_content_is_one_short_printable_line(body: bytes) -> None:
    error = refused(503, body, {"x-trace-id": "r" * 10_000 + "\n"})
    assert isinstance(error, InternalServerError)
    assert str(error).isprintable()
    assert len(str(error)) <= 1700
    assert len(error.message) <= 1000


def test_the_text_of_a_large_refusal_without_json_is_the_name_of_its_status() -> None:
    assert refused(503, b"x" * 5_000_000).message == "Service Unavailable"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFoundError), (410, GoneError), (429, RateLimitError), (799, InternalServerError)]
)
def test_the_status_names_the_class(status: int, kind: type[APIError]) -> None:
    assert type(refused(status, b"")) is kind


def test_a_status_nobody_knows_is_an_error_with_a_text() -> None:
    assert refused(499, b"").message == "an unknown status"


@pytest.mark.parametrize(
    "location",
    ["https://evil.example/x?key=1", "//evil.example", "/v2/assets", "", "http://[", "\x00", "https://evil.example:x"],
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_p14_a_redirect_is_refused_and_says_why(status: int, location: str) -> None:
    error = refused(status, b"", {"Location": location})
    assert error.code == "redirect_refused"
    assert "not followed" in str(error)
    assert "key=1" not in str(error)
    assert not error.retryable


def test_the_request_is_named_by_the_trace_and_else_by_the_request_id() -> None:
    assert request_id(CIMultiDict({"X-Trace-Id": "a", "x-request-id": "b"})) == "a"
    assert request_id(CIMultiDict({"X-Request-Id": "b"})) == "b"
    assert request_id(CIMultiDict()) is None
    assert refused(400, b"", {"x-trace-id": "t\u202e1"}).request_id == "t 1"


def test_advice_is_kept_on_the_error() -> None:
    error = refusal(429, {}, b"", Advice(server_time=0.0, retry_after=7.5))
    assert error.retry_after == 7.5
