r"""Finds the JSON texts in a stream of bytes: newline-delimited JSON, and server-sent events.

The network cuts where it likes, within a character, a line or a frame, so bytes are put together first and split at
`\n` only; other line ends may stand within a JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from twelvelabs_async.errors import MalformedResponseError

LONGEST_LINE: Final = 32 * 1024 * 1024
"""Bytes of one line, or of the lines of one frame, at most."""

NDJSON: Final = "application/x-ndjson, application/jsonl, application/json"
SSE: Final = "text/event-stream"


class Splitter:
    """Puts pieces together and gives whole lines, without their end."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that `piece` completes.

        Raises:
            MalformedResponseError: A line is longer than `LONGEST_LINE`.
        """
        *whole, left = piece.split(b"\n")
        if whole:
            self._keep(whole[0])
            yield self.rest()
            for line in whole[1:]:
                _check(len(line))
                yield line
        self._keep(left)

    def _keep(self, part: bytes) -> None:
        self._kept.append(part)
        self._size += len(part)
        _check(self._size)

    def rest(self) -> bytes:
        """What came after the last line end."""
        left = b"".join(self._kept)
        self._kept, self._size = [], 0
        return left


def _check(size: int) -> None:
    if size > LONGEST_LINE:
        raise MalformedResponseError(message=f"a line of more than {LONGEST_LINE} bytes")


class Frames(Protocol):
    """Finds the JSON texts in a stream of bytes."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The texts that `piece` completes."""
        ...

    def end(self) -> Iterator[bytes]:
        """A last one that nothing follows."""
        ...


class JsonLines:
    """One JSON text a line; blank lines are skipped."""

    def __init__(self) -> None:
        self._lines = Splitter()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that are not blank."""
        return (line for line in self._lines.feed(piece) if line and not line.isspace())

    def end(self) -> Iterator[bytes]:
        """A last line without a line end."""
        return (line for line in (self._lines.rest(),) if line.strip())


class ServerSentEvents:
    """The `data` of each frame. The event's name is in the JSON too, and that one counts; `[DONE]` is no event."""

    def __init__(self) -> None:
        self._lines = Splitter()
        self._data: list[bytes] = []
        self._size = 0
        self._mark = b"\xef\xbb\xbf"

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the frames that are complete.

        Raises:
            MalformedResponseError: A frame is longer than `LONGEST_LINE`.
        """
        for line in self._lines.feed(piece):
            yield from self._line(line.removeprefix(self._mark).removesuffix(b"\r"))
            self._mark = b""

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > LONGEST_LINE:
                raise MalformedResponseError(message=f"a frame of more than {LONGEST_LINE} bytes")
        elif not line:
            data = b"\n".join(self._data).strip()
            self._data, self._size = [], 0
            if data not in {b"", b"[DONE]"}:
                yield data

    def end(self) -> Iterator[bytes]:
        """A frame is only complete with its blank line, so there is none."""
        return iter(())
