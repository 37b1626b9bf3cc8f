"""Webhooks: who wants to know what happened, and what became of telling them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.hosts import is_loopback
from twelvelabs_async.emulator.state import DEFAULT

if TYPE_CHECKING:
    from twelvelabs_async.emulator.clock import Clock
    from twelvelabs_async.emulator.seeded import Ids

HEADER = "TL-Signature"
MOST_ATTEMPTS = 4
"""How often somebody is told who does not listen; the API's own number is not documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Somebody who wants to know."""

    url: str
    secret: str = field(repr=False)
    organisation: str
    """Whose tasks it is told of."""
    since: float
    """When it was added; what happened before is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a task."""

    task_id: str
    type: str
    at: float
    data: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """An event on its way to one endpoint."""

    endpoint: Endpoint
    event: Event
    event_id: str
    """The same for every attempt and for every endpoint."""
    body: bytes
    due: float
    """When the next attempt may be made."""
    attempts: int = 0
    delivered: bool = False
    last_error: str | None = None

    @property
    def open(self) -> bool:
        """Say whether there is more to be tried."""
        return not self.delivered and self.attempts < MOST_ATTEMPTS

    def told(self) -> dict[str, Any]:
        """Return it as task objects show it."""
        view = {"url": self.endpoint.url, "delivered": self.delivered, "attempts": self.attempts}
        return view if self.last_error is None else view | {"last_error": self.last_error}


class Webhooks:
    """The webhooks of one emulator.

    Args:
        ids: Where ids of events come from.
        clock: What decides about time.
        allow_remote: Whether other machines may be told.
        wake: Called when there is somebody to be told.
    """

    def __init__(self, ids: Ids, clock: Clock, *, allow_remote: bool, wake: Callable[[], None]) -> None:
        self._ids = ids
        self._clock = clock
        self._allow_remote = allow_remote
        self._wake = wake
        self._endpoints: list[Endpoint] = []
        self._seen: set[tuple[str, str]] = set()
        self.deliveries: list[Delivery] = []
        """All of them, oldest first."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All who want to know."""
        return tuple(self._endpoints)

    def add(self, url: str, *, secret: str, organisation: str = DEFAULT) -> Endpoint:
        """Tell a URL of every task of an organisation that ends from now on, signed with the secret.

        Raises:
            ValueError: It is on another machine.
        """
        host = urlsplit(url).hostname
        if not host or not (self._allow_remote or is_loopback(host)):
            raise ValueError(f"{url} is not on this machine")
        endpoint = Endpoint(url=url, secret=secret, organisation=organisation, since=self._clock.time())
        self._endpoints.append(endpoint)
        self._wake()
        return endpoint

    def remove(self, endpoint: Endpoint) -> None:
        """Tell it nothing more."""
        self._endpoints.remove(endpoint)
        for delivery in self.deliveries:
            if delivery.endpoint is endpoint and delivery.open:
                delivery.attempts = MOST_ATTEMPTS

    def clear(self) -> None:
        """Forget what was told; who wants to know stays."""
        self._seen.clear()
        self.deliveries.clear()

    def has_seen(self, task_id: str, type_: str) -> bool:
        """Say whether this has been noted before."""
        return (task_id, type_) in self._seen

    def note(self, event: Event, organisation: str) -> None:
        """Prepare to tell all in an organisation of an event, once."""
        if self.has_seen(event.task_id, event.type):
            return
        self._seen.add((event.task_id, event.type))
        identifier = self._ids.ordered("whe")
        content = {"id": identifier, "created_at": moment(event.at), "type": event.type, "data": event.data}
        body = json.dumps(content, ensure_ascii=False).encode()
        self.deliveries += [
            Delivery(endpoint=endpoint, event=event, event_id=identifier, body=body, due=event.at)
            for endpoint in self._endpoints
            if endpoint.organisation == organisation and event.at >= endpoint.since
        ]

    def told(self, task_id: str, organisation: str) -> list[dict[str, Any]]:
        """Return how far telling of a task has come, for every endpoint of its organisation."""
        found = {id(one.endpoint): one for one in self.deliveries if one.event.task_id == task_id}
        return [
            found[id(endpoint)].told()
            if id(endpoint) in found
            else {"url": endpoint.url, "delivered": False, "attempts": 0}
            for endpoint in self._endpoints
            if endpoint.organisation == organisation
        ]


def signature(body: bytes, secret: str, now: float) -> str:
    """Return the header that proves where a webhook comes from."""
    signed = f"{int(now)}.".encode() + body
    return f"t={int(now)},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
