"""From what a caller names to the items that are meant. Looks at the file system and changes nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.addresses import is_address, name_in, without_secrets
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.uploads.plan import media_type
from twelvelabs_async.uploads.source import known_as

PathOrUrl = str | os.PathLike[str]
"""A file, a folder, a glob such as `videos/*.mp4`, or an http(s) address."""

INDEXABLE: Final = frozenset({"video", "audio"})
"""Kinds of files that are picked out of folders; what is named explicitly is taken as it is."""


@attrs.frozen
class Item:
    """One thing to ingest, or the reason why it cannot be."""

    source: str
    """Path or address."""
    uri: str
    """What it is under any name: its real path, or its address without what is secret in it."""
    problem: str = ""
    """Why there is nothing to ingest; empty if there is."""
    name: str = ""
    """Name of the file; empty for an address that has none."""
    size: int = 0
    """Bytes; 0 for an address."""
    mtime_ns: int = 0
    """When it was last changed, in nanoseconds since the epoch; 0 for an address."""
    user_metadata: UserMetadata | None = None
    """Keys of this item alone."""

    @property
    def is_address(self) -> bool:
        """Whether the platform is to fetch it."""
        return is_address(self.source)


def expand(source: PathOrUrl) -> Iterator[Item]:
    """What `source` stands for, sorted by name.

    Folders and globs give their video and audio files and those in folders below, without hidden ones. What leads to
    nothing gives one item with a problem, so that nobody takes a typing error for an empty folder.
    """
    text = os.fspath(source)
    if is_address(text):
        yield Item(text, without_secrets(text), name=name_in(text))
    elif os.path.isdir(text):  # noqa: PTH112  # a Path would drop a leading `./` and more from what is shown
        yield from _or_problem(text, _in_folder(text), "no video or audio in this folder")
    elif os.path.exists(text):  # noqa: PTH110  # the same
        yield _file(text)
    elif glob.has_magic(text):
        yield from _or_problem(text, _matching(text), "no video or audio matches")
    else:
        yield Item(text, text, "no such file or folder")


def _file(path: str) -> Item:
    try:
        real = Path(path).resolve()
        status = real.stat()
    except OSError as error:
        return Item(path, path, f"cannot read this file: {error.strerror}")
    uri = (
        os.fspath(real).encode("utf-8", "backslashreplace").decode()
    )  # a path need not be text, a ledger's entry has to
    return Item(path, uri, name=known_as(Path(path).name), size=status.st_size, mtime_ns=status.st_mtime_ns)


def _or_problem(source: str, found: Iterator[Item], problem: str) -> Iterator[Item]:
    count = 0
    for count, item in enumerate(found, start=1):  # noqa: B007  # the number of the last one is used
        yield item
    if not count:
        yield Item(source, source, problem)


def _in_folder(folder: str) -> Iterator[Item]:
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        yield from (_file(str(Path(place) / name)) for name in sorted(files) if _wanted(name))
    for error in unreadable:
        yield Item(str(error.filename), str(error.filename), f"cannot read this folder: {error.strerror}")


def _matching(pattern: str) -> Iterator[Item]:
    for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207  # Path.glob takes no absolute pattern
        if Path(match).is_dir():
            yield from _in_folder(match)
        elif _wanted(Path(match).name):
            yield _file(match)


def _hidden(name: str) -> bool:
    return name.startswith(".")


def _wanted(name: str) -> bool:
    try:
        return not _hidden(name) and media_type(name) in INDEXABLE
    except InvalidInputError:
        return False
