"""What the server can do: blocking sockets that hardly cost anything, so that one sees who is the bottleneck."""

from __future__ import annotations

import hashlib
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.answers import CHUNK, INDEX_ID, PREFIX

if TYPE_CHECKING:
    from benchmarks.work import Figures

GET = f"GET {PREFIX}/indexes/{INDEX_ID} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def gets(origin: str, *, count: int, at_once: int) -> Figures:
    """GETs over many connections: one on each, then all answers, and again."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connect(origin)) for _ in range(at_once)]
        size = _ask(sockets[0], GET)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(count // at_once):
            for connection in sockets:
                connection.sendall(GET)
            for connection in sockets:
                _receive(connection, size)
        return {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "count": count // at_once * at_once,
        }


def puts(origin: str, *, size: int) -> Figures:
    """The parts of an upload from memory, one after the other."""
    head = f"PUT /parts/plain/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {CHUNK}\r\n\r\n".encode()
    content = bytes(CHUNK)
    with _connect(origin) as connection:
        _ask(connection, GET)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(size // CHUNK):
            connection.sendall(head)
            connection.sendall(content)
            connection.recv(65536)
        return {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "count": size // CHUNK * CHUNK,
        }


def hashing(*, size: int) -> Figures:
    """The MD5 of as many bytes, part by part: what it costs at least to compare with storage's answer."""
    content = bytes(CHUNK)
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(size // CHUNK):
        hashlib.md5(content, usedforsecurity=False).digest()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "count": size // CHUNK * CHUNK,
    }


def _connect(origin: str) -> socket.socket:
    address = urlsplit(origin)
    connection = socket.create_connection((address.hostname, address.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ask(connection: socket.socket, request: bytes) -> int:
    """Send one request; the length of the answer, which comes in one piece."""
    connection.sendall(request)
    return len(connection.recv(65536))


def _receive(connection: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(connection.recv(65536))
