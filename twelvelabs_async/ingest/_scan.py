"""Expands the sources of an ingestion to items: reads folders, matches globs, and checks paths and URLs."""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import islice
from operator import attrgetter
from os import PathLike, fspath
from pathlib import Path, PurePath
from typing import Any, Final, cast

import attrs

from twelvelabs_async._arguments import describe
from twelvelabs_async._concurrency import SCAN_THREADS
from twelvelabs_async._core.validation import checked_metadata
from twelvelabs_async._system import path_to_uri
from twelvelabs_async._text import error_text
from twelvelabs_async.errors import InvalidInputError, UploadError
from twelvelabs_async.ingest._remote_sources import (
    BucketObject,
    BucketPath,
    filename_from_url,
    is_bucket_url,
    is_signed,
    is_url,
    list_objects,
    open_bucket,
    parse_bucket_url,
    redact_url,
    url_problem,
)
from twelvelabs_async.ingest.events import PathSkipped, SkipReason
from twelvelabs_async.ingest.sources import IngestSource, IngestSources, Item, PathOrUrl
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.uploads._source import modified_ns
from twelvelabs_async.uploads._strategy import media_type

INDEXABLE_TYPES: Final = frozenset({"video", "audio"})
"""Media types that are selected from folders and globs. A file that is named explicitly may have any type."""

MAX_PATTERN_LENGTH: Final = 1000
"""Characters of a pattern for the name of a file or folder; a longer one, whose matching could take minutes, matches
nothing. A name has at most 255 bytes."""

SCAN_BATCH_SIZE: Final = 256
"""Number of files that one call in a thread reads."""

SKIPPED_FOLDERS: Final[Mapping[str, SkipReason]] = {
    **dict.fromkeys(("$recycle.bin", "recycler", "recycled", "#recycle", "@recycle"), "recycle bin"),
    **dict.fromkeys(
        ("lost+found", "found.000", "system volume information", "@eadir", "#snapshot", "@recently-snapshot"),
        "system folder",
    ),
}
"""Folders of operating systems and storage devices that hold no files of users, by name in lower case."""


def iter_items(
    sources: IngestSources, *, on_skipped: Callable[[PathSkipped], None] | None = None
) -> AsyncGenerator[Item, None]:
    """Return an iterator of the items of `sources`. Sources are read as items are consumed.

    A source that is not valid yields an item with a `problem`.

    Args:
        sources: The sources.
        on_skipped: Receives what was left out of folders and globs.
    """
    return iter_batch_items(_batches(sources), on_skipped=on_skipped)


async def iter_batch_items(
    batches: AsyncIterable[Sequence[IngestSource]], *, on_skipped: Callable[[PathSkipped], None] | None = None
) -> AsyncGenerator[Item, None]:
    """Yield each item of the sources in `batches`, each of which is read in a thread."""
    signed_urls = _SignedUrls()
    async for batch in batches:
        found = _expand_all(batch)
        in_memory = all(_is_plain_url(source) for source in batch)  # no need to read the disk
        while some := list(islice(found, 1)) if in_memory else await SCAN_THREADS.run(_next_batch, found):
            for item in some:
                if isinstance(item, Item):
                    yield signed_urls.distinguish(item)
                elif on_skipped is not None:
                    on_skipped(item)


def _next_batch(found: Iterator[Item | PathSkipped]) -> list[Item | PathSkipped]:
    return list(islice(found, SCAN_BATCH_SIZE))


class _SignedUrls:
    """Distinguishes the signed URLs of one run that differ in a signature only: it may not be one.

    The second such URL has the URI of the first with `#2`. Takes some hundred bytes of memory for each signed URL.
    """

    def __init__(self) -> None:
        self._sources: dict[int, tuple[int, ...]] = {}

    def distinguish(self, item: Item) -> Item:
        """Return the item with a URI that no other source of this run has."""
        if item.has_key or not item.is_url or not is_signed(item.source):
            return item
        key, source = hash(item.uri), hash(item.source)
        known = self._sources.get(key, ())
        if source not in known:
            known = self._sources[key] = (*known, source)
        position = known.index(source)
        return attrs.evolve(item, uri=f"{item.uri}#{position + 1}") if position else item


async def _batches(sources: IngestSources) -> AsyncIterator[Sequence[IngestSource]]:
    """Yield the sources in batches. Only lists and tuples are read ahead; any other iterable may be a generator."""
    if isinstance(sources, str | PathLike | Item) or _has_metadata(sources):
        yield [cast("IngestSource", sources)]
    elif isinstance(sources, AsyncIterable):
        async for source in sources:
            yield [source]
    elif not hasattr(sources, "__iter__") or isinstance(sources, type):
        raise InvalidInputError(f"sources must be paths, URLs or an iterable of them, got {describe(sources)}")
    else:
        remaining = iter(cast("Iterable[IngestSource]", sources))
        batch_size = SCAN_BATCH_SIZE if isinstance(sources, list | tuple) else 1
        while batch := list(islice(remaining, batch_size)):
            yield batch


def _has_metadata(sources: object) -> bool:
    """Return whether a tuple is one source with metadata, not several sources."""
    if not isinstance(sources, tuple):
        return False
    parts = cast("tuple[object, ...]", sources)
    return len(parts) in {2, 3} and (parts[1] is None or isinstance(parts[1], Mapping))


def _is_plain_url(source: object) -> bool:
    path = _path_of(source)
    return isinstance(path, Item) or (isinstance(path, str) and is_url(path))


def _path_of(source: object) -> object:
    """Return the path or URL of a source, which may have metadata; it is not checked yet."""
    return cast("tuple[object, ...]", source)[0] if source and isinstance(source, tuple) else source


def _expand_all(sources: Sequence[object]) -> Iterator[Item | PathSkipped]:
    for source in sources:
        if isinstance(source, Item):
            yield source
            continue
        try:
            yield from _expand_with_metadata(source)
        except Exception as error:  # noqa: BLE001  # one source must not end a run
            shown = _shown(_path_of(source))
            uri = redact_url(shown) if is_url(shown) else shown
            yield Item(shown, uri, str(error) if isinstance(error, InvalidInputError) else error_text(error))


def _expand_with_metadata(source: object) -> Iterator[Item | PathSkipped]:
    path, metadata, key = _split_source(source)
    for found in expand(path):
        if isinstance(found, Item) and (metadata is not None or key):
            identity: dict[str, Any] = {"uri": key, "has_key": True} if key else {}
            yield attrs.evolve(found, user_metadata=metadata, **identity)
        else:
            yield found


def _shown(given: Any) -> str:
    """Return the path or URL of a source that is not valid, or what it is instead."""
    try:
        return str.__str__(os.fsdecode(given))
    except Exception:  # noqa: BLE001  # a path object is the caller's
        return describe(given)


def _split_source(source: object) -> tuple[str, UserMetadata | None, str]:
    """Return the path or URL, the metadata and the key of a source.

    Raises:
        InvalidInputError: One of them is not valid.
    """
    parts = cast("tuple[object, ...]", source) if isinstance(source, tuple) else (source, None)
    if len(parts) not in {2, 3}:
        raise InvalidInputError(
            f"a tuple must be (source, metadata) or (source, metadata, key), got one with {len(parts)} values"
        )
    path, metadata, key = (*parts, None)[:3]
    if isinstance(path, PathLike):
        try:
            path = fspath(cast("PathLike[str]", path))
        except Exception as error:  # the path object is the caller's
            raise InvalidInputError(f"a source has no path: {error_text(error)}") from error
    if not isinstance(path, str):
        raise InvalidInputError(f"a source must be a path or a URL, got {type(path).__name__}")
    path = str.__str__(path)  # a subclass may have methods that fail
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidInputError(f"the metadata of a source must be a mapping or None, got {type(metadata).__name__}")
    key = "" if key is None else key
    if not isinstance(key, str):
        raise InvalidInputError(f"the key of a source must be a string, got {type(key).__name__}")
    names_one = is_url(path) or (is_bucket_url(path) and not glob.has_magic(path)) or os.path.isfile(path)  # noqa: PTH113  # Path refuses some names
    if key and not names_one:
        raise InvalidInputError(f"the key {key!r} needs one file or URL, got {path}")
    return path, checked_metadata(cast("UserMetadata | None", metadata)), key


def expand(source: PathOrUrl) -> Iterator[Item | PathSkipped]:
    """Yield the items of a source, sorted by name, and the skipped paths.

    A folder or glob yields its video and audio files, including those in subfolders, without hidden files. A source
    that matches nothing yields one item with a `problem`, so that a typing error is not taken for an empty folder.
    """
    name = fspath(source)
    if is_url(name):
        yield Item(name, redact_url(name), url_problem(name), name=filename_from_url(name))
        return
    if is_bucket_url(name):
        yield from _bucket_items(name)
        return
    try:
        if os.path.isdir(name):  # noqa: PTH112  # Path("./a") is shown as "a"
            yield from _or_problem(name, _folder_items(name, set()), "no video or audio in this folder")
        elif os.path.lexists(name):
            yield _file_item(name)
        elif glob.has_magic(name):
            yield from _or_problem(name, _glob_items(name), "no video or audio matches")
        elif "://" in name:
            scheme = name.partition("://")[0]
            advice = "pass an http(s) URL, or with the extra `cloud` an s3://, gs:// or az:// URL"
            yield Item(name, name, f"no such file, and {scheme}:// URLs are not supported; {advice}")
        else:
            yield Item(name, name, "no such file or folder")
    except (OSError, ValueError) as error:  # such as a path with a NUL character
        yield Item(name, name, f"not a valid path: {error}")


def _bucket_items(url: str) -> Iterator[Item | PathSkipped]:
    scheme, _, rest = url.partition("://")
    bucket, separator, key = rest.partition("/")
    shown = f"{scheme}://{bucket.rpartition('@')[2]}{separator}{key}"
    try:
        path = parse_bucket_url(url)
        found = list_objects(open_bucket(path), path.key)
        yield from _or_problem(shown, _object_items(path, found), "no object, or no video or audio, matches")
    except (InvalidInputError, UploadError) as error:
        yield Item(shown, shown, str(error))


def _object_items(path: BucketPath, found: Iterable[BucketObject]) -> Iterator[Item | PathSkipped]:
    left_out: Counter[PathSkipped] = Counter()
    for each in found:
        name = each.key.rpartition("/")[2]
        if each.key == path.key or _is_indexable(name):
            url = path.url_of(each.key)
            yield Item(url, url, name=name, size=each.size, mtime_ns=each.mtime_ns, etag=each.etag)
        else:
            left_out[_skipped_file(path.url_of(path.key), name)] += 1
    yield from _with_counts(left_out)


def _skipped_file(path: str, name: str) -> PathSkipped:
    """Return why a file is left out; `path` is that of its folder or its own."""
    if _is_hidden(name):
        return PathSkipped(path=path, reason="hidden file")
    return PathSkipped(path=path, reason="not video or audio", suffix=PurePath(name).suffix.lower())


def _with_counts(left_out: Counter[PathSkipped]) -> Iterator[PathSkipped]:
    return (attrs.evolve(skipped, count=count) for skipped, count in left_out.items())


def _file_item(path: str) -> Item:
    try:
        status = os.stat(path)  # noqa: PTH116  # Path.resolve raises RuntimeError for a link to itself
        real_path = os.path.realpath(path)  # after stat: a chain of a thousand links raises RecursionError
    except FileNotFoundError:
        return Item(path, path, "no such file or folder")
    except OSError as error:
        return Item(path, path, f"cannot read this file: {error.strerror}")
    uri = path_to_uri(real_path)
    if not stat.S_ISREG(status.st_mode):
        return Item(path, uri, "not a regular file")
    return Item(path, uri, name=PurePath(path).name, size=status.st_size, mtime_ns=modified_ns(status))


def _or_problem(source: str, found: Iterator[Item | PathSkipped], problem: str) -> Iterator[Item | PathSkipped]:
    empty = True
    for item in found:
        empty = empty and not isinstance(item, Item)
        yield item
    if empty:
        yield Item(source, source, problem)


def _folder_items(folder: str, read: set[str]) -> Iterator[Item | PathSkipped]:
    """Yield what a folder contains, without the folders that are in `read`; add those that it reads."""
    unreadable: list[Item | PathSkipped] = []
    pending = [folder]  # os.walk of Python 3.11 fails in a folder that is a thousand levels deep
    while pending:
        parent = pending.pop()
        if parent in read:
            continue
        read.add(parent)
        entered: list[str] = []
        files: list[str] = []
        for entry in _entries(parent, unreadable):
            if not _is_folder(entry):
                files.append(entry.name)
            elif reason := _skip_reason(parent, entry.name):
                yield PathSkipped(path=str(Path(parent) / entry.name), reason=reason)
            else:
                entered.append(str(Path(parent) / entry.name))
        pending += reversed(entered)
        left_out: Counter[PathSkipped] = Counter()
        for name in files:
            if _is_indexable(name):
                yield _file_item(str(Path(parent) / name))
            else:
                left_out[_skipped_file(parent, name)] += 1
        yield from _with_counts(left_out)
    yield from unreadable


def _unreadable_folder(error: OSError) -> Item:
    return Item(str(error.filename), str(error.filename), f"cannot read this folder: {error.strerror}")


def _skip_reason(parent: str, name: str) -> SkipReason | None:
    """Return why a subfolder is not read; None if it is."""
    lowered = name.lower()
    if lowered.startswith(".trash"):
        return "recycle bin"
    if lowered in SKIPPED_FOLDERS:
        return SKIPPED_FOLDERS[lowered]
    if _is_hidden(name):
        return "hidden folder"
    path = os.path.join(parent, name)  # noqa: PTH118  # Path raises errors
    is_junction = getattr(os.path, "isjunction", os.path.islink)(path)  # a link to a folder on Windows
    return "linked folder" if is_junction or os.path.islink(path) else None  # noqa: PTH114  # the same


def _glob_items(pattern: str) -> Iterator[Item | PathSkipped]:
    drive, rest = os.path.splitdrive(pattern)
    root = drive + os.sep if rest.startswith(os.sep) else drive
    segments = [part for part in PurePath(rest).parts if part != os.sep]
    seen: set[str | PathSkipped] = set()
    left_out: list[Item | PathSkipped] = []
    folders: set[str] = set()
    for match in _matches(root, segments, left_out):
        found = _folder_items(match, folders) if os.path.isdir(match) else [_matching_file(match)]  # noqa: PTH112  # Path raises errors
        yield from _new(found, seen)
    yield from _new(left_out, seen)


def _new(found: Iterable[Item | PathSkipped], seen: set[str | PathSkipped]) -> Iterator[Item | PathSkipped]:
    """Yield what is not in `seen`, and add it."""
    for item in found:
        key = item.source if isinstance(item, Item) else item
        if key not in seen:
            seen.add(key)
            yield item


def _matching_file(path: str) -> Item | PathSkipped:
    name = PurePath(path).name
    return _file_item(path) if _is_indexable(name) else _skipped_file(path, name)


def _matches(parent: str, segments: Sequence[str], left_out: list[Item | PathSkipped]) -> Iterator[str]:
    """Yield the paths that match a pattern, sorted by name. Unlike `glob.glob`, `**` follows no links to folders.

    Folders that cannot be read, and those that `**` does not enter, are added to `left_out`.
    """
    if not segments:
        yield parent
        return
    segment, rest = segments[0], segments[1:]
    if segment == "**":
        pending = [parent]
        while pending:
            folder = pending.pop()
            yield from _matches(folder, rest or ["*"], left_out)
            pending += reversed(list(_subfolders(folder, left_out)))
    elif glob.has_magic(segment):
        for entry in _entries(parent, left_out) if len(segment) <= MAX_PATTERN_LENGTH else ():
            if fnmatch.fnmatch(entry.name, segment) and (segment.startswith(".") or not _is_hidden(entry.name)):
                path = str(Path(parent) / entry.name)
                if not (os.path.islink(path) and _leads_to_itself(path)):  # noqa: PTH114  # Path raises errors
                    yield from _matches(path, rest, left_out)
    elif os.path.lexists(path := str(Path(parent) / segment)):
        yield from _matches(path, rest, left_out)


def _subfolders(folder: str, left_out: list[Item | PathSkipped]) -> Iterator[str]:
    """Yield the subfolders that `**` enters."""
    for entry in _entries(folder, left_out):
        if not _is_folder(entry):
            continue
        path = str(Path(folder) / entry.name)
        reason = _skip_reason(folder, entry.name)
        if reason is None:
            yield path
        else:
            left_out.append(PathSkipped(path=path, reason=reason))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link whose target cannot be read
        return False


def _entries(folder: str, left_out: list[Item | PathSkipped]) -> list[os.DirEntry[str]]:
    """Return what a folder contains, sorted by name; nothing if it is no folder."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            return sorted(entries, key=attrgetter("name"))
    except NotADirectoryError:
        return []
    except OSError as error:
        left_out.append(_unreadable_folder(error))
        return []


def _leads_to_itself(link: str) -> bool:
    """Return whether a link to a folder leads to a folder that the link is in."""
    if not os.path.isdir(link):  # noqa: PTH112  # Path raises errors
        return False
    target = Path(os.path.realpath(link))
    return target in Path(os.path.realpath(Path(link).parent), "_").parents


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _is_indexable(name: str) -> bool:
    try:
        return not _is_hidden(name) and media_type(name) in INDEXABLE_TYPES
    except InvalidInputError:
        return False
