"""What calls cost beside one request each: minutes of media and tokens, as far as anything is known of them.

Lengths of assets are remembered when the platform tells them; an asset of unknown length is taken to be as long as
those that are known are on the average. The tokens of an answer are known when it is there; until then it is taken to
be as long as those before it. Where nothing is known nothing is reserved, and the server's numbers, which come with
each answer, set all of it right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from twelvelabs_async.policy.budget import ONE, Costs
from twelvelabs_async.request import Request

TIMED: Final = frozenset({"index", "analyze", "embed-video", "embed-audio"})
"""Categories that count the minutes of the media that are worked on."""

WRITTEN: Final = {"POST /analyze": "analyze", "POST /responses": "POST /responses"}
"""Operations that count the tokens they write, and their categories."""

TELLS_LENGTH: Final = "GET /assets/{asset_id}"
"""The operation that tells the length of an asset."""

KEPT: Final = 10_000
"""Assets whose lengths are remembered."""

NEWEST: Final = 0.2
"""Weight of the newest figure in an average."""


@attrs.define
class CostBook:
    """What was seen of lengths and tokens; shared by all views of a client."""

    _minutes: OrderedDict[str, float] = attrs.field(factory=OrderedDict[str, float])
    _usual: dict[str, float] = attrs.field(factory=dict[str, float])

    def of(self, request: Request[Any], category: str) -> Costs:
        """What a request is likely to draw on each dimension."""
        timed, written = category in TIMED, category in WRITTEN.values()
        if not timed and not written:
            return ONE
        minutes = self._length(request) if timed else 0.0
        tokens = self._usual.get(category, 0.0) if written else 0.0
        return {**ONE, **({"duration": minutes} if minutes else {}), **({"token": tokens} if tokens else {})}

    def learn(self, request: Request[Any], result: Any) -> None:
        """Remember what an answer tells of lengths and tokens."""
        operation = request.operation
        if operation in WRITTEN:
            tokens = getattr(getattr(result, "usage", None), "output_tokens", None)
            if tokens:
                self._average(WRITTEN[operation], float(tokens))
        elif operation == TELLS_LENGTH and getattr(result, "duration", None):
            self.note_length(result.id, result.duration)

    def note_length(self, asset_id: str, seconds: float) -> None:
        """Remember how long an asset is."""
        self._minutes[asset_id] = seconds / 60
        self._average("minutes", seconds / 60)
        if len(self._minutes) > KEPT:
            self._minutes.popitem(last=False)

    def _average(self, name: str, value: float) -> None:
        before = self._usual.get(name, value)
        self._usual[name] = before + NEWEST * (value - before)

    def _length(self, request: Request[Any]) -> float:
        if request.media_seconds is not None:
            return request.media_seconds / 60
        known = [self._minutes[asset] for asset in _assets(request.json) if asset in self._minutes]
        return sum(known) if known else self._usual.get("minutes", 0.0)


def _assets(body: object, depth: int = 3) -> list[str]:
    """Assets that a body names, wherever in it."""
    if not isinstance(body, Mapping) or not depth:
        return []
    found = list[str]()
    for name, value in cast("Mapping[str, object]", body).items():
        found += [value] if name == "asset_id" and isinstance(value, str) else _assets(value, depth - 1)
    return found
