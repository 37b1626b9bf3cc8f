"""Webhook endpoints, events and deliveries of an emulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._net import is_loopback
from twelvelabs_async.emulator._state.deterministic import IdGenerator
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION
from twelvelabs_async.emulator.clock import Clock

_MAX_ATTEMPTS = 4
"""Maximum number of attempts per delivery; the platform does not document its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that receives webhooks."""

    url: str
    secret: str = field(repr=False)
    organization: str
    """The organization whose tasks it receives events about."""
    added_at: float
    """When it was added; earlier events are not delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """An event: a task has ended."""

    task_id: str
    type: str
    occurred_at: float
    data: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The delivery of an event to one endpoint."""

    endpoint: Endpoint
    event: WebhookEvent
    event_id: str
    """Id of the event; equal for all attempts and endpoints."""
    body: bytes
    next_attempt_at: float
    """Earliest time of the next attempt."""
    attempts: int = 0
    delivered: bool = False
    last_error: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether there will be more attempts."""
        return not self.delivered and self.attempts < _MAX_ATTEMPTS

    def to_json(self) -> dict[str, Any]:
        """Return the delivery status as it appears in task objects."""
        view = {"url": self.endpoint.url, "delivered": self.delivered, "attempts": self.attempts}
        return view if self.last_error is None else view | {"last_error": self.last_error}


class Webhooks:
    """The webhooks of an emulator.

    Args:
        ids: Generates event ids.
        clock: The emulator's clock.
        allow_remote: Whether endpoints may be on other machines.
        wake: Called after an endpoint is added.
    """

    def __init__(self, ids: IdGenerator, clock: Clock, *, allow_remote: bool, wake: Callable[[], None]) -> None:
        self._ids = ids
        self._clock = clock
        self._allow_remote = allow_remote
        self._wake = wake
        self._endpoints: list[Endpoint] = []
        self._recorded: set[tuple[str, str]] = set()
        self.deliveries: list[Delivery] = []
        """All deliveries, oldest first."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints."""
        return tuple(self._endpoints)

    def add(self, url: str, *, secret: str, organization: str = DEFAULT_ORGANIZATION) -> Endpoint:
        """Add an endpoint that receives an event for every task of an organization that ends from now on.

        Args:
            url: URL of the endpoint.
            secret: Key of the signature in the `TL-Signature` header.
            organization: The organization whose tasks it receives events about.

        Raises:
            ValueError: The URL is on another machine.

        Example:
            from twelvelabs_async.emulator import Emulator

            async with Emulator() as emulator:
                emulator.webhooks.add("http://127.0.0.1:8080/webhook", secret="secret")
        """
        host = urlsplit(url).hostname
        if not host or not (self._allow_remote or is_loopback(host)):
            raise ValueError(f"webhook URL {url} is not on this machine; pass allow_remote=True to the emulator")
        endpoint = Endpoint(url=url, secret=secret, organization=organization, added_at=self._clock.time())
        self._endpoints.append(endpoint)
        self._wake()
        return endpoint

    def remove(self, endpoint: Endpoint) -> None:
        """Remove an endpoint and cancel its pending deliveries.

        Example:
            from twelvelabs_async.emulator import Emulator

            async with Emulator() as emulator:
                endpoint = emulator.webhooks.add("http://127.0.0.1:8080/webhook", secret="secret")
                emulator.webhooks.remove(endpoint)
        """
        self._endpoints.remove(endpoint)
        for delivery in self.deliveries:
            if delivery.endpoint is endpoint and delivery.is_pending:
                delivery.attempts = _MAX_ATTEMPTS

    def clear(self) -> None:
        """Remove all endpoints, deliveries and recorded events.

        Example:
            emulator.webhooks.clear()
            print(emulator.webhooks.endpoints)  # ()
        """
        self._endpoints.clear()
        self._recorded.clear()
        self.deliveries.clear()

    def has_recorded(self, task_id: str, type_: str) -> bool:
        """Whether an event of this type has been recorded for a task."""
        return (task_id, type_) in self._recorded

    def record(self, event: WebhookEvent, organization: str) -> None:
        """Create the deliveries of an event to an organization's endpoints."""
        self._recorded.add((event.task_id, event.type))
        event_id = self._ids.prefixed_id("whe")
        content = {
            "id": event_id,
            "created_at": rfc3339_millis(event.occurred_at),
            "type": event.type,
            "data": event.data,
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        self.deliveries += [
            Delivery(endpoint=endpoint, event=event, event_id=event_id, body=body, next_attempt_at=event.occurred_at)
            for endpoint in self._endpoints
            if endpoint.organization == organization and event.occurred_at >= endpoint.added_at
        ]

    def delivery_status(self, task_id: str, organization: str) -> list[dict[str, Any]]:
        """Return the delivery status of a task for every endpoint of its organization."""
        found = {id(one.endpoint): one for one in self.deliveries if one.event.task_id == task_id}
        return [
            found[id(endpoint)].to_json()
            if id(endpoint) in found
            else {"url": endpoint.url, "delivered": False, "attempts": 0}
            for endpoint in self._endpoints
            if endpoint.organization == organization
        ]
