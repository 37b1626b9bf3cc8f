"""Webhooks are accepted only if they are unaltered, recent and signed with the secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.errors import InvalidInputError, MalformedResponseError, WebhookSignatureError
from twelvelabs_async.models.webhooks import (
    AnalyzeTaskCanceled,
    AnalyzeTaskFailed,
    AnalyzeTaskReady,
    IndexTaskFailed,
    IndexTaskReady,
    UnknownWebhook,
)
from twelvelabs_async.webhooks import SIGNATURE_HEADER, sign, verify

SECRET = "whsec_0123456789"
NOW = 1_767_225_600

ANALYZED: dict[str, Any] = {
    "id": "whe_1",
    "created_at": "2026-01-01T00:00:00.123Z",
    "type": "analyze.task.ready",
    "data": {
        "id": "t1",
        "custom_id": "höhe",
        "created_at": "2025-12-31T23:00:00Z",
        "status": "ready",
        "video_source": {"type": "asset_id", "asset_id": "a1", "system_metadata": {"duration": 3.5}},
    },
}
INDEXED = {
    "id": "whe_2",
    "created_at": "2026-01-01T00:00:00Z",
    "type": "index.task.ready",
    "data": {
        "id": "t2",
        "status": "ready",
        "metadata": {"duration": 120.5},
        "models": [{"name": "marengo3.0", "options": ["visual"]}],
        "tags": ["trains"],
    },
}


def sign_event(event: object, *, secret: str = SECRET, at: int = NOW) -> tuple[bytes, str]:
    """Return a body and its signature header, computed as in the platform's documentation."""
    body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
    digest = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return body, f"t={at},v1={digest}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.task.ready", IndexTaskReady),
        ("index.task.failed", IndexTaskFailed),
        ("analyze.task.ready", AnalyzeTaskReady),
        ("analyze.task.failed", AnalyzeTaskFailed),
        ("analyze.task.canceled", AnalyzeTaskCanceled),
        ("analyze.batch.canceled", UnknownWebhook),
    ],
)
def test_each_event_type_has_a_class_and_unknown_types_are_accepted(name: str, kind: type[Any]) -> None:
    event = {**(INDEXED if name.startswith("index") else ANALYZED), "type": name}
    webhook = verify(*sign_event(event), SECRET, now=NOW)
    assert type(webhook) is kind
    assert (webhook.type, webhook.id) == (name, event["id"])
    assert webhook.created_at is not None


def test_an_event_is_parsed_with_its_nested_fields() -> None:
    indexed = verify(*sign_event(INDEXED), SECRET, now=NOW)
    assert isinstance(indexed, IndexTaskReady)
    assert (indexed.data.metadata.duration, indexed.data.tags) == (120.5, ("trains",))
    assert indexed.data.models[0]["name"] == "marengo3.0"
    analyzed = verify(*sign_event(ANALYZED), SECRET, now=NOW)
    assert isinstance(analyzed, AnalyzeTaskReady)
    assert analyzed.data.custom_id == "höhe"
    assert analyzed.data.video_source is not None
    assert analyzed.data.video_source.asset_id == "a1"


def test_an_event_of_a_failed_task_has_the_error_message() -> None:
    data = {**ANALYZED["data"], "status": "failed", "error": {"message": "too dark"}}
    webhook = verify(*sign_event({**ANALYZED, "type": "analyze.task.failed", "data": data}), SECRET, now=NOW)
    assert isinstance(webhook, AnalyzeTaskFailed)
    assert webhook.data.error is not None
    assert webhook.data.error.message == "too dark"


def test_the_signature_covers_the_exact_bytes() -> None:
    """JSON that is decoded and encoded again has other bytes."""
    body, header = sign_event(ANALYZED)
    for altered in (json.dumps(json.loads(body)).encode(), body + b"\n", body.replace(b"t1", b"t9"), b""):
        with pytest.raises(WebhookSignatureError):
            verify(altered, header, SECRET, now=NOW)


@pytest.mark.parametrize("secret", ["whsec_0123456788", "x", SECRET + " "])
def test_a_wrong_secret_is_rejected(secret: str) -> None:
    with pytest.raises(WebhookSignatureError):
        verify(*sign_event(ANALYZED), secret, now=NOW)


def test_an_empty_secret_raises_invalid_input_error() -> None:
    with pytest.raises(InvalidInputError, match="secret"):
        verify(*sign_event(ANALYZED, secret=""), "", now=NOW)


@pytest.mark.parametrize(
    "header", [None, "", b"", b"t=1,v1=00", "t=1,v1=é", b"\xff", 5, ["t=1"], "t=1", "v1=00", ",,,"]
)
def test_a_missing_or_invalid_header_raises_webhook_signature_error(header: Any) -> None:
    """Invalid requests to a public URL must cause a 401 response and no 500."""
    with pytest.raises(WebhookSignatureError):
        verify(b"{}", header, SECRET, now=NOW)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "s", 1), "body must be the bytes"),
        ((None, "s", 1), "body must be the bytes"),
        ((b"x", 5, 1), "secret must be a string"),
        ((b"x", "", 1), "secret must not be empty"),
        ((b"x", "s", 1.5), "timestamp must be a whole number"),
        ((b"x", "s", "\ud800"), "timestamp must be whole seconds"),
        ((b"x", "s", "soon"), "timestamp must be whole seconds"),
    ],
)
def test_sign_rejects_invalid_arguments_by_name(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        sign(*arguments)


def test_a_body_may_be_any_bytes_like_object() -> None:
    body, header = sign_event(ANALYZED)
    every_second: Any = memoryview(b"".join(bytes([byte, 0]) for byte in body))[::2]
    assert verify(every_second, header, SECRET, now=NOW) == verify(body, header, SECRET, now=NOW)
    every_second.release()
    with pytest.raises(InvalidInputError, match="body cannot be read"):
        verify(every_second, header, SECRET, now=NOW)


def test_header_and_secret_may_be_bytes() -> None:
    body, header = sign_event(ANALYZED)
    assert verify(body, header.encode(), SECRET.encode(), now=NOW) == verify(body, header, SECRET, now=NOW)
    assert sign(body, SECRET.encode(), 5) == sign(body, SECRET, 5)


@pytest.mark.parametrize(
    "invalid",
    [{"tolerance": math.nan}, {"tolerance": "5"}, {"tolerance": -1}, {"now": math.inf}, {"secret": 5}],
    ids=str,
)
def test_p18_an_argument_of_a_wrong_type_is_rejected_by_name(invalid: Any) -> None:
    body, header = sign_event(ANALYZED)
    arguments: Any = {"secret": SECRET, **invalid}
    with pytest.raises(InvalidInputError, match=next(iter(invalid))):
        verify(body, header, **arguments)


def test_a_body_of_type_str_raises_invalid_input_error() -> None:
    body, header = sign_event(ANALYZED)
    with pytest.raises(InvalidInputError, match="bytes"):
        verify(body.decode(), header, SECRET, now=NOW)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # tested here


@pytest.mark.parametrize("age", [0, 299, 300, -300])
def test_a_webhook_within_the_tolerance_is_accepted(age: int) -> None:
    assert verify(*sign_event(ANALYZED), SECRET, now=NOW + age).id == "whe_1"


@pytest.mark.parametrize("age", [301, 86_400, -301])
def test_a_webhook_beyond_the_tolerance_is_rejected(age: int) -> None:
    """An old webhook may be a replay."""
    with pytest.raises(WebhookSignatureError, match=f"signed {age} s ago"):
        verify(*sign_event(ANALYZED), SECRET, now=NOW + age)
    assert verify(*sign_event(ANALYZED), SECRET, now=NOW + age, tolerance=abs(age)).id == "whe_1"


def test_the_signature_covers_the_timestamp() -> None:
    body, header = sign_event(ANALYZED)
    with pytest.raises(WebhookSignatureError):
        verify(body, header.replace(str(NOW), str(NOW + 1000)), SECRET, now=NOW + 1000)


def test_the_default_time_is_the_system_clock() -> None:
    assert verify(*sign_event(ANALYZED, at=int(time.time())), SECRET).id == "whe_1"
    with pytest.raises(WebhookSignatureError):
        verify(*sign_event(ANALYZED, at=int(time.time()) - 1000), SECRET)


def test_one_good_signature_among_several_is_enough() -> None:
    """While a secret is rotated, there may be one signature for each secret."""
    body, header = sign_event(ANALYZED)
    valid_signature = header.partition("v1=")[2]
    for several in (
        f"t={NOW},v1={'0' * 64},v1={valid_signature}",
        f"v1={valid_signature},t={NOW}",
        f"t={NOW}, v0=x, v1={valid_signature}",
    ):
        assert verify(body, several, SECRET, now=NOW).id == "whe_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        f"t={NOW}",
        "v1=abc",
        f"t={NOW},v1=",
        f"t={NOW},v2={{good}}",
        f"t={NOW},t={NOW},v1={{good}}",
        "t=soon,v1={good}",
        "t=-1,v1={good}",
        "t=١٢٣,v1={good}",
        f"t={'9' * 400},v1={{good}}",
        f"t={NOW},v1=ü{{good}}",
        f"t={NOW},v1=\udcff{{good}}",
        f"t={NOW}.0,v1={{good}}",
        "\x00",
        "t=\ud800,v1={good}",
    ],
)
def test_a_malformed_signature_header_is_rejected(header: str) -> None:
    body, valid_signature = sign_event(ANALYZED)
    with pytest.raises(WebhookSignatureError):
        verify(body, header.replace("{good}", valid_signature.partition("v1=")[2]), SECRET, now=NOW)


@given(st.binary(max_size=60), st.text(max_size=60))
def test_arbitrary_input_only_raises_a_signature_error(body: bytes, header: str) -> None:
    with pytest.raises(WebhookSignatureError):
        verify(body, header, SECRET, now=NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"type":"index.task.ready","id":"x"}'])
def test_a_signed_but_invalid_body_raises_malformed_response_error(body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        verify(*sign_event(body), SECRET, now=NOW)


@pytest.mark.parametrize("event", [{}, {"type": None}, {"type": 5, "data": {"x": 1}}, {"id": "whe_9", "new": True}])
def test_an_event_without_a_known_type_is_accepted(event: dict[str, Any]) -> None:
    if event.get("type") == 5:
        event = {**event, "type": "5"}
    assert isinstance(verify(*sign_event(event), SECRET, now=NOW), UnknownWebhook)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare)
    body, header = sign_event(ANALYZED)
    verify(body, header, SECRET, now=NOW)
    assert compared == [(header.partition("v1=")[2].encode(),) * 2]


def test_sign_creates_the_signature_of_a_webhook() -> None:
    body, header = sign_event(ANALYZED)
    assert header == f"t={NOW},v1={sign(body, SECRET, NOW)}"
    assert SIGNATURE_HEADER == "TL-Signature"
