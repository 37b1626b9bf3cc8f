"""P16: an id stays one segment of the path, or is rejected before a request is sent."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import Request

ALPHABET = "./\\%2eEfF?#;&=+:@ ~\r\n\t\x00\x7f\u2028é日\ud800{}-_"
texts = st.text(st.characters(), max_size=30) | st.text(ALPHABET, max_size=12)


def check_id(text: str) -> None:
    request = Request[Any](
        method="DELETE",
        path_template="/indexes/{index-id}/videos/{video-id}",
        response_type=dict,
        retry_class="safe",
        path_params={"index_id": "I", "video_id": text},
    )
    try:
        path = request.path()
    except InvalidInputError as error:
        assert str(error).isprintable()  # noqa: PT017  # a rejection is valid too
        return
    assert path.isascii()
    assert path.isprintable()
    url = URL("https://host/v1.3" + path, encoded=True)
    assert url.raw_path_qs == "/v1.3" + path
    segments = urlsplit(str(url)).path.split("/")
    assert [unquote(segment) for segment in segments] == ["", "v1.3", "indexes", "I", "videos", text]


@given(texts)
@example("..")
@example("%2e%2e%2f")
@example("../../OTHER")
@example("a/../b")
@settings(max_examples=300)
def test_p16_an_id_is_rejected_or_decodes_to_itself_in_its_path_segment(text: str) -> None:
    check_id(text)


def test_p16_ten_thousand_random_ids_are_rejected_or_decode_to_themselves() -> None:
    rng = random.Random(16)  # noqa: S311  # not for cryptography
    for _ in range(10_000):
        check_id("".join(rng.choices(ALPHABET, k=rng.randrange(9))))


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.booleans() | st.lists(st.text())))
def test_a_query_is_rejected_or_decodes_to_itself(query: dict[str, str | int | bool | list[str]]) -> None:
    request = Request[Any](method="GET", path_template="/a", response_type=dict, retry_class="safe", query=query)
    try:
        path = request.path()
    except InvalidInputError:
        return
    expected = list[tuple[str, str]]()
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        expected += [(name, str(item).lower() if isinstance(item, bool) else str(item)) for item in values]
    assert parse_qsl(path.partition("?")[2], keep_blank_values=True, max_num_fields=10_000) == expected
