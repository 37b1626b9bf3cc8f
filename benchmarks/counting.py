"""Counts the size of the package, and the work of one GET, one 404 and one ingested item. No time is measured.

      python -m benchmarks.counting               # everything
    python -m benchmarks.counting --only path   # the steps of the request path

A module or a call is counted if Python enters one of its functions ("call" events of `sys.setprofile`, in the thread of
the client only; the emulator has its own thread). For each request, 64 tasks send 20 requests each, after 10 uncounted
requests each; the figures are per request. Figures of an item exclude the calls of an ingestion without items. A step
of the request path includes the calls and bytecodes of its function and of all functions that it calls, up to the next
step. Counts depend on the version of Python: compare only counts of the same version.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import io
import json
import sys
import tempfile
import tokenize
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import aiohttp
from typing_extensions import override

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs, NotFoundError
from twelvelabs_async.emulator import Plan, ThreadedEmulator, Timing, Window, samples

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import CodeType, FrameType

PACKAGE: Final = Path(twelvelabs_async.__file__).parent
TASKS, WARM_UP, REQUESTS = 64, 10, 20
ITEMS: Final = 20
MISSING_ID: Final = "0123456789abcdef01234567"
STEPS: Final = {
    ("resources/_base.py", "Resource._get"): "build the request",
    ("_core/executor.py", "RequestExecutor.execute"): "operation, path and body",
    ("_core/executor.py", "RequestExecutor._start"): "check the client, state of the call",
    ("_core/executor.py", "RequestExecutor._send_until_done"): "executor: deadline and loop",
    ("_rate_limit/limiter.py", "RateLimiter.try_acquire"): "get a permit",
    ("_http/transport.py", "HttpTransport.send"): "URL and headers",
    ("_http/transport.py", "HttpTransport._exchange"): "aiohttp: send, and wait for the head",
    ("_http/transport.py", "HttpTransport._read_response"): "read the body",
    ("_core/executor.py", "RequestExecutor._record_response"): "rate-limit headers, release the permit",
    ("_core/executor.py", "RequestExecutor._read_json"): "JSON to an object",
}
"""Steps of the request path, by the module and name of the function that starts them."""
OUTSIDE: Final = "the caller, the event loop and its callbacks"
MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual"]}]

_CLIENT: Final = ("ingest", "workers", "emulator", "_cli")
"""Parts that are not the client itself."""
_REQUEST_PATH: Final = ("_codec", "_core", "_http", "_rate_limit")
"""Parts that are only entered by a request."""
_REQUEST_FOLDERS: Final = tuple(f"{PACKAGE / part}/" for part in _REQUEST_PATH)
_ARGUMENT_CHECKS: Final = "_core/validation.py"
"""The module of these folders that methods enter before their request."""


class Counting:
    """Base class of counters, which count while they are active."""

    requests = 0
    """Number of requests that were counted."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start counting."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop counting."""
        raise NotImplementedError


class CallCounter(Counting):
    """Counts the Python functions that are entered while it is active."""

    def __init__(self) -> None:
        self.calls = 0
        self.modules: Counter[str] = Counter()
        """Calls by module of this package."""
        self.coroutines: set[str] = set()
        """Coroutine functions of this package."""

    @override
    def start(self) -> None:
        sys.setprofile(self._on_event)

    @override
    def stop(self) -> None:
        sys.setprofile(None)

    def _on_event(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        self.calls += 1
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            self.modules[str(path.relative_to(PACKAGE))] += 1
            if frame.f_code.co_flags & 0x80:  # CO_COROUTINE
                self.coroutines.add(frame.f_code.co_qualname)


class CallerCounter(CallCounter):
    """Counts the functions that are entered before a request, neither by the request nor by an event."""

    @override
    def _on_event(self, frame: FrameType, event: str, _: Any) -> None:
        caller: FrameType | None = frame
        while caller is not None and not self._is_request(caller.f_code):
            caller = caller.f_back
        if caller is None:
            super()._on_event(frame, event, _)

    @staticmethod
    def _is_request(code: CodeType) -> bool:
        in_folder = code.co_filename.startswith(_REQUEST_FOLDERS) and not code.co_filename.endswith(_ARGUMENT_CHECKS)
        return in_folder or code.co_qualname == "EventDispatcher.emit"


class StepCounter(Counting):
    """Counts the calls and bytecodes of each step of the request path."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.bytecodes: Counter[str] = Counter()
        self._steps: dict[CodeType, str | None] = {}

    @override
    def start(self) -> None:
        sys.settrace(self._on_call)

    @override
    def stop(self) -> None:
        sys.settrace(None)

    def _step_of(self, code: CodeType) -> str | None:
        path = Path(code.co_filename)
        if not path.is_relative_to(PACKAGE):
            return None
        return STEPS.get((str(path.relative_to(PACKAGE)), code.co_qualname))

    def _on_call(self, frame: FrameType, event: str, _: Any) -> Callable[[FrameType, str, Any], Any] | None:
        if event != "call":
            return None
        caller: FrameType | None = frame
        step = None
        while caller is not None and step is None:
            if caller.f_code not in self._steps:
                self._steps[caller.f_code] = self._step_of(caller.f_code)
            step = self._steps[caller.f_code]
            caller = caller.f_back
        step = step or OUTSIDE
        self.calls[step] += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return partial(self._on_bytecode, step)

    def _on_bytecode(self, step: str, _: FrameType, event: str, __: Any) -> Callable[[FrameType, str, Any], Any]:
        self.bytecodes[step] += event == "opcode"
        return partial(self._on_bytecode, step)


def count_code_lines(path: Path) -> int:
    """Return the number of lines of a module without docstrings, comments, blank lines and generated code."""
    source = path.read_text()
    if "\nGenerated by " in source:
        return 0
    before, marker, rest = source.partition("\n# --- generated by ")
    source = before + rest.partition("# --- end of generated code ---")[2] if marker else source
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
        and token.string
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def print_sizes() -> None:
    """Print files and code lines by part of the package."""
    files, lines = Counter[str](), Counter[str]()
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        part = parts[0] if len(parts) > 1 else "(root)"
        files[part] += 1
        lines[part] += count_code_lines(path)
    print(f"{'part':16}{'files':>8}{'code lines':>12}")
    for part in sorted(files):
        print(f"{part:16}{files[part]:8}{lines[part]:12}")
    client = [part for part in files if part not in _CLIENT]
    print(f"{'client':16}{sum(files[part] for part in client):8}{sum(lines[part] for part in client):12}")
    print(f"{'everything':16}{files.total():8}{lines.total():12}\n")


AnyCounter = TypeVar("AnyCounter", bound=Counting)


async def count_requests(
    request: Callable[[], Awaitable[object]], counter: AnyCounter, *, tasks: int = TASKS, requests: int = REQUESTS
) -> AnyCounter:
    """Send requests in many concurrent tasks, and count all requests after the warm-up."""

    async def run(count: int) -> None:
        for _ in range(count):
            await request()

    await asyncio.gather(*(run(WARM_UP) for _ in range(tasks)))
    with counter:
        await asyncio.gather(*(run(requests) for _ in range(tasks)))
    counter.requests = tasks * requests
    return counter


@contextmanager
def server(*, limit_headers: bool) -> Generator[ThreadedEmulator]:
    """Start an emulator without effective limits. Its windows outlast a count, because a client probes new windows."""
    plan = Plan(default=Window(10_000_000, seconds=86_400) if limit_headers else (), windows={})
    with ThreadedEmulator(plan=plan, timing=Timing(asset=0, indexing=0)) as emulator:
        yield emulator


async def print_steps(api_key: str, base_url: str) -> None:
    """Print the calls and bytecodes of each step of one GET."""
    requests = 3
    async with AsyncTwelveLabs(api_key, base_url=base_url) as client:
        index = await client.indexes.create(index_name="counting", models=MODELS)
        counter = await count_requests(lambda: client.indexes.retrieve(index.id), StepCounter(), requests=requests)
    print(f"{'':44}{'calls':>8}{'bytecodes':>11}")
    total = counter.requests
    for step in (*STEPS.values(), OUTSIDE):
        print(f"{step:44}{counter.calls[step] / total:8.1f}{counter.bytecodes[step] / total:11.0f}")
    print(f"{'all':44}{counter.calls.total() / total:8.1f}{counter.bytecodes.total() / total:11.0f}\n")


def print_counts(name: str, counter: CallCounter, count: int) -> None:
    """Print the calls per request or item, with and without calls of other packages."""
    package_calls = counter.modules.total() / count
    print(
        f"{name:24}{counter.calls / count:8.1f}{package_calls:8.1f}{len(counter.modules):9}{len(counter.coroutines):12}"
    )
    if counter.modules:
        print("    " + ", ".join(f"{module} {calls / count:.1f}" for module, calls in counter.modules.most_common()))


async def count_all(api_key: str, base_url: str, folders: list[Path]) -> None:
    """Count one GET and one 404, with this client and with aiohttp alone, and one ingested item for each folder."""
    async with (
        AsyncTwelveLabs(api_key, base_url=base_url) as client,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100), headers={"x-api-key": api_key}) as session,
    ):
        index = await client.indexes.create(index_name="counting", models=MODELS)

        async def get_bare(index_id: str) -> None:
            async with session.get(f"{base_url}/indexes/{index_id}") as response:
                json.loads(await response.read())

        async def get_missing() -> None:
            with suppress(NotFoundError):
                await client.indexes.retrieve(MISSING_ID)

        total = TASKS * REQUESTS
        print(f"{'':24}{'calls':>8}{'ours':>8}{'modules':>9}{'coroutines':>12}")
        print_counts("GET, aiohttp alone", await count_requests(lambda: get_bare(index.id), CallCounter()), total)
        print_counts("GET", await count_requests(lambda: client.indexes.retrieve(index.id), CallCounter()), total)
        print_counts("404, aiohttp alone", await count_requests(lambda: get_bare(MISSING_ID), CallCounter()), total)
        print_counts("404", await count_requests(get_missing, CallCounter()), total)
        for folder, name, kind in zip(
            folders,
            ("", "item of an ingestion", "before its requests"),
            (CallCounter, CallCounter, CallerCounter),
            strict=True,
        ):
            counter, without_items = kind(), kind()
            with counter:
                results = [item.status async for item in client.ingest(folder, index_id=index.id, sleep_interval=0.05)]
            assert results == ["ready"] * ITEMS, results
            with without_items:
                await client.ingest([], index_id=index.id).summary()
            counter.calls -= without_items.calls
            counter.modules -= without_items.modules
            if name:  # the first ingestion imports the modules
                print_counts(name, counter, ITEMS)


def make_videos(folder: Path) -> Path:
    """Write `ITEMS` small videos into a new folder."""
    folder.mkdir()
    for number in range(ITEMS):
        (folder / f"{folder.name}-{number}.mp4").write_bytes(samples.video(seconds=10 + number))
    return folder


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting", description="Count calls and bytecodes.")
    parser.add_argument("--only", choices=["path"], help="only the steps of the request path")
    only: str | None = parser.parse_args().only
    for limit_headers in (False, True):
        with server(limit_headers=limit_headers) as emulator:
            print(f"One GET, {'with' if limit_headers else 'without'} rate-limit headers\n")
            asyncio.run(print_steps(emulator.api_key, emulator.base_url))
    if only is not None:
        return
    print_sizes()
    with server(limit_headers=True) as emulator, tempfile.TemporaryDirectory() as temporary:
        videos = [make_videos(Path(temporary, name)) for name in ("first", "second", "third")]
        asyncio.run(count_all(emulator.api_key, emulator.base_url, videos))


if __name__ == "__main__":
    main()
