"""`twelvelabs-async doctor`: check API key, clock, API version, rate limits and undocumented behavior of the API.

Sends a dozen read requests, which are not billed. The report contains no key, no id and no content, so that it can be
attached to a bug report.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp
import attrs

from twelvelabs_async._cli.console import Column, Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._http.transport import SUPPORTED_API_VERSION
from twelvelabs_async._rate_limit.headers import parse_http_date
from twelvelabs_async._version import __version__
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import APIError, AuthenticationError

FindingState = Literal["ok", "note", "problem"]

ACCEPTABLE_CLOCK_SKEW: Final = 2.0
"""Clock difference in seconds that is reported as ok; `Date` headers have a resolution of one second."""

HARMFUL_CLOCK_SKEW: Final = 60.0
"""Clock difference in seconds that breaks the age check of webhooks and the reset times of rate limits."""

UNKNOWN_ID: Final = "0" * 24

ANNOUNCED_UPLOAD_SIZE: Final = 2**30
"""Size in bytes of the upload session that `--session` creates; nothing is uploaded."""


@attrs.frozen(kw_only=True)
class RecordedResponse:
    """Status, selected headers and timing of a response."""

    headers: Mapping[str, str]
    seconds: float
    """Seconds from the request to the response headers."""
    clock_offset: float | None
    """Seconds by which the server's clock is ahead, to about one second; None without a `Date` header."""


class ResponseRecorder:
    """Records the responses of a client; pass `trace_config()` to the client."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.responses: list[RecordedResponse] = []

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return the aiohttp trace configuration that records responses."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._on_request_start)
        config.on_request_end.append(self._on_request_end)
        return config

    async def _on_request_start(self, _: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        context.started = self._clock.monotonic()

    async def _on_request_end(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        headers = end.response.headers
        date = parse_http_date(headers.get("Date"))
        response = RecordedResponse(
            headers=headers,
            seconds=self._clock.monotonic() - context.started,
            clock_offset=None if date is None else date - self._clock.time(),
        )
        self.responses.append(response)


@attrs.frozen(kw_only=True)
class Finding:
    """Result of one check."""

    about: str
    """What was checked."""
    state: FindingState
    """Outcome; a `note` is information only."""
    text: str
    """Details."""


@attrs.frozen
class DoctorContext:
    """The client under test, and its recorded responses."""

    client: AsyncTwelveLabs
    recorder: ResponseRecorder


async def run_doctor(*, session: bool, base_url: str | None, screen: Screen) -> ExitCode:
    """Run all checks and print the report."""
    recorder = ResponseRecorder(SystemClock())
    async with AsyncTwelveLabs(
        base_url=base_url, max_retries=1, timeout=20, trace_configs=[recorder.trace_config()]
    ) as client:
        screen.print(describe_versions(client.base_url))
        screen.print()
        found = [finding async for finding in run_checks(DoctorContext(client, recorder), session=session)]
    for finding in found:
        screen.print_json(attrs.asdict(finding))
    if screen.console.is_terminal:
        rows = [(finding.about, finding.state, finding.text) for finding in found]
        screen.table(rows, (Column("check"), Column("result"), Column("details", wraps=True)))
    else:  # a Markdown table for a bug report
        screen.print("| check | result | details |")
        screen.print("|---|---|---|")
        for finding in found:
            screen.print(f"| {finding.about} | {finding.state} | {finding.text.replace('|', '&#124;')} |")
    return exit_code_for_findings(found)


def exit_code_for_findings(found: Iterable[Finding]) -> ExitCode:
    """Return the exit code: 3 if nothing could be checked, 1 if a check found a problem."""
    problems = {finding.about for finding in found if finding.state == "problem"}
    if problems & {"key", "connection"}:
        return ExitCode.API_ERROR
    return ExitCode.FAILED if problems else ExitCode.OK


def describe_versions(base_url: str) -> str:
    """Return the versions of the package, of Python and of aiohttp, the system, and the host."""
    versions = f"python {platform.python_version()}, aiohttp {aiohttp.__version__}, {platform.system()}"
    return f"twelvelabs-async {__version__}, {versions}, {urlsplit(base_url).hostname}"


async def run_checks(context: DoctorContext, *, session: bool) -> AsyncIterator[Finding]:
    """Run the checks one after the other; stop if the API key is rejected or the API cannot be reached."""
    yield Finding(about="proxy", state="note", text=context.client.proxy or "none")
    try:
        page = await context.client.indexes.list(page_limit=1)
    except AuthenticationError as error:
        yield Finding(about="key", state="problem", text=f"rejected: {error.code}")
        return
    except APIError as error:
        yield Finding(about="connection", state="problem", text=str(error))
        return
    yield Finding(about="key", state="ok", text=f"accepted; {page.total} {'index' if page.total == 1 else 'indexes'}")
    checks = {**CHECKS, "upload session": _session} if session else CHECKS
    for about, check in checks.items():
        try:
            state, text = await check(context)
        except APIError as error:
            state, text = "note", f"check failed: {type(error).__name__}"
        yield Finding(about=about, state=state, text=text)


CheckResult = tuple[FindingState, str]
"""State and text of a finding."""

DoctorCheck = Callable[[DoctorContext], Awaitable[CheckResult]]


async def _clock(context: DoctorContext) -> CheckResult:
    offset = context.recorder.responses[-1].clock_offset
    if offset is None:
        return "note", "responses have no Date header"
    skew, text = abs(offset), describe_clock(offset)
    return "ok" if skew <= ACCEPTABLE_CLOCK_SKEW else "note" if skew <= HARMFUL_CLOCK_SKEW else "problem", text


def describe_clock(offset: float) -> str:
    """Describe the number of seconds by which the `Date` of a response, which has no fraction, is ahead."""
    seconds = round(offset + 0.5)
    if seconds == 0:
        return "the server's clock agrees, to a second"
    return f"the server's clock is {abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} the local clock"


async def _latency(context: DoctorContext) -> CheckResult:
    for _ in range(3):
        await context.client.indexes.list(page_limit=1)
    best = min(response.seconds for response in context.recorder.responses)
    return "ok", f"{best * 1000:.1f} ms for a small request, best of four"


async def _version(context: DoctorContext) -> CheckResult:
    version = context.client.api_version
    supported = version is None or version.lstrip("v").startswith(SUPPORTED_API_VERSION)
    text = f"the server reports {version or 'no version'}; supported: {SUPPORTED_API_VERSION}"
    return "ok" if supported else "problem", text


async def _limits(context: DoctorContext) -> CheckResult:
    headers = {
        name.lower(): f"{name}: {value}"
        for response in context.recorder.responses  # the last response with the header counts
        for name, value in response.headers.items()
        if "ratelimit" in name.lower() or name.lower().startswith("retry-after")
    }
    return "note", ", ".join(sorted(headers.values())) or "no rate-limit headers"


async def _compression(context: DoctorContext) -> CheckResult:
    encodings = {response.headers.get("Content-Encoding", "none") for response in context.recorder.responses}
    return "note", ", ".join(sorted(encodings))


async def _filter_by_name(context: DoctorContext) -> CheckResult:
    page = await context.client.indexes.list(page_limit=50)
    name = next((index.index_name for index in page if len(index.index_name) >= 4), None)
    if name is None:
        return "note", "not checked: no index with a name of 4 characters"
    found = await context.client.indexes.list(index_name=name[:-1])
    substring = any(index.index_name == name for index in found)
    return "note", "matches parts of names" if substring else "matches whole names only"


async def _session(context: DoctorContext) -> CheckResult:
    """Create an upload session without uploading; it is not billed and expires within a day."""
    session = await context.client.multipart_upload.create(
        filename="doctor.mp4", type="video", total_size=ANNOUNCED_UPLOAD_SIZE
    )
    headers = ", ".join(sorted(session.upload_headers)) or "none"
    parts = f"1 GiB in parts of {session.chunk_size} bytes; {len(session.upload_urls)} initial URLs"
    return "note", f"{parts}; headers: {headers}"


async def _answer(call: Awaitable[Any], describe: Callable[[Any], str] = lambda _: "found") -> CheckResult:
    """Say how the API answers an unusual request."""
    try:
        return "note", describe(await call)
    except APIError as error:
        return "note", f"{error.status_code}, code {error.code or 'none'}"


CHECKS: Final[dict[str, DoctorCheck]] = {
    "clock": _clock,
    "latency": _latency,
    "version": _version,
    "limits": _limits,
    "compression": _compression,
    "page beyond the last": lambda context: _answer(
        context.client.indexes.list(page=100_000, page_limit=1), lambda page: f"200, {len(page)} items"
    ),
    "page of 51": lambda context: _answer(
        context.client.request("GET", "/indexes", query={"page_limit": 51}),
        lambda body: f"200, {len(body.get('data', ()))} items",
    ),
    "unknown index": lambda context: _answer(context.client.indexes.retrieve(UNKNOWN_ID)),
    "unknown upload": lambda context: _answer(context.client.multipart_upload.get_status(UNKNOWN_ID)),
    "unknown search page": lambda context: _answer(context.client.search.retrieve("nothing")),
    "filter by name": _filter_by_name,
}
"""Checks by what they are about: first of documented behavior, then of what the API documentation does not specify."""
