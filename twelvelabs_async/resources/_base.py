"""The base classes of all resources, deprecations, files of forms, and bulk creation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar, cast

import attrs
import typing_extensions

from twelvelabs_async._arguments import checked_int
from twelvelabs_async._concurrency import run_all
from twelvelabs_async._core.executor import StreamingExecutor
from twelvelabs_async._core.retry import RETRY_CLASS_BY_METHOD
from twelvelabs_async._page_readers import page_number_reader, page_query
from twelvelabs_async._polling import Lifecycle, PollTarget, poll_until_done, wait_for_all
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.models.common import Ids
from twelvelabs_async.models.tasks import BulkFailure, BulkResult
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import FilePart, Form, Method, Request, RetryClass
from twelvelabs_async.uploads._files import source_of
from twelvelabs_async.uploads._source import BytesSource, UploadSource, make_form_part
from twelvelabs_async.uploads._strategy import content_type
from twelvelabs_async.waiting import PollCallback, WaitResult

F = TypeVar("F", bound=Callable[..., Any])

DEPRECATION_MESSAGE: Final = "deprecated by Twelve Labs"


T = TypeVar("T")

Query = dict[str, Any]


def deprecated(replacement: str) -> Callable[[F], F]:
    """Mark a method as deprecated: calling it emits a `DeprecationWarning` at the line of the call.

    Editors show no hint, because the operations work until Twelve Labs removes them.

    Args:
        replacement: What to use instead.
    """
    decorator = typing_extensions.deprecated(f"{DEPRECATION_MESSAGE}; use {replacement}")  # pyright: ignore[reportArgumentType]  # editors read literals only
    return decorator.__call__


DEFAULT_FILENAME: Final = "upload"
"""Filename in a form if the file has no name."""

UNKNOWN_TYPE: Final = "application/octet-stream"

ASSUMED_TYPES: Final = {"video_file": "video/mp4"}
"""Media types by form field, for a file whose name shows none: a video without extension and type is refused."""

FormFile = tuple[str, UploadSource | FilePart]
"""The name of a form field, and its file."""


def file_field(argument: str, file: object, *, filename: str | None = None) -> list[FormFile]:
    """Return an optional file as the form field `argument`.

    Raises:
        InvalidInputError: It is not a file.
    """
    if file is None:
        return []
    if isinstance(file, FilePart):
        name = filename or file.filename
        source: FilePart | UploadSource = file if name == file.filename else attrs.evolve(file, filename=name)
    else:
        source = source_of(file, argument, filename=filename)
    if isinstance(source, FilePart | BytesSource):
        _check_not_empty(argument, source.size)
    return [(argument, source)]


def _check_not_empty(argument: str, size: int) -> None:
    if size <= 0:
        raise InvalidInputError(f"{argument} must not be empty")


def file_fields(argument: str, files: object) -> list[FormFile]:
    """Return a file, or a list or tuple of files, as form fields; a tuple that begins with a filename is one file.

    Raises:
        InvalidInputError: One of them is not a file.
    """
    if not isinstance(files, list | tuple):
        return file_field(argument, files)
    given = cast("list[object] | tuple[object, ...]", files)
    if isinstance(given, tuple) and given and (given[0] is None or isinstance(given[0], str)):
        return file_field(argument, given)
    return [field for file in given for field in file_field(argument, file)]


@asynccontextmanager
async def open_form_files(files: Iterable[FormFile]) -> AsyncGenerator[tuple[FilePart, ...], None]:
    """Open files for a form, each with the name of its field, and close them at the end of the block.

    Raises:
        InvalidInputError: One of them cannot be read, or is empty.
    """
    async with AsyncExitStack() as stack:
        parts: list[FilePart] = []
        for name, source in files:
            if not isinstance(source, FilePart):
                await stack.enter_async_context(source)
            _check_not_empty(name, source.size)
            part = source if isinstance(source, FilePart) else await _form_part(name, source)
            assumed = ASSUMED_TYPES.get(name)
            if assumed and part.content_type == UNKNOWN_TYPE and content_type(part.filename) == UNKNOWN_TYPE:
                part = attrs.evolve(part, content_type=assumed)
            parts.append(part if part.name == name else attrs.evolve(part, name=name))
        yield tuple(parts)


async def _form_part(name: str, source: UploadSource) -> FilePart:
    source.name = source.name or DEFAULT_FILENAME
    part = await make_form_part(source, name)
    return attrs.evolve(part, content=bytes(source.content)) if isinstance(source, BytesSource) else part


class Resource:
    """Base class of resources. Path parameters are keywords; `-` in the template becomes `_`."""

    def __init__(self, executor: StreamingExecutor) -> None:
        self._executor = executor

    def _get(
        self, path_template: str, response_type: type[T], query: Query | None = None, **path_params: str
    ) -> Coroutine[Any, Any, T]:
        return self._executor.execute(
            Request(
                method="GET",
                path_template=path_template,
                response_type=response_type,
                retry_class="safe",
                path_params=path_params,
                query=query or {},
            )
        )

    def _send(
        self,
        method: Method,
        path_template: str,
        response_type: type[T],
        json: Any = None,
        *,
        retry_class: RetryClass | None = None,
        query: Query | None = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        **path_params: str,
    ) -> Coroutine[Any, Any, T]:
        """Send a request that is not a GET. A POST without a retry class is not retried."""
        return self._executor.execute(
            Request(
                method=method,
                path_template=path_template,
                response_type=response_type,
                retry_class=retry_class or RETRY_CLASS_BY_METHOD[method],
                path_params=path_params,
                query=query or {},
                json=json,
                form=form,
                headers=headers or {},
            )
        )

    async def _send_files(
        self,
        path_template: str,
        response_type: type[T],
        *,
        retry_class: RetryClass,
        form: Form,
        files: Sequence[FormFile],
    ) -> T:
        """Open the files, and send them with a form."""
        async with open_form_files(files) as parts:
            form = attrs.evolve(form, files=parts)
            return await self._send("POST", path_template, response_type, retry_class=retry_class, form=form)

    def _list(
        self,
        path_template: str,
        item_type: type[T],
        page: int | None = None,
        page_limit: int | None = None,
        query: Query | None = None,
        *,
        items_key: str = "data",
        **path_params: str,
    ) -> Paginator[T]:
        request = Request[dict[str, Any]](
            method="GET",
            path_template=path_template,
            response_type=dict,
            retry_class="safe",
            path_params=path_params,
            query=page_query(query or {}, page, page_limit),
        )
        request.path()  # an invalid id raises here, in the call it was passed to
        return Paginator(self._executor, request, page_number_reader(item_type, items_key))

    async def _poll(
        self,
        fetch: Callable[[str], Awaitable[T]],
        lifecycle: Lifecycle,
        id: str,
        timeout: float | None,
        sleep_interval: float | None,
        callback: PollCallback[T] | None,
    ) -> T:
        return await poll_until_done(
            partial(fetch, id),
            lifecycle=lifecycle,
            id=id,
            clock=self._executor.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def _poll_all(
        self,
        fetch: Callable[[str], Awaitable[T]],
        lifecycle: Lifecycle,
        ids: Ids,
        list_all: Callable[[], Paginator[Any]],
        timeout: float | None,
        sleep_interval: float | None,
        *,
        refetch_finished: bool = False,
    ) -> AsyncIterator[WaitResult[T]]:
        target = PollTarget(
            lifecycle=lifecycle,
            list_pages=lambda _: list_all().pages(),
            fetch=fetch,
            refetch_finished=refetch_finished,
        )
        return wait_for_all(ids, target, clock=self._executor.clock, timeout=timeout, sleep_interval=sleep_interval)


async def create_each(calls: Sequence[tuple[Any, Callable[[], Awaitable[T]]]], concurrency: int) -> BulkResult[T]:
    """Create one object for each source. An error of one source does not stop the others.

    Args:
        calls: The sources, each with the call that creates its object.
        concurrency: Maximum number of concurrent calls.
    """
    slots = asyncio.Semaphore(checked_int("concurrency", concurrency))

    async def run(create: Callable[[], Awaitable[T]]) -> T | TwelveLabsError:
        async with slots:
            try:
                return await create()
            except TwelveLabsError as error:
                return error

    outcomes = await run_all(run(create) for _, create in calls)
    return BulkResult(
        results=tuple(outcome for outcome in outcomes if not isinstance(outcome, TwelveLabsError)),
        failures=tuple(
            BulkFailure(source=calls[position][0], position=position, error=outcome)
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, TwelveLabsError)
        ),
    )
