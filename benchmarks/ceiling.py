"""Measures the limit of the server with blocking sockets, which show whether client or server is the bottleneck."""

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


def measure_gets(origin: str, *, count: int, concurrency: int) -> Figures:
    """Measure GETs over many connections: send one request on each, then read all responses, and repeat."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connect(origin)) for _ in range(concurrency)]
        size = _exchange(sockets[0], GET)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(count // concurrency):
            for connection in sockets:
                connection.sendall(GET)
            for connection in sockets:
                _receive(connection, size)
        return {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "count": count // concurrency * concurrency,
        }


def measure_puts(origin: str, *, size: int) -> Figures:
    """Measure PUTs of upload parts from memory, one after the other."""
    head = f"PUT /parts/plain/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {CHUNK}\r\n\r\n".encode()
    content = bytes(CHUNK)
    with _connect(origin) as connection:
        _exchange(connection, GET)
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


def measure_hashing(*, size: int) -> Figures:
    """Measure the MD5 of the parts of a file, the minimum cost of verifying ETags."""
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
    url = urlsplit(origin)
    connection = socket.create_connection((url.hostname, url.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _exchange(connection: socket.socket, request: bytes) -> int:
    """Send one request; return the length of the response, which fits into one read."""
    connection.sendall(request)
    return len(connection.recv(65536))


def _receive(connection: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(connection.recv(65536))
