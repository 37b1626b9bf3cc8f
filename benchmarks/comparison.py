"""`python -m benchmarks.comparison` prints the table of the README: the behavior of both SDKs in the same situations.

All figures are counts, most of them in virtual time; they do not depend on the load of the machine. Both clients have
`max_retries=3`, or 10 in the scenario with a rate limit; the official client counts the first attempt, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import twelvelabs
from aiohttp import ClientSession, web

from benchmarks.limits.scenarios import MODELS, SCENARIOS, run_scenario
from benchmarks.limits.virtual_time import LoopClock, run_in_virtual_time
from benchmarks.limits.work import run_concurrently
from twelvelabs_async import APIError, AsyncTwelveLabs, TwelveLabsError
from twelvelabs_async.emulator import Emulator, Timing, samples

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

RETRIES: Final = 3
"""`max_retries` of both clients."""
READS: Final = 200
CREATES: Final = 100
STREAMS: Final = 20
TASKS: Final = 100
TASK_SECONDS: Final = 20.0
"""Seconds until the tasks are ready."""
MIB: Final = 2**20
FILE_SIZE: Final = 64 * MIB
ONE_IN: Final = 10
"""One of this many requests fails."""
MAX_LATENCY: Final = 0.05
"""Upper bound of the random pause before each call, in seconds."""
REMOTE_VIDEO: Final = "https://example.com/video.mp4"


@attrs.frozen
class Clients:
    """Both clients, connected to one emulator."""

    emulator: Emulator
    """The emulator."""
    official: Any
    """The official client; its declared class lacks some methods of the object."""
    this_client: AsyncTwelveLabs
    """This client."""


@contextlib.asynccontextmanager
async def both_clients(
    *, base_url: str | None = None, emulator: Emulator | None = None, virtual: bool = True
) -> AsyncGenerator[Clients]:
    """Open both clients, connected to an emulator or to the URL of a proxy."""
    clock = LoopClock() if virtual else None
    async with contextlib.AsyncExitStack() as stack:
        if emulator is None:
            emulator = await stack.enter_async_context(Emulator(timing=Timing.immediate(), clock=clock))
        url = base_url or emulator.base_url
        official = twelvelabs.AsyncTwelveLabs(api_key=emulator.api_key, base_url=url)
        async with AsyncTwelveLabs(emulator.api_key, base_url=url, clock=clock, max_retries=RETRIES) as this_client:
            yield Clients(emulator, official, this_client)
        await official._client_wrapper.httpx_client.httpx_client.aclose()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no public method


async def count_failures(call: Callable[[], Coroutine[Any, Any, object]], number: int) -> int:
    """Run calls at slightly different times, and count those that raise an exception."""
    rng = random.Random(1)  # noqa: S311  # not for cryptography

    async def run(_: int) -> None:
        await asyncio.sleep(rng.random() * MAX_LATENCY)
        await call()

    return await run_concurrently(run, number, 8)


async def reset_reads() -> tuple[int, int]:
    """Count the reads that fail if one in ten connections is reset."""
    async with both_clients() as clients:
        index = await clients.this_client.indexes.create(index_name="one", models=MODELS)
        clients.emulator.faults.add(
            "GET /indexes/{index-id}", reset="before", times=None, probability=1 / ONE_IN, seed=1
        )
        options = {"max_retries": RETRIES}
        official = await count_failures(
            lambda: clients.official.indexes.retrieve(index.id, request_options=options), READS
        )
        return official, await count_failures(lambda: clients.this_client.indexes.retrieve(index.id), READS)


@contextlib.asynccontextmanager
async def gateway(origin: str) -> AsyncGenerator[str]:
    """Start a gateway that replaces every tenth response by a 504, and yield its URL."""
    requests = 0

    async def forward(request: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        headers = {name: request.headers[name] for name in ("x-api-key", "Content-Type")}
        async with session.post(origin + request.path, data=await request.read(), headers=headers) as response:
            body = await response.read()
        if requests % ONE_IN == 0:
            return web.Response(status=504)
        return web.Response(status=response.status, body=body, content_type=response.content_type)

    app = web.Application()
    app.router.add_post("/v1.3/embed-v2/tasks", forward)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    async with ClientSession() as session:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1.3"
        finally:
            await runner.cleanup()


async def lost_responses(client_name: str) -> tuple[int, int]:
    """Create tasks through the gateway; return the number of surplus tasks and of ambiguous errors."""
    uncertain = 0
    async with (
        Emulator(timing=Timing.immediate(), clock=LoopClock()) as emulator,
        gateway(emulator.base_url.removesuffix("/v1.3")) as url,
        both_clients(base_url=url, emulator=emulator) as clients,
    ):
        for _ in range(CREATES):
            if client_name == "official":
                video = twelvelabs.VideoInputRequest(media_source=twelvelabs.MediaSource(url=REMOTE_VIDEO))
                options = {"max_retries": RETRIES}
                await clients.official.embed.v_2.tasks.create(
                    input_type="video", model_name="marengo3.0", video=video, request_options=options
                )
            else:
                source = {"media_source": {"url": REMOTE_VIDEO}}
                try:
                    await clients.this_client.embed.v_2.tasks.create(
                        input_type="video", model_name="marengo3.0", video=source
                    )
                except APIError as error:
                    uncertain += error.ambiguous
        return len(emulator.state.embed_tasks) - CREATES, uncertain


async def truncated_streams() -> tuple[int, int]:
    """Count the truncated streams that raise no error."""
    async with both_clients() as clients:
        clients.emulator.faults.add("POST /analyze", stream="no-end", times=None)
        video = {"type": "url", "url": REMOTE_VIDEO}

        async def read_official() -> None:
            source = twelvelabs.VideoContext_Url(url=REMOTE_VIDEO)
            async for _ in clients.official.analyze_stream(video=source, prompt="What happens?"):
                pass

        async def read_this() -> None:
            async for _ in clients.this_client.analyze_stream(video=video, prompt="What happens?"):
                pass

        return STREAMS - await count_failures(read_official, STREAMS), STREAMS - await count_failures(
            read_this, STREAMS
        )


async def polls() -> tuple[int, int]:
    """Count the requests of a wait for a hundred tasks with one poll per second."""
    counts: list[int] = []
    for name in ("official", "ours"):
        async with both_clients() as clients:
            index = await clients.this_client.indexes.create(index_name="one", models=MODELS)
            clients.emulator.timing = Timing(asset=0, indexing=TASK_SECONDS)
            file = ("a.mp4", samples.video(5))
            tasks = [await clients.official.tasks.create(index_id=index.id, video_file=file) for _ in range(TASKS)]
            before = len(clients.emulator.requests)
            if name == "official":
                waits = (clients.official.tasks.wait_for_done(task.id, sleep_interval=1.0) for task in tasks)
                await asyncio.gather(*waits)
            else:
                with contextlib.suppress(TwelveLabsError):
                    async for result in clients.this_client.tasks.wait_for_all(
                        [task.id for task in tasks], sleep_interval=1
                    ):
                        result.result()
            counts.append(len(clients.emulator.requests) - before)
    return counts[0], counts[1]


async def copied_bytes() -> tuple[int, int]:
    """Measure the maximum size of temporary files during a multipart upload."""
    sizes: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.mp4")
        await asyncio.to_thread(path.write_bytes, samples.video(5, size=FILE_SIZE))
        for name in ("official", "ours"):
            async with both_clients(virtual=False) as clients:
                upload = (
                    clients.official.multipart_upload.upload_file(path)
                    if name == "official"
                    else clients.this_client.assets.upload(path, method="multipart")
                )
                sizes.append(await _largest_size(folder, upload) - FILE_SIZE)
    return sizes[0], sizes[1]


async def _largest_size(folder: str, upload: Coroutine[Any, Any, object]) -> int:
    """Run an upload; return the maximum total size of the files in a folder."""
    task = asyncio.ensure_future(upload)
    largest = 0
    while not task.done():
        largest = max(largest, await asyncio.to_thread(_total_size, folder))
        await asyncio.sleep(0.005)
    await task
    return largest


def _total_size(folder: str) -> int:
    return sum(_size(path) for path in Path(folder).rglob("*"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def rows() -> list[tuple[str, ...]]:
    """Run all comparisons and return the rows of the table."""
    burst = next(scenario for scenario in SCENARIOS if scenario.name == "burst")
    limited = [run_scenario(burst, name, seed=1).stats for name in ("twelvelabs", "twelvelabs_async")]
    failed = run_in_virtual_time(reset_reads())
    official_surplus, _ = run_in_virtual_time(lost_responses("official"))
    surplus, uncertain = run_in_virtual_time(lost_responses("ours"))
    silent_truncations = run_in_virtual_time(truncated_streams())
    requests = run_in_virtual_time(polls())
    copied = asyncio.run(copied_bytes())
    return [
        (
            "200 searches at the same time, 40 allowed a minute",
            *(f"{run.failed} fail, {round(run.rate_limited, -2):,} responses 429" for run in limited),
        ),
        (f"{READS} reads while some connections are reset", *(f"{count} fail" for count in failed)),
        (
            f"{CREATES} embedding tasks created, a gateway loses one response in {ONE_IN}",
            f"{official_surplus} created and billed twice",
            f"{surplus} created twice, {uncertain} errors with `ambiguous=True`",
        ),
        (
            f"{STREAMS} streams break off before their end",
            *(f"{count} end without an error" for count in silent_truncations),
        ),
        (f"wait {TASK_SECONDS:.0f} s for {TASKS} tasks", *(f"{count:,} requests" for count in requests)),
        ("upload 64 MiB in parts", *(f"{round(size / MIB)} MiB copied to disk" for size in copied)),
    ]


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", DeprecationWarning)  # the official client has no other method to wait
    print(f"| | official SDK {twelvelabs.__version__} | this package |")
    print("|---|---|---|")
    for row in rows():
        print("|", " | ".join(row), "|")


if __name__ == "__main__":
    main()
