"""Uploads of files of any size, in constant memory and without temporary files.

`assets.upload` reports an `UploadProgress` to `on_progress`. The state in it, or on an `UploadError`, resumes a
multipart upload: `assets.upload(path, resume=state)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

import attrs

from twelvelabs_async._arguments import describe, positive_int
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models._interop import serialization
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.models.common import Convertible


def _as_tuple(parts: Iterable[CompletedChunk]) -> tuple[CompletedChunk, ...]:
    if not isinstance(parts, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"completed_parts must be a list of CompletedChunk objects, got {describe(parts)}")
    return tuple(parts)


@attrs.frozen(kw_only=True)
class UploadState(Convertible):
    """State of a multipart upload, to resume it later. Contains no secret; `to_dict` converts it for JSON.

    Raises:
        InvalidInputError: A size is not a positive whole number, or `completed_parts` is not a list.
    """

    upload_id: str
    """Id of the upload session, which expires after 24 hours."""
    asset_id: str
    """Id of the asset; it can be used once the upload is complete."""
    filename: str
    """Filename of the asset."""
    total_size: int = attrs.field(validator=positive_int)
    """Size of the file in bytes."""
    chunk_size: int = attrs.field(validator=positive_int)
    """Size of a part in bytes, chosen by the API; the last part may be smaller."""
    fingerprint: str
    """Size, modification time and name of a file on disk, else the size and what is known of the content; a resumed
    upload must have the same."""
    upload_headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False, hash=False)
    """Headers to send with each part."""
    completed_parts: tuple[CompletedChunk, ...] = attrs.field(default=(), repr=False, converter=_as_tuple)
    """Parts that storage has confirmed; a resumed upload does not send them again."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Create a state from the JSON types that `to_dict` returns.

        Raises:
            MalformedResponseError: `data` has another shape.

        Example:
            progress = []
            await client.assets.upload("holiday.mp4", method="multipart", on_progress=progress.append)
            state = progress[-1].state
            print(type(state).from_dict(state.to_dict()) == state)  # True
        """
        created: Self = serialization().from_dict(data, cls)
        return created

    @property
    def part_count(self) -> int:
        """Number of parts."""
        return -(-self.total_size // self.chunk_size)

    def part_range(self, index: int) -> tuple[int, int]:
        """Return offset and size of a part in bytes; the first part has index 1.

        Example:
            progress = []
            await client.assets.upload("holiday.mp4", method="multipart", on_progress=progress.append)
            state = progress[-1].state
            print(state.part_range(1)[0], state.part_range(2)[0] == state.chunk_size)  # 0 True
        """
        offset = (index - 1) * self.chunk_size
        return offset, min(self.chunk_size, self.total_size - offset)


@attrs.frozen(kw_only=True)
class UploadProgress:
    """Progress of an upload."""

    filename: str
    """Filename of the asset."""
    sent: int
    """Bytes handed to the network; decreases when a part is sent again."""
    total: int
    """Size of the file in bytes."""
    parts_done: int = 0
    """Parts that storage has confirmed; 0 for an upload in one request."""
    parts: int = 0
    """Number of parts; 0 for an upload in one request."""
    _get_state: Callable[[], UploadState] | None = attrs.field(default=None, alias="get_state", repr=False, eq=False)
    """Creates `state` when it is needed: its size grows with the number of confirmed parts."""

    @property
    def state(self) -> UploadState | None:
        """State to resume the upload from; None for an upload in one request."""
        return None if self._get_state is None else self._get_state()


OnProgress = Callable[[UploadProgress], None]
"""Called in the event loop after each block and each confirmed part; must not block."""
