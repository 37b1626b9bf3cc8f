"""What calls cost beside one request each: minutes of media and tokens, as far as anything is known of them.

Lengths of assets are remembered when the platform tells them. An asset of unknown length is taken to be as long as
others on the average: those that are known, or else what a call made the server's own number fall by. The tokens of an
answer are known when it is there; until then it is taken to be as long as those before it. Where nothing is known
nothing is reserved, and the server's numbers, which come with each answer, set all of it right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from twelvelabs_async.policy.budget import ONE, Costs
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.request import Request

TIMED: Final = frozenset({"index", "analyze", "embed-video", "embed-audio"})
"""Categories that count the minutes of the media that are worked on."""

WRITTEN: Final = {"POST /analyze": "analyze", "POST /responses": "POST /responses"}
"""Operations that count the tokens they write, and their categories."""

TELL_LENGTHS: Final = frozenset({"GET /assets/{asset_id}", "GET /assets"})
"""Operations that tell the length of an asset, or of all on a page."""

ANY: Final = ""
"""Stands for all categories: lengths of assets are the same in each."""

KEPT: Final = 10_000
"""Assets whose lengths are remembered."""

NEWEST: Final = 0.2
"""Weight of the newest figure in an average."""


@attrs.define
class CostBook:
    """What was seen of lengths and tokens; shared by all views of a client."""

    _minutes: OrderedDict[str, float] = attrs.field(factory=OrderedDict[str, float])
    _usual: dict[tuple[str, str], float] = attrs.field(factory=dict[tuple[str, str], float])
    _told: dict[str, Quota] = attrs.field(factory=dict[str, Quota])

    def of(self, request: Request[Any], category: str) -> Costs:
        """What a request is likely to draw on each dimension."""
        timed, written = category in TIMED, category in WRITTEN.values()
        if not timed and not written:
            return ONE
        minutes = self._length(request, category) if timed else 0.0
        tokens = self._usual.get((category, "token"), 0.0) if written else 0.0
        return {**ONE, **({"duration": minutes} if minutes else {}), **({"token": tokens} if tokens else {})}

    def learn(self, request: Request[Any], result: Any) -> None:
        """Remember what an answer tells of lengths and tokens."""
        operation = request.operation
        if operation in WRITTEN:
            tokens = getattr(getattr(result, "usage", None), "output_tokens", None)
            if tokens:
                self._average(WRITTEN[operation], "token", float(tokens))
        elif operation in TELL_LENGTHS:
            for asset_id, seconds in _lengths(result):
                self.note_length(asset_id, seconds)

    def observe(self, category: str, advice: Advice) -> None:
        """Take what the server's number of minutes fell by, from answer to answer, for the length of what was asked."""
        quota = advice.quotas.get("duration")
        if quota is None or quota.remaining is None:
            return
        before = self._told.get(category)
        self._told[category] = quota
        if before is None or before.remaining is None or before.reset != quota.reset:
            return
        if before.remaining >= quota.remaining:
            self._average(category, "duration", float(before.remaining - quota.remaining))

    def note_length(self, asset_id: str, seconds: float) -> None:
        """Remember how long an asset is."""
        minutes = seconds / 60
        if self._minutes.get(asset_id) == minutes:
            return
        self._minutes[asset_id] = minutes
        self._average(ANY, "duration", minutes)
        if len(self._minutes) > KEPT:
            self._minutes.popitem(last=False)

    def _average(self, category: str, dimension: str, value: float) -> None:
        before = self._usual.get((category, dimension), value)
        self._usual[category, dimension] = before + NEWEST * (value - before)

    def _length(self, request: Request[Any], category: str) -> float:
        if request.media_seconds is not None:
            return request.media_seconds / 60
        known = [self._minutes[asset] for asset in _assets(request.json) if asset in self._minutes]
        if known:
            return sum(known)
        return self._usual.get((category, "duration")) or self._usual.get((ANY, "duration"), 0.0)


def _lengths(result: object) -> Iterator[tuple[str, float]]:
    """Assets with their seconds, as far as told: of one, or of a page as it came."""
    found: list[tuple[object, object]] = [(getattr(result, "id", None), getattr(result, "duration", None))]
    if isinstance(result, Mapping):
        page: object = cast("Mapping[str, object]", result).get("data")
        items = cast("list[object]", page) if isinstance(page, list) else []
        assets = [cast("Mapping[str, object]", item) for item in items if isinstance(item, Mapping)]
        found = [(asset.get("_id"), asset.get("duration")) for asset in assets]
    for asset_id, seconds in found:
        if isinstance(asset_id, str) and isinstance(seconds, int | float) and seconds > 0:
            yield asset_id, seconds


def _assets(body: object, depth: int = 3) -> list[str]:
    """Assets that a body names, wherever in it."""
    if not isinstance(body, Mapping) or not depth:
        return []
    found = list[str]()
    for name, value in cast("Mapping[str, object]", body).items():
        found += [value] if name == "asset_id" and isinstance(value, str) else _assets(value, depth - 1)
    return found
