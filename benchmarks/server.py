"""The benchmark server: a minimal HTTP/1.1 server in its own process with prepared responses.

It supports the features that the clients need: keep-alive, bodies with a length or in chunks, and multipart uploads. It
prints its origins, the second one with TLS if `--certificate` names a file with certificate and key, and exits when its
standard input is closed. `GET /stats` returns its counters.

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
from benchmarks.answers import PREFIX, encode_json
from benchmarks.machine import pin

if TYPE_CHECKING:
    from collections.abc import Callable

ResponseParts = tuple[bytes, bytes]
"""Additional headers of a response, and its body."""

NO_HEADERS: Final = b""
TASKS_PATH: Final = f"{PREFIX}/tasks"
UPLOADS_PATH: Final = f"{PREFIX}/assets/multipart-uploads"


class StubApi:
    """The responses, by method and path."""

    def __init__(self) -> None:
        self.connections = self.requests = self.received = 0
        self._index = encode_json(answers.index(0))
        self._pages = [encode_json(answers.page(number)) for number in range(1, answers.PAGE_COUNT + 2)]
        self._accepted, self._ready = encode_json(answers.asset("processing")), encode_json(answers.asset("ready"))
        self._embeddings, self._short_embeddings = encode_json(answers.embeddings()), encode_json(answers.embeddings(1))
        self._events = answers.events()
        self._tasks_since: float | None = None
        self._storage = "plain"
        self._parts: dict[int, str] = {}
        self._reported: set[int] = set()
        self._total = 0
        self._reset = int(time.time()) + 86400
        self._heads, self._head_time = (b"", b""), 0

    def response_head(self, *, limit_headers: bool) -> bytes:
        """Return the head of a response up to the value of Content-Length, with or without rate-limit headers."""
        second = int(time.time())
        if second != self._head_time:
            self._head_time = second
            head = (
                f"HTTP/1.1 200 OK\r\nDate: {formatdate(second, usegmt=True)}\r\nContent-Type: application/json\r\n"
                "X-Api-Version: 1.3\r\n"
            )
            limits = (
                "X-Ratelimit-Limit: 10000000\r\nX-Ratelimit-Remaining: 9999999\r\n"
                f"X-Ratelimit-Used: 1\r\nX-Ratelimit-Reset: {self._reset}\r\n"
            )
            self._heads = (f"{head}Content-Length: ".encode(), f"{head}{limits}Content-Length: ".encode())
        return self._heads[limit_headers]

    def respond(self, method: str, target: str, body: bytes, md5: str, origin: str) -> ResponseParts:
        """Return the response to a request to `origin`; raise `LookupError` for an unexpected request."""
        path, _, query = target.partition("?")
        if method == "PUT" and path.startswith("/parts/"):
            return self._store_part(int(path.rpartition("/")[2]), md5)
        if method == "GET":
            return NO_HEADERS, self._get(path, query)
        if method == "POST" and path == f"{PREFIX}/assets":
            return NO_HEADERS, self._accepted
        if method == "POST" and path == f"{PREFIX}/embed-v2":
            return NO_HEADERS, self._short_embeddings if answers.SHORT_VIDEO_NAME.encode() in body else self._embeddings
        if method == "POST" and path == f"{PREFIX}/analyze":
            return NO_HEADERS, self._events
        if method == "POST" and path.startswith(UPLOADS_PATH):
            return NO_HEADERS, encode_json(self._upload(path, json.loads(body), origin))
        raise LookupError(method, path)

    def _get(self, path: str, query: str) -> bytes:
        if path.startswith(f"{PREFIX}/indexes/"):
            return self._index
        if path == f"{PREFIX}/indexes":
            return self._pages[min(int(_parse_query(query).get("page", "1")), len(self._pages)) - 1]
        if path.startswith(UPLOADS_PATH):
            return encode_json(self._upload_status(int(_parse_query(query).get("page", "1"))))
        if path.startswith(f"{PREFIX}/assets/"):
            return self._ready
        if path.startswith(TASKS_PATH):
            return encode_json(
                self._tasks(path.removeprefix(TASKS_PATH).strip("/"), int(_parse_query(query).get("page", "1")))
            )
        if path == "/stats":
            return encode_json(self._stats())
        raise LookupError(path)

    def _stats(self) -> dict[str, float]:
        """Return the counters and reset the tasks, because each sample starts with this request."""
        self._tasks_since = None
        counters = {"connections": self.connections, "requests": self.requests, "received": self.received}
        return {"cpu": time.process_time(), **counters}

    def _tasks(self, task_id: str, page: int) -> dict[str, Any]:
        """Return one task or a page of tasks; all tasks become ready at the same time."""
        now = time.monotonic()
        self._tasks_since = self._tasks_since or now
        status = "ready" if now - self._tasks_since >= answers.TASK_DURATION else "indexing"
        return answers.task(task_id, status) if task_id else answers.tasks(page, status)

    def _upload(self, path: str, request: dict[str, Any], origin: str) -> dict[str, Any]:
        if path == UPLOADS_PATH:
            self._storage = answers.storage_kind(request["filename"])
            self._parts, self._reported = {}, set()
            session = answers.session(origin, request["filename"], request["total_size"])
            self._total = session["total_chunks"]
            return session
        if path.endswith("/presigned-urls"):
            start, count = request["start"], min(request["count"], self._total + 1 - request["start"])
            return {"upload_urls": answers.urls(origin, start, count, self._storage)}
        new: set[int] = set()
        for part in request["completed_chunks"]:
            if self._parts[part["chunk_index"]] != part["proof"]:
                raise LookupError(part)
            new.add(part["chunk_index"])
        self._reported |= new
        url_field = {"url": f"{origin}/files/1"} if len(self._reported) == self._total else {}
        return {"asset_id": answers.ASSET_ID, "processed_chunks": len(new), "total_completed": len(self._reported)} | {
            "duplicate_chunks": 0,
            **url_field,
        }

    def _upload_status(self, page: int) -> dict[str, Any]:
        """Return the status of the parts; a client requests it after an ambiguous failure."""
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

    def _store_part(self, number: int, md5: str) -> ResponseParts:
        self._parts[number] = md5 or f"part-{number}"
        return f'\r\nETag: "{self._parts[number]}"'.encode(), NO_HEADERS


def _parse_query(query: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in query.split("&") if pair)


class Connection(asyncio.Protocol):
    """A connection that responds to requests in order."""

    def __init__(self, stub: StubApi) -> None:
        self._stub = stub
        self._transport: asyncio.WriteTransport | None = None
        self._origin = ""
        self._buffer = b""
        self._parse: Callable[[], bool] = self._parse_head
        self._method = self._target = ""
        self._remaining = 0
        self._body = bytearray()
        self._md5: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._origin = _origin(transport.get_extra_info("sockname"), tls=transport.get_extra_info("sslcontext"))
        self._stub.connections += 1

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._parse():
            pass

    def _parse_head(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._buffer = rest
        self._method, self._target, _ = head[: head.index(b"\r\n")].decode().split(" ", 2)
        if self._method == "GET":
            self._respond()
            return True
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        self._body.clear()
        self._md5 = hashlib.md5(usedforsecurity=False) if f"/parts/{answers.HASHED_UPLOAD}/" in self._target else None
        if headers.get(b"transfer-encoding") == b"chunked":
            self._parse = self._parse_chunk
        else:
            self._remaining = int(headers.get(b"content-length", b"0"))
            self._parse = self._parse_body
            if not self._remaining:
                self._respond()
        return True

    def _parse_body(self) -> bool:
        self._remaining -= self._consume(self._remaining)
        if self._remaining:
            return False
        self._respond()
        return True

    def _parse_chunk(self) -> bool:
        size, end, rest = self._buffer.partition(b"\r\n")
        chunk_length = int(size or b"0", 16) + 2
        if not end or len(rest) < chunk_length:
            return False
        self._buffer = rest
        self._consume(chunk_length - 2)
        self._buffer = self._buffer[2:]
        if chunk_length == 2:  # the empty chunk is the last one
            self._respond()
        return True

    def _consume(self, max_bytes: int) -> int:
        chunk, self._buffer = self._buffer[:max_bytes], self._buffer[max_bytes:]
        self._stub.received += len(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)
        elif self._method == "POST":
            self._body += chunk
        return len(chunk)

    def _respond(self) -> None:
        assert self._transport is not None
        stub = self._stub
        stub.requests += 1
        md5 = self._md5.hexdigest() if self._md5 is not None else ""
        target, limit_headers = self._target.removeprefix(answers.REMOTE_PREFIX), True
        for prefix in (answers.UNLIMITED_PREFIX, answers.START_PREFIX):
            if target.startswith(prefix):
                target, limit_headers = target.removeprefix(prefix), False
        extra_headers, body = stub.respond(self._method, target, bytes(self._body), md5, self._origin)
        self._parse = self._parse_head
        response = b"%b%d%b\r\n\r\n%b" % (
            stub.response_head(limit_headers=limit_headers),
            len(body),
            extra_headers,
            body,
        )
        if delay := self._delay():
            asyncio.get_running_loop().call_later(delay, self._transport.write, response)
        else:
            self._transport.write(response)

    def _delay(self) -> float:
        if self._target.startswith(answers.REMOTE_PREFIX):
            return answers.REMOTE_DELAY
        if self._target.startswith(answers.START_PREFIX):
            return answers.START_DELAY
        return answers.SLOW_PART_DELAY if self._target.startswith(f"/parts/{answers.SLOW_UPLOAD}/") else 0.0


def _origin(name: tuple[str, int], *, tls: object) -> str:
    return f"{'https' if tls else 'http'}://{name[0]}:{name[1]}"


async def serve(certificate: str | None) -> None:
    """Serve until standard input is closed."""
    stub = StubApi()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for tls in (None, context) if context else (None,):
            server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", 0, backlog=4096, ssl=tls)
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
