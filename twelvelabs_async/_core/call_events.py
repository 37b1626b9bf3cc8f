"""Emits the events of one call: its start and end, its attempts, its retries, and the start of a stream."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar, cast

import attrs
from multidict import CIMultiDict
from yarl import URL

from twelvelabs_async._core.retry import CallState
from twelvelabs_async._event_listeners import EventDispatcher
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.errors import request_id_from_headers
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._http.transport import AnyResponse, StreamingResponse
from twelvelabs_async._options import checked_headers
from twelvelabs_async._rate_limit.usage import field_of
from twelvelabs_async.errors import APIError, InvalidInputError
from twelvelabs_async.events import (
    AttemptFinished,
    AttemptStarted,
    RequestFinished,
    RequestStarted,
    RetryScheduled,
    StreamStarted,
)
from twelvelabs_async.requests import Request

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)

_CALL_IDS: Final = itertools.count(1)


def model_of(request: Request[Any]) -> str | None:
    """Return the name of the model in a request."""
    fields: object = dict(request.form.fields) if request.form is not None else request.json
    if not isinstance(fields, Mapping):
        return None
    body = cast("Mapping[str, object]", fields)
    model = body.get("model_name") or body.get("model")
    return model if isinstance(model, str) else None


def token_count(usage: object, field: str) -> int | None:
    """Return the number of tokens in a field of a usage; a number for each kind of input is summed up."""
    count: object = getattr(usage, field, None)
    if isinstance(count, Mapping):
        counts = cast("Mapping[str, object]", count).values()
        return sum(one for one in counts if isinstance(one, int)) if count else None
    return count if isinstance(count, int) else None


def sendable_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return those headers of a listener that can be sent, and log the others."""
    if not headers:
        return headers
    sendable: dict[str, str] = {}
    for name, value in headers.items():
        try:
            sendable.update(checked_headers("AttemptStarted.headers", {name: value}))
        except InvalidInputError as error:
            logger.warning("a header of an on_event listener is not sent: %s", error)
    return sendable


@attrs.define(kw_only=True, eq=False)
class CallReport:
    """Emits the events of one call. There is none for a call without listeners and without a log."""

    events: EventDispatcher
    call: CallState
    redactor: Redactor
    """Removes secrets from what a server has sent."""
    url_template: str | None
    """Path with the names of its variables; None for storage."""
    request_bytes: int
    model: str | None
    call_id: int = attrs.field(init=False, factory=lambda: next(_CALL_IDS))
    _attempt_started: float | None = None
    """Monotonic time at which the current attempt was sent; None before."""
    _status_code: int | None = None
    _request_id: str | None = None
    _time_to_first_chunk: float | None = None
    _finished: bool = False

    async def run(self, sending: Coroutine[Any, Any, T]) -> T:
        """Run a call. That of a stream ends later, when its reader calls `finish`."""
        self.call.on_retry = self._on_retry
        self.call.on_send = self._on_send
        self.events.emit(
            RequestStarted(
                call_id=self.call_id, operation=self.call.operation, request_bytes=self.request_bytes, model=self.model
            )
        )
        try:
            result = await sending
        except BaseException as error:
            self.finish(error)
            raise
        if isinstance(result, StreamingResponse):
            self.events.emit(StreamStarted(call_id=self.call_id, operation=self.call.operation))
            result.report = self
        else:
            self.finish(usage=field_of(result, "usage") if self.call.operation.startswith("POST ") else None)
        return result

    async def send(self, send: Callable[[Attempt], Awaitable[AnyResponse]], attempt: Attempt) -> AnyResponse:
        """Send one attempt, and emit its end. `_on_send` emits its start: storage first needs a URL."""
        self._attempt_started = self._status_code = self._request_id = None
        try:
            response = await send(attempt)
        except BaseException as error:
            self._finish_attempt(error)
            raise
        self._status_code, request_id = response.status, request_id_from_headers(response.headers)
        self._request_id = None if request_id is None else self.redactor.text(request_id)
        self._finish_attempt(None)
        return response

    def on_chunk(self) -> None:
        """Note the time at which the first bytes of a stream arrived."""
        if self._time_to_first_chunk is None:
            self._time_to_first_chunk = self._seconds_since(self.call.started)

    def finish(self, error: BaseException | None = None, usage: object = None) -> None:
        """Emit the end of the call, once.

        Args:
            error: The exception that is raised to the caller.
            usage: The token usage in the response.
        """
        if self._finished:
            return
        self._finished = True
        self.call.on_retry = self.call.on_send = None  # they refer to this object, which refers to the call
        failure = error if isinstance(error, APIError) else None
        self.events.emit(
            RequestFinished(
                call_id=self.call_id,
                operation=self.call.operation,
                request_bytes=self.request_bytes,
                attempts=self.call.send_count,
                duration=self._seconds_since(self.call.started),
                queue_time=self.call.queue_time,
                error=error,
                status_code=failure.status_code if failure is not None else self._status_code,
                request_id=failure.request_id if failure is not None else self._request_id,
                model=self.model,
                input_tokens=token_count(usage, "input_tokens"),
                output_tokens=token_count(usage, "output_tokens"),
                time_to_first_chunk=self._time_to_first_chunk,
            )
        )

    def _on_send(self, url: URL, headers: CIMultiDict[str]) -> None:
        self._attempt_started = self.call.clock.monotonic()
        event = AttemptStarted(
            call_id=self.call_id,
            operation=self.call.operation,
            attempt=self.call.send_count,
            url=str(url.with_user(None).with_query(None).with_fragment(None)),
            url_template=self.url_template,
            request_bytes=self.request_bytes,
        )
        self.events.emit(event)
        for name, value in sendable_headers(event.headers).items():
            headers.setdefault(name, value)

    def _finish_attempt(self, error: BaseException | None) -> None:
        if self._attempt_started is None:
            return  # it was not sent
        self.events.emit(
            AttemptFinished(
                call_id=self.call_id,
                operation=self.call.operation,
                attempt=self.call.send_count,
                duration=self._seconds_since(self._attempt_started),
                status_code=self._status_code,
                request_id=self._request_id,
                error=error,
            )
        )

    def _on_retry(self, attempt: int, error: APIError, delay: float) -> None:
        self.events.emit(
            RetryScheduled(
                call_id=self.call_id, operation=self.call.operation, attempt=attempt, error=error, delay=delay
            )
        )

    def _seconds_since(self, started: float) -> float:
        return self.call.clock.monotonic() - started
