"""The client: builds the floors below it, and owns the session."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar, overload

import aiohttp
import attrs
from typing_extensions import override

from twelvelabs_async._version import __version__
from twelvelabs_async.api import Api
from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.events import Events, Listener
from twelvelabs_async.groups import Groups
from twelvelabs_async.limits import CategoryLimits
from twelvelabs_async.logs import follow
from twelvelabs_async.policy.limiter import RateLimiter
from twelvelabs_async.policy.retry import RetryQuota
from twelvelabs_async.policy.store import BudgetStore
from twelvelabs_async.policy.stores import shared
from twelvelabs_async.request import Form, Method, Request, RetryClass, given
from twelvelabs_async.session import SessionManager
from twelvelabs_async.settings import Options, Priority, Settings, find_api_key, find_base_url

if TYPE_CHECKING:
    from twelvelabs_async.fleet import Worker
    from twelvelabs_async.ingest import (
        AnyLedger,
        Check,
        Dedupe,
        Ingestion,
        OnEvent,
        OnQuota,
        Sources,
    )
    from twelvelabs_async.models.common import UserMetadata

T = TypeVar("T")

USER_AGENT: Final = f"twelvelabs-async/{__version__} python/{platform.python_version()} aiohttp/{aiohttp.__version__}"

_BY_VERB: Final[Mapping[str, RetryClass]] = {"GET": "safe", "POST": "unsafe"}
"""What a repetition does as far as the verb tells; a POST that nobody described is not repeated."""


class AsyncTwelveLabs(Groups):
    """A client of the Twelve Labs API, for one event loop.

    Open it once and share it: calls may run concurrently, and pace each other by the limits the platform tells.

    Args:
        api_key: Your key; else `TWELVELABS_API_KEY`, else `TWELVE_LABS_API_KEY` from the environment.
        base_url: Address with the version; else `TWELVELABS_BASE_URL`, else the platform's.
        timeout: Deadline of one whole call in seconds: queue, attempts and waits together. None is 60, and 600 for the
            operations whose answer is the work itself (`analyze`, `responses`, `embed`); the queue for a rate limit
            does not count then, see `max_wait`. Uploads have none in total; they end when nothing moves for
            `idle_timeout`.
        max_retries: How often a failed call is repeated, where that cannot do a write twice.
        max_wait: Seconds of waiting for a rate limit beyond which `QuotaExhaustedError` is raised at once.
        idle_timeout: Seconds without a byte after which an upload or a stream counts as dead.
        connection_limit: Connections open at once; 0 is no limit.
        connect_timeout: Seconds to open one connection.
        session: A session of yours whose connector and trace configurations are used and left open. Its cookies,
            headers and timeouts are not: the key and the videos go out under this client's rules.
        trace_configs: aiohttp trace configurations, for instrumentation.
        trust_env: Use the proxies named in the environment.
        allow_http: Permit plain `http://` to other machines than this one.
        budget: Where it is kept what may still be sent. None is in memory; `sqlite:///budget.db` is a file that the
            processes of a machine share, `redis://host:6379/0` (also `rediss://` and `unix://`, with the extra
            `redis`) a server for those of many; a `BudgetStore` of yours is left open. While it is away, calls go on
            with a budget in memory.
        organization: Name under which that budget is shared; None is a hash of the key. Limits are those of an
            organisation, so name it if its keys are several.
        on_event: Is called in the event loop with all that `twelvelabs_async.events` describes: calls, their retries,
            waits for limits and what is left of them. It must not block; what it raises is logged.
        clock: Where time comes from; tests pass their own.

    Raises:
        InvalidInputError: No key, an impossible one, or an address the key must not be sent to.

    Example:
        async with AsyncTwelveLabs() as client:
            index = await client.indexes.ensure("holiday", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
            async for hit in client.search.query(index_id=index.id, search_options=["visual"], query_text="a boat"):
                print(hit.video_id, hit.start, hit.end)
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = None,
        max_retries: int = 3,
        max_wait: float = 120.0,
        idle_timeout: float = 60.0,
        connection_limit: int = 100,
        connect_timeout: float = 10.0,
        session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        trust_env: bool = False,
        allow_http: bool = False,
        budget: BudgetStore | str | None = None,
        organization: str | None = None,
        on_event: Listener | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings = Settings(
            api_key=find_api_key(api_key),
            base_url=find_base_url(base_url, allow_http=allow_http),
            connection_limit=connection_limit,
            connect_timeout=connect_timeout,
            trust_env=trust_env,
            user_agent=USER_AGENT,
        )
        time, events = clock or SystemClock(), Events()
        follow(events)
        if on_event is not None:
            events.subscribe(on_event)
        store = None if budget is None else shared(budget, settings.api_key, organization, time)
        self._opened_store = store if isinstance(budget, str) else None
        self._settings = settings
        self._owner = True
        self._api = Api(
            session=SessionManager(settings, session=session, trace_configs=trace_configs),
            limiter=RateLimiter(time, store=store, events=events),
            quota=RetryQuota(),
            clock=time,
            options=Options(timeout=timeout, max_retries=max_retries, max_wait=max_wait, idle_timeout=idle_timeout),
        )

    @override
    def __repr__(self) -> str:
        return f"AsyncTwelveLabs(base_url={self._settings.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections this client opened. On a view from `with_options` it does nothing."""
        if self._owner:
            self._api.limiter.close()
            await self._api.session.close()
            if self._opened_store is not None:
                await self._opened_store.aclose()

    @property
    def closed(self) -> bool:
        """Whether the client, or the one it is a view of, was closed."""
        return self._api.session.closed

    @property
    def base_url(self) -> str:
        """Where calls go."""
        return self._settings.base_url

    @property
    def api_version(self) -> str | None:
        """`X-Api-Version` of the last answer; None before the first."""
        return self._api.seen.api_version

    @property
    def limits(self) -> Mapping[str, CategoryLimits]:
        """What is known now of each category that was called, by its name, such as `search`. Sends nothing."""
        return self._api.limiter.limits()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        max_wait: float | None = None,
        idle_timeout: float | None = None,
        priority: Priority | None = None,
    ) -> AsyncTwelveLabs:
        """A view with other patience that shares session, limits and retry budget with this client.

        Args:
            timeout: Seconds for one whole call.
            max_retries: How often a failed call is repeated.
            max_wait: Seconds of waiting for a rate limit that are acceptable.
            idle_timeout: Seconds without a byte in a transfer.
            priority: `interactive` (the default) or `bulk`. Where calls wait for a limit, interactive ones go first;
                one turn in five is a bulk call's even then.

        Example:
            await client.with_options(timeout=5, max_retries=0).indexes.list()
        """
        changes = given(
            timeout=timeout,
            max_retries=max_retries,
            max_wait=max_wait,
            idle_timeout=idle_timeout,
            priority=priority,
        )
        options = attrs.evolve(self._api.options, **changes)
        view = object.__new__(AsyncTwelveLabs)
        view._settings = self._settings
        view._owner = False
        view._api = attrs.evolve(self._api, options=options)
        return view

    def ingest(
        self,
        sources: Sources,
        *,
        index_id: str,
        concurrency: int = 4,
        in_flight: int = 1000,
        ledger: AnyLedger | None = None,
        direct_up_to: int | None = None,
        user_metadata: UserMetadata | None = None,
        dedupe: Dedupe = "name",
        on_quota: OnQuota = "stop",
        retry_failed: bool = False,
        check: Check | Literal["auto"] | None = "auto",
        timeout: float | None = None,
        sleep_interval: float | None = None,
        on_event: OnEvent | None = None,
    ) -> Ingestion:
        """Upload and index any number of files; gives one `Outcome` for each, in the order in which they end.

        A bad item does not stop the others. With a ledger, a run that ended anyhow, also by `kill -9`, is continued by
        the same call: what is done is not done again, and what may have happened is looked up before it is repeated.

        Args:
            sources: Files, folders, globs and addresses, `(source, user_metadata)` pairs, or an iterator of any of
                these, which is read as items become done.
            index_id: The index.
            concurrency: Files sent at once.
            in_flight: Items on their way at once, from the first look at a file to the end of its indexing.
            ledger: Path of the file that remembers what has been done, or a `Ledger`; None remembers nothing beyond
                this run. One run at a time; not on a network file system.
            direct_up_to: Bytes up to which a file is sent in one request, which a crash or a broken connection sends
                back to its beginning; larger ones go in parts. None is the most the platform takes, 200 MB.
            user_metadata: Your own keys, on each asset and on each asset in the index. The asset gets `ingest_token`
                beside them, by which it is found again.
            dedupe: Which files are the same and become one asset: those of one `path`, those of one `name`, size and
                time of change, or those of one `content`, for which each is read once more.
            on_quota: What to do when a quota is used up for longer than `max_wait`: `stop`, or `wait` until it is back.
            retry_failed: Try again what the platform refused in an earlier run.
            check: What is looked at before a new item is sent. `auto` is its size, and with the extra `media` its
                length and picture, against what the models of the index take, which costs one request; None is
                nothing. Your own is shown each item, and says why it is not to be sent; an empty text lets it pass.
            timeout: Seconds for each of the two waits, for the asset and for its indexing; None is a day.
            sleep_interval: Seconds between two looks at statuses; None adapts to what ends and what a look costs.
            on_event: Is told how it goes: `ItemProgress`, `AttemptFailed`, `QuotaWait`, `LimitWait`,
                `ItemEnded`.

        Raises:
            InvalidInputError: An argument makes no sense.
            LedgerError: While iterating: the ledger is in use, damaged, or cannot be written.

        Example:
            async for outcome in client.ingest("holiday/", index_id=index.id, ledger="holiday.ledger"):
                print(outcome.status, outcome.source, outcome.error)
        """
        from twelvelabs_async.ingest import Ingestion, Job, ledger_of
        from twelvelabs_async.ingest.check import IndexChecker

        job = Job(
            index_id=index_id,
            ledger=ledger_of(ledger),
            concurrency=concurrency,
            in_flight=in_flight,
            user_metadata=user_metadata,
            dedupe=dedupe,
            on_quota=on_quota,
            retry_failed=retry_failed,
            check=IndexChecker(self._api, index_id) if check == "auto" else check,
            sleep_interval=sleep_interval,
            on_event=on_event,
            **given(timeout=timeout, direct_up_to=direct_up_to),
        )
        return Ingestion(self._api, sources, job)

    def worker(
        self, ledger: str, *, concurrency: int = 8, direct_up_to: int | None = None, timeout: float | None = None
    ) -> Worker:
        """A worker that carries what `twelvelabs_async.fleet.submit` has put into a ledger in PostgreSQL.

        Any number of them work side by side, on any number of machines, and each video gets into its index once,
        whichever of them is killed. They should share a `budget`. Needs the extra `postgres`.

        Args:
            ledger: Address of the database: `postgresql://user@host/database`.
            concurrency: Steps at once: uploads, requests to index, looks at lists.
            direct_up_to: Bytes up to which a file is sent in one request; None is the most the platform takes, 200 MB.
            timeout: Seconds after which a video is given up that the platform has not looked into, or not indexed; None
                is a day. Submitting it again goes on with it.

        Raises:
            InvalidInputError: The extra is not installed.

        Example:
            worker = client.worker("postgresql://ledger.example/videos")
            await worker.run()
        """
        try:
            from twelvelabs_async.fleet import Worker
        except ImportError:
            raise InvalidInputError("workers need: pip install 'twelvelabs-async[postgres]'") from None
        return Worker(self._api, ledger, concurrency=concurrency, **given(direct_up_to=direct_up_to, timeout=timeout))

    @overload
    async def request(
        self,
        method: Method,
        template: str,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        retry: RetryClass | None = None,
    ) -> dict[str, Any]: ...
    @overload
    async def request(
        self,
        method: Method,
        template: str,
        *,
        into: type[T],
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        retry: RetryClass | None = None,
    ) -> T: ...
    async def request(
        self,
        method: Method,
        template: str,
        *,
        into: type[Any] = dict,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        retry: RetryClass | None = None,
    ) -> Any:
        """Any operation, also one this version has no method for, with the same retries, limits and errors.

        Args:
            method: HTTP verb.
            template: Path as the API reference prints it, such as `/indexes/{index-id}`.
            into: Type of the answer: a model of yours or ours, `dict`, or `type(None)` to ignore it.
            ids: Values of the template's variables; each becomes one escaped path segment.
            query: Query parameters.
            json: A JSON body.
            form: A form body.
            retry: What a repetition would do; None goes by the verb, and does not repeat a POST.
        """
        return await self._api.call(
            Request(
                method=method,
                template=template,
                into=into,
                retry=retry or _BY_VERB.get(method, "idempotent"),
                ids=ids or {},
                query=query or {},
                json=json,
                form=form,
            )
        )
