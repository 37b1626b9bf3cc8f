"""The one road: every call passes here, once.

Turn of the rate limiter, exchange, refusal or decoding: that is an attempt. Around it stands the retry policy, and
around that one deadline. The order of the lines below is the policy of the package; a special case belongs in the
resource that needs it, or in a policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import NoneType
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from twelvelabs_async.body import Body
from twelvelabs_async.clock import Clock
from twelvelabs_async.codec import decode, encode
from twelvelabs_async.errors import APIError, QuotaExhaustedError
from twelvelabs_async.policy.categories import category_of
from twelvelabs_async.policy.costs import CostBook
from twelvelabs_async.policy.headers import Advice, read_advice
from twelvelabs_async.policy.limiter import RateLimiter, Turn
from twelvelabs_async.policy.retry import Call, RetryPolicy, RetryQuota, done_already, judge, judge_storage, timed_out
from twelvelabs_async.policy.telling import told
from twelvelabs_async.refusal import refusal, request_id
from twelvelabs_async.reply import OpenReply, Reply
from twelvelabs_async.request import Request
from twelvelabs_async.seen import Seen
from twelvelabs_async.session import SessionManager
from twelvelabs_async.settings import Options

T = TypeVar("T")

STORAGE_PUT: Final = "PUT storage"
"""How a presigned upload is named in errors and logs: its URL is a secret."""

NextAddress = Callable[[], Awaitable[str]]
"""Gets a presigned URL that nobody has used."""


class Caller(Protocol):
    """What resources need of the road; a test passes a recorder."""

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    async def call(self, request: Request[T]) -> T:
        """Send `request`, again if that may help, and decode what comes back."""
        ...


class Road(Caller, Protocol):
    """What uploads and streams need beside that."""

    @property
    def options(self) -> Options:
        """How patient the client is."""
        ...

    async def open(self, request: Request[Any], *, accept: str) -> OpenReply:
        """Send `request` and hand over the answer while its body is still coming."""
        ...

    async def store(
        self, address: NextAddress, headers: Mapping[str, str], body: Body, *, prove: Callable[[Reply], None]
    ) -> Reply:
        """PUT one part of a file to storage until it is taken."""
        ...


def _policy(api: Api) -> RetryPolicy:
    return RetryPolicy(max_retries=api.options.max_retries, longest_advice=api.options.max_wait)


@attrs.frozen(kw_only=True)
class Api:
    """The road, and what its travellers share."""

    session: SessionManager
    """What speaks HTTP."""
    limiter: RateLimiter
    """What gives turns."""
    quota: RetryQuota
    """What stops retry storms."""
    clock: Clock
    """What time it is."""
    options: Options
    """How patient this view of the client is."""
    costs: CostBook = attrs.field(factory=CostBook)
    """What calls draw on limits beside one request each."""
    seen: Seen = attrs.field(factory=Seen)
    """What answers have said of the service."""
    policy: RetryPolicy = attrs.field(init=False, repr=False, default=attrs.Factory(_policy, takes_self=True))
    """The same patience, as the retry policy reads it."""

    async def call(self, request: Request[T]) -> T:
        """Send `request`, again if that may help, and decode what comes back.

        Raises:
            APIError: The call failed; its subclasses say how.
            InvalidInputError: Before anything was sent.
            ClientStateError: The client is closed, or belongs elsewhere.
        """
        path, body = request.path(), encode(request)
        streamed = not isinstance(body.content, bytes)
        timeout = None if streamed else self.options.deadline(request.operation)  # a long upload is no failure
        return await self._drive(request, body.size, timeout, partial(self._attempt, request, path, body))

    async def open(self, request: Request[Any], *, accept: str) -> OpenReply:
        """Send `request` and hand over the answer while its body is still coming. Must be closed.

        Repeated like any call until the answer begins, never after: what came then has been seen.

        Raises:
            APIError: The call failed before the body began.
        """
        path, body = request.path(), encode(request)
        timeout = self.options.deadline(request.operation)
        return await self._drive(request, body.size, timeout, partial(self._open_once, request, path, body, accept))

    async def store(
        self, address: NextAddress, headers: Mapping[str, str], body: Body, *, prove: Callable[[Reply], None]
    ) -> Reply:
        """PUT one part of a file to storage, to a new address each time, until storage has taken it.

        Args:
            address: Gets a presigned URL that nobody has used.
            headers: What the platform wants to be sent along.
            body: The part.
            prove: Raises a retryable `APIError` if the answer confirms something else than what was sent.

        Raises:
            APIError: Storage refused it, or could not be reached.
        """
        part = Request[Reply](method="PUT", template="storage", into=Reply, retry="idempotent")
        return await self._drive(part, body.size, None, partial(self._put, address, headers, body, prove))

    async def _put(
        self,
        address: NextAddress,
        headers: Mapping[str, str],
        body: Body,
        prove: Callable[[Reply], None],
        call: Call,
    ) -> Reply:
        url = await address()  # a call of its own, with retries of its own
        try:
            call.sends += 1
            reply = await self.session.store(url, headers, body, idle=self.options.idle_timeout)
            if not 200 <= reply.status < 300:
                raise refusal(reply.status, reply.headers, reply.body, read_advice({}, now=self.clock.time()))
            prove(reply)
        except APIError as error:
            error.operation = STORAGE_PUT
            judge_storage(error)
            raise
        return reply

    def _drive(
        self, request: Request[Any], size: int, timeout: float | None, attempt: Callable[[Call], Awaitable[T]]
    ) -> Awaitable[T]:
        """A call from its beginning to its end, of which those who listen are told."""
        self.session.check()
        call = self._begin(timeout)
        going = self._within(request, timeout, attempt, call)
        return self._told(request, size, call, going) if self.limiter.events.wanted else going

    async def _told(self, request: Request[Any], size: int, call: Call, going: Awaitable[T]) -> T:
        with told(self.limiter.events, request.operation, size, call):
            return await going

    async def _within(
        self, request: Request[Any], timeout: float | None, attempt: Callable[[Call], Awaitable[T]], call: Call
    ) -> T:
        """Attempts under one deadline, and the error that leaves the road if none of them worked."""
        try:
            async with asyncio.timeout(timeout) as call.watch:
                return await self._persist(call, attempt)
        except APIError as error:
            if isinstance(error, QuotaExhaustedError):
                self.quota.refund(call.spent)  # the retry it was spent on was never sent
            self._finish(error, call)
            raise
        except TimeoutError:
            if not call.sent:
                self.quota.refund(call.spent)
            late = timed_out(request.operation, timeout or 0.0, sent=call.sent, retry=request.retry)
        except asyncio.CancelledError:
            self.quota.refund(call.spent)
            raise
        self._finish(late, call)
        raise late

    def _begin(self, timeout: float | None) -> Call:
        now = self.clock.monotonic()
        left = timeout if self.options.timeout is None else None
        deadline = None if timeout is None else now + timeout
        return Call(policy=self.policy, quota=self.quota, clock=self.clock, deadline=deadline, left=left, started=now)

    async def _persist(self, call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
        """Attempt until it works or `call` says no. tenacity is asked only once something has failed."""
        try:
            result = await attempt(call)
        except APIError as error:
            failure = error
        else:
            self.quota.earn()
            return result
        async for turn in call.controller():
            with turn:
                if turn.retry_state.attempt_number == 1:
                    raise failure
                result = await attempt(call)
                self.quota.refund(call.spent)
                return result
        raise AssertionError  # pragma: no cover  # tenacity re-raises

    async def _attempt(self, request: Request[T], path: str, body: Body, call: Call) -> T:
        reply: Reply | None = None
        try:
            async with await self._turn(request, call) as turn:
                call.sends += 1
                idle = None if isinstance(body.content, bytes) else self.options.idle_timeout
                reply = await self.session.send(request.method, path, body, idle=idle)
                advice = self._read(turn, reply)
                await turn.answered(reply.status, advice)
            if not 200 <= reply.status < 300:
                raise refusal(reply.status, reply.headers, reply.body, advice)
            result = await decode(reply.body, request.into)
            self.costs.learn(request, result)
            return result
        except APIError as error:
            _place(error, request, reply)
            if request.into is NoneType and done_already(error, request.method, call.earlier):
                return cast("T", None)
            raise

    async def _open_once(self, request: Request[Any], path: str, body: Body, accept: str, call: Call) -> OpenReply:
        reply: Reply | None = None
        try:
            async with await self._turn(request, call) as turn:
                call.sends += 1
                opened = await self.session.open(request.method, path, body, accept=accept)
                refused = await opened.read() if not 200 <= opened.status < 300 else b""
                reply = Reply(status=opened.status, headers=opened.headers, body=refused)
                advice = self._read(turn, reply)
                await turn.answered(reply.status, advice)
            if not 200 <= reply.status < 300:
                raise refusal(reply.status, reply.headers, reply.body, advice)
        except APIError as error:
            _place(error, request, reply)
            raise
        return opened

    async def _turn(self, request: Request[Any], call: Call) -> Turn:
        category = category_of(request)
        costs = self.costs.of(request, category)
        turn = await self.limiter.at_once(category, costs)
        if turn is None:
            call.queues()
            turn = await self.limiter.queue(
                category,
                max_wait=self.options.max_wait,
                deadline=call.deadline,
                costs=costs,
                priority=self.options.priority,
            )
            call.goes_on(turn.waited)
        return turn

    def _read(self, turn: Turn, reply: Reply) -> Advice:
        """What an answer's headers say, before the next in line goes."""
        refused = reply.status == 429
        advice = read_advice(reply.headers, now=self.clock.time(), body=reply.body if refused else b"")
        if advice.quotas:
            self.costs.observe(turn.category, advice)
        self.seen.note(reply)
        return advice

    def _finish(self, error: APIError, call: Call) -> None:
        """Complete an error that leaves the road: how often, how long, and what came before it."""
        error.attempts = max(1, call.sends)
        error.elapsed = self.clock.monotonic() - call.started
        error.earlier = tuple(str(earlier) for earlier in call.earlier)
        if isinstance(error, QuotaExhaustedError) and call.earlier:
            error.status_code, error.request_id = call.earlier[-1].status_code, call.earlier[-1].request_id


def _place(error: APIError, request: Request[Any], reply: Reply | None) -> None:
    """Say of a fresh failure which operation it belongs to, and whether repeating that would help or harm."""
    error.operation = request.operation
    if reply is not None:
        error.status_code = error.status_code or reply.status
        error.request_id = error.request_id or request_id(reply.headers)
    judge(error, request.retry)
