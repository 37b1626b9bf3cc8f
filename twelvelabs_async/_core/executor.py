"""The request path: every call of the client goes through `RequestExecutor._send_until_done`.

One deadline surrounds a loop of five steps: get a permit, send, apply the rate-limit headers, read the response, and
after a failure wait for the next attempt. A JSON call, an opened stream and the PUT of a part of a file differ only in
how they send and read. Special cases belong in the resource that needs them, or in the retry policy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import lru_cache, partial
from types import NoneType
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from twelvelabs_async._arguments import PLAIN_ID, parse_template
from twelvelabs_async._codec.converter import THREAD_THRESHOLD, decode, decode_now, encode
from twelvelabs_async._core.retry import (
    IDEMPOTENCY_HEADER,
    CallState,
    RetryBudget,
    RetryPolicy,
    already_deleted,
    classify_error,
    classify_storage_error,
)
from twelvelabs_async._event_listeners import operation_logger
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.errors import drop_tracebacks, error_from_response, request_id_from_headers
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._http.transport import AnyResponse, HttpTransport, Response, StreamingResponse
from twelvelabs_async._options import DEFAULT_TIMEOUT, LONG_OPERATIONS, LONG_TIMEOUT, Options
from twelvelabs_async._rate_limit.headers import parse_rate_limit_headers
from twelvelabs_async._rate_limit.limiter import Permit, RateLimiter, add_limit_details
from twelvelabs_async._rate_limit.usage import LEARNING_OPERATIONS, category_of
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST
from twelvelabs_async._text import body_excerpt
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, RateLimitError
from twelvelabs_async.rate_limits import Costs, RateLimitInfo
from twelvelabs_async.requests import Method, Request

T = TypeVar("T")

PresignedUrlProvider = Callable[[], Awaitable[str]]
"""Returns a presigned URL that was not used yet."""

BeforePost = Callable[[], Awaitable[None]]
"""Checks whether a request that creates something may still be sent."""

PUT_PART: Final = Request(method="PUT", path_template="storage", response_type=Response, retry_class="idempotent")
"""The PUT of a part, as errors, events and logs name it: they must not contain its URL, which is a secret."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Operation:
    """An operation of the API, with its default deadline and its path template in parts. Created once for each."""

    name: str
    """Method and path template, such as `GET /indexes/{index-id}`."""
    timeout: float
    """Default deadline of a call, in seconds."""
    reports_usage: bool
    """Whether its results contain durations or tokens, which the limiter learns from."""
    path_shape: str
    """The path template, as a format for `%`."""
    variables: frozenset[str]
    """Names of its variables in Python."""

    def path(self, request: Request[Any]) -> str:
        """Return the encoded path and query of a request. Plain ids are not escaped.

        Raises:
            InvalidInputError: See `Request.path`.
        """
        for value in request.path_params.values():
            if type(value) is not str or PLAIN_ID.fullmatch(value) is None:
                return request.path()
        if request.query or not self.variables <= request.path_params.keys():
            return request.path()
        return self.path_shape % request.path_params


@lru_cache(maxsize=512)  # there are fewer operations
def operation_of(method: Method, path_template: str) -> Operation:
    """Return the operation of a method and a path template."""
    name = f"{method} {path_template}"
    shape, variables = parse_template(path_template)
    return Operation(
        name=name,
        timeout=LONG_TIMEOUT if name in LONG_OPERATIONS else DEFAULT_TIMEOUT,
        reports_usage=name in LEARNING_OPERATIONS,
        path_shape=shape,
        variables=frozenset(variables),
    )


class Executor(Protocol):
    """The interface through which resources send requests; tests replace it."""

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    def execute(self, request: Request[T]) -> Coroutine[Any, Any, T]:
        """Send `request`, retry it where that is safe, and decode the response."""
        ...


class StreamingExecutor(Executor, Protocol):
    """What uploads and streams need besides."""

    @property
    def options(self) -> Options:
        """Timeouts and retries."""
        ...

    @property
    def redactor(self) -> Redactor:
        """Removes secrets from errors."""
        ...

    def open_stream(self, request: Request[Any], *, accept: str) -> Coroutine[Any, Any, StreamingResponse]:
        """Send `request`, and return the response while its body is still arriving."""
        ...

    def put_to_storage(
        self,
        get_url: PresignedUrlProvider,
        headers: Mapping[str, str],
        body: Body,
        *,
        verify_response: Callable[[Response], None],
    ) -> Coroutine[Any, Any, Response]:
        """PUT one part of a file to storage, and retry until storage has accepted it."""
        ...


def _retry_policy(executor: RequestExecutor) -> RetryPolicy:
    return RetryPolicy(max_retries=executor.options.max_retries, max_retry_after=executor.options.max_wait)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RequestExecutor:
    """Executes calls with retries, rate limits and a deadline. Views of a client share all of it but `options`."""

    transport: HttpTransport
    """HTTP connections."""
    limiter: RateLimiter
    """Rate limits, and the listeners."""
    retry_budget: RetryBudget
    """Stops retries during an outage."""
    clock: Clock
    """The time."""
    options: Options
    """Timeouts and retries of this view."""
    before_post: BeforePost | None = None
    """Called right before each POST is sent, after any wait; an exception that it raises ends the call."""
    redactor: Redactor = attrs.field(factory=Redactor)
    """Removes secrets from errors."""
    retry_policy: RetryPolicy = attrs.field(init=False, default=attrs.Factory(_retry_policy, takes_self=True))
    """The retry part of `options`."""

    def execute(self, request: Request[T]) -> Coroutine[Any, Any, T]:
        """Send `request`, retry it where that is safe, and decode the response.

        Raises:
            APIError: The call failed; the subclass says how.
            InvalidInputError: The request cannot be sent.
            ClientStateError: The client is closed, or belongs to another event loop or process.
        """
        operation = operation_of(request.method, request.path_template)
        path, body = operation.path(request), encode(request)
        timeout: float | None = self.options.timeout or operation.timeout
        idle_timeout: float | None = None
        if not isinstance(body.content, bytes):  # the deadline is that of everything but the transfer
            timeout, idle_timeout = self.options.timeout, self.options.idle_timeout
        send = partial(self.transport.send, request.method, path, body, idle_timeout=idle_timeout)
        read = partial(self._read_json, request, learn=operation.reports_usage)
        return self._start(request, operation.name, body.size, timeout, send, read)

    def open_stream(self, request: Request[Any], *, accept: str) -> Coroutine[Any, Any, StreamingResponse]:
        """Send `request`, and return the response while its body is still arriving. The caller has to close it.

        Retried like any call until the body begins, never after.

        Raises:
            APIError: The call failed before the body began.
        """
        operation = operation_of(request.method, request.path_template)
        path, body = operation.path(request), encode(request)
        timeout = self.options.timeout or operation.timeout
        send = partial(self.transport.open_stream, request.method, path, body, accept=accept)
        return self._start(request, operation.name, body.size, timeout, send, _return_stream)

    def put_to_storage(
        self,
        get_url: PresignedUrlProvider,
        headers: Mapping[str, str],
        body: Body,
        *,
        verify_response: Callable[[Response], None],
    ) -> Coroutine[Any, Any, Response]:
        """PUT one part of a file to storage, and retry with a new URL each time until storage has accepted it.

        Args:
            get_url: Returns a presigned URL that was not used yet.
            headers: Headers that the platform wants to be sent.
            body: The part.
            verify_response: Raises a retryable `APIError` if the response does not confirm what was sent.

        Raises:
            APIError: Storage rejected the part, or could not be reached.
        """

        async def send(attempt: Attempt) -> Response:
            url = await get_url()  # a call of its own, with its own retries
            idle_timeout = self.options.idle_timeout
            return await self.transport.put_to_storage(url, headers, body, attempt, idle_timeout=idle_timeout)

        async def read(response: Response) -> Response:
            verify_response(response)
            return response

        return self._start(PUT_PART, PUT_PART.operation, body.size, self.options.timeout, send, read)

    def _start(
        self,
        request: Request[Any],
        operation: str,
        body_size: int,
        timeout: float | None,
        send: Callable[[Attempt], Awaitable[AnyResponse]],
        read: Callable[[AnyResponse], Awaitable[T]],
    ) -> Coroutine[Any, Any, T]:
        """Start a call: check the client, and report the call if there are listeners."""
        self.transport.ensure_usable()
        now = self.clock.monotonic()
        call = CallState(
            request=request,
            operation=operation,
            timeout=timeout,
            retry_policy=self.retry_policy,
            retry_budget=self.retry_budget,
            clock=self.clock,
            started=now,
            deadline=None if timeout is None else now + timeout,
            limited=request is not PUT_PART,
        )
        events = self.limiter.events
        if not events.has_listeners and not operation_logger.isEnabledFor(logging.INFO):
            return self._send_until_done(call, send, read)
        from twelvelabs_async._core.call_events import CallReport, model_of  # noqa: PLC0415  # most calls have no listener

        report = CallReport(
            events=events,
            call=call,
            redactor=self.redactor,
            url_template=self.transport.base_path + request.path_template if call.limited else None,
            request_bytes=body_size,
            model=model_of(request),
        )
        return report.run(self._send_until_done(call, partial(report.send, send), read))

    async def _send_until_done(  # noqa: C901, PLR0912, PLR0915  # the request path is read in one piece
        self,
        call: CallState,
        send: Callable[[Attempt], Awaitable[AnyResponse]],
        read: Callable[[AnyResponse], Awaitable[T]],
    ) -> T:
        """Attempt a call until it succeeds, must not be retried, or its deadline passes."""
        request, category, costs = call.request, call.operation, SINGLE_REQUEST
        if request.method == "POST":
            category = category_of(request)
            costs = self.limiter.usage.estimate(request, category)
        permit: Permit | None = None  # stays None for storage, which has no rate limits
        task = asyncio.current_task()
        if call.timeout is not None and task is not None:  # `asyncio.timeout` costs more than all of the limiter
            loop = asyncio.get_running_loop()
            call.timer = loop.call_at(loop.time() + call.timeout, call.on_deadline, task)
            call.cancellation_count = task.cancelling()
        try:
            while True:
                response: AnyResponse | None = None
                try:
                    if call.limited:
                        permit = self.limiter.try_acquire(category, costs)
                        permit = permit or await self._wait_for_permit(category, costs, call)
                    try:
                        if self.before_post is not None and request.method == "POST":
                            await self.before_post()
                        call.send_count += 1
                        response = await send(call)
                        info = self._record_response(permit, response)
                    except BaseException:
                        if permit is not None:
                            permit.release(sent=call.sent)
                        raise
                    finally:
                        if call.time_left is not None:
                            call.resume_deadline()  # it stood still while a streamed body was sent
                        if permit is not None and self.limiter.store is not None:
                            await permit.report_to_store()
                    if not 200 <= response.status < 300:
                        error = error_from_response(
                            response.status, response.headers, response.body, info.retry_after, hide=self.redactor.text
                        )
                        if isinstance(error, RateLimitError):
                            add_limit_details(error, category, info)
                        if response.status == 404:
                            error.message += self.transport.not_found_hint
                        raise error
                    result = await read(response)
                except APIError as error:
                    _annotate_error(error, call, response, self.redactor)
                    if any(previous.ambiguous for previous in call.previous_errors):
                        error.ambiguous = True  # a rejected repetition does not say what the first attempt did
                    call.sent = False
                    if request.response_type is NoneType and already_deleted(
                        error, request.method, call.previous_errors
                    ):
                        result = cast("T", None)
                    elif await call.wait_before_retry(error):
                        continue
                    else:
                        call.complete_error(error)
                        raise
                if self.retry_budget.tokens < self.retry_budget.capacity:
                    self.retry_budget.refund(call.last_retry_cost or 1)
                return result
        except asyncio.CancelledError as error:
            if not call.take_back_cancellation():
                self.retry_budget.refund(call.last_retry_cost)
                raise
            drop_tracebacks(error)
            if not call.sent:
                self.retry_budget.refund(call.last_retry_cost)  # the retry was not sent
        finally:
            if call.timer is not None:
                call.timer.cancel()
            if call.expired_task is not None:  # together with another exception, or with the result
                call.take_back_cancellation()
        # Raised outside the handler, and held in no variable: the error refers to no frame below this one.
        raise call.deadline_error()

    async def _wait_for_permit(self, category: str, costs: Costs, call: CallState) -> Permit:
        """Ask the shared store, if there is one; else wait in the queue, where the default deadline stands still."""
        permit: Permit | None = None
        if self.limiter.store is not None:
            permit = await self.limiter.try_acquire_shared(category, costs)
        if permit is None:
            if self.options.timeout is None:
                call.pause_deadline()
            permit = await self.limiter.acquire(
                category,
                max_wait=self.options.max_wait,
                deadline=call.deadline,
                costs=costs,
                priority=self.options.priority,
            )
            call.queue_time += permit.queue_time
            call.resume_deadline()
        return permit

    def _record_response(self, permit: Permit | None, response: Response | StreamingResponse) -> RateLimitInfo:
        """Return the rate-limit information of a response, and apply it unless storage has sent it."""
        body = response.body if response.status == 429 else b""
        now = self.clock.time()
        info = parse_rate_limit_headers(response.headers, now=now, body=body)
        if permit is not None:
            self.limiter.clock_offset = info.server_time - now
            permit.record_response(response.status, info)
        return info

    async def _read_json(self, request: Request[T], response: Response, *, learn: bool) -> T:
        body, response_type = response.body, request.response_type
        # a coroutine for each small body would cost as much as its decoding
        result = await decode(body, response_type) if len(body) > THREAD_THRESHOLD else decode_now(body, response_type)
        if learn:
            self.limiter.usage.learn_from_result(request, result)
        return result


async def _return_stream(response: StreamingResponse) -> StreamingResponse:
    return response


def _annotate_error(
    error: APIError, call: CallState, response: Response | StreamingResponse | None, redactor: Redactor
) -> None:
    """Complete a new failure: its operation, its response, and whether it may be retried."""
    error.__traceback__ = None  # the frames below hold the API key, the body and the error itself
    if error.__suppress_context__:
        error.__context__ = None
    if error.operation:
        return  # complete already: the call that gets the URL of a part has failed
    error.operation = call.operation
    if response is not None:
        error.status_code = error.status_code or response.status
        error.request_id = error.request_id or request_id_from_headers(response.headers)
        error.headers = error.headers or response.headers
        error.body = error.body or body_excerpt(response.body)
    redactor.redact(error)
    if call.limited:
        has_key = IDEMPOTENCY_HEADER in call.request.headers
        classify_error(error, call.request.retry_class, has_idempotency_key=has_key)
    else:
        classify_storage_error(error)
