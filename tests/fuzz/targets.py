"""The parsers of server responses as functions of bytes. Each one fails on any error that is not a `TwelveLabsError`.

`tests/properties/test_fuzz_targets.py` runs them with bytes from hypothesis, `nox -s fuzz` with atheris, which searches
for bytes that reach new code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

import attrs
from multidict import CIMultiDict

from twelvelabs_async import models, webhooks
from twelvelabs_async._core.stream_decoders import JsonLinesDecoder, ServerSentEventsDecoder, StreamDecoder
from twelvelabs_async._http.errors import error_from_response
from twelvelabs_async._rate_limit.headers import MAX_ADVISED_WAIT, parse_http_date, parse_rate_limit_headers
from twelvelabs_async._text import printable
from twelvelabs_async.errors import APIError, MalformedResponseError, TwelveLabsError, WebhookSignatureError
from twelvelabs_async.models.common import Model
from twelvelabs_async.serialization import from_dict, to_dict

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


class ByteChoices:
    """Interprets bytes as a sequence of choices; after the last byte, each choice is the first option."""

    def __init__(self, data: bytes) -> None:
        self._remaining = iter(data)

    def below(self, count: int) -> int:
        return next(self._remaining, 0) % count

    def text(self) -> str:
        return bytes(next(self._remaining, 0) for _ in range(self.below(24))).decode("utf-8", "replace")

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
        """Return a JSON value whose objects usually have the fields of a model."""
        choice = self.below(8)
        if depth > 4 or choice < 3:
            return self.leaf()
        if choice == 3:
            return [self.value(kind, depth + 1) for _ in range(self.below(4))]
        fields = dict[str, Any]()
        for key in [*_keys(kind), "_id", "data", "float"]:
            if self.below(2):
                fields[key] = self.value(MODELS[self.below(len(MODELS))], depth + 1)
        if self.below(4) == 1:
            fields[self.text()] = self.leaf()
        return fields


def _keys(kind: type[Any] | None) -> list[str]:
    return [field.name for field in attrs.fields(kind) if field.name != "extra"] if kind is not None else []


def headers(data: bytes) -> None:
    """Retry advice is a plausible number or None."""
    choices = ByteChoices(data)
    response_headers = CIMultiDict({NAMES[choices.below(len(NAMES))]: choices.text() for _ in range(choices.below(8))})
    advice = parse_rate_limit_headers(response_headers, now=NOW, body=data)
    assert math.isfinite(advice.server_time)
    assert advice.retry_after is None or 0 < advice.retry_after <= MAX_ADVISED_WAIT
    for quota in advice.windows.values():
        assert quota.remaining is None or quota.remaining >= 0


def http_dates(data: bytes) -> None:
    """A date is a finite number of seconds or None."""
    timestamp = parse_http_date(data.decode("latin-1"))
    assert timestamp is None or math.isfinite(timestamp)


def error_responses(data: bytes) -> None:
    """Any error response results in one short printable line."""
    choices = ByteChoices(data[:16])
    response_headers = CIMultiDict({NAMES[choices.below(len(NAMES))]: choices.text()})
    error = error_from_response(
        100 + choices.below(256) * 3,
        response_headers,
        data[16:],
        parse_rate_limit_headers(response_headers, now=NOW).retry_after,
    )
    assert isinstance(error, APIError)
    _assert_one_line(error)


def _check_chunking(kind: Callable[[], StreamDecoder], data: bytes) -> None:
    expected = _feed_all(kind(), [data])
    assert _feed_all(kind(), [data[index : index + 1] for index in range(len(data))]) == expected, (
        "the result depends on the chunks"
    )


def _feed_all(frames: StreamDecoder, chunks: list[bytes]) -> list[bytes]:
    return [text for chunk in chunks for text in frames.feed(chunk)] + list(frames.flush())


def json_lines(data: bytes) -> None:
    """The result of decoding JSON lines does not depend on the chunks."""
    _check_chunking(JsonLinesDecoder, data)


def server_sent_events(data: bytes) -> None:
    """The result of decoding server-sent events does not depend on the chunks."""
    _check_chunking(ServerSentEventsDecoder, data)


def decoders(data: bytes) -> None:
    """A value is either rejected, or its model equals a copy that is encoded and decoded."""
    choices = ByteChoices(data)
    kind = MODELS[choices.below(256) % len(MODELS)]
    value = choices.value(kind)
    try:
        model = from_dict(value, kind)
    except TwelveLabsError as error:
        _assert_one_line(error)
    else:
        copy = from_dict(to_dict(model), kind)
        assert copy == model or copy != copy or "nan" in repr(model), f"{model!r} became {copy!r}"  # noqa: PLR0124  # NaN


def json_texts(data: bytes) -> None:
    """Bytes that may be JSON are decoded or rejected with a `TwelveLabsError`."""
    for kind in (MODELS[len(data) % len(MODELS)], dict):
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return
        try:
            from_dict(value, kind)
        except TwelveLabsError as error:
            _assert_one_line(error)


def webhook_signatures(data: bytes) -> None:
    """A webhook with a wrong signature is rejected; one with a valid signature is parsed or rejected as malformed."""
    try:
        webhooks.verify(data, data[:80].decode("latin-1"), SECRET, now=NOW)
    except WebhookSignatureError as error:
        _assert_one_line(error)
    header = f"t={NOW:.0f},v1={webhooks.sign(data, SECRET, f'{NOW:.0f}')}"
    try:
        webhooks.verify(data, header, SECRET, now=NOW)
    except MalformedResponseError as error:
        _assert_one_line(error)


def printable_lines(data: bytes) -> None:
    """Any string results in one printable line, which is unchanged when converted again."""
    line = printable(data.decode("utf-8", "surrogateescape"))
    assert line.isprintable()
    assert printable(line) == line


def _assert_one_line(error: BaseException) -> None:
    text = str(error)
    assert text.isprintable(), repr(text)
    assert len(text) < 2000


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (
        headers,
        http_dates,
        error_responses,
        json_lines,
        server_sent_events,
        decoders,
        json_texts,
        webhook_signatures,
        printable_lines,
    )
}
