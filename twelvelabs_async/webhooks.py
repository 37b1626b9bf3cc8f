"""Webhooks: whether one comes from the platform, and what it says. Pure: your web framework does the rest.

The platform signs the time of sending and the bytes of the body, `{t}.{body}`, with HMAC-SHA256 and the secret that the
dashboard shows, and puts both into a header: `TL-Signature: t=1767225600,v1=5257a8...`. Verify the bytes as they came:
JSON that was parsed and written again is another text. A webhook may come more than once; its `id` stays the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final, cast

from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError, WebhookSignatureError
from twelvelabs_async.models.webhooks import (
    AnalyzeTaskCanceled,
    AnalyzeTaskFailed,
    AnalyzeTaskReady,
    IndexTaskFailed,
    IndexTaskReady,
    UnknownWebhook,
    Webhook,
)

HEADER: Final = "TL-Signature"
"""Name of the header, for your web framework."""

TOLERANCE: Final = 300.0
"""Seconds that a webhook may be old, or ahead of this machine's clock."""

_KINDS: Final[dict[str, type[Webhook]]] = {
    "index.task.ready": IndexTaskReady,
    "index.task.failed": IndexTaskFailed,
    "analyze.task.ready": AnalyzeTaskReady,
    "analyze.task.failed": AnalyzeTaskFailed,
    "analyze.task.canceled": AnalyzeTaskCanceled,
}

_CLOCK: Final[Clock] = SystemClock()


def verify(body: bytes, header: str, secret: str, *, tolerance: float = TOLERANCE, now: float | None = None) -> Webhook:
    """What a webhook says, once it is known to come from the platform.

    Args:
        body: The bytes of the request, as they came.
        header: Value of its `TL-Signature` header.
        secret: Secret of the webhook, from the dashboard.
        tolerance: Seconds that it may be old; an old one may be a copy that somebody kept.
        now: Seconds since the epoch; None asks the clock.

    Raises:
        WebhookSignatureError: It was not signed with this secret, was altered, or is too old.
        MalformedResponseError: It is genuine, and cannot be read.

    Example:
        event = verify(await request.read(), request.headers.get(HEADER, ""), secret)
        match event:
            case AnalyzeTaskReady(): ...
    """
    if not isinstance(body, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError("body must be the bytes of the request as they came")
    if not secret:
        raise InvalidInputError("secret is empty")
    moment, signatures = _read_header(header)
    expected = sign(body, secret, moment)
    # Compared in full: how long it takes must not tell how much of a guess was right.
    if not any(hmac.compare_digest(expected.encode(), found.encode(errors="replace")) for found in signatures):
        raise WebhookSignatureError("the webhook was not signed with this secret, or was altered on the way")
    age = (_CLOCK.time() if now is None else now) - int(moment)
    if abs(age) > tolerance:
        raise WebhookSignatureError(f"the webhook was signed {age:.0f} s ago, more than {tolerance:g} s away from now")
    return _read(bytes(body))


def sign(body: bytes, secret: str, moment: str | int) -> str:
    """The signature of a body, in hexadecimal digits: what the platform does, and tests of a receiver need.

    Args:
        body: The bytes of the request.
        secret: Secret of the webhook.
        moment: Time of sending, in whole seconds since the epoch.
    """
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def _read_header(header: str) -> tuple[str, list[str]]:
    """Time of sending and signatures; there are several while a secret is replaced."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [text for name, _, text in pairs if name == "t"]
    signatures = [text for name, _, text in pairs if name == "v1"]
    if len(times) != 1 or not signatures:
        raise WebhookSignatureError(f"the {HEADER} header is missing, or not of the form t=...,v1=...")
    if not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= len(str(2**53))):
        raise WebhookSignatureError(f"the time in the {HEADER} header is no number of seconds")
    return times[0], signatures


def _read(body: bytes) -> Webhook:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedResponseError(message=f"the webhook is not JSON: {error}", body=body[:1000]) from None
    if not isinstance(found, dict):
        raise MalformedResponseError(message="the webhook is not an object", body=body[:1000])
    event = cast("dict[str, Any]", found)
    name = event.get("type")
    kind = _KINDS.get(name, UnknownWebhook) if isinstance(name, str) else UnknownWebhook
    return structure(event, kind, body=body)


__all__ = ["HEADER", "TOLERANCE", "Webhook", "sign", "verify"]
