"""The client, and its resources, which are loaded on first use."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import getattr_static
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, TypeVar, cast, overload

import aiohttp
import attrs
from typing_extensions import override

import twelvelabs_async  # in annotations: a module is loaded when one of its names is evaluated
from twelvelabs_async._arguments import describe, omit_none, require_bool, require_type
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.retry import RetryBudget
from twelvelabs_async._event_listeners import EventDispatcher, enable_logging, require_plain_function
from twelvelabs_async._http.connections import FROM_ENVIRONMENT, resolve_proxy
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._http.transport import HttpTransport
from twelvelabs_async._options import (
    Options,
    Priority,
    Settings,
    checked_headers,
    masked,
    require_ssl_context,
    resolve_api_key,
    resolve_base_url,
)
from twelvelabs_async._rate_limit.limiter import RateLimiter
from twelvelabs_async._text import install_command
from twelvelabs_async._version import __version__
from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import ClientStateError, InvalidInputError
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.rate_limits import CategoryLimits, RateLimitStore
from twelvelabs_async.requests import Form, Method, RetryClass

if TYPE_CHECKING:
    from twelvelabs_async import _raw_methods
    from twelvelabs_async.resources.analyze import Analyze, AnalyzeStreaming
    from twelvelabs_async.resources.analyze_async import AnalyzeAsync
    from twelvelabs_async.resources.assets import Assets
    from twelvelabs_async.resources.data_connectors import DataConnectors, Imports
    from twelvelabs_async.resources.embed import Embed
    from twelvelabs_async.resources.entity_collections import EntityCollections
    from twelvelabs_async.resources.indexes import Indexes
    from twelvelabs_async.resources.knowledge_stores import (
        KnowledgeStoreItemCollections,
        KnowledgeStoreItems,
        KnowledgeStores,
    )
    from twelvelabs_async.resources.multipart_upload import MultipartUpload
    from twelvelabs_async.resources.responses import Responses
    from twelvelabs_async.resources.search import Search
    from twelvelabs_async.resources.tasks import Tasks
else:

    class _RawMethods:
        """Stands for the module, which is imported when one of its names is used, also in an annotation."""

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module("twelvelabs_async._raw_methods"), name)

    _raw_methods = _RawMethods()


_OTHER_NAMES: Final[Mapping[str, str]] = {
    "asset": "client.assets",
    "embeddings": "client.embed",
    "entities": "client.entity_collections.entities",
    "generate": "client.analyze",
    "gist": "client.analyze with a prompt, because the API has no /gist any more",
    "index": "client.indexes",
    "indexed_assets": "client.indexes.indexed_assets",
    "indices": "client.indexes",
    "knowledge_store": "client.knowledge_stores",
    "query": "client.search.query",
    "response": "client.responses",
    "summarize": "client.analyze with a prompt, because the API has no /summarize any more",
    "task": "client.tasks",
    "upload": "client.assets.upload",
    "videos": "client.indexes.videos, or client.indexes.indexed_assets",
}
"""Names of older versions of the official client and of other clients, and what is used here."""


_T = TypeVar("_T")


class _NoExecutor:
    """The executor of a resource that has no client; each use of it is an error."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ClientStateError("AsyncTwelveLabs is a class; create a client of it: AsyncTwelveLabs()")


class _NoClient:
    """The client of a resource that was read from the class `AsyncTwelveLabs`."""

    _executor = _NoExecutor()


class _Group(Generic[_T]):
    """A resource as an attribute of a client, created at first use.

    As an attribute of the class it sends nothing: `unittest.mock.create_autospec(AsyncTwelveLabs)` reads its methods.
    """

    def __init__(self, create: Callable[[Any], _T]) -> None:
        self._create = create
        self.__doc__ = create.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, client: object | None, owner: type) -> _T:
        if client is None:
            return self._create(_NoClient)
        created = vars(client)[self._name] = self._create(client)  # found before this descriptor from now on
        return created


class _ResourceGroups:
    """The resources of the API as attributes of a client."""

    _executor: RequestExecutor

    if not TYPE_CHECKING:  # type checkers report unknown attributes themselves

        def __getattr__(self, name: str) -> Any:
            """Raise an error that names the attribute to use."""
            hint = f"; use {_OTHER_NAMES[name]}" if name in _OTHER_NAMES else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    @_Group
    def indexes(self) -> Indexes:
        """Indexes: collections of videos that are searched together."""
        from twelvelabs_async.resources.indexes import Indexes

        return Indexes(self._executor)

    @_Group
    def assets(self) -> Assets:
        """Assets: media files on the platform."""
        from twelvelabs_async.resources.assets import Assets

        return Assets(self._executor)

    @_Group
    def multipart_upload(self) -> MultipartUpload:
        """Multipart uploads, step by step; `assets.upload` performs all steps."""
        from twelvelabs_async.resources.multipart_upload import MultipartUpload

        return MultipartUpload(self._executor)

    @_Group
    def tasks(self) -> Tasks:
        """Indexing tasks: upload and index in one call. Deprecated by Twelve Labs."""
        from twelvelabs_async.resources.tasks import Tasks

        return Tasks(self._executor)

    @_Group
    def search(self) -> Search:
        """Search videos by text or images."""
        from twelvelabs_async.resources.search import Search

        return Search(self._executor)

    @_Group
    def analyze(self) -> Analyze:
        """Generate text about a video or images: `await client.analyze(video=..., prompt=...)`."""
        from twelvelabs_async.resources.analyze import Analyze

        return Analyze(self._executor)

    @_Group
    def analyze_stream(self) -> AnalyzeStreaming:
        """Stream text about a video or images: `async for event in client.analyze_stream(...)`."""
        from twelvelabs_async.resources.analyze import AnalyzeStreaming

        return AnalyzeStreaming(self._executor)

    @_Group
    def analyze_async(self) -> AnalyzeAsync:
        """Asynchronous analyses, as single tasks or in batches."""
        from twelvelabs_async.resources.analyze_async import AnalyzeAsync

        return AnalyzeAsync(self._executor)

    @_Group
    def responses(self) -> Responses:
        """Responses of an agent that uses a knowledge store."""
        from twelvelabs_async.resources.responses import Responses

        return Responses(self._executor)

    @_Group
    def embed(self) -> Embed:
        """Embeddings of text, images, audio, videos and documents; use `embed.v_2` in new code."""
        from twelvelabs_async.resources.embed import Embed

        return Embed(self._executor)

    @_Group
    def entity_collections(self) -> EntityCollections:
        """Entity collections (people and objects to recognize)."""
        from twelvelabs_async.resources.entity_collections import EntityCollections

        return EntityCollections(self._executor)

    @_Group
    def knowledge_stores(self) -> KnowledgeStores:
        """Knowledge stores: videos and images that are searched together and used to answer questions."""
        from twelvelabs_async.resources.knowledge_stores import KnowledgeStores

        return KnowledgeStores(self._executor)

    @_Group
    def knowledge_store_items(self) -> KnowledgeStoreItems:
        """Items of a knowledge store."""
        from twelvelabs_async.resources.knowledge_stores import KnowledgeStoreItems

        return KnowledgeStoreItems(self._executor)

    @_Group
    def knowledge_store_item_collections(self) -> KnowledgeStoreItemCollections:
        """Collections of items within a knowledge store."""
        from twelvelabs_async.resources.knowledge_stores import KnowledgeStoreItemCollections

        return KnowledgeStoreItemCollections(self._executor)

    @_Group
    def data_connectors(self) -> DataConnectors:
        """OAuth connections to external storage accounts."""
        from twelvelabs_async.resources.data_connectors import DataConnectors

        return DataConnectors(self._executor)

    @_Group
    def imports(self) -> Imports:
        """Imports of files through a connection."""
        from twelvelabs_async.resources.data_connectors import Imports

        return Imports(self._executor)


_USER_AGENT: Final = f"twelvelabs-async/{__version__} python/{platform.python_version()} aiohttp/{aiohttp.__version__}"


def _require_trace_configs(value: object) -> None:
    valid = isinstance(value, list | tuple)
    for one in cast("Sequence[object]", value) if valid else (value,):
        if not valid or not isinstance(one, aiohttp.TraceConfig):
            raise InvalidInputError(f"trace_configs must be a list of aiohttp.TraceConfig, got {describe(one)}")


class AsyncTwelveLabs(_ResourceGroups):
    """Client for the Twelve Labs API, for use in one event loop.

    Create one client and share it: calls may run concurrently, and share connections, rate limits and the retry budget.

    Args:
        api_key: API key. None reads `TWELVELABS_API_KEY`, then `TWELVE_LABS_API_KEY`, from the environment.
        base_url: Base URL, including the API version. None reads `TWELVELABS_BASE_URL`, and defaults to the platform's.
        timeout: Deadline of a whole call in seconds, including all attempts and waits. None is 60 s, or 600 s for
            operations that compute their response (`analyze`, `responses`, `embed`), without the time spent waiting for
            a rate limit, which `max_wait` bounds. Uploads have no deadline; they fail when no data was transferred for
            `idle_timeout`.
        max_retries: Maximum number of retries of a failed call. A call is never retried if that could write twice.
        max_wait: Maximum wait for a rate limit, in seconds. A longer wait raises `QuotaExhaustedError` immediately; 0
            never waits.
        idle_timeout: Seconds without any transferred data after which an upload or a stream fails.
        connection_limit: Maximum number of open connections; 0 is no limit.
        connect_timeout: Timeout for opening a connection, in seconds.
        proxy: URL of an http proxy, such as `http://proxy.example:3128`; None for none. The default reads
            `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` once. A proxy is only used for https, so that it does not see the
            API key; the one of the environment is never used for this machine.
        trust_env: False ignores the proxy of the environment.
        ssl: TLS settings of the connections, such as those with the authority of a company. None is the default of
            Python, which reads `SSL_CERT_FILE`.
        session: An aiohttp session whose connector and trace configurations are used; it is not closed. Its cookies
            and timeouts are not used. One with headers, authentication, middlewares or a proxy is refused: the API key
            and uploads stay under the control of this client.
        trace_configs: aiohttp trace configurations, for instrumentation.
        default_headers: Headers of each request to the API, such as those of a gateway. `User-Agent` may be among them;
            the API key and the headers of the body and the connection are refused. Uploads to storage do not get them.
        allow_http: Whether to allow plain `http://` to hosts other than localhost.
        rate_limit_store: Where the state of rate limits is kept. None is the memory of this process.
            `sqlite:///limits.db` shares it between the processes of one host; `redis://host:6379/0` (also `rediss://`
            and `unix://`; needs the extra `redis`) shares it between hosts. A `RateLimitStore` object is not closed. If
            the store is unavailable, calls fall back to limits in memory.
        organization: Name under which the rate limits are shared. None uses a hash of the API key. Limits apply to an
            organization; set a name if it has several keys.
        on_event: Called in the event loop with each event of `twelvelabs_async.events`: requests, retries, and waits
            for rate limits. It must not block; exceptions it raises are logged.
        clock: Clock for all waits and timeouts; tests pass their own.

    Raises:
        InvalidInputError: The API key is missing or malformed, or must not be sent to the base URL.

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
        proxy: str | None = FROM_ENVIRONMENT,
        trust_env: bool = True,
        ssl: SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        default_headers: Mapping[str, str] | None = None,
        allow_http: bool = False,
        rate_limit_store: RateLimitStore | str | None = None,
        organization: str | None = None,
        on_event: twelvelabs_async.events.Listener | None = None,
        clock: Clock | None = None,
    ) -> None:
        # A traceback may show the variables of this frame; the URLs may contain passwords.
        api_key, base_url = masked(api_key), masked(base_url)
        proxy, rate_limit_store = masked(proxy), masked(rate_limit_store)
        require_type("session", session, aiohttp.ClientSession, "an aiohttp.ClientSession")
        require_type("rate_limit_store", rate_limit_store, str | RateLimitStore, "a URL or a RateLimitStore")
        require_type("organization", organization, str, "a string")
        require_plain_function("on_event", on_event)
        require_type("clock", clock, Clock, "a Clock")
        require_bool("trust_env", trust_env)
        require_bool("allow_http", allow_http)
        require_ssl_context(ssl)
        _require_trace_configs(trace_configs)
        settings = Settings(
            api_key=resolve_api_key(api_key),
            base_url=resolve_base_url(base_url, allow_http=allow_http),
            connection_limit=connection_limit,
            connect_timeout=connect_timeout,
            user_agent=_USER_AGENT,
            default_headers={} if default_headers is None else checked_headers("default_headers", default_headers),
        )
        proxy_settings = resolve_proxy(
            None if proxy == FROM_ENVIRONMENT and not trust_env else proxy, settings.base_url, required=session is None
        )
        time, events = clock or SystemClock(), EventDispatcher()
        enable_logging()
        if on_event is not None:
            events.subscribe(on_event)
        store: RateLimitStore | None = None
        if rate_limit_store is not None:
            from twelvelabs_async._rate_limit.stores import resolve_store

            store = resolve_store(rate_limit_store, settings.api_key, organization, time)
        self._owned_store = store if isinstance(rate_limit_store, str) else None
        self._settings = settings
        self._owns_connections = True
        self._executor = RequestExecutor(
            transport=HttpTransport(
                settings, session=session, trace_configs=trace_configs, proxy=proxy_settings, ssl_context=ssl
            ),
            limiter=RateLimiter(time, store=store, events=events),
            retry_budget=RetryBudget(),
            clock=time,
            redactor=Redactor(settings.api_key),
            options=Options(timeout=timeout, max_retries=max_retries, max_wait=max_wait, idle_timeout=idle_timeout),
        )

    @override
    def __repr__(self) -> str:
        settings: Settings | None = vars(self).get("_settings")  # a traceback may show half of a client
        return "AsyncTwelveLabs()" if settings is None else f"AsyncTwelveLabs(base_url={settings.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    if not TYPE_CHECKING:

        def __enter__(self) -> Any:
            """Raise an error that names the statement to use."""
            raise TypeError(
                "AsyncTwelveLabs is an asynchronous context manager; use `async with`, or TwelveLabs without asyncio"
            )

        def __exit__(self, *_: object) -> None:
            """Exist, so that `with` calls `__enter__`."""

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections that this client opened. Does nothing on a client returned by `with_options`.

        Example:
            client = AsyncTwelveLabs()
            try:
                await client.indexes.list()
            finally:
                await client.close()
        """
        if self._owns_connections:
            self._executor.limiter.close()
            await self._executor.transport.close()
            if self._owned_store is not None:
                await self._owned_store.aclose()

    async def aclose(self) -> None:
        """The same as `close`."""
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether the client, or the one that `with_options` was called on, is closed."""
        return self._executor.transport.closed

    @property
    def base_url(self) -> str:
        """Base URL of the API."""
        return self._settings.base_url

    @property
    def proxy(self) -> str | None:
        """Host and port of the proxy of calls to the API; None if they go there directly."""
        return self._executor.transport.api_proxy_name

    @property
    def api_version(self) -> str | None:
        """`X-Api-Version` of the last response; None before the first response."""
        return self._executor.transport.api_version

    @property
    def limits(self) -> Mapping[str, CategoryLimits]:
        """Current rate limits by category, such as `search`, for each category that was used. Sends no request."""
        return self._executor.limiter.limits()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        max_wait: float | None = None,
        idle_timeout: float | None = None,
        priority: Priority | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return a client with other options that shares the connections, rate limits and retry budget of this one.

        Closing it closes nothing; it ends with the client that it was created from. `extra_headers`, `extra_query` and
        `extra_body` are added to each request of the new client, also to those of helpers that send several, and to
        those of this client, by name; None adds nothing.

        Args:
            timeout: Deadline of a whole call, in seconds. It stands still while a file is sent: an upload fails after
                `idle_timeout`.
            max_retries: Maximum number of retries of a failed call.
            max_wait: Maximum wait for a rate limit, in seconds.
            idle_timeout: Seconds without any transferred data after which an upload or a stream fails.
            priority: `interactive` (the default) or `background`. Interactive calls waiting for a rate limit are sent
                first, but every fifth call is a background call.
            extra_headers: Headers, such as those of a gateway. They win over `default_headers`. Refused are
                `x-api-key`, `Idempotency-Key`, and the headers of the body and the connection. Uploads to storage do
                not get them.
            extra_query: Query parameters. They win over those of the methods.
            extra_body: Fields of the body, such as a new parameter of the API. They win over those of the methods. JSON
                objects get them at the top level. Forms get them as fields: a list as one field for each item, a dict
                as JSON, and None removes the field. GET and DELETE requests without a body do not get them.

        Raises:
            InvalidInputError: An option is invalid, or cannot be sent.

        Example:
            await client.with_options(timeout=5, max_retries=0).indexes.list()
            await client.with_options(extra_headers={"X-Team": "search"}).indexes.list()
        """
        changes = omit_none(
            timeout=timeout, max_retries=max_retries, max_wait=max_wait, idle_timeout=idle_timeout, priority=priority
        )
        executor = attrs.evolve(self._executor, options=attrs.evolve(self._executor.options, **changes))
        if extra_headers is not None or extra_query is not None or extra_body is not None:
            from twelvelabs_async._core.extra_parameters import extended

            executor = extended(executor, headers=extra_headers, query=extra_query, body=extra_body)
        return self._view(executor)

    def _view(self, executor: RequestExecutor) -> Self:
        """Return a client that closes nothing, and sends its requests by another executor."""
        view = object.__new__(type(self))
        for name, value in vars(self).items():  # a subclass may have its own
            if not isinstance(getattr_static(type(self), name, None), _Group):  # those refer to the other executor
                setattr(view, name, value)
        view._owns_connections = False
        view._executor = executor
        return view

    @property
    def with_raw_response(self) -> _raw_methods.RawResponses:
        """The same methods, which return a `RawResponse`: the result, the status, the headers, attempts and times.

        Example:
            response = await client.with_raw_response.indexes.retrieve(index.id)
            print(response.request_id, response.attempts, response.data.index_name)
        """
        from twelvelabs_async._raw_calls import recording

        return _raw_methods.RawResponses(lambda record: self._view(recording(self._executor, record)))

    def ingest(
        self,
        sources: twelvelabs_async.ingest.IngestSources,
        *,
        index_id: str,
        concurrency: int = 4,
        max_in_flight: int = 1000,
        ledger: twelvelabs_async.ingest.LedgerLike | None = None,
        multipart_threshold: int | None = None,
        user_metadata: UserMetadata | None = None,
        dedupe: twelvelabs_async.ingest.Dedupe = "name",
        transfer: twelvelabs_async.ingest.Transfer = "auto",
        on_quota: twelvelabs_async.ingest.OnQuota = "stop",
        on_outage: twelvelabs_async.ingest.OnOutage = "wait",
        retry_failed: bool = False,
        validate: twelvelabs_async.ingest.Validator | Literal["auto"] | None = "auto",
        timeout: float | None = None,
        lookup_timeout: float | None = None,
        sleep_interval: float | None = None,
        on_event: twelvelabs_async.ingest.OnEvent | None = None,
    ) -> twelvelabs_async.ingest.Ingestion:
        """Upload and index any number of files; yield one `IngestResult` per file, in the order in which they finish.

        A failed item does not stop the others. With a ledger, the same call resumes a run that was interrupted, even by
        `kill -9`: completed steps are skipped, and a step whose outcome is unknown is checked before it is repeated.

        Args:
            sources: Files, directories, glob patterns, URLs, and objects, folders and glob patterns in buckets
                (`s3://`, `gs://`, `az://`; needs the extra `cloud`), tuples of `(source, user_metadata)` or
                `(source, user_metadata, key)`, or an iterable of these, which is consumed while items finish. The key
                identifies a source in the ledger instead of its path or URL.
            index_id: Id of the index.
            concurrency: Maximum number of concurrent uploads.
            max_in_flight: Maximum number of items between validation and the end of indexing.
            ledger: Path of the file that records completed steps, a PostgreSQL URL, or a `Ledger`. None keeps no record
                after this run. Only one run may use a ledger at a time.
            multipart_threshold: Size in bytes up to which a file is sent in one request, which starts over if the
                connection breaks. Larger files are uploaded in parts. None is the platform's maximum, 200 MB.
            user_metadata: Your own metadata for each asset and indexed asset. Assets get the additional key
                `ingest_token`, which identifies them when a run is resumed.
            dedupe: Which files are duplicates and become one asset: those with the same `path`; the same `name`, size,
                modification time and content; or the same `content`, which requires reading each file once more.
            transfer: How objects in buckets get to the platform: it fetches a signed `url`, or this machine reads and
                sends (`stream`) them. `auto` streams objects above 4 GiB and those whose storage is on a private
                network, and passes URLs of the others.
            on_quota: What to do when a quota is exhausted for longer than `max_wait`: `stop`, or `wait` until it
                resets.
            on_outage: What to do when no request has got an answer for half a minute: `wait` until the platform
                answers again, or `stop`.
            retry_failed: Whether to retry items that the platform rejected in an earlier run.
            validate: How to validate a new item before it is uploaded. `auto` checks the size and, with the extra
                `media`, the duration and dimensions against the models of the index, which takes one request. None
                skips validation. A callable gets each item and returns why it is rejected, or an empty string.
            timeout: Seconds to wait for an asset to be ready, and again for its indexing; None is one day.
            lookup_timeout: Seconds after an uncertain request during which to look for its result before it is sent
                again; None is 30. Set it above the time that a proxy in between may keep a request.
            sleep_interval: Seconds between two polls; None adapts to the number of items and the rate limit.
            on_event: Called with `ItemProgress`, `ItemRetryScheduled`, `QuotaWaitStarted`, `RateLimitWaitStarted`,
                `OutageStarted`, `OutageEnded`, `IngestWarning`, `PathSkipped` and `ItemFinished` events.

        Raises:
            InvalidInputError: An argument is invalid.
            NotFoundError: Raised while iterating, before anything is sent: the index does not exist.
            LedgerError: Raised while iterating: the ledger is in use, damaged, or not writable.

        Example:
            async for outcome in client.ingest("holiday/", index_id=index.id, ledger="holiday.ledger"):
                print(outcome.status, outcome.source, outcome.error)
        """
        from twelvelabs_async._core.extra_parameters import require_free
        from twelvelabs_async.ingest import Ingestion
        from twelvelabs_async.ingest._ledger_argument import resolve_ledger
        from twelvelabs_async.ingest._pipeline import IngestConfig

        require_free(self._executor, "user_metadata", "client.ingest")  # which finds its assets by it
        job = IngestConfig(
            index_id=index_id,
            ledger=resolve_ledger(ledger),
            concurrency=concurrency,
            max_in_flight=max_in_flight,
            user_metadata=user_metadata,
            dedupe=dedupe,
            transfer=transfer,
            on_quota=on_quota,
            on_outage=on_outage,
            retry_failed=retry_failed,
            validate=validate,
            sleep_interval=sleep_interval,
            on_event=on_event,
            **omit_none(timeout=timeout, lookup_timeout=lookup_timeout, multipart_threshold=multipart_threshold),
        )
        return Ingestion(self._executor, sources, job)

    def worker(
        self,
        ledger: str,
        *,
        concurrency: int = 8,
        multipart_threshold: int | None = None,
        timeout: float | None = None,
        lookup_timeout: float | None = None,
        transfer: twelvelabs_async.ingest.Transfer = "auto",
        on_outage: twelvelabs_async.ingest.OnOutage = "wait",
    ) -> twelvelabs_async.workers.Worker:
        """Create a worker that processes the items that `twelvelabs_async.workers.submit` put into a PostgreSQL ledger.

        Any number of workers can run in parallel, on any number of hosts. Each video is indexed once, even if workers
        are killed. Give them a shared `rate_limit_store`. Needs the extra `postgres`.

        Args:
            ledger: URL of the database: `postgresql://user@host/database`.
            concurrency: Maximum number of concurrent steps: uploads, index requests and status scans.
            multipart_threshold: Size in bytes up to which a file is sent in one request; None is the maximum, 200 MB.
            timeout: Seconds after which the worker gives up on an asset or an indexing that is not ready; None is one
                day. Submit the video again to continue.
            lookup_timeout: Seconds after an uncertain request during which to look for its result before it is sent
                again; None is 30. Set it above the time that a proxy in between may keep a request.
            transfer: How objects in buckets get to the platform, as for `ingest`.
            on_outage: What to do when no request has got an answer for half a minute: `wait` until the platform
                answers again, or `stop`, which lets `run` raise the error.

        Raises:
            InvalidInputError: The extra `postgres` is not installed.

        Example:
            worker = client.worker(ledger_url)
            print(worker.completed)  # 0
        """
        from twelvelabs_async._core.extra_parameters import require_free

        try:
            from twelvelabs_async.workers import Worker
        except ImportError:
            raise InvalidInputError(f"workers need: {install_command('postgres')}") from None
        require_free(self._executor, "user_metadata", "a worker")  # which finds its assets by it
        return Worker(
            self._executor,
            ledger,
            concurrency=concurrency,
            transfer=transfer,
            on_outage=on_outage,
            **omit_none(multipart_threshold=multipart_threshold, timeout=timeout, lookup_timeout=lookup_timeout),
        )

    @overload
    async def request(
        self,
        method: Method,
        path_template: str,
        *,
        path_params: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        retry_class: RetryClass | None = None,
    ) -> dict[str, Any]: ...
    @overload
    async def request(
        self,
        method: Method,
        path_template: str,
        *,
        response_type: type[_T],
        path_params: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        retry_class: RetryClass | None = None,
    ) -> _T: ...
    async def request(
        self,
        method: Method,
        path_template: str,
        *,
        response_type: type[Any] = dict,
        path_params: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        retry_class: RetryClass | None = None,
    ) -> Any:
        """Send any request, also to an endpoint without a method here, with the same retries, rate limits and errors.

        Args:
            method: HTTP method.
            path_template: Path as in the API reference, such as `/indexes/{index-id}`. It begins with a slash.
            response_type: Type of the response: a model, `dict`, or `type(None)` to ignore the body.
            path_params: Values of the variables in the path; each becomes one escaped path segment.
            query: Query parameters.
            json: JSON body.
            form: Form body.
            headers: Headers of this request. They win over those of `with_options` and `default_headers`. A POST with
                an `Idempotency-Key` is retried.
            retry_class: What a repeated request would do. None depends on the method: a POST is not retried.

        Raises:
            APIError: The call failed; the subclass says how.
            InvalidInputError: The request cannot be sent.

        Example:
            index = await client.request("GET", "/indexes/{index-id}", path_params={"index_id": index.id})
            print(index["index_name"])  # films
        """
        from twelvelabs_async._core.extra_parameters import custom_request

        request = custom_request(
            method=method,
            path_template=path_template,
            response_type=response_type,
            path_params=path_params,
            query=query,
            json=json,
            form=form,
            headers=headers,
            retry_class=retry_class,
        )
        if self._settings.api_key.reveal() in request.path_template:
            raise InvalidInputError("path_template must not contain the API key, which is sent in a header")
        return await self._executor.execute(request)
