"""Searches in indexes: hits, groups, filters, pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Search = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def index(make_index: CreateResource) -> str:
    return await make_index("films", addons=["thumbnail"])


@pytest.fixture
async def red(index: str, make_video: CreateResource) -> str:
    return await make_video(index, "red_car.mp4", samples.video(60), user_metadata={"place": "Rome", "year": 1999})


@pytest.fixture
async def blue(index: str, make_video: CreateResource) -> str:
    return await make_video(index, "blue_car.mp4", samples.video(60), user_metadata={"place": "Oslo", "live": True})


@pytest.fixture
def search(call: SendRequest, form: Form, index: str) -> Search:
    async def send(**fields: Any) -> tuple[int, Any]:
        fields = {"index_id": index, "search_options": "visual", "page_limit": 50, **fields}
        present_fields = {name: value for name, value in fields.items() if value is not None}
        return await call("POST", "/search", data=form(**present_fields))

    return send


async def test_a_word_of_the_name_finds_a_video(search: Search, red: str, blue: str) -> None:
    _, body = await search(query_text="A RED thing")
    assert {hit["video_id"] for hit in body["data"]} == {red}
    assert [hit["rank"] for hit in body["data"]] == list(range(1, len(body["data"]) + 1))
    assert all(0 <= hit["start"] < hit["end"] <= 60 for hit in body["data"])
    assert not {"score", "confidence", "user_metadata"} & body["data"][0].keys()
    assert body["data"][0]["thumbnail_url"]
    _, response = await search(query_text="red car")
    assert response["data"][0]["video_id"] == red
    assert {hit["video_id"] for hit in response["data"]} == {red, blue}


async def test_metadata_is_searched(search: Search, red: str, blue: str) -> None:
    _, response = await search(query_text="oslo", include_user_metadata="true")
    assert {hit["video_id"] for hit in response["data"]} == {blue} != {red}
    assert response["data"][0]["user_metadata"] == {"place": "Oslo", "live": True}


@pytest.mark.usefixtures("red", "blue")
async def test_a_query_without_matching_words_finds_nothing(search: Search) -> None:
    status, response = await search(query_text="submarine")
    assert (status, response["data"], response["page_info"]["total_results"]) == (200, [], 0)
    assert (response["search_pool"]["total_count"], response["search_pool"]["total_duration"]) == (2, 120)


@pytest.mark.usefixtures("red", "blue")
async def test_the_same_query_has_the_same_results(search: Search) -> None:
    assert (await search(query_text="car"))[1]["data"] == (await search(query_text="Car"))[1]["data"]


async def test_hits_can_be_grouped_by_video(search: Search, red: str, blue: str) -> None:
    _, ungrouped = await search(query_text="car")
    _, response = await search(query_text="car", group_by="video")
    assert {group["id"] for group in response["data"]} == {red, blue}
    assert response["page_info"]["total_results"] == 2
    assert response["page_info"]["total_inner_matches"] == len(ungrouped["data"])
    assert sum(len(group["clips"]) for group in response["data"]) == len(ungrouped["data"])


@pytest.mark.usefixtures("red", "blue")
async def test_the_and_operator_finds_no_more_than_the_or_operator(search: Search) -> None:
    options = ["visual", "audio", "transcription"]
    _, or_response = await search(query_text="car", search_options=options)
    _, and_response = await search(query_text="car", search_options=options, operator="and")
    assert 2 <= len(and_response["data"]) <= len(or_response["data"])
    assert {hit["transcription"] for hit in or_response["data"]} == {"red car mp4", "blue car mp4"}


async def test_an_image_query_finds_all_videos(search: Search, red: str, blue: str) -> None:
    _, by_url = await search(query_media_type="image", query_media_url=["https://example.com/a.jpg"])
    _, by_file = await search(query_media_type="image", query_media_file=[samples.image(), samples.image(200, 200)])
    assert {hit["video_id"] for hit in by_url["data"]} == {hit["video_id"] for hit in by_file["data"]} == {red, blue}
    _, composed = await search(query_media_type="image", query_media_file=samples.image(), query_text="red")
    assert {hit["video_id"] for hit in composed["data"]} == {red}


async def test_a_filter_narrows_the_search(search: Search, red: str, blue: str) -> None:
    async def find(**conditions: Any) -> set[str]:
        return {hit["video_id"] for hit in (await search(query_text="car", filter=conditions))[1]["data"]}

    assert await find(place="Rome") == {red}
    assert await find(id=[blue]) == {blue}
    assert await find(id=[red], place="Oslo") == set()
    assert await find(year={"gte": 1990, "lte": 2000}) == {red}
    assert await find(live=True) == {blue}
    assert await find(duration={"gte": 10}, width=1280) == {red, blue}
    assert await find(filename="blue_car.mp4") == {blue}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"duration": "long"}',
        '{"duration": {"gt": 1}}',
        '{"year": {"gte": "a"}}',
        '{"place": ["Rome"]}',
        '{"a": null}',
    ],
)
async def test_an_invalid_filter_is_rejected(search: Search, text: str) -> None:
    status, error = await search(query_text="car", filter=text)
    assert (status, error["code"]) == (400, "search_filter_invalid")


@pytest.mark.usefixtures("red", "blue")
async def test_pages_link_to_the_next_and_previous_page(
    call: SendRequest, search: Search, advance: Callable[[float], None]
) -> None:
    _, all_hits = await search(query_text="car")
    _, first = await search(query_text="car", page_limit=1)
    assert first["page_info"]["page_expires_at"]
    hits, page = list(first["data"]), first
    while token := page["page_info"].get("next_page_token"):
        advance(1)
        status, page = await call("GET", f"/search/{token}")
        assert status == 200
        hits += page["data"]
    assert hits == all_hits["data"]
    assert "prev_page_token" not in first["page_info"]
    _, previous = await call("GET", f"/search/{page['page_info']['prev_page_token']}?include_user_metadata=true")
    assert {key: previous["data"][0][key] for key in hits[-2]} == hits[-2]
    assert "user_metadata" in previous["data"][0]
    token_prefix = first["page_info"]["next_page_token"].rpartition("-")[0]
    assert (await call("GET", f"/search/{token_prefix}-99"))[0] == 400


@pytest.mark.usefixtures("red", "blue")
async def test_later_pages_show_the_results_of_the_first_query(
    call: SendRequest, search: Search, index: str, make_video: CreateResource
) -> None:
    _, first = await search(query_text="car", page_limit=1)
    await make_video(index, "car.mp4")
    _, second = await call("GET", f"/search/{first['page_info']['next_page_token']}")
    assert second["page_info"]["total_results"] == first["page_info"]["total_results"]


@pytest.mark.usefixtures("red", "blue")
async def test_a_token_expires(call: SendRequest, search: Search, advance: Callable[[float], None]) -> None:
    _, first = await search(query_text="car", page_limit=1)
    token = first["page_info"]["next_page_token"]
    advance(900)
    status, error = await call("GET", f"/search/{token}")
    assert status == 400
    assert error.keys() == {"error_code", "message"}
    assert isinstance(error["error_code"], int)


@pytest.mark.usefixtures("red", "blue")
async def test_expired_results_are_deleted(
    search: Search, emulator: Emulator, advance: Callable[[float], None]
) -> None:
    for _ in range(3):
        await search(query_text="car", page_limit=1)
        advance(900)
    assert len(emulator.state.searches) == 1


@pytest.mark.parametrize("token", ["nonsense", "a-1", "a-x"])
async def test_an_unknown_token_is_rejected(call: SendRequest, token: str) -> None:
    assert (await call("GET", f"/search/{token}"))[0] == 400


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "parameter_not_provided"),
        ({"query_text": "car", "search_options": None}, "parameter_not_provided"),
        ({"query_text": "car", "search_options": "smell"}, "search_option_not_supported"),
        ({"query_text": "car", "page_limit": 51}, "parameter_invalid"),
        ({"query_text": "car", "group_by": "mood"}, "parameter_invalid"),
        ({"query_text": "car", "operator": "xor"}, "parameter_invalid"),
        ({"query_text": "car", "transcription_options": "lexical"}, "search_option_combination_not_supported"),
        ({"query_media_url": "https://example.com/a.jpg"}, "parameter_not_provided"),
        ({"query_media_type": "image"}, "parameter_not_provided"),
        ({"query_media_type": "video", "query_media_url": "https://example.com/a.mp4"}, "parameter_invalid"),
        (
            {"query_media_type": "image", "query_media_url": [f"https://a.b/{n}" for n in range(11)]},
            "parameter_invalid",
        ),
        (
            {"query_media_type": "image", "query_media_url": "https://a.b/c.jpg", "search_options": "audio"},
            "parameter_invalid",
        ),
        ({"query_text": "car", "index_id": "0" * 24}, "resource_not_exist"),
    ],
)
async def test_invalid_queries_are_rejected(search: Search, fields: dict[str, Any], code: str) -> None:
    status, error = await search(**fields)
    assert status in {400, 404}
    assert error["code"] == code


async def test_an_index_supports_only_its_options(call: SendRequest, form: Form, make_index: CreateResource) -> None:
    index = await make_index("images", "visual")
    for option in ("audio", "transcription"):
        data = form(index_id=index, search_options=option, query_text="car")
        status, error = await call("POST", "/search", data=data)
        assert (status, error["code"]) == (400, "search_option_not_supported")


async def test_a_search_requires_a_form(call: SendRequest, index: str) -> None:
    status, error = await call("POST", "/search", json={"index_id": index, "query_text": "car"})
    assert (status, error["code"]) == (400, "content_type_invalid")
