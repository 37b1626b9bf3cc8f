"""Sources of `ingest`: paths and URLs from the command line, from lists, and the patterns that select among them."""

from __future__ import annotations

import asyncio
import csv
import glob
import io
import json
import os
import re
import stat
import sys
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from itertools import chain, takewhile
from pathlib import Path, PurePath
from typing import Any, Final, Self, cast
from urllib.parse import unquote, urlsplit

import attrs

from twelvelabs_async._cli.arguments import as_text
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.ingest import IngestSource, Item, PathSkipped
from twelvelabs_async.ingest._remote_sources import is_bucket_url, is_url
from twelvelabs_async.ingest._scan import SCAN_BATCH_SIZE, iter_batch_items
from twelvelabs_async.ingest.events import SkipReason

STANDARD_INPUT: Final = "-"
"""Name of standard input among the lists."""

MAX_SHOWN_PROBLEMS: Final = 5
"""Problems in the message about sources of which none can be ingested."""

MAX_SHOWN_SUFFIXES: Final = 5
"""Extensions of files that are listed."""

NOT_MEDIA: Final[SkipReason] = "not video or audio"
"""Why files are left out whose extensions are listed."""

CSV_DELIMITERS: Final = ",;\t"

_SOURCE: Final = "source"
_KEY: Final = "key"
_METADATA: Final = "metadata"

_JSON_ARRAY: Final = re.compile(r"\s*\[\s*([{\"]|$)")
"""Start of a JSON array of objects or texts; the name of a file may also start with a bracket."""


@attrs.frozen(kw_only=True)
class SourceSelection:
    """Which sources to ingest."""

    sources: Sequence[str] = ()
    """Files, folders, globs and URLs."""
    lists: Sequence[str] = ()
    """Paths of lists of sources; `-` is standard input."""
    include: Sequence[str] = ()
    """Patterns of which each item must match one; none selects all."""
    exclude: Sequence[str] = ()
    """Patterns of which no item may match one."""
    metadata: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """User metadata of all items; the metadata of an item in a list takes precedence."""

    def check(self) -> None:
        """Check that there are sources, that the lists exist and that the patterns are not empty.

        Raises:
            InvalidInputError: One of them is not valid.
        """
        if not self.sources and not self.lists:
            raise InvalidInputError("no sources; pass files, folders, globs or URLs, or a list with --from")
        for option, patterns in (("--include", self.include), ("--exclude", self.exclude)):
            for pattern in patterns:
                try:
                    _matches(PurePath("a"), pattern)
                except ValueError:
                    raise InvalidInputError(f"{option} must be a pattern such as *.mp4, got {pattern!r}") from None
        if self.lists.count(STANDARD_INPUT) > 1:
            raise InvalidInputError("--from - can be used once")
        for name in self.lists:
            if name != STANDARD_INPUT:
                _check_list(name)
            elif sys.stdin is None:
                raise InvalidInputError("--from - reads standard input, which is closed")

    async def batches(self, patterns: PathPatterns) -> AsyncGenerator[Sequence[IngestSource]]:
        """Yield the sources in order; those of lists come last."""
        if self.sources:
            sources = [as_text(source) if is_url(source) else source for source in self.sources]
            patterns.add_roots(sources)
            yield sources
        for name in self.lists:
            async with aclosing(read_list(name)) as listed:
                async for batch in listed:
                    patterns.add_roots(batch)
                    yield batch


def _check_list(name: str) -> None:
    """Check a list without opening it: a pipe ends for its writer when its first reader closes it."""
    problem = ""
    try:
        if stat.S_ISDIR(Path(name).stat().st_mode):
            problem = "it is a folder; pass folders without --from"
        elif not os.access(name, os.R_OK):
            problem = "Permission denied"
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
    if problem:
        raise InvalidInputError(f"cannot read the list {name}: {problem}")


async def read_list(name: str) -> AsyncGenerator[Sequence[IngestSource]]:
    """Yield the sources of a list as they are read, in batches.

    A thread that may be abandoned reads the list: nothing can end a read of a pipe to which nothing is written.

    Args:
        name: Path of the list; `-` is standard input.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[IngestSource | None] = asyncio.Queue()

    def put(source: IngestSource | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(found.put_nowait, source)

    def read() -> None:
        label = "standard input" if name == STANDARD_INPUT else name
        try:
            with _open_list(name) as lines:
                for source in parse_list(lines, label):
                    put(source)
        except (OSError, ValueError) as error:
            put(Item(label, label, f"cannot read the list: {error}"))
        finally:
            put(None)

    threading.Thread(target=read, name="twelvelabs-list", daemon=True).start()
    source = await found.get()
    while source is not None:
        batch = [source]
        while len(batch) < SCAN_BATCH_SIZE and not found.empty() and (source := found.get_nowait()) is not None:
            batch.append(source)
        yield batch
        source = source and await found.get()


@contextmanager
def _open_list(name: str) -> Generator[Iterable[str]]:
    """Open a list as text: UTF-8 or, with a byte order mark, UTF-16. Other bytes stay in the names of files."""
    closefd = name != STANDARD_INPUT
    with io.BufferedReader(io.FileIO(name if closefd else sys.stdin.fileno(), closefd=closefd)) as binary:
        encoding = "utf-16" if binary.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        with io.TextIOWrapper(binary, encoding=encoding, errors="surrogateescape", newline="") as text:
            yield text


def parse_list(lines: Iterable[str], name: str) -> Iterator[IngestSource]:
    """Yield the sources of a list; an entry that cannot be used is an item with a problem.

    The first line decides the format: JSON objects, CSV with a column `source`, or one path or URL in each line.

    Args:
        lines: Lines with their ends.
        name: Name of the list, for messages.
    """
    numbered = enumerate(lines, 1)
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        return
    number, header = first
    if problem := _format_problem(header):
        yield _problem(f"line {number} of {name}", problem)
    elif header.lstrip().startswith("{"):
        for number, line in chain([first], numbered):
            if line.strip():
                yield _parse_json(line, f"line {number} of {name}")
    elif delimiter := _csv_delimiter(header):
        yield from _parse_csv(header, (line for _, line in numbered), delimiter, number, name)
    else:
        lines_with_text = (text for _, line in chain([first], numbered) if (text := line.rstrip("\r\n")).strip())
        yield from map(_decode_path, lines_with_text)


def _format_problem(header: str) -> str:
    """Return what is wrong with a first line that is almost that of JSON or CSV; empty if nothing is."""
    if _JSON_ARRAY.match(header):
        return "a JSON array cannot be read; write each object in a line of its own, without brackets around them"
    for delimiter in CSV_DELIMITERS if not _csv_delimiter(header) else "":
        columns = _columns(header, delimiter)
        found = next((column for column in columns if column.lower() == _SOURCE), "")
        if found and len(columns) > 1:
            return f"the column with the sources must be called {_SOURCE!r}, got {found!r}"
    return ""


def _decode_path(text: str) -> str:
    """Return a path as this process opens it: lists are UTF-8, while a locale may decode filenames otherwise."""
    if is_url(text) or is_bucket_url(text):
        return text
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeError:
        return text


def _parse_json(line: str, place: str) -> IngestSource:
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _problem(place, f"not valid JSON: {error}")
    fields = cast("dict[str, Any]", values) if isinstance(values, dict) else {_METADATA: values}
    metadata: Any = fields.pop(_METADATA, None) or {}
    if not isinstance(metadata, dict):
        return _problem(place, 'expected an object such as {"source": "a.mp4", "metadata": {"camera": "3"}}')
    return _source({**cast("dict[str, Any]", metadata), **fields}, place)


def _csv_delimiter(header: str) -> str:
    """Return the delimiter of a CSV file; empty if its first line has no column `source`."""
    return next((mark for mark in CSV_DELIMITERS if _SOURCE in _columns(header, mark)), "")


def _columns(header: str, delimiter: str) -> list[str]:
    with suppress(csv.Error):
        return [name.strip() for name in next(csv.reader([header], delimiter=delimiter), list[str]())]
    return []


def _parse_csv(header: str, lines: Iterator[str], delimiter: str, start: int, name: str) -> Iterator[IngestSource]:
    columns = _columns(header, delimiter)
    for number, row in _csv_records(lines, delimiter, start + 1):
        place = f"line {number} of {name}"
        if isinstance(row, str):
            yield _problem(place, f"not valid CSV: {row}")
        elif len(row) > len(columns):
            yield _problem(place, f"{len(row)} values for {len(columns)} columns")
        elif any(cell.strip() for cell in row):
            yield _source({column: cell for column, cell in zip(columns, row, strict=False) if column and cell}, place)


def _csv_records(lines: Iterator[str], delimiter: str, number: int) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the cells of each record, or the error of one, with the number of its first line.

    A quote that is never closed takes the lines that follow into the record. Only the first line of a record that is
    not valid has failed; the next record starts at the second.

    Args:
        lines: Lines with their ends.
        delimiter: What separates the cells.
        number: Number of the first line.
    """
    taken, waiting = list[str](), deque[str]()

    def next_lines() -> Iterator[str]:
        while line := waiting.popleft() if waiting else next(lines, ""):
            taken.append(line)
            yield line

    rows = csv.reader(next_lines(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            yield number, next(rows)
            number += len(taken)
        except StopIteration:
            return
        except csv.Error as error:
            is_open = len(taken) > 1 or str(error) == "unexpected end of data"
            yield number, "a quote is not closed" if is_open else str(error)
            number += 1
            waiting.extendleft(reversed(taken[1:]))
            rows = csv.reader(next_lines(), delimiter=delimiter, strict=True)


def _source(values: Mapping[str, Any], place: str) -> IngestSource:
    """Return the source that one entry of a list describes; what is neither its path nor its key is metadata."""
    source, key = values.get(_SOURCE), values.get(_KEY)
    if not (source and isinstance(source, str)):
        return _problem(place, "it has no source")
    source = _decode_path(source)
    metadata = {name: value for name, value in values.items() if name not in {_SOURCE, _KEY}}
    try:
        json.dumps([metadata, key], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _problem(place, "the metadata is not UTF-8")
    if key is not None:
        return source, metadata, key
    return (source, metadata) if metadata else source


def _problem(place: str, problem: str) -> Item:
    return Item(place, place, problem)


class PathPatterns:
    """Selects items by patterns such as `*.mp4` or `proxies/*`.

    A pattern is compared with the name of a file, with the names of the folders between it and its source, and, if it
    contains a slash, with the ends of its path below the source. It is never compared with the path of the source.

    Args:
        include: Patterns of which an item must match one; none selects all.
        exclude: Patterns of which an item may match none.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = include
        self._exclude = exclude
        self._roots: set[str] = set()

    def add_roots(self, sources: Sequence[IngestSource]) -> None:
        """Note sources; only what is below them is compared with the patterns."""
        if not self._include and not self._exclude:
            return
        for source in sources:
            if not isinstance(source, Item):
                path = PurePath(source[0] if isinstance(source, tuple) else source)
                self._roots |= {str(path), str(PurePath(*takewhile(lambda part: not glob.has_magic(part), path.parts)))}

    def selects(self, item: Item) -> bool:
        """Return whether an item is to be ingested."""
        if not self._include and not self._exclude:
            return True
        path = self._relative_path(item)
        included = not self._include or any(_matches(path, pattern) for pattern in self._include)
        return included and not any(_matches(path, pattern) for pattern in self._exclude)

    def _relative_path(self, item: Item) -> PurePath:
        """Return the path of an item below the source that it was found in."""
        if item.is_url:
            return PurePath(unquote(urlsplit(item.source).path).strip("/") or item.source)
        path = PurePath(item.source)
        root = next((parent for parent in path.parents if str(parent) in self._roots), None)
        return PurePath(path.name) if root is None else path.relative_to(root)


def _matches(path: PurePath, pattern: str) -> bool:
    """Return whether a pattern matches a path or one of the folders in it."""
    stem = pattern.rstrip("/")
    return any(part.match(stem) for part in (path, *path.parents) if part.name)


class LeftOut:
    """Counts what sources left out, by kind."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._suffixes: Counter[str] = Counter()

    def add(self, event: PathSkipped) -> None:
        """Count a folder or some files."""
        self._reasons[event.reason] += event.count
        if event.reason == NOT_MEDIA:
            self._suffixes[event.suffix or "no extension"] += event.count

    def describe(self, excluded: int = 0) -> str:
        """Return the counts, such as `3 hidden files, 12 not video or audio (8 .jpg, 4 .txt)`; empty if there are none.

        Args:
            excluded: Number of items that `--include` and `--exclude` left out.
        """
        parts = list[str]()
        for reason, count in sorted(self._reasons.items()):
            plural = "s" if count > 1 and reason.endswith(("file", "folder", "bin")) else ""
            suffixes = [f"{number:,} {suffix}" for suffix, number in self._suffixes.most_common(MAX_SHOWN_SUFFIXES)]
            more = ["..."] if len(self._suffixes) > MAX_SHOWN_SUFFIXES else []
            kinds = f" ({', '.join([*suffixes, *more])})" if reason == NOT_MEDIA else ""
            parts.append(f"{count:,} {reason}{plural}{kinds}")
        if excluded:
            parts.append(f"{excluded:,} excluded by patterns")
        return ", ".join(parts)


@attrs.frozen
class SourceTotal:
    """Number of items and bytes to ingest."""

    items: int
    bytes: int


class SourceScan:
    """Reads the sources once, ahead of the ingestion, so that their number is known early.

    Use it as an asynchronous context manager, which starts to read.

    Args:
        selection: The sources.
    """

    def __init__(self, selection: SourceSelection) -> None:
        self._selection = selection
        self._items: asyncio.Queue[Item | None] = asyncio.Queue()
        self._problems: list[str] = []
        self._skipped: list[PathSkipped] = []
        self.excluded: int = 0
        """Number of items that the patterns leave out."""
        self._total: SourceTotal | None = None
        self._has_sound_item = False
        self._has_begun = asyncio.Event()
        self._on_skipped: Callable[[PathSkipped], None] = self._skipped.append
        self._on_counted: Callable[[SourceTotal], None] | None = None
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def ensure_not_empty(self) -> None:
        """Return once there is an item that can be ingested.

        Raises:
            TwelveLabsError: There is none.
        """
        await self._has_begun.wait()
        if self._has_sound_item:
            return
        await self._task  # raises its error
        problems = self._problems or ["no file matches --include and --exclude" if self.excluded else "no sources"]
        raise TwelveLabsError(f"nothing to ingest: {'; '.join(problems)}")

    async def items(
        self, *, on_skipped: Callable[[PathSkipped], None], on_counted: Callable[[SourceTotal], None]
    ) -> AsyncGenerator[Item]:
        """Yield the items.

        Args:
            on_skipped: Receives what was left out of folders.
            on_counted: Receives the total as soon as all sources have been read.
        """
        self._on_skipped, self._on_counted = on_skipped, on_counted
        for event in self._skipped:
            on_skipped(event)
        self._skipped.clear()
        if self._total is not None:
            on_counted(self._total)
        while (item := await self._items.get()) is not None:
            yield item
        await self._task  # raises its error

    async def _read(self) -> None:
        patterns = PathPatterns(self._selection.include, self._selection.exclude)
        batches, total = self._selection.batches(patterns), SourceTotal(0, 0)
        try:
            async with aclosing(batches), aclosing(iter_batch_items(batches, on_skipped=self._skip)) as items:
                async for item in items:
                    if not item.problem and not patterns.selects(item):
                        self.excluded += 1
                        continue
                    if self._selection.metadata:
                        metadata = {**self._selection.metadata, **(item.user_metadata or {})}
                        item = attrs.evolve(item, user_metadata=metadata)  # noqa: PLW2901  # the same item
                    total = SourceTotal(total.items + 1, total.bytes + item.size)
                    self._add(item)
            self._total = total
            if self._on_counted is not None:
                self._on_counted(total)
        finally:
            self._has_begun.set()
            self._items.put_nowait(None)

    def _add(self, item: Item) -> None:
        if not item.problem:
            self._has_sound_item = True
            self._has_begun.set()
        elif len(self._problems) < MAX_SHOWN_PROBLEMS:
            self._problems.append(f"{item.source}: {item.problem}")
        self._items.put_nowait(item)

    def _skip(self, event: PathSkipped) -> None:
        self._on_skipped(event)
