"""Responses: answers of an agent that has a knowledge store at hand, in conversations.

https://docs.twelvelabs.io/v1.3/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import Model

ResponseStatus = Literal["completed", "failed", "in_progress", "incomplete"]
"""How far a response is; `incomplete` is one that was cut."""

ResponseInclude = Literal["intermediate_outputs"]
"""What can be included: the steps on the way to the answer."""


@attrs.frozen(kw_only=True)
class ResponseInputItem(Model):
    """A message to the agent."""

    type: Literal["message"] = "message"
    """What it is."""
    role: Literal["user"] = "user"
    """Who says it."""
    content: str
    """Up to 10,000 characters; `{{sel:0}}` stands for the first selection."""


@attrs.frozen(kw_only=True)
class ResponseSelection(Model):
    """Something in the knowledge store that a message is about."""

    kind: Literal["item", "collection"]
    """What it is."""
    id: str
    """The item or the collection."""


@attrs.frozen(kw_only=True)
class TextFormat(Model):
    """The shape of an answer: plain text, or JSON by a schema."""

    type: Literal["text", "json_schema"] = "text"
    """Which of them; the fields below belong to `json_schema`."""
    name: str | None = None
    """What to call the schema; required."""
    description: str | None = None
    """What it is for."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema, of which the platform makes all properties required."""
    strict: bool | None = None
    """Reserved by the platform."""


@attrs.frozen(kw_only=True)
class TextParam(Model):
    """How an answer is to be written."""

    format: TextFormat | None = None
    """Its shape."""


@attrs.frozen(kw_only=True)
class ResponseAnnotation(Model):
    """What a stretch of an answer refers to."""

    type: Literal["video_citation", "image_citation", "collection_citation"]
    """Kind of what is cited."""
    start_index: int
    """First character of the mark within the text, from 0."""
    end_index: int
    """Last character of the mark: it is `text[start_index : end_index + 1]`."""
    item_id: str | None = None
    """The item of the knowledge store."""
    collection_id: str | None = None
    """The collection of items."""
    start_sec: float | None = None
    """Where the stretch begins, in seconds; None for all of the video."""
    end_sec: float | None = None
    """Where it ends, in seconds."""
    title: str | None = None
    """Name of what is cited."""
    thumbnail_url: str | None = None
    """A picture of it."""
    hls_url: str | None = None
    """Playlist (`.m3u8`) of the video."""


@attrs.frozen(kw_only=True)
class ResponseOutputContentPart(Model):
    """Some text of an answer."""

    type: Literal["output_text"] = "output_text"
    """What it is."""
    text: str = ""
    """The text."""
    annotations: tuple[ResponseAnnotation, ...] = ()
    """What it refers to."""


@attrs.frozen(kw_only=True)
class ResponseOutputItem(Model):
    """A message of the agent, or a step on the way to it."""

    type: Literal["message", "function_call", "function_call_output"]
    """Which of the fields below there are."""
    id: str | None = None
    """Identifier the platform gave it."""
    status: ResponseStatus | None = None
    """How far it is."""
    role: str | None = None
    """`assistant`, in a message."""
    content: tuple[ResponseOutputContentPart, ...] = ()
    """Text of a message."""
    name: str | None = None
    """Function that is called."""
    call_id: str | None = None
    """Joins a call and its output."""
    arguments: str | None = None
    """Arguments of a call, as JSON text."""
    output: str | None = None
    """What a call gave."""
    phase: str | None = None
    """`final_answer` (as None), or `commentary` on the way to it."""


@attrs.frozen(kw_only=True)
class ResponseUsage(Model):
    """What an answer cost."""

    input_tokens: int | None = None
    """Tokens read."""
    output_tokens: int | None = None
    """Tokens written."""


@attrs.frozen(kw_only=True)
class IncompleteDetails(Model):
    """Why an answer was cut."""

    reason: str
    """Machine-readable; the set is open."""


@attrs.frozen(kw_only=True)
class ResponseObject(Model):
    """An answer of the agent."""

    id: str | None = None
    """Identifier the platform gave it."""
    status: ResponseStatus
    """`completed`, or `incomplete` if it was cut."""
    session_id: str | None = None
    """The conversation: pass it along to go on with it."""
    knowledge_store_id: str | None = None
    """The knowledge store."""
    output: tuple[ResponseOutputItem, ...] = ()
    """Messages, and the steps on the way if they were asked for."""
    usage: ResponseUsage | None = None
    """What it cost."""
    created_at: datetime | None = None
    """When it was asked for."""
    incomplete_details: IncompleteDetails | None = None
    """Why it was cut; None unless it is `incomplete`."""
    type: str = "response"
    """What it is."""
    object: str | None = None
    """The same as `type`."""

    @property
    def text(self) -> str:
        """The answer itself, without what was said on the way to it."""
        return "".join(part.text for item in self.output if _is_answer(item) for part in item.content)


def _is_answer(item: ResponseOutputItem) -> bool:
    return item.type == "message" and item.phase in {None, "final_answer"}
