"""What reads a server's answer, each as a function of bytes that fails if anything but an error of ours comes out.

`tests/properties/test_fuzz_targets.py` runs them with bytes that hypothesis makes up; `nox -s fuzz` lets atheris look
for bytes that reach what no others reached.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

import attrs
from multidict import CIMultiDict

from twelvelabs_async import models, webhooks
from twelvelabs_async.codec import from_dict, to_dict
from twelvelabs_async.errors import APIError, MalformedResponseError, TwelveLabsError, WebhookSignatureError, printable
from twelvelabs_async.frames import Frames, JsonLines, ServerSentEvents
from twelvelabs_async.models.common import Model
from twelvelabs_async.policy.headers import LONGEST_WAIT, http_date, read_advice
from twelvelabs_async.refusal import refusal

NOW: Final = 1.9e9
SECRET: Final = "whsec_of_a_test"
NAMES: Final = [
    "Date",
    "Retry-After",
    "retry-after-ms",
    "Location",
    "x-trace-id",
    *(
        f"X-Ratelimit-{kind}{word}"
        for kind in ("", "Request-", "Duration-")
        for word in ("Limit", "Remaining", "Reset")
    ),
]
MODELS: Final[list[type[Model]]] = sorted(
    {
        kind
        for kind in (getattr(models, name) for name in dir(models))
        if isinstance(kind, type) and issubclass(kind, Model) and kind is not Model
    },
    key=lambda kind: kind.__name__,
)


class Choices:
    """Reads bytes as a sequence of choices; when they are used up, the first of each is taken."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def below(self, count: int) -> int:
        return next(self._left, 0) % count

    def text(self) -> str:
        return bytes(next(self._left, 0) for _ in range(self.below(24))).decode("utf-8", "replace")

    def leaf(self) -> Any:
        kinds: list[Callable[[], Any]] = [
            lambda: None,
            self.text,
            lambda: self.below(256) - 128,
            lambda: self.below(256) / 7,
            lambda: 10 ** (2 * self.below(256)),
            lambda: [-math.inf, math.nan, math.inf][self.below(3)],
            lambda: bool(self.below(2)),
            lambda: ["ready", "failed", "2026-10-01T12:30:00Z", "9999-99-99", ""][self.below(5)],
        ]
        return kinds[self.below(len(kinds))]()

    def value(self, kind: type[Any] | None, depth: int = 0) -> Any:
        """Something JSON can hold, whose objects mostly have the keys of a model."""
        choice = self.below(8)
        if depth > 4 or choice < 3:
            return self.leaf()
        if choice == 3:
            return [self.value(kind, depth + 1) for _ in range(self.below(4))]
        found = dict[str, Any]()
        for key in [*_keys(kind), "_id", "data", "float"]:
            if self.below(2):
                found[key] = self.value(MODELS[self.below(len(MODELS))], depth + 1)
        if self.below(4) == 1:
            found[self.text()] = self.leaf()
        return found


def _keys(kind: type[Any] | None) -> list[str]:
    return [field.name for field in attrs.fields(kind) if field.name != "extra"] if kind is not None else []


def headers(data: bytes) -> None:
    """Advice is a number that can be meant, or none."""
    choices = Choices(data)
    found = CIMultiDict({NAMES[choices.below(len(NAMES))]: choices.text() for _ in range(choices.below(8))})
    advice = read_advice(found, now=NOW, body=data)
    assert math.isfinite(advice.server_time)
    assert advice.retry_after is None or 0 < advice.retry_after <= LONGEST_WAIT
    for quota in advice.quotas.values():
        assert quota.remaining is None or quota.remaining >= 0


def dates(data: bytes) -> None:
    """A date is finite seconds, or none."""
    moment = http_date(data.decode("latin-1"))
    assert moment is None or math.isfinite(moment)


def refusals(data: bytes) -> None:
    """The body of an error becomes one short printable line."""
    choices = Choices(data[:16])
    found = CIMultiDict({NAMES[choices.below(len(NAMES))]: choices.text()})
    error = refusal(100 + choices.below(256) * 3, found, data[16:], read_advice(found, now=NOW))
    assert isinstance(error, APIError)
    _one_line(error)


def _frames(kind: Callable[[], Frames], data: bytes) -> None:
    whole = _fed(kind(), [data])
    assert _fed(kind(), [data[at : at + 1] for at in range(len(data))]) == whole, "it matters where a stream is cut"


def _fed(frames: Frames, pieces: list[bytes]) -> list[bytes]:
    return [text for piece in pieces for text in frames.feed(piece)] + list(frames.end())


def lines(data: bytes) -> None:
    """Lines do not depend on where the network cuts."""
    _frames(JsonLines, data)


def events(data: bytes) -> None:
    """Nor do server-sent events."""
    _frames(ServerSentEvents, data)


def decoders(data: bytes) -> None:
    """Every model is read, and comes back as it was, or is refused."""
    choices = Choices(data)
    kind = MODELS[choices.below(256) % len(MODELS)]
    value = choices.value(kind)
    try:
        model = from_dict(value, kind)
    except TwelveLabsError as error:
        _one_line(error)
    else:
        again = from_dict(to_dict(model), kind)
        assert again == model or again != again or "nan" in repr(model), f"{model!r} came back as {again!r}"  # noqa: PLR0124  # NaN


def texts(data: bytes) -> None:
    """Bytes that claim to be JSON are, or are refused."""
    for kind in (MODELS[len(data) % len(MODELS)], dict):
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return
        try:
            from_dict(found, kind)
        except TwelveLabsError as error:
            _one_line(error)


def signed(data: bytes) -> None:
    """A webhook that was not signed is refused, and one that was is read or told to be unreadable."""
    try:
        webhooks.verify(data, data[:80].decode("latin-1"), SECRET, now=NOW)
    except WebhookSignatureError as error:
        _one_line(error)
    header = f"t={NOW:.0f},v1={webhooks.sign(data, SECRET, f'{NOW:.0f}')}"
    try:
        webhooks.verify(data, header, SECRET, now=NOW)
    except MalformedResponseError as error:
        _one_line(error)


def words(data: bytes) -> None:
    """Any text becomes one printable line, once and for all."""
    line = printable(data.decode("utf-8", "surrogateescape"))
    assert line.isprintable()
    assert printable(line) == line


def _one_line(error: BaseException) -> None:
    text = str(error)
    assert text.isprintable(), repr(text)
    assert len(text) < 2000


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (headers, dates, refusals, lines, events, decoders, texts, signed, words)
}
