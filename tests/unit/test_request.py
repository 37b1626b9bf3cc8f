from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from support import LoopClock, ask, in_turn, road, said, virtually
from yarl import URL

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.request import Request, checked_id, form, given, query_pairs


def get(template: str, **ids: Any) -> Request[Any]:
    return Request(method="GET", template=template, into=dict, retry="safe", ids=ids)


REFUSED = [
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
ESCAPED = [
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


@pytest.mark.parametrize("hostile", REFUSED, ids=ascii)
def test_p16_an_id_that_would_leave_its_segment_is_refused_before_anything_is_sent(hostile: str) -> None:
    api, session = road(in_turn(said()), LoopClock())
    with pytest.raises(InvalidInputError) as caught:
        virtually(api.call(get("/indexes/{index-id}/videos/{video-id}", index_id="i", video_id=hostile)))
    assert session.sent == []
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("odd", ESCAPED, ids=ascii)
def test_p16_an_odd_id_stays_one_segment_through_every_parser_on_the_way(odd: str) -> None:
    path = get("/indexes/{index-id}/videos/{video-id}", index_id=odd, video_id=odd).path()
    assert path.isascii()
    for parsed in (urlsplit("https://h/v1.3" + path).path, URL("https://h/v1.3" + path, encoded=True).raw_path):
        segments = parsed.split("/")
        assert [unquote(segment) for segment in segments] == ["", "v1.3", "indexes", odd, "videos", odd]


@pytest.mark.parametrize("wrong", [None, 7, b"abc", ["a"], True])
def test_an_id_is_a_text(wrong: object) -> None:
    with pytest.raises(InvalidInputError):
        checked_id(wrong)


def test_what_a_template_says_beside_its_variables_stays_as_it_is() -> None:
    request = Request(
        method="GET", template="/100%/{index-id}%s/{b}", into=str, retry="safe", ids={"index-id": "a", "b": "c"}
    )
    assert request.path() == "/100%/a%s/c"


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="video-id"):
        get("/indexes/{index-id}/videos/{video-id}", index_id="i").path()


def test_dashes_and_underscores_in_names_are_the_same() -> None:
    assert get("/a/{index-id}/{page_token}", index_id="1", page_token="2").path() == "/a/1/2"
    assert Request[Any](method="GET", template="/a/{x-y}", into=dict, retry="safe", ids={"x-y": "1"}).path() == "/a/1"


def test_the_operation_is_the_verb_and_the_template() -> None:
    assert get("/a/{index-id}", index_id="1").operation == "GET /a/{index-id}"


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
def test_a_query_is_written_as_the_api_reads_it(query: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    assert list(query_pairs(query)) == pairs
    request = Request[Any](method="GET", template="/a", into=dict, retry="safe", query=query)
    _, _, text = request.path().partition("?")
    assert parse_qsl(text, keep_blank_values=True) == pairs
    assert ("?" in request.path()) is bool(pairs)


@pytest.mark.parametrize(
    "request_",
    [
        Request[Any](method="GET", template="/a", into=dict, retry="safe", query={"filename": "\udcff.mp4"}),
        ask("POST", json={"name": "\udcff.mp4"}),
        ask("POST", json={"score": float("nan")}),
        ask("POST", json={"at": object()}),
        Request[Any](method="POST", template="/a", into=dict, retry="unsafe", form=form(name="\udcff.mp4")),
    ],
    ids=["query", "json", "nan", "object", "form"],
)
def test_p18_what_cannot_be_written_is_refused_before_anything_is_sent(request_: Request[Any]) -> None:
    """P18. A file name that is not UTF-8 comes out of `os.listdir` like this."""
    api, session = road(in_turn(said()), LoopClock())
    with pytest.raises(InvalidInputError) as caught:
        virtually(api.call(request_))
    assert session.sent == []
    assert str(caught.value).isprintable()


def test_given_keeps_what_is_not_none() -> None:
    assert given(a=None, b=0, c="", d=False, e=[]) == {"b": 0, "c": "", "d": False, "e": []}
