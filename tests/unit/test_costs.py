"""Estimates of the rate-limit cost of a request."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from twelvelabs_async._rate_limit.usage import MAX_REMEMBERED_ASSETS, UsageEstimator, category_of
from twelvelabs_async._rate_limit.windows import Window
from twelvelabs_async.models.analyze import Analysis, TokenUsage
from twelvelabs_async.rate_limits import WindowInfo
from twelvelabs_async.requests import Method, Request


def make_request(method: Method, template: str, **content: Any) -> Request[Any]:
    return Request(method=method, path_template=template, response_type=dict, retry_class="safe", **content)


def estimate(estimator: UsageEstimator, request: Request[Any]) -> dict[str, float]:
    return dict(estimator.estimate(request, category_of(request)))


INDEX = make_request("POST", "/indexes/{index-id}/indexed-assets", json={"asset_id": "a"})


@attrs.frozen
class AssetResult:
    """The fields of a response to `GET /assets/{asset_id}` that the estimator reads."""

    id: str
    duration: float | None


def test_a_read_costs_one_request() -> None:
    assert estimate(UsageEstimator(), make_request("GET", "/assets")) == {"request": 1.0}


@pytest.mark.parametrize(
    "request_",
    [
        INDEX,
        make_request("POST", "/analyze", json={"video": {"type": "asset_id", "asset_id": "a"}}),
        make_request(
            "POST",
            "/embed-v2/tasks",
            json={"input_type": "video", "video": {"media_source": {"asset_id": "a"}, "start_sec": 2}},
        ),
    ],
    ids=lambda request: request.path_template,
)
def test_a_call_for_an_asset_of_known_duration_costs_its_minutes(request_: Request[Any]) -> None:
    estimator = UsageEstimator()
    estimator.learn_from_result(make_request("GET", "/assets/{asset_id}"), AssetResult("a", 90.0))
    assert estimate(estimator, request_) == {"request": 1.0, "duration": 1.5}


def test_asset_durations_are_read_from_a_page_of_assets() -> None:
    """The page is unparsed JSON; malformed pages are ignored."""
    estimator, page = UsageEstimator(), make_request("GET", "/assets")
    for malformed in ({}, {"data": None}, {"data": 7}, {"data": ["a", {"_id": 1, "duration": 3}, {"_id": "a"}]}, [1]):
        estimator.learn_from_result(page, malformed)
    assert estimate(estimator, INDEX) == {"request": 1.0}
    estimator.learn_from_result(page, {"data": [{"_id": "b", "duration": 600}, {"_id": "a", "duration": 90.0}]})
    assert estimate(estimator, INDEX) == {"request": 1.0, "duration": 1.5}


def test_a_repeated_duration_counts_once_in_the_average() -> None:
    estimator = UsageEstimator()
    unknown = make_request("POST", "/indexes/{index-id}/indexed-assets", json={"asset_id": "other"})
    for asset_id, seconds in (("a", 60.0), ("b", 600.0), ("a", 60.0), ("a", 60.0)):
        estimator.record_duration(asset_id, seconds)
    assert estimate(estimator, unknown)["duration"] == pytest.approx(1 + 0.2 * 9)


def test_an_asset_of_unknown_duration_is_assumed_to_have_the_average_duration() -> None:
    estimator = UsageEstimator()
    assert estimate(estimator, INDEX) == {"request": 1.0}
    for _ in range(30):
        estimator.learn_from_result(make_request("GET", "/assets/{asset_id}"), AssetResult("b", 600.0))
    estimator.learn_from_result(make_request("GET", "/assets/{asset_id}"), AssetResult("c", None))
    assert estimate(estimator, INDEX) == {"request": 1.0, "duration": pytest.approx(10.0)}


def test_an_unknown_duration_is_estimated_from_the_decrease_of_the_remaining_quota() -> None:
    estimator, windows = UsageEstimator(), list[Window | None]([None])

    def learn_remaining(remaining: int | None, reset: float = 100.0) -> None:
        estimator.learn_from_window("index", windows[-1], WindowInfo(limit=600, remaining=remaining, reset=reset))
        windows.append(Window(dimension="duration", limit=600, remaining=remaining, reset=reset))

    learn_remaining(590)
    assert estimate(estimator, INDEX) == {"request": 1.0}
    learn_remaining(586)
    assert estimate(estimator, INDEX) == {"request": 1.0, "duration": 4.0}
    learn_remaining(600, reset=200.0)  # another window
    learn_remaining(601, reset=200.0)  # a response that arrived out of order
    learn_remaining(None, reset=200.0)
    learn_remaining(599, reset=200.0)
    assert estimate(estimator, INDEX) == {"request": 1.0, "duration": 4.0}


def test_a_duration_given_by_the_caller_takes_precedence() -> None:
    estimator = UsageEstimator()
    estimator.record_duration("a", 600.0)
    assert estimate(estimator, attrs.evolve(INDEX, media_seconds=30.0)) == {"request": 1.0, "duration": 0.5}


def test_the_token_cost_is_estimated_from_previous_responses() -> None:
    estimator, analyze = UsageEstimator(), make_request("POST", "/analyze", json={"prompt": "what?"})
    assert estimate(estimator, analyze) == {"request": 1.0}
    for tokens in (100, 200):
        estimator.learn_from_result(analyze, Analysis(id="1", data="", usage=TokenUsage(output_tokens=tokens)))
    estimator.learn_from_result(analyze, Analysis(id="1", data=""))
    assert estimate(estimator, analyze) == {"request": 1.0, "token": pytest.approx(120.0)}
    assert estimate(estimator, make_request("POST", "/responses")) == {"request": 1.0}


def test_durations_of_the_oldest_assets_are_discarded() -> None:
    estimator = UsageEstimator()
    for number in range(MAX_REMEMBERED_ASSETS + 5):
        estimator.record_duration(str(number), 60.0)
    assert len(estimator._asset_minutes) == MAX_REMEMBERED_ASSETS
    assert "4" not in estimator._asset_minutes
