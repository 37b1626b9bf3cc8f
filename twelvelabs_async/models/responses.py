"""Responses: conversations with an agent that uses a knowledge store, and the events of streamed responses.

https://docs.twelvelabs.io/v1.3/api-reference/responses
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import attrs

from twelvelabs_async.models.common import Model, UnknownEvent

ResponseStatus = Literal["completed", "failed", "in_progress", "incomplete"]
"""Status of a response; `incomplete` means that it was truncated."""

ResponseInclude = Literal["intermediate_outputs"]
"""Additional output to include: the intermediate steps."""


@attrs.frozen(kw_only=True)
class ResponseInputItem(Model):
    """An input message."""

    type: Literal["message"] = "message"
    """The type of the object."""
    role: Literal["user"] = "user"
    """Role of the author."""
    content: str
    """Text, up to 10,000 characters; `{{sel:0}}` refers to the first selection."""


@attrs.frozen(kw_only=True)
class ResponseSelection(Model):
    """An item or collection of the knowledge store that a message refers to."""

    kind: Literal["item", "collection"]
    """The type of the object."""
    id: str
    """Id of the item or collection."""


@attrs.frozen(kw_only=True)
class TextFormat(Model):
    """Output format: plain text, or JSON that follows a schema."""

    type: Literal["text", "json_schema"] = "text"
    """Kind of format; the other fields apply to `json_schema` only."""
    name: str | None = None
    """Name of the schema; required for `json_schema`."""
    description: str | None = None
    """Description of the schema."""
    schema_: Mapping[str, Any] | None = attrs.field(default=None, metadata={"wire": "schema"})
    """JSON schema; the platform makes all properties required."""
    strict: bool | None = None
    """Reserved by the platform."""


@attrs.frozen(kw_only=True)
class JsonSchemaFormat(TextFormat):
    """JSON output that follows a schema; `type` is filled in."""

    type: Literal["json_schema"] = "json_schema"
    """Always `json_schema`."""


@attrs.frozen(kw_only=True)
class TextParam(Model):
    """The format of the output."""

    format: TextFormat | None = None
    """The format."""


@attrs.frozen(kw_only=True)
class ResponseAnnotation(Model):
    """A citation in the output text."""

    type: Literal["video_citation", "image_citation", "collection_citation"]
    """Kind of object that is cited."""
    start_index: int
    """Index of the first character of the marker in the text, from 0."""
    end_index: int
    """Index of the last character of the marker, which is `text[start_index : end_index + 1]`."""
    item_id: str | None = None
    """Id of the cited item."""
    collection_id: str | None = None
    """Id of the cited collection."""
    start_sec: float | None = None
    """Start of the cited segment in seconds; None for the whole video."""
    end_sec: float | None = None
    """End, in seconds."""
    title: str | None = None
    """Title of the cited object."""
    thumbnail_url: str | None = None
    """URL of a thumbnail."""
    hls_url: str | None = None
    """URL of the playlist (`.m3u8`) of the video."""


@attrs.frozen(kw_only=True)
class ResponseOutputContentPart(Model):
    """A text part of a message."""

    type: Literal["output_text"] = "output_text"
    """The type of the object."""
    text: str = ""
    """Result for the text."""
    annotations: tuple[ResponseAnnotation, ...] = ()
    """Citations."""


@attrs.frozen(kw_only=True)
class ResponseOutputItem(Model):
    """An output message, or an intermediate step."""

    type: Literal["message", "function_call", "function_call_output"]
    """Kind of output item, which says which of the following fields are set."""
    id: str | None = None
    """Unique id."""
    status: ResponseStatus | None = None
    """Current status."""
    role: str | None = None
    """Role of the author: `assistant` for a message."""
    content: tuple[ResponseOutputContentPart, ...] = ()
    """Parts of a message."""
    name: str | None = None
    """Name of the called function."""
    call_id: str | None = None
    """Id that links a call to its output."""
    arguments: str | None = None
    """Arguments of a call, as a JSON string."""
    output: str | None = None
    """Output of a call."""
    phase: str | None = None
    """`final_answer` (or None) for the answer, `commentary` for intermediate messages."""


@attrs.frozen(kw_only=True)
class ResponseUsage(Model):
    """Token usage of a response."""

    input_tokens: int | None = None
    """Number of input tokens."""
    output_tokens: int | None = None
    """Number of output tokens."""


@attrs.frozen(kw_only=True)
class IncompleteDetails(Model):
    """The reason why a response was truncated."""

    reason: str
    """Machine-readable reason; more may be added."""


@attrs.frozen(kw_only=True)
class ResponseObject(Model):
    """A response of the agent."""

    id: str | None = None
    """Unique id."""
    status: ResponseStatus
    """Current status: `completed`, or `incomplete` if it was truncated."""
    session_id: str | None = None
    """Id of the conversation; pass it to continue the conversation."""
    knowledge_store_id: str | None = None
    """Id of the knowledge store."""
    output: tuple[ResponseOutputItem, ...] = ()
    """Messages, and the intermediate steps if they were requested."""
    usage: ResponseUsage | None = None
    """Token usage."""
    created_at: datetime | None = None
    """When it was requested."""
    incomplete_details: IncompleteDetails | None = None
    """Reason why it was truncated; None unless the status is `incomplete`."""
    type: str = "response"
    """The type of the object."""
    object: str | None = None
    """Alias of `type`."""

    @property
    def text(self) -> str:
        """The text of the answer, without intermediate messages."""
        return "".join(part.text for item in self.output if _is_answer(item) for part in item.content)

    @property
    def plain_text(self) -> str:
        """The text of the answer without the marks of citations."""
        text, pieces, position = self.text, list[str](), 0
        for start, end in _mark_spans(text, self.citations()):
            piece = text[position:start]
            pieces.append(piece.rstrip(" ") if _SPACE_BEFORE_MARK_IS_SURPLUS.match(text, end) else piece)
            position = end
        return "".join([*pieces, text[position:]])

    def citations(self) -> tuple[Citation, ...]:
        """Return the citations in the text of the answer, in its order.

        The platform marks them in the text as `<vref>` and `<tref>` elements, or as `[1]` with annotations.

        Example:
            response = await client.responses.create(knowledge_store_id=store.id, input="What happens at the beach?")
            for citation in response.citations():
                print(citation.item_id, citation.start, citation.end)
        """
        found: list[Citation] = []
        offset = 0
        for item in self.output:
            if _is_answer(item):
                for part in item.content:
                    found += _citations_of(part, offset)
                    offset += len(part.text)
        return tuple(sorted(found, key=lambda citation: citation.text_start))


@attrs.frozen(kw_only=True)
class Citation(Model):
    """A reference in an answer to an item of the knowledge store, or to a segment of it."""

    item_id: str | None = None
    """Id of the item, such as `ksi_...`; None for a collection."""
    collection_id: str | None = None
    """Id of the collection; None for an item."""
    start: float | None = None
    """Start of the segment, in seconds; None if the whole item is cited."""
    end: float | None = None
    """End of the segment, in seconds."""
    text_start: int
    """Index of the first character of the mark: `response.text[text_start:text_end]`."""
    text_end: int
    """Index after the last character of the mark."""
    annotation: ResponseAnnotation | None = None
    """The annotation, with title and URLs, if there is one."""


_REFERENCE: Final = re.compile(r"<([vt]ref)\b([^<>]{0,500})>", re.IGNORECASE)
_REFERENCE_END: Final = re.compile(r"</[vt]ref\s*>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""([a-z_]{1,20})\s{0,3}=\s{0,3}\\?["']([^"'\\<>]{0,200})\\?["']""", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\[(\d{1,4})\]")
_SPACE_BEFORE_MARK_IS_SURPLUS: Final = re.compile(r"[\s.,;:!?)\]]|$")


def _citations_of(part: ResponseOutputContentPart, offset: int) -> Iterator[Citation]:
    annotated: set[int] = set()
    for annotation in part.annotations:
        annotated.add(annotation.start_index)
        yield _annotated(annotation, offset + annotation.start_index, offset + annotation.end_index + 1)
    for mark in _NUMBER.finditer(part.text):
        number = int(mark[1])
        if mark.start() not in annotated and 1 <= number <= len(part.annotations):
            yield _annotated(part.annotations[number - 1], offset + mark.start(), offset + mark.end())
    for mark in _REFERENCE.finditer(part.text):
        values = {name.lower(): value for name, value in _ATTRIBUTE.findall(mark[2])}
        if mark.start() not in annotated and values.get("id"):
            id = values["id"]
            closed = _REFERENCE_END.match(part.text, mark.end())
            yield Citation(
                item_id=id if id.startswith("ksi_") else f"ksi_{id}",
                start=_seconds(values.get("start")),
                end=_seconds(values.get("end")),
                text_start=offset + mark.start(),
                text_end=offset + (closed or mark).end(),
            )


def _annotated(annotation: ResponseAnnotation, start: int, end: int) -> Citation:
    return Citation(
        item_id=annotation.item_id,
        collection_id=annotation.collection_id,
        start=annotation.start_sec,
        end=annotation.end_sec,
        text_start=start,
        text_end=end,
        annotation=annotation,
    )


def _mark_spans(text: str, citations: tuple[Citation, ...]) -> list[tuple[int, int]]:
    """Return the parts of a text that are marks, without overlaps: those of citations, and elements without an id."""
    spans = [(citation.text_start, citation.text_end) for citation in citations]
    spans += [mark.span() for pattern in (_REFERENCE, _REFERENCE_END) for mark in pattern.finditer(text)]
    result: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _seconds(timecode: str | None) -> float | None:
    """Return the seconds of `SS`, `MM:SS` or `HH:MM:SS`; None for anything else."""
    seconds = 0.0
    try:
        for part in (timecode or "").split(":"):
            seconds = seconds * 60 + float(part)
    except ValueError:
        return None
    return seconds


def _is_answer(item: ResponseOutputItem) -> bool:
    return item.type == "message" and item.phase in {None, "final_answer"}


@attrs.frozen(kw_only=True)
class _Event(Model):
    """Base class of response events."""

    sequence_number: int | None = None
    """Sequence number; it increases, possibly with gaps."""


@attrs.frozen(kw_only=True)
class ResponseCreated(_Event):
    """The first event."""

    type: Literal["response.created"] = "response.created"
    """Event type."""
    response: ResponseObject | None = None
    """The response so far, with its ids only."""


@attrs.frozen(kw_only=True)
class ResponseInProgress(_Event):
    """The response is in progress."""

    type: Literal["response.in_progress"] = "response.in_progress"
    """Event type."""
    response: ResponseObject | None = None
    """The response so far."""


@attrs.frozen(kw_only=True)
class OutputItemAdded(_Event):
    """A new output item."""

    type: Literal["response.output_item.added"] = "response.output_item.added"
    """Event type."""
    output_index: int | None = None
    """Index in the output."""
    item: ResponseOutputItem | None = None
    """The item so far."""


@attrs.frozen(kw_only=True)
class OutputItemDone(_Event):
    """A complete output item."""

    type: Literal["response.output_item.done"] = "response.output_item.done"
    """Event type."""
    output_index: int | None = None
    """Index in the output."""
    item: ResponseOutputItem | None = None
    """The complete object."""


@attrs.frozen(kw_only=True)
class _PartEvent(_Event):
    """Base class of events about a part of a message."""

    item_id: str | None = None
    """Id of the message."""
    output_index: int | None = None
    """Index in the output."""
    content_index: int | None = None
    """Index of the part in the message."""


@attrs.frozen(kw_only=True)
class ContentPartAdded(_PartEvent):
    """A new part of a message."""

    type: Literal["response.content_part.added"] = "response.content_part.added"
    """Event type."""
    part: ResponseOutputContentPart | None = None
    """The item so far."""


@attrs.frozen(kw_only=True)
class ContentPartDone(_PartEvent):
    """A complete part of a message."""

    type: Literal["response.content_part.done"] = "response.content_part.done"
    """Event type."""
    part: ResponseOutputContentPart | None = None
    """The complete part, with citations."""


@attrs.frozen(kw_only=True)
class OutputTextDelta(_PartEvent):
    """A piece of the text."""

    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    """Event type."""
    delta: str = ""
    """Text that follows the earlier text of the same part."""


@attrs.frozen(kw_only=True)
class OutputTextDone(_PartEvent):
    """The complete text of a part."""

    type: Literal["response.output_text.done"] = "response.output_text.done"
    """Event type."""
    text: str = ""
    """The complete object."""


@attrs.frozen(kw_only=True)
class FunctionCallArgumentsDone(_Event):
    """The complete arguments of a function call."""

    type: Literal["response.function_call_arguments.done"] = "response.function_call_arguments.done"
    """Event type."""
    item_id: str | None = None
    """Id of the call."""
    output_index: int | None = None
    """Index in the output."""
    arguments: str | None = None
    """A JSON string."""


@attrs.frozen(kw_only=True)
class ResponseCompleted(_Event):
    """The last event of a response; check its status, it may be truncated."""

    type: Literal["response.completed"] = "response.completed"
    """Event type."""
    response: ResponseObject
    """The complete object."""


@attrs.frozen(kw_only=True)
class ResponseFailed(_Event):
    """The last event of a response that failed."""

    type: Literal["response.failed"] = "response.failed"
    """Event type."""
    response: ResponseObject | None = None
    """The response so far."""


@attrs.frozen(kw_only=True)
class Keepalive(_Event):
    """An event without data, which keeps the connection open."""

    type: Literal["keepalive"] = "keepalive"
    """Event type."""


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
"""An event of a streamed response."""
