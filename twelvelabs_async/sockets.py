"""Sockets of which an answer that has arrived is read, though sending has failed since.

A server may refuse an upload by its head, and close while the body is still being sent. asyncio gives a connection up
at the first write that fails, with whatever was still to be read from it: a plain 429 would look like a broken
connection, of which nobody knows whether the request was taken.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from typing_extensions import override


class ReadFirstSocket(socket.socket):
    """Fails to send only when nothing is left to read: until then it would block, so that the loop reads first."""

    @override
    def send(self, data: Any, flags: int = 0, /) -> int:
        return self._sent(lambda: super(ReadFirstSocket, self).send(data, flags))

    if hasattr(socket.socket, "sendmsg"):

        @override
        def sendmsg(self, *arguments: Any) -> int:
            return self._sent(lambda: super(ReadFirstSocket, self).sendmsg(*arguments))

    def _sent(self, send: Callable[[], int]) -> int:
        try:
            return send()
        except (ConnectionResetError, BrokenPipeError):
            if not self._unread():
                raise
        raise BlockingIOError

    def _unread(self) -> bool:
        try:
            return bool(self.recv(1, socket.MSG_PEEK))
        except OSError:
            return False


def read_first(address: tuple[int, int, int, *tuple[Any, ...]]) -> socket.socket:
    """A socket for an address as `getaddrinfo` gives it, which is how aiohttp asks for one."""
    return ReadFirstSocket(*address[:3])
