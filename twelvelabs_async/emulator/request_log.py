"""The request log: the latest requests that the emulator received."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request that ended with a response or a closed connection."""

    method: str
    route: str
    """Method and path template as in the API reference, `storage`, or an empty string if no route matches."""
    path: str
    """Path with the query."""
    status: int
    """Status code; 0 if the connection was closed without a complete response."""
    headers: Mapping[str, str]
    """Values of `accept`, `accept-encoding`, `content-length`, `content-type`, `transfer-encoding` and `user-agent`, by
    lower-case name. The API key is not among them."""
    with_key: bool
    """Whether the request had an API key, valid or not."""
    size: int
    """Bytes read of the body."""
    time: float
    """Time of arrival in seconds since the epoch, by the clock of the emulator."""

    def to_json(self) -> dict[str, object]:
        """Return the request as a JSON object.

        Example:
            await client.indexes.list()
            print(emulator.requests[-1].to_json())
        """
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class RequestLog:
    """The latest requests in the order in which they ended, oldest first.

    A request that a fault stalls is added when the fault begins, so that it is in the log when the client times out.
    """

    def __init__(self, limit: int) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=limit)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(tuple(self._requests))

    def __len__(self) -> int:
        return len(self._requests)

    def __getitem__(self, position: int) -> RecordedRequest:
        return self._requests[position]

    def append(self, request: RecordedRequest) -> None:
        """Add a request; drop the oldest one if the log is full."""
        self._requests.append(request)

    def for_operation(self, operation: str) -> list[RecordedRequest]:
        """Return the requests of one operation, for instance `POST /search`.

        Example:
            await client.indexes.list()
            print(len(emulator.requests.for_operation("GET /indexes")))  # 1
        """
        return [request for request in self._requests if request.route == operation]

    def clear(self) -> None:
        """Remove all requests.

        Example:
            emulator.requests.clear()
            print(len(emulator.requests))  # 0
        """
        self._requests.clear()
