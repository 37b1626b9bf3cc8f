"""The emulator in an event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, get_args

from twelvelabs_async.emulator._admin.api import ADMIN_PREFIX, build_admin
from twelvelabs_async.emulator._api import connections, indexed_assets
from twelvelabs_async.emulator._app import API_PREFIX, OPERATION_NAMES, Middlewares, build_api, build_storage
from twelvelabs_async.emulator._limits import Limiter
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.descriptions import TimedText, Transcript
from twelvelabs_async.emulator._net import Listeners
from twelvelabs_async.emulator._scripted_answers import Answer, Json
from twelvelabs_async.emulator._search import SearchMode
from twelvelabs_async.emulator._spool import UploadSpool
from twelvelabs_async.emulator._state.deterministic import IdGenerator
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION, State, Video
from twelvelabs_async.emulator._state.persistence import StateStore
from twelvelabs_async.emulator._state.service import Service, Settings
from twelvelabs_async.emulator._webhooks import WebhookDispatcher
from twelvelabs_async.emulator.clock import AdjustableClock, Clock, SystemClock
from twelvelabs_async.emulator.connected_accounts import Connection, ConnectionStatus, RemoteFile
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.plans import Dimension, Plan, PlanName
from twelvelabs_async.emulator.request_log import RequestLog
from twelvelabs_async.emulator.timing import Timing
from twelvelabs_async.emulator.webhooks import Webhooks

_MIB = 1 << 20


class Emulator:
    """The API and its storage, on two ports of the loopback interface.

    Args:
        api_key: An API key of the organization `DEFAULT_ORGANIZATION`.
        api_keys: More API keys, each with its organization. Keys of one organization share its objects and limits.
        host: Address to listen on.
        public_host: Name of this machine in the URLs that the emulator returns (default: `host`).
        port: Port of the API; 0 selects a free one.
        storage_port: Port of the storage, the origin of presigned URLs; 0 selects a free one.
        seed: Seed of all ids and vectors: the same seed and the same requests give the same responses.
        plan: Rate limits of each organization, and the lifetime of indexes: a plan, or the name of a published one
            (see `Plan.named`). None means no limits.
        timing: How long processing takes, and how long URLs and tokens are valid.
        chunk_size: Bytes per part of a multipart upload.
        initial_presigned_urls: Number of presigned URLs in the response that creates an upload.
        upload_headers: Headers that an upload announces for its parts (default: one with the id of the upload).
        require_upload_headers: Whether the storage rejects parts without these headers. The platform does not, and the
            official clients never send them.
        max_inspected_upload: Bytes of the largest file that is kept and inspected. Larger ones are hashed only.
        inspect_media: Whether to read durations and sizes from the files, which needs `pymediainfo`. Otherwise they
            are generated, and no file is invalid.
        clock: Clock of the emulator (default: `SystemClock`).
        request_log_size: Number of requests that the request log keeps.
        search: What a query finds whose words match nothing: no hits (`words`), or the nearest ones (`nearest`), as in
            a search by vectors. They are arbitrary, and the seed determines them.
        fragment_streams: Whether to split streams within characters, lines and frames, and to stream text that makes
            this hard to parse.
        allow_remote: Whether `host` may be reachable from other machines, and webhooks may be sent to them.
        data_dir: Directory for objects and for files up to `max_inspected_upload`. Everything that was answered is
            there after a restart, also after the process was killed. Without it the state is in memory, and files are
            not kept.

    Raises:
        ValueError: `host` is reachable from other machines, and `allow_remote` is false; or `search` is unknown.
    """

    def __init__(
        self,
        *,
        api_key: str = "emulator",
        api_keys: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        public_host: str | None = None,
        port: int = 0,
        storage_port: int = 0,
        seed: int = 7,
        plan: Plan | PlanName | None = None,
        timing: Timing | None = None,
        chunk_size: int = 5 * _MIB,
        initial_presigned_urls: int = 10,
        upload_headers: Mapping[str, str] | None = None,
        require_upload_headers: bool = False,
        max_inspected_upload: int = 64 * _MIB,
        inspect_media: bool = True,
        clock: Clock | None = None,
        request_log_size: int = 10_000,
        search: SearchMode = "words",
        fragment_streams: bool = False,
        allow_remote: bool = False,
        data_dir: str | Path | None = None,
    ) -> None:
        if search not in get_args(SearchMode):
            raise ValueError(f"search must be one of {', '.join(get_args(SearchMode))}, got {search!r}")
        plan = Plan.named(plan) if isinstance(plan, str) else plan
        self.api_key = api_key
        self.faults: Faults = Faults(OPERATION_NAMES.values())
        self.requests: RequestLog = RequestLog(request_log_size)
        self.state: State = State(IdGenerator(seed))
        self._listeners = Listeners(host, host if public_host is None else public_host, allow_remote=allow_remote)
        self._ports = (port, storage_port)
        clock = clock or SystemClock()
        store = None if data_dir is None else StateStore(Path(data_dir))
        settings = Settings(
            seed=seed,
            chunk_size=chunk_size,
            initial_presigned_urls=initial_presigned_urls,
            upload_headers=upload_headers,
            require_upload_headers=require_upload_headers,
            max_inspected_upload=max_inspected_upload,
            inspect_media=inspect_media,
            search=search,
            fragment_streams=fragment_streams,
        )
        self._limiter = Limiter(plan, clock)
        self._initial_plan = self._limiter.plan
        self.webhooks: Webhooks = Webhooks(self.state.ids, clock, allow_remote=allow_remote, wake=self._wake_dispatcher)
        self.service: Service = Service(
            root_state=self.state,
            clock=clock,
            timing=timing or Timing(),
            settings=settings,
            limiter=self._limiter,
            webhooks=self.webhooks,
            spool=UploadSpool(None if store is None else store.create_part),
            store=store,
        )
        self._webhook_dispatcher = WebhookDispatcher(self.service)
        self._initial_timing = self.service.timing
        self._middlewares = Middlewares(
            service=self.service,
            organizations_by_key={**(api_keys or {}), api_key: DEFAULT_ORGANIZATION},
            faults=self.faults,
            request_log=self.requests,
        )
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """URL of the API, with its version."""
        return self._require_started(self._base_url)

    @property
    def storage_url(self) -> str:
        """Origin of presigned URLs."""
        return self._require_started(self.service.storage_url)

    @property
    def dashboard_url(self) -> str:
        """URL of the dashboard, a page for browsers."""
        return self.base_url.removesuffix(API_PREFIX) + ADMIN_PREFIX + "/"

    def _require_started(self, url: str) -> str:
        if not self._listeners:
            raise RuntimeError("the emulator has not been started")
        return url

    @property
    def in_flight(self) -> int:
        """Number of requests being processed, on both origins."""
        return self._middlewares.in_flight

    @property
    def plan(self) -> Plan:
        """Plan of every organization. A new plan applies from the next request on, and keeps the usage so far."""
        return self._limiter.plan

    @plan.setter
    def plan(self, plan: Plan | PlanName) -> None:
        self._limiter.plan = Plan.named(plan) if isinstance(plan, str) else plan

    @property
    def timing(self) -> Timing:
        """Processing times. A new timing also applies to objects that are being processed."""
        return self.service.timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        self.service.timing = timing

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The windows that have counted anything, as JSON objects.

        Each has the keys `organisation`, `category`, `dimension`, `seconds`, `limit`, `used`, `most` (the peak of
        `used`) and `resets_at`.
        """
        return self._limiter.to_json()

    @property
    def rate_limited(self) -> Counter[tuple[str, Dimension]]:
        """Number of requests rejected by limits, by category and dimension; injected faults do not count."""
        return self._limiter.rate_limited

    def advance(self, seconds: float) -> None:
        """Advance the clock by this many seconds.

        Raises:
            TypeError: The clock has no `advance`.
            ValueError: `seconds` is negative.

        Example:
            emulator.advance(24 * 3600)  # a day
        """
        clock = self.service.clock
        if not isinstance(clock, AdjustableClock):
            raise TypeError(f"the clock of this emulator, a {type(clock).__name__}, cannot be advanced")
        clock.advance(seconds)
        self._wake_dispatcher()

    def reset(self) -> None:
        """Restore the initial state and settings, so that the same requests give the same responses again.

        - Removed: objects of every organization, uploaded files, descriptions, answers, faults, webhook endpoints and
          deliveries, recorded requests, and usage of the limits.
        - Restored: ids, `plan`, `timing`, and the time of a `SystemClock` (its `monotonic()` does not go backwards).
        - Kept: listening sockets and connections. Requests being processed end as usual, and are not recorded.

        Example:
            emulator.reset()
            print(len(await client.assets.list()))  # 0
        """
        for state in self.state.by_organization().values():
            for upload in state.uploads.values():
                if upload.spool_path is not None:
                    upload.spool_path.unlink(missing_ok=True)
        self.state.clear()
        self.service.poll_counts.clear()
        self.service.timing = self._initial_timing
        if isinstance(self.service.clock, SystemClock):
            self.service.clock.reset()
        self.webhooks.clear()
        self.faults.clear()
        self.service.answers.clear()
        self._limiter.clear()
        self._limiter.plan = self._initial_plan
        self.requests.clear()
        self._middlewares.reset()

    def _wake_dispatcher(self) -> None:
        self._webhook_dispatcher.wake()

    async def start(self) -> None:
        """Start to listen; an emulator that was stopped continues with its state.

        Raises:
            RuntimeError: The emulator is running.
            OSError: A port is in use, or the host is unknown.
            ValueError: `data_dir` cannot be used.

        Example:
            from twelvelabs_async.emulator import Emulator

            emulator = Emulator()
            await emulator.start()
            print(emulator.base_url)
            await emulator.stop()
        """
        if self._listeners:
            raise RuntimeError("the emulator has been started already")
        self._middlewares.stopping = asyncio.Event()
        try:
            await self.service.open()
            admin = build_admin(self, self._middlewares.persist)
            reject_other_hosts = self._listeners.reject_other_hosts
            api = build_api(self._middlewares, admin, reject_other_hosts)
            self._base_url = await self._listeners.open(api, self._ports[0]) + API_PREFIX
            storage = build_storage(self._middlewares, reject_other_hosts)
            self.service.storage_url = await self._listeners.open(storage, self._ports[1])
        except BaseException:
            await self.stop()
            raise
        self._webhook_dispatcher.start()

    def connect(
        self,
        *,
        provider: str = "google_drive",
        files: Mapping[str, RemoteFile | str] | None = None,
        custom_id: str | None = None,
        account: str = "someone@example.com",
        status: ConnectionStatus = "active",
        organization: str = DEFAULT_ORGANIZATION,
    ) -> Connection:
        """Create a connection to a storage provider, as a user does on the page of the provider.

        Args:
            provider: Name of the provider.
            files: Files of the account, by their ids at the provider; a string is the name of a file.
            custom_id: Label that was passed to the authorization.
            account: Name of the account; connections to the same account share their imports.
            status: Status of the connection; only an `active` one can be used.
            organization: Organization that owns the connection.

        Returns:
            The connection. Its fields may be changed at any time.

        Example:
            connection = emulator.connect(files={"film": "film.mp4"})
            started = await client.imports.import_files(connection.id, items=["film"])
            print(started.has_failures)  # False
        """
        remote_files = {
            source_id: RemoteFile(filename=file) if isinstance(file, str) else file
            for source_id, file in (files or {}).items()
        }
        return connections.add_connection(
            self.service.for_organization(organization),
            provider=provider,
            files=remote_files,
            custom_id=custom_id,
            account=account,
            status=status,
        )

    def describe(
        self, file: str | Path, scenes: Iterable[TimedText] = (), *, transcript: Transcript | None = None
    ) -> None:
        """Describe the content of a file, for searches, analyses and embeddings.

        Search finds the scenes that share words with the query, and each hit has the start and end of its scene.
        Analyses repeat the descriptions of the scenes. Embeddings of texts and scenes that share words are close. The
        description applies to every existing and future file of this name, and replaces an earlier one.

        Args:
            file: Name of the file. Of a `Path` only the name is used, but a transcript next to the file (`clip.srt` or
                `clip.vtt`) is read.
            scenes: Start and end in seconds, and a description of what is visible.
            transcript: The spoken text: SubRip, WebVTT or plain text, the path of such a file, or sentences with start
                and end. Without it, the user metadata field `transcript` of an asset is used.

        Raises:
            ValueError: A scene or a sentence has no text, or ends before it starts.
            OSError: The transcript cannot be read.

        Example:
            emulator.describe("boat.mp4", [(0, 5, "a harbour"), (5, 12, "a red boat")])
            analysis = await client.analyze(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            print(analysis.text)
        """
        description = descriptions.describe(scenes, transcript, file if isinstance(file, Path) else None)
        self.state.describe(file.name if isinstance(file, Path) else file, description)

    def add_video(
        self,
        index: str,
        file: str | Path,
        scenes: Iterable[TimedText] = (),
        *,
        transcript: Transcript | None = None,
        duration: float | None = None,
        user_metadata: Mapping[str, Any] | None = None,
        organization: str = DEFAULT_ORGANIZATION,
    ) -> Video:
        """Add a video to an index, ready to be searched and analyzed whatever the timing is.

        Args:
            index: Id or name of the index. If there is none, an index of this name is created, for all model options.
            file: Name of the video file, see `describe`. Nothing is read from it.
            scenes: Start and end in seconds, and a description of what is visible, see `describe`.
            transcript: The spoken text, see `describe`.
            duration: Seconds of the video (default: until the end of the last scene; 60 without scenes).
            user_metadata: User metadata of the video in the index.
            organization: Organization that owns the index.

        Returns:
            The video; `id`, `asset.id` and `index_id` are the ids that the API uses.

        Raises:
            ValueError: A scene or the metadata is invalid, or the platform would not index such a file.

        Example:
            video = emulator.add_video("films", "boat.mp4", [(0, 5, "a harbour"), (5, 12, "a red boat")])
            hits = await client.search.query(index_id=video.index_id, search_options=["visual"], query_text="boat")
            print(hits[0].start, hits[0].end)  # 5.0 12.0
        """
        return indexed_assets.add_finished_video(
            self.service.for_organization(organization),
            index,
            file,
            scenes,
            transcript=transcript,
            duration=duration,
            user_metadata=user_metadata,
        )

    def answer(self, operation: str, answer: Answer | Callable[[Json], Answer], *, prompt: str | None = None) -> None:
        """Set the answer to analyses or questions, in place of a generated one.

        The newest answer whose `prompt` is found is used, then the newest one without a `prompt`. Tasks and batches get
        the answer that applies when they are created. Streams and token limits work as with a generated answer.

        Args:
            operation: `POST /analyze`, `POST /analyze/tasks`, `POST /analyze/batches`, `POST /responses`, or `*`.
            answer: A text; a dict or a list, which is sent as JSON; or a function that returns one of these for the
                JSON body of the request.
            prompt: Regular expression to find in the prompt, in any case; `None` for every prompt. Without a prompt,
                the descriptions of the segment definitions take its place.

        Raises:
            ValueError: The operation is unknown, or `prompt` is not a regular expression.
            TypeError: `answer` is none of these, or cannot be sent as JSON.

        Example:
            emulator.answer("POST /analyze", "A boat leaves the harbour.")
            analysis = await client.analyze(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            print(analysis.text)  # A boat leaves the harbour.
        """
        self.service.answers.add(operation, answer, prompt)

    async def stop(self) -> None:
        """Close all connections and delete uploaded files; the state remains readable.

        Example:
            from twelvelabs_async.emulator import Emulator

            emulator = Emulator()
            await emulator.start()
            try:
                print(emulator.base_url)
            finally:
                await emulator.stop()
        """
        self._middlewares.stopping.set()
        await self._webhook_dispatcher.stop()
        await self._listeners.close()
        await self.service.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
