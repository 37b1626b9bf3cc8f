"""Growth: the processor time per part, page, task, call and item, at several sizes.

    python -m benchmarks.growth [--only NAME]

The client runs in one thread, an emulator in another. `client us` is the processor time of the client's thread by unit.
`ratio` is the time relative to the smallest size. A ratio of about 1 means that the time grows linearly.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.table import align
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Plan, ThreadedEmulator, Timing, Window, samples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CHUNK: Final = 64
"""Size of a part, in bytes."""
MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
PER_PAGE: Final = 50


async def parts(client: AsyncTwelveLabs, count: int) -> float:
    """Upload one file in `count` parts."""
    content = b"\0" * (CHUNK * count)
    start = time.thread_time()
    await client.assets.upload(content, filename="film.mp4", method="multipart")
    return time.thread_time() - start


async def pages(client: AsyncTwelveLabs, count: int) -> float:
    """Iterate over a list of `count` pages."""
    for number in range(count * PER_PAGE):
        await client.indexes.create(index_name=f"{count}-{number}", models=MODELS)
    start = time.thread_time()
    total = len([index async for index in client.indexes.list(page_limit=PER_PAGE)])
    assert total >= count * PER_PAGE, total
    return time.thread_time() - start


async def calls(client: AsyncTwelveLabs, count: int) -> float:
    """Get an index 5 times in each of `count` concurrent tasks."""
    index = await client.indexes.create(index_name="calls", models=MODELS)

    async def get() -> None:
        for _ in range(5):
            await client.indexes.retrieve(index.id)

    await get()
    start = time.thread_time()
    await asyncio.gather(*(get() for _ in range(count)))
    return time.thread_time() - start


async def waits(client: AsyncTwelveLabs, count: int) -> float:
    """Wait for `count` assets."""
    content = samples.video(seconds=10)
    ids = [(await client.assets.create(method="direct", file=content, filename="a.mp4")).id for _ in range(count)]
    start = time.thread_time()
    assert len([result async for result in client.assets.wait_for_all(ids, sleep_interval=0.2)]) == count
    return time.thread_time() - start


def write_videos(folder: Path, count: int) -> None:
    """Write small videos of different lengths."""
    for number in range(count):
        (folder / f"{number}.mp4").write_bytes(samples.video(seconds=10 + number))


async def items(client: AsyncTwelveLabs, count: int) -> float:
    """Ingest `count` files."""
    index = await client.indexes.create(index_name="items", models=MODELS)
    with tempfile.TemporaryDirectory() as folder:
        write_videos(Path(folder), count)
        start = time.thread_time()
        statuses = [item.status async for item in client.ingest(folder, index_id=index.id, sleep_interval=0.2)]
    assert statuses == ["ready"] * count
    return time.thread_time() - start


@attrs.frozen
class Row:
    """One kind of growth."""

    name: str
    """Unit, and value for `--only`."""
    measure: Callable[[AsyncTwelveLabs, int], Awaitable[float]]
    """Returns the processor seconds of the client for a number of units."""
    sizes: tuple[int, ...]
    """Numbers of units."""


ROWS: Final = (
    Row("parts", parts, (500, 1000, 4000, 10_000)),
    Row("pages", pages, (5, 50)),
    Row("calls", calls, (64, 640)),
    Row("waits", waits, (50, 500, 5000)),
    Row("items", items, (30, 300)),
)


async def measure(row: Row, size: int, emulator: ThreadedEmulator) -> float:
    """Return the microseconds per unit, with a new client."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        await client.indexes.create(index_name="warm", models=MODELS)
        return await row.measure(client, size) / size * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="Measure the cost of one more.")
    parser.add_argument("--only", choices=[row.name for row in ROWS])
    only: str | None = parser.parse_args().only
    lines = [["unit", "", "count", "client us", "ratio"]]
    plan = Plan(default=Window(10_000_000, seconds=86_400), windows={})
    for row in ROWS:
        if only not in {None, row.name}:
            continue
        first_cost = 0.0
        for size in row.sizes:
            with ThreadedEmulator(plan=plan, timing=Timing(asset=0, indexing=0), chunk_size=CHUNK) as emulator:
                cost = asyncio.run(measure(row, size, emulator))
            first_cost = first_cost or cost
            lines.append([row.name, "", f"{size:,}", f"{cost:,.0f}", f"{cost / first_cost:.2f}"])
    print(align(lines))


if __name__ == "__main__":
    main()
