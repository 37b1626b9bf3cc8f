"""Rows of an export, and the file formats that they are written in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
from typing_extensions import override

from twelvelabs_async._install_command import install_command
from twelvelabs_async.embeddings import EmbeddedSegment, EmbeddingView, segment_id
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.models.common import Vector
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed
from twelvelabs_async.serialization import to_dict

ROW_GROUP_SIZE: Final = 4096
"""Rows that a Parquet writer holds in memory: about 8 MB of vectors."""


@attrs.frozen(kw_only=True)
class ExportedVideo:
    """A video without vectors."""

    video_id: str
    """Id within the index."""
    asset_id: str | None = None
    """Id of the source asset."""
    filename: str | None = None
    """Name of the file."""
    status: str | None = None
    """Indexing status."""
    duration: float | None = None
    """Duration in seconds."""
    fps: float | None = None
    """Frame rate, in frames per second."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    size: int | None = None
    """Size in bytes."""
    created_at: datetime | None = None
    """When indexing was requested."""
    indexed_at: datetime | None = None
    """When indexing finished."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """User metadata."""


@attrs.frozen(kw_only=True)
class ExportedSegment(ExportedVideo):
    """A segment of a video, with its vector; all None for a video that has no vectors."""

    id: str | None = None
    """Id of the segment, which is the same in each export."""
    start: float | None = None
    """Start in seconds."""
    end: float | None = None
    """End in seconds."""
    option: str | None = None
    """Embedding option, such as `visual`."""
    scope: str | None = None
    """Embedding scope, such as `clip`."""
    vector: Vector | None = None
    """The embedding."""


def rows_of(video: IndexedAssetDetailed, *, vectors: bool) -> Sequence[ExportedVideo]:
    """Return the rows of a video: one, or with vectors one for each segment, and at least one."""
    file = video.system_metadata
    values: dict[str, Any] = {
        "video_id": video.id,
        "asset_id": video.asset_id,
        "filename": file.filename,
        "status": video.status,
        "duration": file.duration,
        "fps": file.fps,
        "width": file.width,
        "height": file.height,
        "size": file.size,
        "created_at": video.created_at,
        "indexed_at": video.indexed_at,
        "user_metadata": video.user_metadata,
    }
    if not vectors:
        return [ExportedVideo(**values)]
    segments = EmbeddingView.from_response(video) if video.embedding else ()
    return [ExportedSegment(**values, **_segment_values(video.id, segment)) for segment in segments] or [
        ExportedSegment(**values)
    ]


def _segment_values(video_id: str, segment: EmbeddedSegment) -> dict[str, Any]:
    return {
        "id": str(segment_id(video_id, segment)),
        "start": segment.start,
        "end": segment.end,
        "option": segment.option,
        "scope": segment.scope,
        "vector": segment.vector,
    }


class Format(Protocol):
    """A file format, whose rows are encoded video by video."""

    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        """Return the rows of a video, as `write` takes them."""
        ...

    def write(self, parts: Iterable[bytes], path: Path) -> None:
        """Write a file from the encoded rows of all videos, with only a few of them in memory."""
        ...


class _TextFormat(Format):
    """A format in which the encoded rows of videos follow each other."""

    def __init__(self, row_type: type[ExportedVideo]) -> None:
        self._columns = [field.name for field in attrs.fields(row_type)]

    def header(self) -> bytes:
        """Return the start of a file."""
        return b""

    @override
    def write(self, parts: Iterable[bytes], path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.header())
            file.writelines(parts)

    def _records(self, rows: Sequence[ExportedVideo]) -> Iterator[dict[str, Any]]:
        """Yield the rows as JSON types, with all columns."""
        return (dict.fromkeys(self._columns) | to_dict(row) for row in rows)


class _JsonLines(_TextFormat):
    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        return b"".join(json.dumps(record).encode() + b"\n" for record in self._records(rows))


class _Csv(_TextFormat):
    @override
    def header(self) -> bytes:
        return _csv_line(self._columns)

    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        return b"".join(_csv_line(map(_csv_cell, record.values())) for record in self._records(rows))


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "replace")


def _csv_cell(value: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value)


class _Parquet(Format):
    def __init__(self, row_type: type[ExportedVideo]) -> None:
        try:
            self._arrow: Any = import_module("twelvelabs_async._arrow")
            self._core: Any = import_module("arro3.core")
            self._io: Any = import_module("arro3.io")
        except ImportError:
            raise InvalidInputError(f"Parquet needs arro3: {install_command('arrow')}") from None
        self._row_type = row_type

    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        stream = io.BytesIO()
        self._io.write_ipc_stream(self._arrow.table_of(rows, self._row_type), stream, compression=None)
        return stream.getvalue()

    @override
    def write(self, parts: Iterable[bytes], path: Path) -> None:
        batches = (batch for part in parts for batch in self._io.read_ipc_stream(io.BytesIO(part)))
        reader = self._core.RecordBatchReader.from_batches(self._arrow.table_of([], self._row_type).schema, batches)
        try:
            self._io.write_parquet(reader, path, compression="zstd(3)", max_row_group_size=ROW_GROUP_SIZE)
        except Exception as error:  # noqa: BLE001  # arro3 documents no class
            raise TwelveLabsError(f"cannot write {path}: {error}") from None


FORMATS: Final[Mapping[str, Callable[[type[ExportedVideo]], Format]]] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}
"""Formats by the suffix of a file."""


def format_for(path: Path, row_type: type[ExportedVideo]) -> Format:
    """Return the format of a file.

    Raises:
        InvalidInputError: Its suffix names no format, or a package is missing.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise InvalidInputError(f"the file of an export ends with {', '.join(FORMATS)}, got {str(path)!r}")
    return found(row_type)
