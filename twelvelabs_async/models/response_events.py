"""Events of a response that is streamed.

https://docs.twelvelabs.io/v1.3/api-reference/responses
"""

from __future__ import annotations

from typing import Literal

import attrs

from twelvelabs_async.models.common import Model, UnknownEvent
from twelvelabs_async.models.responses import ResponseObject, ResponseOutputContentPart, ResponseOutputItem


@attrs.frozen(kw_only=True)
class _Event(Model):
    """What all events have."""

    sequence_number: int | None = None
    """Rises from event to event; there may be gaps."""


@attrs.frozen(kw_only=True)
class ResponseCreated(_Event):
    """The first event."""

    type: Literal["response.created"] = "response.created"
    """Tells this from other events."""
    response: ResponseObject | None = None
    """The response so far: nothing but its identifiers."""


@attrs.frozen(kw_only=True)
class ResponseInProgress(_Event):
    """The agent is at work."""

    type: Literal["response.in_progress"] = "response.in_progress"
    """Tells this from other events."""
    response: ResponseObject | None = None
    """The response so far."""


@attrs.frozen(kw_only=True)
class OutputItemAdded(_Event):
    """A message or a step begins."""

    type: Literal["response.output_item.added"] = "response.output_item.added"
    """Tells this from other events."""
    output_index: int | None = None
    """Its place in the output."""
    item: ResponseOutputItem | None = None
    """What is known of it."""


@attrs.frozen(kw_only=True)
class OutputItemDone(_Event):
    """A message or a step is complete."""

    type: Literal["response.output_item.done"] = "response.output_item.done"
    """Tells this from other events."""
    output_index: int | None = None
    """Its place in the output."""
    item: ResponseOutputItem | None = None
    """All of it."""


@attrs.frozen(kw_only=True)
class _PartEvent(_Event):
    """What events about one part of a message have."""

    item_id: str | None = None
    """The message."""
    output_index: int | None = None
    """Its place in the output."""
    content_index: int | None = None
    """Place of the part in the message."""


@attrs.frozen(kw_only=True)
class ContentPartAdded(_PartEvent):
    """A part of a message begins."""

    type: Literal["response.content_part.added"] = "response.content_part.added"
    """Tells this from other events."""
    part: ResponseOutputContentPart | None = None
    """What is known of it."""


@attrs.frozen(kw_only=True)
class ContentPartDone(_PartEvent):
    """A part of a message is complete."""

    type: Literal["response.content_part.done"] = "response.content_part.done"
    """Tells this from other events."""
    part: ResponseOutputContentPart | None = None
    """All of it, with what it refers to."""


@attrs.frozen(kw_only=True)
class OutputTextDelta(_PartEvent):
    """Some more text."""

    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    """Tells this from other events."""
    delta: str = ""
    """It continues what came before in the same part."""


@attrs.frozen(kw_only=True)
class OutputTextDone(_PartEvent):
    """The text of a part is complete."""

    type: Literal["response.output_text.done"] = "response.output_text.done"
    """Tells this from other events."""
    text: str = ""
    """All of it."""


@attrs.frozen(kw_only=True)
class FunctionCallArgumentsDone(_Event):
    """The arguments of a step are complete."""

    type: Literal["response.function_call_arguments.done"] = "response.function_call_arguments.done"
    """Tells this from other events."""
    item_id: str | None = None
    """The step."""
    output_index: int | None = None
    """Its place in the output."""
    arguments: str | None = None
    """JSON text."""


@attrs.frozen(kw_only=True)
class ResponseCompleted(_Event):
    """The last event of an answer; look at the status, it may have been cut."""

    type: Literal["response.completed"] = "response.completed"
    """Tells this from other events."""
    response: ResponseObject
    """All of it."""


@attrs.frozen(kw_only=True)
class ResponseFailed(_Event):
    """The last event when there is no answer."""

    type: Literal["response.failed"] = "response.failed"
    """Tells this from other events."""
    response: ResponseObject | None = None
    """What there is of it."""


@attrs.frozen(kw_only=True)
class Keepalive(_Event):
    """Nothing new; the agent is still at work."""

    type: Literal["keepalive"] = "keepalive"
    """Tells this from other events."""


ResponseEvent = (
    ResponseCreated
    | ResponseInProgress
    | OutputItemAdded
    | OutputItemDone
    | ContentPartAdded
    | ContentPartDone
    | OutputTextDelta
    | OutputTextDone
    | FunctionCallArgumentsDone
    | ResponseCompleted
    | ResponseFailed
    | Keepalive
    | UnknownEvent
)
"""What a streamed response consists of."""
