"""The benchmark cases, grouped into tables, and the columns of the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from benchmarks.clients import CLIENTS, HASHING, MODULES, WITHOUT_SNIFFIO
from benchmarks.memory import MIB
from benchmarks.work import Figures


@attrs.frozen
class Column:
    """A column of the table: one figure of a sample."""

    name: str
    """Heading in the table."""
    compute: Callable[[Figures], float]
    """Computes the value from the measured figures."""
    digits: int = 0
    """Decimal places."""


@attrs.frozen
class Group:
    """Cases with the same columns."""

    name: str
    """Value for `--only`."""
    title: str
    """Title of the table."""
    columns: tuple[Column, ...]
    """Columns, the most important one first."""
    ratio_columns: int = 1
    """Number of columns, from the first one, that have ratios."""


@attrs.frozen(kw_only=True)
class Case:
    """One benchmark."""

    name: str
    """Value for `--only` and key in the JSON file."""
    label: str
    """Label in the table."""
    group: Group
    """The table that contains the case."""
    work: str = ""
    """Name of the function in `work`; empty if a whole process runs `code`."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Arguments of the function."""
    warmup_options: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Arguments that differ in the warm-up round."""
    code: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Source code that a whole process runs, by client."""
    baselines: tuple[str, ...] = ()
    """Measurements without a client: the limit of the server, and hashing alone."""
    extra_clients: tuple[str, ...] = ()
    """Clients that run only this case."""
    tls: bool = False
    """Whether the connections use TLS."""
    loop: str = "asyncio"
    """Module whose event loop runs the work."""


CPU = Column("CPU s/1000", lambda f: f["cpu"] / f["count"] * 1000, 3)
SERVER_BUSY = Column("server busy %", lambda f: f["server_cpu"] / f["seconds"] * 100)
CONNECTIONS = Column("connections", lambda f: f["connections"])
MS = Column("ms", lambda f: f["seconds"] * 1000, 1)
RATE = Column("per second", lambda f: f["count"] / f["seconds"])

START: Final = Group(
    "start",
    "Whole process, from its start to its end",
    (MS, Column("peak MiB", lambda f: f["peak"] / MIB, 1)),
    ratio_columns=2,
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
        SERVER_BUSY,
    ),
    ratio_columns=2,
)
CONCURRENT: Final = Group(
    "concurrent", "GET /indexes/{id}, many at once", (RATE, CPU, SERVER_BUSY, CONNECTIONS), ratio_columns=2
)
STARTING: Final = Group(
    "starting",
    "The first GETs of a new client, from a server without rate-limit headers that answers after 0.6 s",
    (Column("seconds", lambda f: f["seconds"], 2), CONNECTIONS),
)
PAGING: Final = Group(
    "paging",
    "Walk GET /indexes, 100 pages of 50",
    (
        Column("items/s", lambda f: f["count"] / f["seconds"]),
        Column("CPU s/1000 items", lambda f: f["cpu"] / f["count"] * 1000, 4),
        MS,
        Column("requests", lambda f: f["requests"] - 1),
    ),
    ratio_columns=2,
)
SMALL: Final = Group("small", "POST /assets with 10 kB each", (RATE, CPU, SERVER_BUSY, CONNECTIONS), ratio_columns=2)
DECODE: Final = Group(
    "embeddings",
    "POST /embed-v2 with 2,000 vectors of 512 numbers in the answer",
    (
        MS,
        Column("CPU s", lambda f: f["cpu"], 3),
        Column("memory +MiB", lambda f: f["memory"], 1),
        Column("stall ms", lambda f: f["stall"], 1),
    ),
    ratio_columns=2,
)
STREAM: Final = Group(
    "events",
    "POST /analyze, read while it comes",
    (
        Column("events/s", lambda f: f["count"] / f["seconds"]),
        Column("CPU us/event", lambda f: f["cpu"] / f["count"] * 1e6, 1),
        Column("first event ms", lambda f: f["first"], 2),
    ),
    ratio_columns=2,
)
WAITING: Final = Group(
    "waiting",
    "Wait for tasks that are all ready after 3 s, looking once a second",
    (
        Column("CPU s", lambda f: f["cpu"], 3),
        Column("seconds", lambda f: f["seconds"], 2),
        Column("requests", lambda f: f["requests"] - 1),
        CONNECTIONS,
    ),
    ratio_columns=2,
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
        CONNECTIONS,
        SERVER_BUSY,
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


def cases(*, large_size: int, path: str, warmup_path: str, slow_path: str, quick: bool = False) -> list[Case]:
    """Return all cases; the large uploads of `large_size` bytes read `warmup_path`, `path` and `slow_path`."""
    count, task_count = (1000, 250) if quick else (2000, 1000)
    construct_code = {name: code + _PEAK for name, code in _CONSTRUCT.items()}
    get_code = {name: _GET.format(module=module) + _PEAK for name, module in MODULES.items() if name in CLIENTS}
    return [
        Case(name="import", label="import, construct", group=START, code=construct_code),
        Case(name="import-get", label="import, construct, GET", group=START, code=get_code),
        Case(name="first-get", label="construct, GET", group=FIRST, work="first"),
        Case(name="sequential", label="1,000 GETs", group=SEQUENTIAL, work="sequential", options={"count": 1000}),
        *(
            Case(
                name=f"concurrent-{concurrency}",
                label=f"{count:,} GETs, {concurrency} at once",
                group=CONCURRENT,
                work="concurrent",
                options={"count": count, "concurrency": concurrency},
                baselines=("server",) if concurrency == 64 else (),
                extra_clients=(WITHOUT_SNIFFIO,) if concurrency == 64 else (),
            )
            for concurrency in (16, 64, 256, 1000)
        ),
        *(
            Case(
                name=f"concurrent-{concurrency}-unlimited",
                label=f"{count:,} GETs, {concurrency} at once, no limit headers",
                group=CONCURRENT,
                work="concurrent",
                options={"count": count, "concurrency": concurrency, "limit_headers": False},
            )
            for concurrency in (64, 256)
        ),
        *(
            Case(
                name=f"concurrent-64-uvloop{suffix}",
                label=f"{count:,} GETs, 64 at once, uvloop{label}",
                group=CONCURRENT,
                work="concurrent",
                options={"count": count, "concurrency": 64, "limit_headers": not suffix},
                loop="uvloop",
            )
            for suffix, label in (("", ""), ("-unlimited", ", no limit headers"))
            if sys.platform != "win32"
        ),
        Case(
            name="concurrent-tls",
            label=f"{count:,} GETs, 64 at once, TLS",
            group=CONCURRENT,
            work="concurrent",
            options={"count": count, "concurrency": 64},
            tls=True,
        ),
        Case(name="starting", label="100 GETs at once", group=STARTING, work="start_many", options={"count": 100}),
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
        Case(
            name="waiting", label=f"{task_count:,} tasks", group=WAITING, work="waiting", options={"count": task_count}
        ),
        Case(
            name="small-uploads",
            label="1,000 uploads, 64 at once",
            group=SMALL,
            work="small_uploads",
            options={"count": 1000, "concurrency": 64, "size": 10_000},
        ),
        Case(
            name="large-upload",
            label=f"{large_size // MIB:,} MiB",
            group=LARGE,
            work="large_upload",
            options={"path": path},
            warmup_options={"path": warmup_path},
            baselines=("server", "md5"),
            extra_clients=(HASHING,),
        ),
        Case(
            name="large-upload-tls",
            label=f"{large_size // MIB:,} MiB, TLS",
            group=LARGE,
            work="large_upload",
            options={"path": path},
            tls=True,
        ),
        Case(
            name="large-upload-slow",
            label=f"{large_size // MIB:,} MiB, each part answered after 200 ms",
            group=LARGE,
            work="large_upload",
            options={"path": slow_path},
        ),
    ]
