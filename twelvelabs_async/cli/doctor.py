"""Looks at the platform with your key, and says what is well, what is not, and what nobody had documented.

A dozen reads that cost nothing. The report names no key, no identifier and no content: it can be shown to anybody.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp
import attrs

from twelvelabs_async._version import __version__
from twelvelabs_async.cli.codes import Code
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.cli.witness import Witness
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import APIError, AuthenticationError
from twelvelabs_async.seen import API_VERSION

State = Literal["ok", "note", "problem"]

SKEW: Final = 2.0
"""Seconds by which clocks may differ; the `Date` of an answer is a whole second."""
BAD_SKEW: Final = 60.0
"""Seconds from which it does harm: webhooks look old, limits seem to be full again too early or too late."""

NO_ID: Final = "0" * 24
LARGE: Final = 2**30
"""Bytes of the upload that is announced, and never made, with `--session`."""


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that was found out."""

    about: str
    """What was looked at."""
    state: State
    """Whether it is well; a `note` is neither good nor bad."""
    text: str
    """What was found."""


@attrs.frozen
class Patient:
    """Who is examined."""

    client: AsyncTwelveLabs
    witness: Witness


async def doctor(*, session: bool, base_url: str | None, screen: Screen) -> Code:
    """Examine, and print the report."""
    witness = Witness(SystemClock())
    problems = 0
    async with AsyncTwelveLabs(
        base_url=base_url, max_retries=1, timeout=20, trace_configs=[witness.trace_config()]
    ) as client:
        screen.say(head(client.base_url))
        async for finding in examine(Patient(client, witness), session=session):
            problems += finding.state == "problem"
            screen.record(attrs.asdict(finding))
            screen.say(f"| {finding.about} | {finding.state} | {finding.text} |")
    return Code.FAILED if problems else Code.OK


def head(base_url: str) -> str:
    """With what and where."""
    with_what = f"python {platform.python_version()}, aiohttp {aiohttp.__version__}, {platform.system()}"
    where = urlsplit(base_url).hostname
    return f"twelvelabs-async {__version__}, {with_what}, {where}\n\n| about | | found |\n|---|---|---|"


async def examine(patient: Patient, *, session: bool) -> AsyncIterator[Finding]:
    """Everything, one after the other; it ends early if the key is not accepted."""
    try:
        found = await patient.client.indexes.list(page_limit=1)
    except AuthenticationError as error:
        yield Finding(about="key", state="problem", text=f"refused: {error.code}")
        return
    except APIError as error:
        yield Finding(about="connection", state="problem", text=str(error))
        return
    yield Finding(about="key", state="ok", text=f"accepted; {found.total} {'index' if found.total == 1 else 'indexes'}")
    for look in (*PLAIN, *UNKNOWN, *([_session] if session else [])):
        try:
            yield await look(patient)
        except APIError as error:
            about = look.__name__.strip("_").replace("_", " ")
            yield Finding(about=about, state="note", text=f"could not be found out: {type(error).__name__}")


async def _clock(patient: Patient) -> Finding:
    ahead = patient.witness.answers[-1].ahead
    if ahead is None:
        return Finding(about="clock", state="note", text="the server does not tell its time")
    state: State = "ok" if abs(ahead) <= SKEW else "note" if abs(ahead) <= BAD_SKEW else "problem"
    return Finding(about="clock", state=state, text=f"the server's is {ahead:+.0f} s ahead of this machine's")


async def _latency(patient: Patient) -> Finding:
    for _ in range(3):
        await patient.client.indexes.list(page_limit=1)
    best = min(answer.seconds for answer in patient.witness.answers)
    return Finding(about="latency", state="ok", text=f"{best * 1000:.1f} ms for a small read, the best of four")


async def _version(patient: Patient) -> Finding:
    told = patient.client.api_version
    state: State = "ok" if told is None or told.lstrip("v").startswith(API_VERSION) else "problem"
    return Finding(about="version", state=state, text=f"the server says {told or 'nothing'}, made for {API_VERSION}")


async def _limits(patient: Patient) -> Finding:
    told = {
        name.lower(): f"{name}: {text}"
        for answer in patient.witness.answers  # the last one that has it
        for name, text in answer.headers.items()
        if "ratelimit" in name.lower() or name.lower().startswith("retry-after")
    }
    return Finding(about="limits", state="note", text=", ".join(sorted(told.values())) or "no headers tell of any")


async def _compression(patient: Patient) -> Finding:
    used = {answer.headers.get("Content-Encoding", "none") for answer in patient.witness.answers}
    return Finding(about="compression", state="note", text=", ".join(sorted(used)))


async def _page_beyond_the_last(patient: Patient) -> Finding:
    text = await _outcome(lambda: patient.client.indexes.list(page=100_000, page_limit=1), _items)
    return Finding(about="page beyond the last", state="note", text=text)


async def _page_of_51(patient: Patient) -> Finding:
    def ask() -> Awaitable[dict[str, Any]]:
        return patient.client.request("GET", "/indexes", query={"page_limit": 51})

    text = await _outcome(ask, lambda answer: f"200, with {len(answer.get('data', ()))} items")
    return Finding(about="page of 51", state="note", text=text)


async def _unknown_index(patient: Patient) -> Finding:
    text = await _outcome(lambda: patient.client.indexes.retrieve(NO_ID), lambda _: "found")
    return Finding(about="unknown index", state="note", text=text)


async def _unknown_upload(patient: Patient) -> Finding:
    text = await _outcome(lambda: patient.client.multipart_upload.get_status(NO_ID), lambda _: "found")
    return Finding(about="unknown upload", state="note", text=text)


async def _unknown_search_page(patient: Patient) -> Finding:
    text = await _outcome(lambda: patient.client.search.retrieve("nothing"), lambda _: "found")
    return Finding(about="unknown page of a search", state="note", text=text)


async def _filter_by_name(patient: Patient) -> Finding:
    page = await patient.client.indexes.list(page_limit=50)
    name = next((index.index_name for index in page if len(index.index_name) >= 4), None)
    if name is None:
        return Finding(about="filter by name", state="note", text="no index to try it with")
    found = await patient.client.indexes.list(index_name=name[:-1])
    part = any(index.index_name == name for index in found)
    return Finding(about="filter by name", state="note", text="finds parts of names" if part else "finds whole names")


async def _session(patient: Patient) -> Finding:
    """An upload that is announced and never made: it costs nothing, and expires by itself within a day."""
    opened = await patient.client.multipart_upload.create(filename="doctor.mp4", type="video", total_size=LARGE)
    wanted = ", ".join(sorted(opened.upload_headers)) or "none"
    text = (
        f"1 GiB in parts of {opened.chunk_size} bytes; {len(opened.upload_urls)} addresses at first; headers: {wanted}"
    )
    return Finding(about="upload session", state="note", text=text)


Look = Callable[[Patient], Awaitable[Finding]]

PLAIN: Final[tuple[Look, ...]] = (_clock, _latency, _version, _limits)
"""What everybody wants to know."""

UNKNOWN: Final[tuple[Look, ...]] = (
    _compression,
    _page_beyond_the_last,
    _page_of_51,
    _unknown_index,
    _unknown_upload,
    _unknown_search_page,
    _filter_by_name,
)
"""What the documentation leaves open."""


async def _outcome(ask: Callable[[], Awaitable[Any]], tell: Callable[[Any], str]) -> str:
    try:
        return tell(await ask())
    except APIError as error:
        return f"{error.status_code}, code {error.code or 'none'}"


def _items(page: Any) -> str:
    return f"200, with {len(page)} items"
