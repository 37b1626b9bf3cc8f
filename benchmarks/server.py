"""The other end of every measurement: HTTP/1.1 by hand, in a process of its own, with answers made beforehand.

It does just what the clients need: connections that stay open, bodies with a length or in chunks, and the steps of
an upload in parts. It prints its addresses, the second one with TLS if it is given a certificate and its key in a
file, and ends when its standard input does. `GET /stats` tells what it has seen.

    python -m benchmarks.server [--core N] [--certificate FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import sys
import time
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from benchmarks import answers
from benchmarks.answers import PREFIX, rendered
from benchmarks.machine import pin

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = tuple[bytes, bytes]
"""Headers of one answer beyond the usual ones, and its body."""

NOTHING: Final = b""
TASKS: Final = f"{PREFIX}/tasks"
UPLOADS: Final = f"{PREFIX}/assets/multipart-uploads"


class Site:
    """What is answered, by verb and path."""

    def __init__(self) -> None:
        self.connections = self.requests = self.received = 0
        self._index = rendered(answers.index(0))
        self._pages = [rendered(answers.page(number)) for number in range(1, answers.PAGES + 2)]
        self._accepted, self._ready = rendered(answers.asset("processing")), rendered(answers.asset("ready"))
        self._embeddings, self._few = rendered(answers.embeddings()), rendered(answers.embeddings(1))
        self._events = answers.events()
        self._tasks_since: float | None = None
        self._storage = "plain"
        self._parts: dict[int, str] = {}
        self._reported: set[int] = set()
        self._total = 0
        self._reset = int(time.time()) + 86400
        self._usual, self._second = b"", 0

    def usual(self) -> bytes:
        """The head of each answer, up to the number of bytes; with the limits that the platform tells."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._usual = (
                f"HTTP/1.1 200 OK\r\nDate: {formatdate(second, usegmt=True)}\r\nContent-Type: application/json\r\n"
                f"X-Api-Version: 1.3\r\nX-Ratelimit-Limit: 10000000\r\nX-Ratelimit-Remaining: 9999999\r\n"
                f"X-Ratelimit-Used: 1\r\nX-Ratelimit-Reset: {self._reset}\r\nContent-Length: "
            ).encode()
        return self._usual

    def answer(self, method: str, target: str, body: bytes, md5: str, origin: str) -> Answer:
        """The answer to one request that came to `origin`; raises `LookupError` for what no client should ask."""
        path, _, query = target.partition("?")
        if method == "PUT" and path.startswith("/parts/"):
            return self._part(int(path.rpartition("/")[2]), md5)
        if method == "GET":
            return NOTHING, self._get(path, query)
        if method == "POST" and path == f"{PREFIX}/assets":
            return NOTHING, self._accepted
        if method == "POST" and path == f"{PREFIX}/embed-v2":
            return NOTHING, self._few if answers.SECONDS.encode() in body else self._embeddings
        if method == "POST" and path == f"{PREFIX}/analyze":
            return NOTHING, self._events
        if method == "POST" and path.startswith(UPLOADS):
            return NOTHING, rendered(self._upload(path, json.loads(body), origin))
        raise LookupError(method, path)

    def _get(self, path: str, query: str) -> bytes:
        if path.startswith(f"{PREFIX}/indexes/"):
            return self._index
        if path == f"{PREFIX}/indexes":
            return self._pages[min(int(_pairs(query).get("page", "1")), len(self._pages)) - 1]
        if path.startswith(UPLOADS):
            return rendered(self._status(int(_pairs(query).get("page", "1"))))
        if path.startswith(f"{PREFIX}/assets/"):
            return self._ready
        if path.startswith(TASKS):
            return rendered(self._tasks(path.removeprefix(TASKS).strip("/"), int(_pairs(query).get("page", "1"))))
        if path == "/stats":
            return rendered(self._stats())
        raise LookupError(path)

    def _stats(self) -> dict[str, float]:
        """What was seen so far. Asked before each sample, so the tasks start anew with it."""
        self._tasks_since = None
        counted = {"connections": self.connections, "requests": self.requests, "received": self.received}
        return {"cpu": time.process_time(), **counted}

    def _tasks(self, task_id: str, page: int) -> dict[str, Any]:
        """One task or a page of them, all ready at the same time."""
        now = time.monotonic()
        self._tasks_since = self._tasks_since or now
        status = "ready" if now - self._tasks_since >= answers.TASKS_TAKE else "indexing"
        return answers.task(task_id, status) if task_id else answers.tasks(page, status)

    def _upload(self, path: str, asked: dict[str, Any], origin: str) -> dict[str, Any]:
        if path == UPLOADS:
            self._storage = answers.kind(asked["filename"])
            self._parts, self._reported = {}, set()
            session = answers.session(origin, asked["filename"], asked["total_size"])
            self._total = session["total_chunks"]
            return session
        if path.endswith("/presigned-urls"):
            start, count = asked["start"], min(asked["count"], self._total + 1 - asked["start"])
            return {"upload_urls": answers.urls(origin, start, count, self._storage)}
        new: set[int] = set()
        for part in asked["completed_chunks"]:
            if self._parts[part["chunk_index"]] != part["proof"]:
                raise LookupError(part)
            new.add(part["chunk_index"])
        self._reported |= new
        whole = {"url": f"{origin}/files/1"} if len(self._reported) == self._total else {}
        return {"asset_id": answers.ASSET_ID, "processed_chunks": len(new), "total_completed": len(self._reported)} | {
            "duplicate_chunks": 0,
            **whole,
        }

    def _status(self, page: int) -> dict[str, Any]:
        """Which parts were reported: a client asks when it is in doubt."""
        numbers = range(1, self._total + 1)[(page - 1) * answers.PER_PAGE : page * answers.PER_PAGE]
        return {
            "upload_id": answers.UPLOAD_ID,
            "status": "active",
            "uploaded_chunks": [
                {"index": number, "status": "completed" if number in self._reported else "pending"}
                for number in numbers
            ],
            "page_info": {
                "page": page,
                "limit_per_page": answers.PER_PAGE,
                "total_page": -(-self._total // answers.PER_PAGE),
                "total_results": self._total,
            },
        }

    def _part(self, number: int, md5: str) -> Answer:
        self._parts[number] = md5 or f"part-{number}"
        return f'\r\nETag: "{self._parts[number]}"'.encode(), NOTHING


def _pairs(query: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in query.split("&") if pair)


class Connection(asyncio.Protocol):
    """One connection: heads and bodies in, answers out, in the order they came."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.WriteTransport | None = None
        self._origin = ""
        self._buffer = b""
        self._read: Callable[[], bool] = self._head
        self._method = self._target = ""
        self._left = 0
        self._body = bytearray()
        self._md5: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._origin = _origin(transport.get_extra_info("sockname"), tls=transport.get_extra_info("sslcontext"))
        self._site.connections += 1

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._read():
            pass

    def _head(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._buffer = rest
        self._method, self._target, _ = head[: head.index(b"\r\n")].decode().split(" ", 2)
        if self._method == "GET":
            self._answer()
            return True
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        self._body.clear()
        self._md5 = hashlib.md5(usedforsecurity=False) if f"/parts/{answers.CHECKED}/" in self._target else None
        if headers.get(b"transfer-encoding") == b"chunked":
            self._read = self._chunk
        else:
            self._left = int(headers.get(b"content-length", b"0"))
            self._read = self._length
            if not self._left:
                self._answer()
        return True

    def _length(self) -> bool:
        self._left -= self._take(self._left)
        if self._left:
            return False
        self._answer()
        return True

    def _chunk(self) -> bool:
        size, end, rest = self._buffer.partition(b"\r\n")
        whole = int(size or b"0", 16) + 2
        if not end or len(rest) < whole:
            return False
        self._buffer = rest
        self._take(whole - 2)
        self._buffer = self._buffer[2:]
        if whole == 2:  # the empty chunk is the last
            self._answer()
        return True

    def _take(self, most: int) -> int:
        piece, self._buffer = self._buffer[:most], self._buffer[most:]
        self._site.received += len(piece)
        if self._md5 is not None:
            self._md5.update(piece)
        elif self._method == "POST":
            self._body += piece
        return len(piece)

    def _answer(self) -> None:
        assert self._transport is not None
        site = self._site
        site.requests += 1
        md5 = self._md5.hexdigest() if self._md5 is not None else ""
        target = self._target.removeprefix(answers.FAR)
        more, body = site.answer(self._method, target, bytes(self._body), md5, self._origin)
        self._read = self._head
        whole = b"%b%d%b\r\n\r\n%b" % (site.usual(), len(body), more, body)
        if delay := self._delay():
            asyncio.get_running_loop().call_later(delay, self._transport.write, whole)
        else:
            self._transport.write(whole)

    def _delay(self) -> float:
        if self._target.startswith(answers.FAR):
            return answers.AWAY
        return answers.DIGESTS if self._target.startswith(f"/parts/{answers.SLOW}/") else 0.0


def _origin(name: tuple[str, int], *, tls: object) -> str:
    return f"{'https' if tls else 'http'}://{name[0]}:{name[1]}"


async def serve(certificate: str | None) -> None:
    """Listen until standard input ends."""
    site = Site()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for tls in (None, context) if context else (None,):
            server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=4096, ssl=tls)
            await stack.enter_async_context(server)
            print(_origin(server.sockets[0].getsockname(), tls=tls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--core", type=int)
    parser.add_argument("--certificate")
    args = parser.parse_args()
    pin(args.core)
    asyncio.run(serve(args.certificate))
