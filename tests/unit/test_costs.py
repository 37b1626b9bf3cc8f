"""What calls are taken to cost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from twelvelabs_async._rate_limit.usage import MAX_REMEMBERED_ASSETS, UsageEstimator, category_of
from twelvelabs_async._rate_limit.windows import Window
from twelvelabs_async.models.analyze import Analysis, TokenUsage
from twelvelabs_async.rate_limits import WindowInfo
from twelvelabs_async.requests import Method, Request


def asked(method: Method, template: str, **content: Any) -> Request[Any]:
    return Request(method=method, path_template=template, response_type=dict, retry_class="safe", **content)


def cost(book: UsageEstimator, request: Request[Any]) -> dict[str, float]:
    return dict(book.estimate(request, category_of(request)))


INDEX = asked("POST", "/indexes/{index-id}/indexed-assets", json={"asset_id": "a"})


@attrs.frozen
class Told:
    """What `GET /assets/{asset_id}` gives, as far as it matters."""

    id: str
    duration: float | None


def test_a_read_costs_one_request() -> None:
    assert cost(UsageEstimator(), asked("GET", "/assets")) == {"request": 1.0}


@pytest.mark.parametrize(
    "request_",
    [
        INDEX,
        asked("POST", "/analyze", json={"video": {"type": "asset_id", "asset_id": "a"}}),
        asked(
            "POST",
            "/embed-v2/tasks",
            json={"input_type": "video", "video": {"media_source": {"asset_id": "a"}, "start_sec": 2}},
        ),
    ],
    ids=lambda request: request.path_template,
)
def test_a_call_for_an_asset_of_known_duration_costs_its_minutes(request_: Request[Any]) -> None:
    book = UsageEstimator()
    book.learn_from_result(asked("GET", "/assets/{asset_id}"), Told("a", 90.0))
    assert cost(book, request_) == {"request": 1.0, "duration": 1.5}


def test_asset_durations_are_read_from_a_page_of_assets() -> None:
    """It is looked at as it came; what else a server may have sent in its place tells nothing."""
    book, page = UsageEstimator(), asked("GET", "/assets")
    for odd in ({}, {"data": None}, {"data": 7}, {"data": ["a", {"_id": 1, "duration": 3}, {"_id": "a"}]}, [1]):
        book.learn_from_result(page, odd)
    assert cost(book, INDEX) == {"request": 1.0}
    book.learn_from_result(page, {"data": [{"_id": "b", "duration": 600}, {"_id": "a", "duration": 90.0}]})
    assert cost(book, INDEX) == {"request": 1.0, "duration": 1.5}


def test_a_repeated_duration_counts_once_in_the_average() -> None:
    book, unknown = UsageEstimator(), asked("POST", "/indexes/{index-id}/indexed-assets", json={"asset_id": "other"})
    for asset_id, seconds in (("a", 60.0), ("b", 600.0), ("a", 60.0), ("a", 60.0)):
        book.record_duration(asset_id, seconds)
    assert cost(book, unknown)["duration"] == pytest.approx(1 + 0.2 * 9)


def test_an_asset_of_unknown_duration_is_assumed_to_have_the_average_duration() -> None:
    book = UsageEstimator()
    assert cost(book, INDEX) == {"request": 1.0}
    for _ in range(30):
        book.learn_from_result(asked("GET", "/assets/{asset_id}"), Told("b", 600.0))
    book.learn_from_result(asked("GET", "/assets/{asset_id}"), Told("c", None))
    assert cost(book, INDEX) == {"request": 1.0, "duration": pytest.approx(10.0)}


def test_an_unknown_duration_is_estimated_from_the_decrease_of_the_remaining_quota() -> None:
    book, last = UsageEstimator(), list[Window | None]([None])

    def learn_remaining(remaining: int | None, reset: float = 100.0) -> None:
        book.learn_from_window("index", last[-1], WindowInfo(limit=600, remaining=remaining, reset=reset))
        last.append(Window(dimension="duration", limit=600, remaining=remaining, reset=reset))

    learn_remaining(590)
    assert cost(book, INDEX) == {"request": 1.0}
    learn_remaining(586)
    assert cost(book, INDEX) == {"request": 1.0, "duration": 4.0}
    learn_remaining(600, reset=200.0)  # another window
    learn_remaining(601, reset=200.0)  # an answer that was overtaken
    learn_remaining(None, reset=200.0)
    learn_remaining(599, reset=200.0)
    assert cost(book, INDEX) == {"request": 1.0, "duration": 4.0}


def test_a_duration_given_by_the_caller_takes_precedence() -> None:
    book = UsageEstimator()
    book.record_duration("a", 600.0)
    assert cost(book, attrs.evolve(INDEX, media_seconds=30.0)) == {"request": 1.0, "duration": 0.5}


def test_the_token_cost_is_estimated_from_previous_responses() -> None:
    book, analyze = UsageEstimator(), asked("POST", "/analyze", json={"prompt": "what?"})
    assert cost(book, analyze) == {"request": 1.0}
    for tokens in (100, 200):
        book.learn_from_result(analyze, Analysis(id="1", data="", usage=TokenUsage(output_tokens=tokens)))
    book.learn_from_result(analyze, Analysis(id="1", data=""))
    assert cost(book, analyze) == {"request": 1.0, "token": pytest.approx(120.0)}
    assert cost(book, asked("POST", "/responses")) == {"request": 1.0}


def test_durations_of_the_oldest_assets_are_discarded() -> None:
    book = UsageEstimator()
    for number in range(MAX_REMEMBERED_ASSETS + 5):
        book.record_duration(str(number), 60.0)
    assert len(book._asset_minutes) == MAX_REMEMBERED_ASSETS
    assert "4" not in book._asset_minutes
