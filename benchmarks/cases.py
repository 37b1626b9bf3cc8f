"""What is measured: the cases, in groups of one table each, and the columns of every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from benchmarks.clients import CLIENTS, MODULES, PLAIN
from benchmarks.memory import MIB
from benchmarks.work import Figures


@attrs.frozen
class Column:
    """One figure of a sample."""

    name: str
    """How the table heads it."""
    of: Callable[[Figures], float]
    """How it comes from what was measured."""
    digits: int = 0
    """Digits behind the point."""


@attrs.frozen
class Group:
    """Cases with the same columns."""

    name: str
    """What `--only` takes."""
    title: str
    """What the table says above it."""
    columns: tuple[Column, ...]
    """Columns, the most telling one first."""
    ratios: int = 1
    """How many of them are shown with ratios."""


@attrs.frozen(kw_only=True)
class Case:
    """One kind of work."""

    name: str
    """What `--only` takes, and its key in the JSON."""
    label: str
    """What the table says."""
    group: Group
    """Where it belongs."""
    work: str = ""
    """Name of the work; empty for a whole process that runs `code`."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Its arguments."""
    rehearsal: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Arguments that are others in the round that is thrown away."""
    code: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """For each client, the program of a whole process."""
    beside: tuple[str, ...] = ()
    """What is measured beside the clients: the server's ceiling, hashing alone."""
    more: tuple[str, ...] = ()
    """Clients that do only this."""
    tls: bool = False
    """Whether the server is spoken to through TLS."""


CPU = Column("CPU s/1000", lambda f: f["cpu"] / f["count"] * 1000, 3)
BUSY = Column("server busy %", lambda f: f["server_cpu"] / f["seconds"] * 100)
NEW = Column("connections", lambda f: f["connections"])
MS = Column("ms", lambda f: f["seconds"] * 1000, 1)
RATE = Column("per second", lambda f: f["count"] / f["seconds"])

START: Final = Group(
    "start",
    "Whole process, from its start to its end",
    (MS, Column("peak MiB", lambda f: f["peak"] / MIB, 1)),
    ratios=2,
)
FIRST: Final = Group("first", "Construct a client and GET /indexes/{id} once, already imported", (MS,))
SEQUENTIAL: Final = Group(
    "sequential",
    "GET /indexes/{id}, one after the other",
    (
        Column("p50 us", lambda f: f["p50"]),
        CPU,
        Column("p99 us", lambda f: f["p99"]),
        Column("KiB held", lambda f: f["held"] / 1024, 1),
        BUSY,
    ),
    ratios=2,
)
CONCURRENT: Final = Group("concurrent", "GET /indexes/{id}, many at once", (RATE, CPU, BUSY, NEW), ratios=2)
PAGING: Final = Group(
    "paging",
    "Walk GET /indexes, 100 pages of 50",
    (
        Column("items/s", lambda f: f["count"] / f["seconds"]),
        Column("CPU s/1000 items", lambda f: f["cpu"] / f["count"] * 1000, 4),
        MS,
        Column("requests", lambda f: f["requests"] - 1),
    ),
    ratios=2,
)
SMALL: Final = Group("small", "POST /assets with 10 kB each", (RATE, CPU, BUSY, NEW), ratios=2)
DECODE: Final = Group(
    "embeddings",
    "POST /embed-v2 with 2,000 vectors of 512 numbers in the answer",
    (
        MS,
        Column("CPU s", lambda f: f["cpu"], 3),
        Column("memory +MiB", lambda f: f["memory"], 1),
        Column("stall ms", lambda f: f["stall"], 1),
    ),
    ratios=2,
)
STREAM: Final = Group(
    "events",
    "POST /analyze, read while it comes",
    (
        Column("events/s", lambda f: f["count"] / f["seconds"]),
        Column("CPU us/event", lambda f: f["cpu"] / f["count"] * 1e6, 1),
        Column("first event ms", lambda f: f["first"], 2),
    ),
    ratios=2,
)
WAITING: Final = Group(
    "waiting",
    "Wait for tasks that are all ready after 3 s, looking once a second",
    (
        Column("CPU s", lambda f: f["cpu"], 3),
        Column("seconds", lambda f: f["seconds"], 2),
        Column("requests", lambda f: f["requests"] - 1),
        NEW,
    ),
    ratios=2,
)
LARGE: Final = Group(
    "large",
    "One upload in parts of 5 MiB, 5 at once",
    (
        Column("MB/s", lambda f: f["count"] / f["seconds"] / 1e6),
        Column("CPU s", lambda f: f["cpu"], 2),
        Column("memory +MiB", lambda f: f["memory"], 1),
        Column("disk +MiB", lambda f: f["disk"] / MIB),
        Column("stall ms", lambda f: f["stall"], 1),
        Column("sent %", lambda f: f["received"] / f["count"] * 100),
        NEW,
        BUSY,
    ),
)

_PEAK = "\nfrom benchmarks.memory import peak\nprint(peak())"
_CONSTRUCT = {
    "ours": "from twelvelabs_async import AsyncTwelveLabs\nAsyncTwelveLabs('key')",
    "official": "from twelvelabs import AsyncTwelveLabs\nAsyncTwelveLabs(api_key='key')",
    "aiohttp": (
        "import asyncio, json, aiohttp\n"
        "async def main():\n    await aiohttp.ClientSession().close()\n"
        "asyncio.run(main())"
    ),
}
_GET = (
    "import asyncio, sys\nfrom {module} import make\nasync def main():\n    client = make(sys.argv[1])\n"
    "    assert await client.get()\n    await client.close()\nasyncio.run(main())"
)


def cases(*, large: int, path: str, rehearsal: str, slow: str) -> list[Case]:
    """All cases, with a large upload of `large` bytes from `path`, from `rehearsal` before that, and from `slow`."""
    whole = {name: code + _PEAK for name, code in _CONSTRUCT.items()}
    getting = {name: _GET.format(module=module) + _PEAK for name, module in MODULES.items() if name in CLIENTS}
    return [
        Case(name="import", label="import, construct", group=START, code=whole),
        Case(name="import-get", label="import, construct, GET", group=START, code=getting),
        Case(name="first-get", label="construct, GET", group=FIRST, work="first"),
        Case(name="sequential", label="1,000 GETs", group=SEQUENTIAL, work="sequential", options={"count": 1000}),
        *(
            Case(
                name=f"concurrent-{at_once}",
                label=f"2,000 GETs, {at_once} at once",
                group=CONCURRENT,
                work="concurrent",
                options={"count": 2000, "at_once": at_once},
                beside=("server",) if at_once == 64 else (),
                more=(PLAIN,) if at_once == 64 else (),
            )
            for at_once in (16, 64, 256, 1000)
        ),
        Case(
            name="concurrent-tls",
            label="2,000 GETs, 64 at once, TLS",
            group=CONCURRENT,
            work="concurrent",
            options={"count": 2000, "at_once": 64},
            tls=True,
        ),
        Case(name="paging", label="5,000 items", group=PAGING, work="paging"),
        Case(
            name="paging-far",
            label="5,000 items, 20 ms away, 4 pages ahead",
            group=PAGING,
            work="paging",
            options={"ahead": 4},
        ),
        Case(name="embeddings", label="14 MB of JSON", group=DECODE, work="embeddings"),
        Case(name="events", label="10,000 events", group=STREAM, work="events"),
        Case(name="waiting", label="1,000 tasks", group=WAITING, work="waiting"),
        Case(
            name="small-uploads",
            label="1,000 uploads, 64 at once",
            group=SMALL,
            work="small_uploads",
            options={"count": 1000, "at_once": 64, "size": 10_000},
        ),
        Case(
            name="large-upload",
            label=f"{large // MIB:,} MiB",
            group=LARGE,
            work="large_upload",
            options={"path": path},
            rehearsal={"path": rehearsal},
            beside=("server", "md5"),
        ),
        Case(
            name="large-upload-tls",
            label=f"{large // MIB:,} MiB, TLS",
            group=LARGE,
            work="large_upload",
            options={"path": path},
            tls=True,
        ),
        Case(
            name="large-upload-slow",
            label=f"{large // MIB:,} MiB, each part answered after 200 ms",
            group=LARGE,
            work="large_upload",
            options={"path": slow},
        ),
    ]
