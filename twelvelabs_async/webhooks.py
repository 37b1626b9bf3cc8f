"""Verify and parse webhooks; works with any web framework.

Twelve Labs signs `{timestamp}.{body}` with HMAC-SHA256 and the secret shown in the dashboard. The header contains the
timestamp and the signature: `TL-Signature: t=1767225600,v1=5257a8...`. Pass the body exactly as received: parsing and
serializing the JSON changes its bytes. A webhook may be delivered more than once, with the same `id`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final, cast

from twelvelabs_async._arguments import checked_int, describe, require_number
from twelvelabs_async._codec.converter import structure
from twelvelabs_async.clock import Clock, SystemClock
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

SIGNATURE_HEADER: Final = "TL-Signature"
"""Name of the header with the timestamp and the signature."""

DEFAULT_TOLERANCE: Final = 300.0
"""Maximum difference in seconds between the timestamp and the local clock."""

_EVENT_TYPES: Final[dict[str, type[Webhook]]] = {
    "index.task.ready": IndexTaskReady,
    "index.task.failed": IndexTaskFailed,
    "analyze.task.ready": AnalyzeTaskReady,
    "analyze.task.failed": AnalyzeTaskFailed,
    "analyze.task.canceled": AnalyzeTaskCanceled,
}

_CLOCK: Final[Clock] = SystemClock()


def verify(
    body: bytes,
    header: str | bytes | None,
    secret: str | bytes,
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    now: float | None = None,
) -> Webhook:
    """Verify the signature of a webhook and return its event.

    Args:
        body: Body of the request, as received.
        header: Value of the `TL-Signature` header; None if the request has none.
        secret: Secret of the webhook, from the dashboard.
        tolerance: Maximum age in seconds; an older webhook may be a replay. The default is 300.
        now: Current time in seconds since the epoch; None uses the system clock.

    Raises:
        InvalidInputError: `body` is not bytes, `secret` is empty, or another argument has the wrong type.
        WebhookSignatureError: The header is missing or malformed, the signature does not match the body and the secret,
            or the webhook is too old.
        MalformedResponseError: The signature is valid, but the body cannot be decoded.

    Example:
        from twelvelabs_async import webhooks

        body = b'{"id": "1", "type": "analyze.task.ready", "data": {"id": "2"}}'
        header = f"t=1767225600,v1={webhooks.sign(body, 'secret', 1767225600)}"  # the value of TL-Signature
        event = webhooks.verify(body, header, "secret", now=1767225605)
        print(event.type)  # analyze.task.ready
    """
    body, secret = _checked_body(body), _checked_secret(secret)
    require_number("tolerance", tolerance, allow_zero=True)
    if now is not None:
        require_number("now", now, allow_zero=True, finite=True)
    timestamp, signatures = _parse_signature_header(header)
    expected = sign(body, secret, timestamp).encode()
    # Constant-time comparison: its duration must not reveal how many digits match.
    if not any(hmac.compare_digest(expected, signature.encode(errors="replace")) for signature in signatures):
        raise WebhookSignatureError("the signature does not match: wrong secret, or the body was modified")
    age = (_CLOCK.time() if now is None else now) - int(timestamp)
    if abs(age) > tolerance:
        raise WebhookSignatureError(f"the webhook was signed {age:.0f} s ago; the tolerance is {tolerance:g} s")
    return _parse_event(body)


def sign(body: bytes, secret: str | bytes, timestamp: str | int) -> str:
    """Return the signature of a body in hexadecimal digits, for tests of a webhook receiver.

    Args:
        body: Body of the request.
        secret: Secret of the webhook.
        timestamp: Time of signing in whole seconds since the epoch.

    Raises:
        InvalidInputError: `body` is not bytes, `secret` is empty, or another argument has the wrong type.

    Example:
        from twelvelabs_async import webhooks

        print(webhooks.sign(b"{}", "secret", 1767225600)[:8])
    """
    body, secret = _checked_body(body), _checked_secret(secret)
    seconds = f"{timestamp}" if isinstance(timestamp, str) else f"{checked_int('timestamp', timestamp, 0)}"
    if not _is_timestamp(seconds):
        raise InvalidInputError(f"timestamp must be whole seconds since the epoch, got {describe(timestamp)}")
    key = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def _checked_body(body: object) -> bytes:
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidInputError(f"body must be the bytes of the request, got {type(body).__name__}")
    try:
        return bytes(cast("Any", body))
    except ValueError as error:
        raise InvalidInputError(f"body cannot be read: {error}") from None


def _checked_secret(secret: object) -> str | bytes:
    if not isinstance(secret, str | bytes):
        raise InvalidInputError(f"secret must be a string, got {type(secret).__name__}")
    if not secret:
        raise InvalidInputError("secret must not be empty")
    return secret


def _is_timestamp(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(2**53))


def _parse_signature_header(header: object) -> tuple[str, list[str]]:
    """Return the timestamp and the signatures; there are several during a change of the secret."""
    if isinstance(header, bytes):  # as in ASGI
        header = header.decode("latin-1")
    if not isinstance(header, str):
        header = ""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(timestamps) != 1 or not signatures:
        raise WebhookSignatureError(f"the {SIGNATURE_HEADER} header is missing or not of the form t=...,v1=...")
    timestamp = timestamps[0]
    if not _is_timestamp(timestamp):
        raise WebhookSignatureError(f"the timestamp in the {SIGNATURE_HEADER} header is not a number of seconds")
    return timestamp, signatures


def _parse_event(body: bytes) -> Webhook:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedResponseError(message=f"invalid JSON in the webhook: {error}", body=body[:1000]) from None
    if not isinstance(payload, dict):
        raise MalformedResponseError(message="expected a JSON object as the webhook", body=body[:1000])
    fields = cast("dict[str, Any]", payload)
    event_type = fields.get("type")
    event_class = _EVENT_TYPES.get(event_type, UnknownWebhook) if isinstance(event_type, str) else UnknownWebhook
    return structure(fields, event_class, body=body)


__all__ = ["DEFAULT_TOLERANCE", "SIGNATURE_HEADER", "Webhook", "sign", "verify"]
