"""Standard streams that drop their output once writing fails, such as to a closed pipe, and do not end the work."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, TextIO


class SafeStream:
    """A standard stream that drops its output once it cannot be written: a full disk does not end the work.

    Args:
        stream: The stream; None if the process was started without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.error: OSError | None = None
        """Why output was lost; None if none was, or if its reader has closed the pipe, as `head` does."""
        self.is_lost: bool = False
        """Whether further output is lost, because of an error or because its reader has closed the pipe."""

    def write(self, text: str) -> int:
        """Write text."""
        with self._discard_on_error():
            if self._stream is not None:
                self._stream.write(text)
            elif text and not self.is_lost:
                raise OSError(errno.EBADF, "it is closed")
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._stream is not None:
            with self._discard_on_error():
                self._stream.flush()

    def use_utf8(self) -> None:
        """Write UTF-8 to a file or a pipe, whatever the locale is; a terminal keeps its encoding."""
        stream = self._stream
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream or io.StringIO(), name)

    @contextmanager
    def _discard_on_error(self) -> Generator[None]:
        """After an error, send further output nowhere; Python flushes the stream at exit."""
        try:
            yield
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.error = error
            self.is_lost = True
            stream, self._stream = self._stream, None
            if stream is not None:
                with suppress(OSError, ValueError):
                    devnull = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(devnull, stream.fileno())
                    os.close(devnull)


_standard_output: Final = ContextVar[SafeStream]("standard_output")


@contextmanager
def safe_standard_output() -> Generator[SafeStream]:
    """Use one stream for all that is printed within the block; it records whether output was lost."""
    stream = SafeStream(sys.stdout)
    token = _standard_output.set(stream)
    try:
        yield stream
    finally:
        _standard_output.reset(token)


def standard_output() -> SafeStream:
    """Return the standard output of the command."""
    return _standard_output.get(None) or SafeStream(sys.stdout)
