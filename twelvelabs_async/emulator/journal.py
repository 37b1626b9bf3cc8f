"""What was asked of the emulator, for tests to look at afterwards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEPT_HEADERS = ("accept", "accept-encoding", "content-length", "content-type", "transfer-encoding", "user-agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request that was answered, or cut."""

    method: str
    route: str
    """Verb and path template as the API prints it, `storage`, or nothing for a path that does not exist."""
    path: str
    """With the query, as it came."""
    status: int
    """0 when the connection was cut instead."""
    headers: Mapping[str, str]
    """Names in lower case, and only those that tell something about a client; never the key."""
    with_key: bool
    """Whether an API key came along, right or wrong."""
    size: int
    """Bytes of the body that were read."""
    time: float
    """When it arrived, in seconds since the epoch, on the clock of the emulator."""

    def told(self) -> dict[str, object]:
        """Return it as JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Journal:
    """The latest requests, oldest first, in the order in which they were done with."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[Received] = deque(maxlen=limit)

    def __iter__(self) -> Iterator[Received]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, position: int) -> Received:
        return self._kept[position]

    def append(self, received: Received) -> None:
        """Write a request down, and forget the oldest if there are too many."""
        self._kept.append(received)

    def of(self, route: str) -> list[Received]:
        """Return the requests of one operation, for instance `POST /search`."""
        return [received for received in self._kept if received.route == route]

    def clear(self) -> None:
        """Forget all requests."""
        self._kept.clear()
