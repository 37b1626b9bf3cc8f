"""Sockets of which an answer that has arrived is read, though sending has failed since.

A server may refuse an upload by its head, and close while the body is still being sent. asyncio gives a connection up
at the first write that fails, with whatever was still to be read from it: a plain 429 would look like a broken
connection, of which nobody knows whether the request was taken.
"""

from __future__ import annotations

import socket
from typing import Any

from typing_extensions import override


class ReadFirstSocket(socket.socket):
    """Fails to send only when nothing is left to read: until then it would block, so that the loop reads first."""

    @override
    def send(self, data: Any, flags: int = 0, /) -> int:
        try:
            return super().send(data, flags)
        except (ConnectionResetError, BrokenPipeError):
            self._read_first()
            raise

    if hasattr(socket.socket, "sendmsg"):

        @override
        def sendmsg(self, *arguments: Any) -> int:
            try:
                return super().sendmsg(*arguments)
            except (ConnectionResetError, BrokenPipeError):
                self._read_first()
                raise

    def _read_first(self) -> None:
        """Have the loop read what is left, if anything is."""
        if self._unread():
            raise BlockingIOError from None

    def _unread(self) -> bool:
        try:
            return bool(self.recv(1, socket.MSG_PEEK))
        except OSError:
            return False


def read_first(address: tuple[int, int, int, *tuple[Any, ...]]) -> socket.socket:
    """A socket for an address as `getaddrinfo` gives it, which is how aiohttp asks for one."""
    return ReadFirstSocket(*address[:3])
