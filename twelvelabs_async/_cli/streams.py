"""Standard streams whose output may be lost without ending the work."""

from __future__ import annotations

import io
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class SafeStream:
    """A standard stream that drops its output once it cannot be written: a full disk does not end the work.

    Args:
        stream: The stream; None if the process was started without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.error: OSError | None = None
        """Why output was lost; None if none was, or if its reader has closed the pipe, as `head` does."""

    def write(self, text: str) -> int:
        """Write text."""
        if self._stream is not None:
            with self._discard_on_error():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._stream is not None:
            with self._discard_on_error():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream or io.StringIO(), name)

    @contextmanager
    def _discard_on_error(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.error = error
            self._discard()

    def _discard(self) -> None:
        """Send further output nowhere; Python flushes the stream at exit."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with suppress(OSError, ValueError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            os.close(devnull)
