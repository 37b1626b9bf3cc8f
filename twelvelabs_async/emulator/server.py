"""The emulator: two listening sockets, and the state behind them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from twelvelabs_async.emulator import control, describing
from twelvelabs_async.emulator.app import NAMES, PREFIX, build_api, build_storage
from twelvelabs_async.emulator.clock import Clock, Movable, SystemClock
from twelvelabs_async.emulator.connectors import RemoteFile
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.front import Front
from twelvelabs_async.emulator.handlers import connections
from twelvelabs_async.emulator.journal import Journal
from twelvelabs_async.emulator.limits import Limiter
from twelvelabs_async.emulator.listening import Listeners
from twelvelabs_async.emulator.plans import Plan
from twelvelabs_async.emulator.postman import Postman
from twelvelabs_async.emulator.seeded import Ids
from twelvelabs_async.emulator.spool import Spool
from twelvelabs_async.emulator.state import DEFAULT, State
from twelvelabs_async.emulator.store import Store
from twelvelabs_async.emulator.timeline import Timing
from twelvelabs_async.emulator.webhooks import Webhooks
from twelvelabs_async.emulator.world import Settings, World

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from twelvelabs_async.emulator.connectors import Connection, Status
    from twelvelabs_async.emulator.describing import Told, Transcript
    from twelvelabs_async.emulator.plans import Dimension, PlanName

MIB = 1 << 20


class Emulator:
    """The API in this process, with a state of its own, on two ports of the loopback interface.

    Args:
        api_key: A key that is accepted, of the organisation `DEFAULT`.
        api_keys: More keys that are accepted, each with its organisation, whose objects and limits its keys share, and
            no other organisation's.
        host: Address to listen on.
        public_host: Name of this machine in the addresses that are given out, if it is not `host`.
        port: Port of the API; 0 takes a free one.
        storage_port: Port of the storage behind presigned URLs; 0 takes a free one.
        seed: Start of all ids and vectors; the same seed and the same requests give the same answers.
        plan: Rate limits of each organisation, and how long indexes live; a name that `Plan.named` knows, or one of
            your own. None means no limits.
        timing: How long processing takes, and how long links live.
        chunk_size: Bytes of one part of a multipart upload.
        first_urls: Presigned URLs that a new upload gets at once.
        upload_headers: Headers without which the storage refuses a part. By default one that names the session, which
            the official client does not send; an empty mapping asks for none.
        spool_limit: Bytes of a multipart upload above which its media are not looked into, and nothing of it is kept.
        probe: Whether files are looked into, for which `pymediainfo` has to be installed. Otherwise their properties
            are made up, and no file is ever broken.
        clock: What decides about time.
        journal_size: How many requests are remembered.
        awkward_streams: Whether streams are cut within characters, lines and frames, and hold text to match.
        allow_remote: Whether `host` may be an address that other machines reach, and webhooks may go there.
        data: A directory in which objects, and files up to `spool_limit`, outlive the process, also one that is killed:
            what was answered is there after a restart. `start` raises `StoreError` if it cannot be used. Without it all
            is kept in memory, and of files only their hash and properties.

    Raises:
        ValueError: Other machines would reach `host`.
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
        chunk_size: int = 5 * MIB,
        first_urls: int = 10,
        upload_headers: Mapping[str, str] | None = None,
        spool_limit: int = 64 * MIB,
        probe: bool = True,
        clock: Clock | None = None,
        journal_size: int = 10_000,
        awkward_streams: bool = False,
        allow_remote: bool = False,
        data: str | Path | None = None,
    ) -> None:
        plan = Plan.named(plan) if isinstance(plan, str) else plan
        self.api_key = api_key
        self._keys = {**(api_keys or {}), api_key: DEFAULT}
        self.faults: Faults = Faults(NAMES.values())
        self.requests: Journal = Journal(journal_size)
        self.state: State = State(Ids(seed))
        self._listeners = Listeners(host, public_host or host, allow_remote=allow_remote)
        self._ports = (port, storage_port)
        clock = clock or SystemClock()
        store = None if data is None else Store(Path(data))
        settings = Settings(
            seed=seed,
            chunk_size=chunk_size,
            first_urls=first_urls,
            upload_headers=upload_headers,
            spool_limit=spool_limit,
            probe=probe,
            index_days=plan.index_days if plan else None,
            awkward_streams=awkward_streams,
        )
        self.webhooks: Webhooks = Webhooks(self.state.ids, clock, allow_remote=allow_remote, wake=self._wake)
        self.world: World = World(
            whole=self.state,
            clock=clock,
            timing=timing or Timing(),
            settings=settings,
            webhooks=self.webhooks,
            spool=Spool() if store is None else Spool(store.parts),
            store=store,
        )
        self._postman = Postman(self.world)
        self._limiter = Limiter(plan, clock)
        self._front: Front | None = None
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """Where the API is, up to and with its version."""
        return self._started(self._base_url)

    @property
    def storage_url(self) -> str:
        """The origin of presigned URLs."""
        return self._started(self.world.storage_url)

    @property
    def page_url(self) -> str:
        """Where people can look inside with a browser."""
        return self.base_url.removesuffix(PREFIX) + control.PREFIX + "/"

    def _started(self, url: str) -> str:
        if not self._listeners:
            raise RuntimeError("the emulator has not been started")
        return url

    @property
    def in_flight(self) -> int:
        """How many requests are being processed now, on both origins."""
        return self._front.in_flight if self._front else 0

    @property
    def plan(self) -> Plan:
        """What every organisation may do. A new plan holds from the next request on, for what was used before, too."""
        return self._limiter.plan

    @plan.setter
    def plan(self, plan: Plan | PlanName) -> None:
        self._limiter.plan = known = Plan.named(plan) if isinstance(plan, str) else plan
        self.world.settings = replace(self.world.settings, index_days=known.index_days)

    @property
    def limits(self) -> list[dict[str, Any]]:
        """Every window that has counted: whose it is, what it counts, `limit`, `used`, `most` used, `resets_at`."""
        return self._limiter.told()

    @property
    def refusals(self) -> Counter[tuple[str, Dimension]]:
        """How many requests the limits refused, by category and dimension; faults are not among them."""
        return self._limiter.refusals

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            TypeError: The clock has no `advance`.
            ValueError: Time would run backwards.
        """
        clock = self.world.clock
        if not isinstance(clock, Movable):
            raise TypeError("the hands of this emulator's clock cannot be moved")
        clock.advance(seconds)
        self._wake()

    def reset(self) -> None:
        """Forget all objects, faults, requests and what was counted; ids begin anew, so that the same follows again."""
        self.state.clear()
        self.world.looks.clear()
        self.faults.clear()
        self.requests.clear()
        self.webhooks.clear()
        self._limiter.clear()

    def _wake(self) -> None:
        self._postman.wake()

    async def start(self) -> None:
        """Listen; an emulator that was stopped goes on with the state it had."""
        if self._listeners:
            raise RuntimeError("the emulator has been started already")
        self._front = Front(
            world=self.world,
            keys=self._keys,
            faults=self.faults,
            limiter=self._limiter,
            journal=self.requests,
            stopping=asyncio.Event(),
            names=NAMES,
        )
        try:
            await self.world.open()
            controls = control.Control(self, self._listeners.names)
            self._base_url = await self._listeners.open(build_api(self._front, controls), self._ports[0]) + PREFIX
            self.world.storage_url = await self._listeners.open(build_storage(self._front), self._ports[1])
        except BaseException:
            await self.stop()
            raise
        self._postman.start()

    def connect(
        self,
        *,
        provider: str = "google_drive",
        files: Mapping[str, RemoteFile | str] | None = None,
        custom_id: str | None = None,
        account: str = "someone@example.com",
        status: Status = "active",
        organisation: str = DEFAULT,
    ) -> Connection:
        """Make a connection, which the API leaves to the provider's page; its fields may be changed at any time.

        Args:
            provider: Whose account it is.
            files: What is in the account, by the provider's ids; a text is a file of that name.
            custom_id: The label that was given when the authorization began.
            account: Connections to one account share what was imported.
            status: All but `active` refuse to be used.
            organisation: Who has the connection.

        Returns:
            The connection, whose `id` the API knows.
        """
        found = {
            source_id: RemoteFile(filename=file) if isinstance(file, str) else file
            for source_id, file in (files or {}).items()
        }
        world = self.world.of(organisation)
        return connections.add(
            world, provider=provider, files=found, custom_id=custom_id, account=account, status=status
        )

    def describe(self, file: str | Path, scenes: Iterable[Told] = (), *, transcript: Transcript | None = None) -> None:
        """Tell what is to be seen and heard in a file, so that searches find it there.

        Search finds a scene by the words it has in common with the query, and hits start and end as the scene does.
        Analyses tell what the scenes show, and embeddings of texts and scenes are near each other when they have words
        in common. It holds for every file of this name, also for those that are here already; a later call replaces it.

        Args:
            file: Name of the file. Of a path to a file on this machine, only the name counts, but a transcript beside
                it (`clip.srt` or `clip.vtt`) is read.
            scenes: Start and end in seconds, and what there is to be seen.
            transcript: What is said, as SubRip, WebVTT or plain text, as the path of a file of it, or as sentences with
                start and end. Without one, the user metadata `transcript` of an asset is taken for it.

        Raises:
            ValueError: A scene or a sentence has no text, or ends before it starts.
            OSError: The transcript cannot be read.
        """
        known = describing.describe(scenes, transcript, file if isinstance(file, Path) else None)
        self.state.describe(file.name if isinstance(file, Path) else file, known)

    async def stop(self) -> None:
        """Close all connections at once and delete all files; the state stays to be looked at."""
        if self._front:
            self._front.stopping.set()
        await self._postman.stop()
        await self._listeners.close()
        await self.world.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
