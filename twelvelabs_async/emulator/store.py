"""A directory in which the state outlives the process, also one that is killed.

`state` holds all objects as they were after the last request that was answered; it is written anew beside the old one,
which it then replaces, so that there is always a whole one. `files` holds what was uploaded, by content; `parts` what
has come of uploads that are not complete.
"""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import sys
from asyncio.locks import Lock
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from pathlib import Path, PosixPath, WindowsPath
from typing import Any, Final

from typing_extensions import override

from twelvelabs_async._version import __version__
from twelvelabs_async.emulator.seeded import Ids
from twelvelabs_async.emulator.state import State

FORMAT: Final = f"twelvelabs-async emulator {__version__}"
_OWN: Final = "twelvelabs_async.emulator."
_HOMES: Final = ("state", "library", "analyses", "connectors", "embedding", "describing", "media", "passages")
_OTHERS: Final = {(one.__module__, one.__qualname__): one for one in (Counter, PosixPath, WindowsPath, Path, Lock, Ids)}


class StoreError(ValueError):
    """The directory cannot be used."""


class Store:
    """The state of one emulator in one directory.

    Args:
        folder: The directory; it is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self.files: Path = folder / "files"
        self.parts: Path = folder / "parts"
        self._lock: io.TextIOWrapper | None = None
        self._writing = asyncio.Lock()
        self._asked = 0
        self._written = 0

    def open(self) -> State | None:
        """Take the directory, and return what is in it.

        Raises:
            StoreError: Another emulator uses it, or one of another version has written it.
            OSError: It cannot be read or made.
        """
        for folder in (self.folder, self.files, self.parts):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(self.folder / "lock")
        try:
            return read(self.folder / "state")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the directory."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    async def save(self, state: State) -> None:
        """Return when the state as it is now, or a later one, is on disk; whoever asks meanwhile shares the next.

        Nothing is written while the directory is not open, for it may be somebody else's.
        """
        if self._lock is None:
            return
        self._asked += 1
        mine = self._asked
        async with self._writing:
            if self._written < mine:
                latest, content = self._asked, written(state)
                await asyncio.to_thread(replace, self.folder / "state", content)
                self._written = latest

    def file_of(self, digest: str) -> Path:
        """Return where a file of some content is, if it was kept."""
        return self.files / blake2b(digest.encode(), digest_size=16).hexdigest()

    def keep(self, path: Path, digest: str) -> None:
        """Keep a file that is about to be deleted; what is here already is not kept twice."""
        kept = self.file_of(digest)
        if not kept.exists():
            path.replace(kept)

    def sweep(self, state: State) -> None:
        """Delete files that nothing in the state refers to."""
        known = {path for one in state.all().values() for path in self._files_of(one)}
        for path in (*self.files.iterdir(), *self.parts.iterdir()):
            if path not in known:
                path.unlink()

    def _files_of(self, state: State) -> Iterator[Path]:
        yield from (self.file_of(asset.media.digest) for asset in state.assets.values())
        yield from (self.file_of(video.asset.media.digest) for video in state.videos.values())
        yield from (upload.spool for upload in state.uploads.values() if upload.spool is not None)


def _locked(path: Path) -> io.TextIOWrapper:
    """Return a file that only one process can have; the system frees it when that process ends in whatever way."""
    file = path.open("a")
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415  # it is not there on Windows

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise StoreError(f"another emulator uses {path.parent}") from error
    return file


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, so that there is a whole one at any moment."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def written(state: State) -> bytes:
    """Return a state as bytes, with the version that can read them in the first line."""
    out = io.BytesIO()
    out.write(f"{_head()}\n".encode())
    _Writer(out, protocol=5).dump(state)
    return out.getvalue()


def read(path: Path) -> State | None:
    """Return the state in a file, nothing if there is no file.

    Raises:
        StoreError: It is of another version, or not of an emulator at all.
    """
    if not path.exists():
        return None
    with path.open("rb") as file:
        head = file.readline(200).decode(errors="replace").strip()
        if head != _head():
            found = head if head.startswith("twelvelabs-async") else "something else"
            raise StoreError(f"{path} was written by {found}, and this is {_head()}; take another directory")
        state: object = _Reader(file).load()
    if not isinstance(state, State):
        raise StoreError(f"{path} holds no state")
    return state


def _head() -> str:
    """The version, and a hash of what objects are made of, which changes between versions too."""
    shape = "\n".join(f"{kind.__qualname__}: {[one.name for one in fields(kind)]}" for kind in _kinds(State))
    return f"{FORMAT}+{blake2b(shape.encode(), digest_size=4).hexdigest()}"


def _kinds(*known: type[Any]) -> list[type[Any]]:
    """Return the classes of the modules in which the parts of the state are defined."""
    homes = {_OWN + name for name in _HOMES}
    found = {
        kind
        for home in homes
        for kind in vars(sys.modules[home]).values()
        if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ in homes
    }
    return sorted(found.union(known), key=lambda kind: kind.__qualname__)


class _Writer(pickle.Pickler):
    @override
    def reducer_override(self, obj: Any, /) -> Any:
        # A lock that is held now will be held by nobody then.
        return (Lock, ()) if isinstance(obj, Lock) else NotImplemented


class _Reader(pickle.Unpickler):
    """Makes nothing but what a state is made of, whatever the file says."""

    @override
    def find_class(self, module: str, name: str, /) -> Any:
        other = _OTHERS.get((module, name))
        if other is not None:
            return other
        kind: object = super().find_class(module, name) if module.startswith(_OWN) else None
        if isinstance(kind, type) and is_dataclass(kind):
            return kind
        raise StoreError(f"the state cannot hold a {module}.{name}")
