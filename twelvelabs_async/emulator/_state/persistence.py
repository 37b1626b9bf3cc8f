"""Persistence of the state in a data directory, also if the process is killed.

| path | content |
|---|---|
| `state` | all objects after the last completed request; replaced atomically |
| `files` | uploaded files by hash of their content |
| `parts` | stored bytes of incomplete uploads |
| `written` | names of the files that emulators have written to `files` and `parts`; no other file is ever deleted |
| `lock` | locked while an emulator uses the directory |
"""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import re
import uuid
from asyncio.locks import Lock
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from pathlib import Path, PosixPath, WindowsPath
from typing import Any, Final

from filelock import FileLock, Timeout
from typing_extensions import override

from twelvelabs_async._version import __version__
from twelvelabs_async.emulator import connected_accounts
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._media import descriptions, media
from twelvelabs_async.emulator._state import entities
from twelvelabs_async.emulator._state.deterministic import IdGenerator
from twelvelabs_async.emulator._state.entities import State

MANIFEST_HEADER: Final = "twelvelabs-async emulator: written files"
_WRITTEN_NAME: Final = re.compile(r"(?:files|parts)/[0-9a-f]{32}")
_STATE_CLASSES: Final[list[type[Any]]] = [
    kind
    for module in (entities, embeddings, descriptions, media, connected_accounts)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
]
"""The dataclasses in a state."""
_OTHER_CLASSES: Final[list[type[Any]]] = [Counter, PosixPath, WindowsPath, Path, Lock, IdGenerator]
_ALLOWED_CLASSES: Final = {(kind.__module__, kind.__qualname__): kind for kind in _STATE_CLASSES + _OTHER_CLASSES}
_FIELDS: Final = sorted(f"{kind.__qualname__}: {[one.name for one in fields(kind)]}" for kind in _STATE_CLASSES)
_FIELDS_DIGEST: Final = blake2b("\n".join(_FIELDS).encode(), digest_size=4).hexdigest()
FORMAT: Final = f"twelvelabs-async emulator {__version__}+{_FIELDS_DIGEST}"
"""Version of the package and hash of the fields of all classes, which may change between releases."""


class StoreError(ValueError):
    """The data directory cannot be used."""


class StateStore:
    """The data directory of an emulator.

    Args:
        directory: Path of the directory; it is created if it does not exist.
    """

    def __init__(self, directory: Path) -> None:
        self.directory: Path = directory
        self.files: Path = directory / "files"
        self.parts: Path = directory / "parts"
        self._manifest = directory / "written"
        self._temporary = self.parts / uuid.uuid4().hex
        self._lock = FileLock(directory / "lock", timeout=0, thread_local=False)
        self._write_lock = asyncio.Lock()
        self._requested_saves = 0
        self._completed_saves = 0

    def open(self) -> State | None:
        """Lock the directory and return the state in it, or `None` without one.

        The operating system unlocks the directory when the process ends.

        Raises:
            StoreError: Another emulator uses the directory, or another version has written the state.
            OSError: The directory cannot be created or read.
        """
        for directory in (self.directory, self.files, self.parts):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreError(f"another emulator uses the data directory {self.directory}") from None
        try:
            state = load_state(self.directory / "state")
            self._delete_unreferenced(state)
            self._record(self._temporary)
        except BaseException:
            self.close()
            raise
        return state

    def close(self) -> None:
        """Unlock the directory."""
        self._lock.release()

    async def save(self, state: State) -> None:
        """Save the current state or a later one; concurrent calls share one write.

        Without an open directory nothing is written, because another emulator may use it.
        """
        if not self._lock.is_locked:
            return
        self._requested_saves += 1
        requested = self._requested_saves
        async with self._write_lock:
            if self._completed_saves < requested:
                latest, content = self._requested_saves, serialize_state(state)
                await asyncio.to_thread(self._replace_state, content)
                self._completed_saves = latest

    def path_for(self, digest: str) -> Path:
        """Return the path for a file with this digest; the file may not exist."""
        return self.files / blake2b(digest.encode(), digest_size=16).hexdigest()

    def create_part(self) -> Path:
        """Create an empty file in `parts` and return its path."""
        path = self.parts / uuid.uuid4().hex
        path.open("xb").close()
        self._record(path)
        return path

    def keep_file(self, path: Path, digest: str) -> None:
        """Move a file into the directory, unless a file with this digest exists."""
        target = self.path_for(digest)
        if not target.exists():
            path.replace(target)
            self._record(target)

    def _replace_state(self, content: bytes) -> None:
        """Write the state to a temporary file and rename it, so that the state is never incomplete."""
        with self._temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._temporary.replace(self.directory / "state")

    def _record(self, *paths: Path) -> None:
        """Add files to the list of those that may be deleted."""
        with self._manifest.open("a", encoding="ascii") as file:
            file.writelines(f"{path.relative_to(self.directory).as_posix()}\n" for path in paths)

    def _delete_unreferenced(self, state: State | None) -> None:
        """Delete the files that emulators have written and the state does not refer to.

        Raises:
            StoreError: Another program has written the list of files.
        """
        written = self._read_manifest()
        states = () if state is None else state.by_organization().values()
        referenced = {path for one in states for path in self._referenced_paths(one)}
        for path in written - referenced:
            path.unlink(missing_ok=True)
        self._manifest.write_text(f"{MANIFEST_HEADER}\n", encoding="ascii")
        self._record(*sorted(written & referenced))

    def _read_manifest(self) -> set[Path]:
        if not self._manifest.exists():
            return set()
        header, *names = self._manifest.read_text(encoding="ascii", errors="replace").splitlines() or [""]
        if header != MANIFEST_HEADER:
            raise StoreError(f"{self._manifest} was written by another program; use another data directory")
        return {self.directory / name for name in names if _WRITTEN_NAME.fullmatch(name)}

    def _referenced_paths(self, state: State) -> Iterator[Path]:
        yield from (self.path_for(asset.media.digest) for asset in state.assets.values())
        yield from (self.path_for(video.asset.media.digest) for video in state.videos.values())
        yield from (upload.spool_path for upload in state.uploads.values() if upload.spool_path is not None)


def serialize_state(state: State) -> bytes:
    """Serialize a state; the first line is the version that can read it."""
    out = io.BytesIO()
    out.write(f"{FORMAT}\n".encode())
    _StatePickler(out, protocol=5).dump(state)
    return out.getvalue()


def load_state(path: Path) -> State | None:
    """Return the state in a file, or `None` if the file does not exist.

    Raises:
        StoreError: Another version has written the file, or it is not a state file.
    """
    if not path.exists():
        return None
    with path.open("rb") as file:
        head = file.readline(200).decode(errors="replace").strip()
        if head != FORMAT:
            found = head if head.startswith("twelvelabs-async") else "another program"
            raise StoreError(f"{path} was written by {found}, this is {FORMAT}; use another data directory")
        state: object = _StateUnpickler(file).load()
    if not isinstance(state, State):
        raise StoreError(f"{path} does not contain a state; use another data directory")
    return state


class _StatePickler(pickle.Pickler):
    @override
    def reducer_override(self, obj: Any, /) -> Any:
        # A loaded lock is always unlocked.
        return (Lock, ()) if isinstance(obj, Lock) else NotImplemented


class _StateUnpickler(pickle.Unpickler):
    """Loads only the classes of a state, so that a file cannot run code."""

    @override
    def find_class(self, module: str, name: str, /) -> Any:
        kind = _ALLOWED_CLASSES.get((module, name))
        if kind is None:
            raise StoreError(f"a state cannot contain {module}.{name}")
        return kind
