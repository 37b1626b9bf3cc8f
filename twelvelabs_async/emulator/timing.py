"""Processing times of an emulator.

Processing finishes immediately (`Timing.immediate()`), after some seconds (`Timing(indexing=30)`), after some polls
(`Timing(polls=3)`), or in proportion to the duration of the media (`Timing(realtime=0.5)`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final, Self

_IMMEDIATE: Final = "immediate"
_MAX_VALUE: Final = 10**9
"""Largest value of a field; times in seconds stay within the years of `datetime`."""
_PROCESSING: Final = ("asset", "indexing", "analysis", "batch")
"""Fields with processing times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Processing times and lifetimes in seconds."""

    asset: float = 0.2
    """Processing time of an asset: from its last byte to `ready` or `failed`."""
    indexing: float = 0.5
    """Time to index or embed an asset, or to process a knowledge store item."""
    analysis: float = 0.5
    """Time of an analysis task; a fifth of it in `queued`, and a fifth in `pending`."""
    batch: float = 1.0
    """Time of a batch, until its last item ends."""
    pending_share: float = 0.2
    """Share of `indexing` spent in status `pending`."""
    queued_share: float = 0.2
    """Share of `indexing` spent in status `queued`; the rest is spent in status `indexing`."""
    realtime: float = 0.0
    """Additional seconds of each of these, except a batch, per second of media."""
    polls: int | None = None
    """Number of responses that show an object as unfinished before the next one shows it as finished, whatever the
    time. Retrievals and lists count, separately for each object. Processing with a time of 0 still finishes
    immediately. `None` uses the clock."""
    url_lifetime: float = 3600
    """Lifetime of a presigned URL."""
    session_lifetime: float = 24 * 3600
    """Lifetime of a multipart upload session."""
    token_lifetime: float = 900
    """Lifetime of the page tokens of a search."""
    batch_lifetime: float = 24 * 3600
    """Time after which a batch expires."""
    webhook_retry: float = 0.1
    """Delay before the second attempt to deliver a webhook; doubled for each further attempt."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name == "polls" and value is None:
                continue
            kind, types = ("integer", (int,)) if name == "polls" else ("number", (int, float))
            if isinstance(value, bool) or not isinstance(value, types) or not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a non-negative {kind}, got {value!r}")
            if value > _MAX_VALUE:
                raise ValueError(f"{name} must be at most {_MAX_VALUE}, got {value!r}")
        if self.pending_share + self.queued_share > 1:
            raise ValueError(f"pending_share and queued_share must be at most 1 together, got {self}")

    @classmethod
    def immediate(cls) -> Self:
        """Return times of 0: everything is finished when it is created.

        Example:
            from twelvelabs_async.emulator import Timing

            emulator.timing = Timing.immediate()
        """
        return cls.of({"seconds": 0})

    @classmethod
    def of(cls, settings: Mapping[str, float | None]) -> Self:
        """Return the default times with some fields changed; `seconds` changes all processing times.

        Raises:
            ValueError: A field is unknown, or its value is invalid.

        Example:
            from twelvelabs_async.emulator import Timing

            print(Timing.of({"seconds": 0, "indexing": 30}).indexing)  # 30
        """
        given = dict(settings)
        known = [field.name for field in fields(cls)]
        if unknown := sorted(given.keys() - {*known, "seconds"}):
            raise ValueError(f"unknown timing {', '.join(unknown)}; known are seconds, {', '.join(known)}")
        seconds = given.pop("seconds", None)
        times: dict[str, float | None] = {} if seconds is None else dict.fromkeys(_PROCESSING, seconds)
        return replace(cls(), **{**times, **given})  # type: ignore[arg-type]  # __post_init__ checks the values

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the timing that a text describes: `immediate`, `seconds=5`, `polls=3` or `asset=1,indexing=30`.

        Raises:
            ValueError: The text is invalid.

        Example:
            from twelvelabs_async.emulator import Timing

            print(Timing.parse("asset=1,indexing=30").indexing)  # 30
        """
        if text == _IMMEDIATE:
            return cls.immediate()
        settings: dict[str, float | None] = {}
        for entry in text.split(","):
            name, _, value = (part.strip() for part in entry.partition("="))
            try:
                settings[name] = int(value) if value.isdecimal() else float(value)
            except ValueError:
                raise ValueError(f"a timing is {_IMMEDIATE} or NAME=NUMBER,..., got {entry!r}") from None
        return cls.of(settings)

    def for_media(self, seconds: float | None) -> Self:
        """Return the times for media of a duration."""
        extra = self.realtime * (seconds or 0.0)
        if not extra:
            return self
        asset, indexing, analysis = (
            min(time + extra, _MAX_VALUE) for time in (self.asset, self.indexing, self.analysis)
        )
        return replace(self, asset=asset, indexing=indexing, analysis=analysis)
