from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from support import LoopClock, fake_response, json_request, make_executor, responses_in_order, run_in_virtual_time
from yarl import URL

from twelvelabs_async._arguments import checked_id, omit_none, query_pairs
from twelvelabs_async._codec.converter import json_bytes
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import Form, Request


def make_request(template: str, **ids: Any) -> Request[Any]:
    return Request(method="GET", path_template=template, response_type=dict, retry_class="safe", path_params=ids)


INVALID_IDS = [
    "",
    " ",
    ".",
    "..",
    " ..",
    "../x",
    "../../OTHER",
    "a/b",
    "/",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a\r\nX: y",
    "a\x7f",
    "a\u2028b",
    "\ud800",
    "a\tb",
]
ESCAPED_IDS = [
    "%2e%2e%2fx",
    "%2E%2E",
    "..%2f",
    "a?b=c",
    "a#b",
    "a;b",
    "a b",
    "a+b",
    "a&b",
    "a%",
    "é",
    "日本",
    "🎬",
    "...",
    "~",
    "a:b@c",
    "{index-id}",
]


@pytest.mark.parametrize("invalid_id", INVALID_IDS, ids=ascii)
def test_p16_an_id_that_would_leave_its_path_segment_is_rejected_before_sending(invalid_id: str) -> None:
    executor, session = make_executor(responses_in_order(fake_response()), LoopClock())
    with pytest.raises(InvalidInputError) as caught:
        run_in_virtual_time(
            executor.execute(make_request("/indexes/{index-id}/videos/{video-id}", index_id="i", video_id=invalid_id))
        )
    assert session.sent == []
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("special_id", ESCAPED_IDS, ids=ascii)
def test_p16_an_id_with_special_characters_stays_one_segment_in_every_url_parser(special_id: str) -> None:
    path = make_request("/indexes/{index-id}/videos/{video-id}", index_id=special_id, video_id=special_id).path()
    assert path.isascii()
    for parsed in (urlsplit("https://h/v1.3" + path).path, URL("https://h/v1.3" + path, encoded=True).raw_path):
        segments = parsed.split("/")
        assert [unquote(segment) for segment in segments] == ["", "v1.3", "indexes", special_id, "videos", special_id]


@pytest.mark.parametrize("invalid", [None, 7, b"abc", ["a"], True])
def test_an_id_must_be_a_string(invalid: object) -> None:
    with pytest.raises(InvalidInputError):
        checked_id("id", invalid)


def test_literal_text_in_a_path_template_is_unchanged() -> None:
    request = Request(
        method="GET",
        path_template="/100%/{index-id}%s/{b}",
        response_type=str,
        retry_class="safe",
        path_params={"index-id": "a", "b": "c"},
    )
    assert request.path() == "/100%/a%s/c"


def test_a_path_parameter_without_a_value_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="video-id"):
        make_request("/indexes/{index-id}/videos/{video-id}", index_id="i").path()


def test_dashes_and_underscores_in_parameter_names_are_equivalent() -> None:
    assert make_request("/a/{index-id}/{page_token}", index_id="1", page_token="2").path() == "/a/1/2"
    assert (
        Request[Any](
            method="GET", path_template="/a/{x-y}", response_type=dict, retry_class="safe", path_params={"x-y": "1"}
        ).path()
        == "/a/1"
    )


def test_the_operation_is_the_method_and_the_path_template() -> None:
    assert make_request("/a/{index-id}", index_id="1").operation == "GET /a/{index-id}"


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ({"a": None}, []),
        ({"a": "x y&z=1/é?"}, [("a", "x y&z=1/é?")]),
        ({"a": True, "b": False}, [("a", "true"), ("b", "false")]),
        ({"a": 1, "b": 1.5}, [("a", "1"), ("b", "1.5")]),
        ({"a": ["x", "y"], "b": ("z",)}, [("a", "x"), ("a", "y"), ("b", "z")]),
        ({"a": []}, []),
        ({"a": {"gte": 5, "lte": None}}, [("a[gte]", "5")]),
        ({"a": {"b": {"c": [1, 2]}}}, [("a[b][c]", "1"), ("a[b][c]", "2")]),
        ({"a": datetime(2030, 1, 2, 3, tzinfo=UTC)}, [("a", "2030-01-02T03:00:00Z")]),
        (
            {"a": datetime(2030, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))},
            [("a", "2030-01-02T03:00:00+02:00")],
        ),
    ],
)
def test_query_parameters_are_encoded_as_the_api_expects(query: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    assert list(query_pairs(query)) == pairs
    request = Request[Any](method="GET", path_template="/a", response_type=dict, retry_class="safe", query=query)
    _, _, text = request.path().partition("?")
    assert parse_qsl(text, keep_blank_values=True) == pairs
    assert ("?" in request.path()) is bool(pairs)


@pytest.mark.parametrize(
    "request_",
    [
        Request[Any](
            method="GET", path_template="/a", response_type=dict, retry_class="safe", query={"filename": "\udcff.mp4"}
        ),
        json_request("POST", json={"name": "\udcff.mp4"}),
        json_request("POST", json={"score": float("nan")}),
        json_request("POST", json={"at": object()}),
        Request[Any](
            method="POST",
            path_template="/a",
            response_type=dict,
            retry_class="non_idempotent",
            form=Form.build(name="\udcff.mp4"),
        ),
    ],
    ids=["query", "json", "nan", "object", "form"],
)
def test_p18_a_value_that_cannot_be_encoded_is_rejected_before_sending(request_: Request[Any]) -> None:
    """`os.listdir` returns such strings for filenames that are not UTF-8."""
    executor, session = make_executor(responses_in_order(fake_response()), LoopClock())
    with pytest.raises(InvalidInputError) as caught:
        run_in_virtual_time(executor.execute(request_))
    assert session.sent == []
    assert str(caught.value).isprintable()


def test_omit_none_removes_only_none() -> None:
    assert omit_none(a=None, b=0, c="", d=False, e=[]) == {"b": 0, "c": "", "d": False, "e": []}


class Format(str, Enum):  # noqa: UP042  # str() of a StrEnum differs
    MP4 = "mp4"


class Count(Enum):
    TWO = 2


ENCODED_VALUES: list[tuple[Any, str]] = [
    (Format.MP4, "mp4"),
    (Count.TWO, "2"),
    (HTTPStatus.OK, "200"),
    (True, "true"),
    (1.5, "1.5"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (date(2026, 1, 2), "2026-01-02"),
    ([Format.MP4], "mp4"),
    ({Format.MP4}, "mp4"),
]


@pytest.mark.parametrize(("value", "sent"), ENCODED_VALUES, ids=repr)
def test_a_value_has_the_same_encoding_in_queries_forms_and_json(value: Any, sent: str) -> None:
    request = Request[Any](method="GET", path_template="/a", response_type=dict, retry_class="safe", query={"x": value})
    assert parse_qsl(request.path().partition("?")[2]) == [("x", sent)]
    assert Form.build(x=value).fields == (("x", sent),)
    encoded = json.loads(json_bytes({"x": value}))["x"]
    (item,) = encoded if isinstance(value, list | set) else [encoded]
    assert (item if isinstance(item, str) else json.dumps(item)) == sent


INVALID_VALUES: list[Any] = [
    math.nan,
    math.inf,
    b"x",
    [None],
    [math.nan],
    datetime(2026, 1, 2),  # noqa: DTZ001  # naive
    object(),
    10**400,
    {1: 2},
]


@pytest.mark.parametrize("value", INVALID_VALUES, ids=range(len(INVALID_VALUES)))
def test_p18_an_invalid_value_is_rejected_by_name_in_queries_forms_and_json(value: Any) -> None:
    request = Request[Any](method="GET", path_template="/a", response_type=dict, retry_class="safe", query={"x": value})
    for send in (request.path, lambda: Form.build(x=value), lambda: json_bytes({"x": value})):
        with pytest.raises(InvalidInputError, match="x"):
            send()


def test_null_items_are_allowed_in_json_from_the_caller() -> None:
    assert json_bytes({"json_schema": {"enum": ["a", None]}}) == b'{"json_schema":{"enum":["a",null]}}'
    assert json_bytes({"x": [None]}, allow_null_items=True) == b'{"x":[null]}'
