"""Categories of operations, and estimates of what a call uses of each limit.

Operations of a category share their limits: https://docs.twelvelabs.io/docs/get-started/rate-limits. Some categories
count minutes of media or tokens besides requests. The duration of an asset is remembered from responses; an unknown one
is estimated as the average of the known ones, or of what earlier calls used by the headers. Tokens are estimated as the
average of earlier responses. Without any data nothing is reserved; the headers of the response correct each estimate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST, Window
from twelvelabs_async.rate_limits import Costs, WindowInfo
from twelvelabs_async.requests import Request

OPERATION_CATEGORIES: Final = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
    "POST /embed/tasks": "embed-video",
}
"""Operations with a documented category. Each other operation is a category of its own."""

EMBEDDING_MEDIA_TYPES: Final = ("video", "audio", "text_image", "image", "document", "text")
"""Media types of embeddings; a request with several belongs to the first, which has the smallest limit."""


def category_of(request: Request[Any]) -> str:
    """Return the category of a request."""
    operation = request.operation
    if operation in OPERATION_CATEGORIES:
        return OPERATION_CATEGORIES[operation]
    if request.method == "POST" and request.path_template.startswith("/embed"):
        inputs = _embedding_inputs(request)
        for media_type in EMBEDDING_MEDIA_TYPES:
            if media_type in inputs:
                return f"embed-{media_type.replace('_', '-')}"
    return operation


def _embedding_inputs(request: Request[Any]) -> str:
    """Return the input types of an embedding request, or the names of its form fields, as one string."""
    if request.form is not None:
        return " ".join([*(name for name, _ in request.form.fields), *(file.name for file in request.form.files)])
    body = _as_mapping(request.json)
    multi_input = _as_mapping(body.get("multi_input"))
    sources: object = multi_input.get("media_sources") or ([{"media_type": "text"}] if multi_input else [])
    parts = [_as_mapping(part) for part in cast("list[object]", sources)] if isinstance(sources, list) else []
    return " ".join([str(body.get("input_type", "")), *(str(part.get("media_type")) for part in parts)])


def _as_mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one for any other value, which the server will reject."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


MEDIA_CATEGORIES: Final = frozenset({"index", "analyze", "embed-video", "embed-audio"})
"""Categories that count minutes of processed media."""

TOKEN_OPERATIONS: Final = {"POST /analyze": "analyze", "POST /responses": "POST /responses"}
"""Operations that count generated tokens, and their categories."""

ASSET_DURATION_OPERATIONS: Final = frozenset({"GET /assets/{asset_id}", "GET /assets"})
"""Operations whose responses have the durations of assets."""

LEARNING_OPERATIONS: Final = frozenset({*TOKEN_OPERATIONS, *ASSET_DURATION_OPERATIONS})
"""Operations whose responses `UsageEstimator.learn_from_result` reads."""

ALL_CATEGORIES: Final = ""
"""Key of averages over all categories."""

MAX_REMEMBERED_ASSETS: Final = 10_000
"""Maximum number of assets whose durations are remembered."""

AVERAGE_WEIGHT: Final = 0.2
"""Weight of the newest value in a moving average."""


@attrs.define(eq=False, repr=False)
class UsageEstimator:
    """Estimates what calls use, from earlier responses. All views of a client share one."""

    _asset_minutes: OrderedDict[str, float] = attrs.field(factory=OrderedDict[str, float])
    _averages: dict[tuple[str, str], float] = attrs.field(factory=dict[tuple[str, str], float])

    def estimate(self, request: Request[Any], category: str) -> Costs:
        """Estimate what a request uses of each dimension."""
        counts_minutes, counts_tokens = category in MEDIA_CATEGORIES, category in TOKEN_OPERATIONS.values()
        if not counts_minutes and not counts_tokens:
            return SINGLE_REQUEST
        minutes = self._estimate_minutes(request, category) if counts_minutes else 0.0
        tokens = self._averages.get((category, "token"), 0.0) if counts_tokens else 0.0
        return {**SINGLE_REQUEST, **({"duration": minutes} if minutes else {}), **({"token": tokens} if tokens else {})}

    def learn_from_result(self, request: Request[Any], result: Any) -> None:
        """Remember the durations and tokens in a response."""
        operation = request.operation
        if operation in TOKEN_OPERATIONS:
            tokens = field_of(field_of(result, "usage"), "output_tokens")
            if isinstance(tokens, int) and tokens:
                self._update_average(TOKEN_OPERATIONS[operation], "token", float(tokens))
        elif operation in ASSET_DURATION_OPERATIONS:
            for asset_id, seconds in _asset_durations(result):
                self.record_duration(asset_id, seconds)

    def learn_from_window(self, category: str, before: Window | None, reported: WindowInfo) -> None:
        """Average the minutes by which `remaining` fell since the previous response of the same window."""
        if before is None or before.remaining is None or reported.remaining is None:
            return
        if before.reset == reported.reset and before.remaining >= reported.remaining:
            self._update_average(category, "duration", float(before.remaining - reported.remaining))

    def record_duration(self, asset_id: str, seconds: float) -> None:
        """Remember the duration of an asset."""
        minutes = seconds / 60
        if self._asset_minutes.get(asset_id) == minutes:
            return
        self._asset_minutes[asset_id] = minutes
        self._update_average(ALL_CATEGORIES, "duration", minutes)
        if len(self._asset_minutes) > MAX_REMEMBERED_ASSETS:
            self._asset_minutes.popitem(last=False)

    def _update_average(self, category: str, dimension: str, value: float) -> None:
        before = self._averages.get((category, dimension), value)
        self._averages[category, dimension] = before + AVERAGE_WEIGHT * (value - before)

    def _estimate_minutes(self, request: Request[Any], category: str) -> float:
        if request.media_seconds is not None:
            return request.media_seconds / 60
        known = [self._asset_minutes[asset] for asset in _asset_ids(request.json) if asset in self._asset_minutes]
        if known:
            return sum(known)
        return self._averages.get((category, "duration")) or self._averages.get((ALL_CATEGORIES, "duration"), 0.0)


def field_of(model: object, name: str) -> object:
    """Return a field of a model; None if its class has no such field, for which `getattr` would compose an error."""
    value: object = getattr(model, name) if hasattr(type(model), name) else None
    return value


def _asset_durations(result: object) -> Iterator[tuple[str, float]]:
    """Yield the ids and durations of the assets in a response: one asset, or a page as a JSON object."""
    found: list[tuple[object, object]] = [(field_of(result, "id"), field_of(result, "duration"))]
    if isinstance(result, Mapping):
        page: object = cast("Mapping[str, object]", result).get("data")
        items = cast("list[object]", page) if isinstance(page, list) else []
        assets = [cast("Mapping[str, object]", item) for item in items if isinstance(item, Mapping)]
        found = [(asset.get("_id"), asset.get("duration")) for asset in assets]
    for asset_id, seconds in found:
        if isinstance(asset_id, str) and isinstance(seconds, int | float) and seconds > 0:
            yield asset_id, seconds


def _asset_ids(body: object, depth: int = 3) -> list[str]:
    """Return all values of `asset_id` in a JSON body."""
    if not isinstance(body, Mapping) or not depth:
        return []
    found = list[str]()
    for name, value in cast("Mapping[str, object]", body).items():
        found += [value] if name == "asset_id" and isinstance(value, str) else _asset_ids(value, depth - 1)
    return found
