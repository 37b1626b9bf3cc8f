from __future__ import annotations

import gzip
import json
import os
from typing import Any, cast

import pytest
from multidict import CIMultiDict
from support import KEY

from twelvelabs_async._http.errors import error_from_response, request_id_from_headers
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._options import Secret
from twelvelabs_async.errors import (
    APIError,
    BadRequestError,
    GoneError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)


def parse_error(status: int, body: object, headers: dict[str, str] | None = None) -> APIError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_response(status, CIMultiDict(headers or {}), raw)


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
        ("text", (None, "text", None, None)),
        (None, (None, "Bad Request", None, None)),
        (7, (None, "Bad Request", None, None)),
        ({"code": None, "message": None, "error": None}, (None, "Bad Request", None, None)),
        ({"code": {"a": 1}, "message": ["odd"], "docs_url": 5.5}, (None, "odd", None, None)),
        (b"<!DOCTYPE html><html><body>Bad gateway</body></html>", (None, "Bad gateway", None, None)),
        (
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>expired</Message></Error>',
            ("AccessDenied", "expired", None, None),
        ),
        (b"<Error><Code>SlowDown</Code></Error>", ("SlowDown", "Bad Request", None, None)),
        (b"<" * 100_000, (None, "Bad Request", None, None)),
        (b'{"code": "cut off', ("cut off", "Bad Request", None, None)),
        (b'\xff\xfe{"code"', (None, "Bad Request", None, None)),
        (b"[" * 100_000, (None, "Bad Request", None, None)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_format_of_error_body_is_parsed(body: object, expected: tuple[Any, ...]) -> None:
    error = parse_error(400, body)
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
def test_p17_an_error_message_is_one_short_printable_line_for_any_body(body: bytes) -> None:
    error = parse_error(503, body, {"x-trace-id": "r" * 10_000 + "\n"})
    assert isinstance(error, InternalServerError)
    assert str(error).isprintable()
    assert len(str(error)) <= 1700
    assert len(error.message) <= 1000


def test_the_message_of_a_large_response_in_plain_text_is_its_start() -> None:
    assert parse_error(503, b"x" * 5_000_000).message == "x" * 299 + "…"


SENTENCE = "the video is too long"
BODIES: dict[str, Any] = {
    "plain text": f"upstream connect error: {SENTENCE}".encode(),
    "HTML title": f"<html><head><title>{SENTENCE}</title></head><body>blocked</body></html>".encode(),
    "HTML heading": f"<html><body><center><h1>{SENTENCE}</h1></center><hr>nginx</body></html>".encode(),
    "HTML after scripts": f"<html><script>if (1<2) x</script><style>a{{}}</style><p>{SENTENCE}</p></html>".encode(),
    "HTML entities": f"<!DOCTYPE html><p>{SENTENCE.replace(' ', '&#32;')}</p>".encode(),
    "XML in lower case": f"<error><code>bad</code><message>{SENTENCE}</message></error>".encode(),
    "detail": {"detail": SENTENCE},
    "list of details": {"detail": [{"loc": ["body", "video"], "msg": SENTENCE, "type": "value_error"}]},
    "problem details": {"type": "about:blank", "title": "Bad", "detail": SENTENCE, "status": 400},
    "title only": {"type": "about:blank", "title": SENTENCE, "status": 400},
    "errors": {"errors": [{"code": "c", "message": SENTENCE}]},
    "errors as strings": {"errors": [SENTENCE]},
    "errors by field": {"title": None, "errors": {"video": [SENTENCE]}},
    "errors of JSON:API": {"errors": [{"status": "400", "title": "Bad", "detail": SENTENCE}]},
    "Message": {"Message": SENTENCE},
    "errorMessage": {"errorMessage": SENTENCE, "errorType": "Error"},
    "msg": {"status": "error", "msg": SENTENCE},
    "reason": {"reason": SENTENCE},
    "error as a string": {"error": SENTENCE, "status": 400},
    "error and description": {"error": "invalid_request", "error_description": SENTENCE},
    "error of Google": {"error": {"code": 400, "message": SENTENCE, "status": "INVALID_ARGUMENT"}},
    "list with an error": [{"error": {"code": 400, "message": SENTENCE}}],
    "fault": {"fault": {"faultstring": SENTENCE, "detail": {"errorcode": "steps.Failed"}}},
    "message in data": {"success": False, "data": {"message": SENTENCE}},
    "JSON string": SENTENCE,
    "one byte that is not UTF-8": f'{{"code":"bad","message":"{SENTENCE} '.encode() + b'\xff"}',
    "truncated JSON": f'{{"code":"bad","message":"{SENTENCE}","details":{{"a": [1, 2'.encode(),
    "JSON truncated in the message": f'{{"code":"bad","message":"{SENTENCE} and the'.encode(),
    "larger than what is read": f'{{"code":"bad","message":"{SENTENCE}","x":"'.encode() + b"y" * 70_000 + b'"}',
    "line break in a string": f'{{"message":"\n{SENTENCE}"}}'.encode(),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps({"message": SENTENCE}).encode(),
    "UTF-16": json.dumps({"message": SENTENCE}).encode("utf-16"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_message_is_extracted_from_every_format_of_error_body(body: object) -> None:
    error = parse_error(400, body)
    assert SENTENCE in error.message
    assert "{" not in error.message
    assert SENTENCE in error.body or b"&#32;" in cast("bytes", body)


@pytest.mark.parametrize(
    ("body_name", "code"),
    [
        ("errors", "c"),
        ("error and description", "invalid_request"),
        ("error of Google", "400"),
        ("list with an error", "400"),
        ("truncated JSON", "bad"),
        ("XML in lower case", "bad"),
        ("one byte that is not UTF-8", "bad"),
    ],
)
def test_the_code_is_extracted_from_other_formats_of_error_body(body_name: str, code: str) -> None:
    assert parse_error(400, BODIES[body_name]).code == code


def test_a_text_message_is_decoded_with_the_charset_of_its_content_type() -> None:
    error = parse_error(400, "für dich nicht".encode("latin-1"), {"Content-Type": "text/plain; charset=ISO-8859-1"})
    assert error.message == "für dich nicht"


@pytest.mark.parametrize(
    "body", [b"<script" * 9000, b"<" * 60_000, b'{"' * 30_000, b'{"a":"' + b"\\" * 60_000, b'"a":' * 16_000 + b"{"]
)
def test_a_hostile_error_body_is_parsed_in_linear_time(body: bytes) -> None:
    """A regular expression with quadratic run time would exceed the timeout of the tests."""
    for _ in range(20):
        parse_error(400, body)


def test_an_error_has_the_headers_and_the_start_of_the_body() -> None:
    error = parse_error(400, b"line one\nline \x1b[31mtwo " + b"x" * 5000, {"Retry-After": "5"})
    assert error.headers["retry-after"] == "5"
    assert error.body.startswith("line one line [31mtwo")
    assert error.body.isprintable()
    assert len(error.body) == 1000
    assert "Retry-After" not in f"{error} {error!r}"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFoundError), (410, GoneError), (429, RateLimitError), (799, InternalServerError)]
)
def test_the_status_determines_the_error_class(status: int, kind: type[APIError]) -> None:
    assert type(parse_error(status, b"")) is kind


def test_an_unknown_status_has_an_error_message() -> None:
    assert parse_error(499, b"").message == "unknown status"


@pytest.mark.parametrize(
    "location",
    ["https://evil.example/x?key=1", "//evil.example", "/v2/assets", "", "http://[", "\x00", "https://evil.example:x"],
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_p14_a_redirect_is_rejected_with_a_reason(status: int, location: str) -> None:
    error = parse_error(status, b"", {"Location": location})
    assert error.code == "redirect_refused"
    assert "not followed" in str(error)
    assert "key=1" not in str(error)
    assert not error.retryable


MESSAGE = "Your plan does not include this."

JSON_BODIES: list[object] = [
    {"error": "Forbidden", "detail": MESSAGE},
    {"error": "forbidden", "reason": MESSAGE},
    {"error": "Bad Request", "details": MESSAGE},
    {"error": "forbidden", "description": MESSAGE},
    {"status": 403, "error": "Forbidden", "errors": [MESSAGE]},
    {"status": 400, "error": "Bad Request", "errors": [{"field": "x", "defaultMessage": MESSAGE}]},
    {"message": "Bad Request", "errors": [{"message": MESSAGE}]},
    {"title": "One or more validation errors occurred.", "errors": {"Name": [MESSAGE]}},
    {"query_text": [MESSAGE]},
    {"non_field_errors": [MESSAGE]},
    {"code": 422, "errors": {"json": {"name": [MESSAGE]}}},
    {"error": {"code": "x", "message": {"lang": "en", "value": MESSAGE}}},
    {"messages": [MESSAGE]},
    {"result": {"message": MESSAGE}},
    {"response": {"error": {"message": MESSAGE}}},
    {"status": "error", "statusText": MESSAGE},
]
"""Error bodies of web frameworks and gateways."""

TEXT_BODIES = {
    "an HTML page with a code": f"<html><title>{MESSAGE}</title><p>Error <code>1020</code></p></html>".encode(),
    "an HTML page after a comment": f"<!-- {'x > ' * 200} --><html><title>{MESSAGE}</title></html>".encode(),
    "CDATA": f"<Error><Code>AccessDenied</Code><Message><![CDATA[{MESSAGE}]]></Message></Error>".encode(),
    "an XML attribute": f'<Error><Message lang="en">{MESSAGE}</Message></Error>'.encode(),
    "XML with a description": f"<error><code>403</code><description>{MESSAGE}</description></error>".encode(),
    "a prefix in brackets": f"[gateway] {MESSAGE}".encode(),
    "a prefix in braces": f"{{gateway}} {MESSAGE}".encode(),
    "the repr of a dict": repr({"message": MESSAGE}).encode(),
    "a list that is cut off": f'["{MESSAGE}", "And mo'.encode(),
    "an object that is cut off": f'{{"errors": ["{MESSAGE}", "And mo'.encode(),
    "a banner": f"{'*' * 40}\n* {MESSAGE}\n{'*' * 40}".encode(),
    "Latin-1": f"Schl\xfcssel: {MESSAGE}".encode("latin-1"),
    "Latin-1 in HTML": f"<title>Acc\xe8s refus\xe9: {MESSAGE}</title>".encode("latin-1"),
    "one bad byte": b"\xff" + MESSAGE.encode(),
}


@pytest.mark.parametrize("body", [*JSON_BODIES, *TEXT_BODIES.values()], ids=[*map(str, JSON_BODIES), *TEXT_BODIES])
def test_the_message_is_extracted_from_error_bodies_of_frameworks_and_gateways(body: object) -> None:
    assert MESSAGE in parse_error(403, body).message


def test_a_json_message_is_decoded_with_the_charset_of_its_content_type() -> None:
    body = json.dumps({"message": MESSAGE}).encode("utf-16-le")
    assert parse_error(403, body, {"Content-Type": "application/json; charset=utf-16le"}).message == MESSAGE


@pytest.mark.parametrize(
    "message", ["आपकी योजना में यह शामिल नहीं है। कृपया बाद में पुनः प्रयास करें।", "แพ็กเกจของคุณไม่รองรับการเรียกใช้นี้"]
)
def test_a_message_in_a_script_with_combining_marks_is_text(message: str) -> None:
    assert parse_error(403, message.encode()).message == message


@pytest.mark.parametrize(
    "body",
    [os.urandom(2000), gzip.compress(MESSAGE.encode()), b"\x00\x01abc def ghi jkl"],
    ids=["random", "gzip", "control characters"],
)
def test_binary_data_is_not_used_as_the_message(body: bytes) -> None:
    assert parse_error(403, body).message == "Forbidden"


@pytest.mark.parametrize("length", [180, 270, 290, 960, 975, 990])
def test_p15_no_part_of_the_key_remains_in_a_truncated_text(length: int) -> None:
    filler = "w " * (length // 2)
    for body in (f"{filler}{KEY}", {"message": f"{filler}{KEY}"}, {"code": f"{filler}{KEY}", "details": filler + KEY}):
        error = parse_error(400, body if isinstance(body, dict) else body.encode(), {"x-trace-id": filler + KEY})
        Redactor(Secret(KEY)).redact(error)
        assert KEY[:10] not in f"{error} {error.body} {error.code} {error.request_id} {error.details} {error.headers}"


def test_the_request_id_is_the_trace_id_header_or_else_the_request_id_header() -> None:
    assert request_id_from_headers(CIMultiDict({"X-Trace-Id": "a", "x-request-id": "b"})) == "a"
    assert request_id_from_headers(CIMultiDict({"X-Request-Id": "b"})) == "b"
    assert request_id_from_headers(CIMultiDict()) is None
    assert parse_error(400, b"", {"x-trace-id": "t\u202e1"}).request_id == "t 1"


def test_the_retry_after_time_is_stored_on_the_error() -> None:
    error = error_from_response(429, {}, b"", 7.5)
    assert error.retry_after == 7.5
