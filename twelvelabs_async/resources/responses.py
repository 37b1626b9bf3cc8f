"""Responses: conversations with an agent that uses a knowledge store, and the events of streamed responses.

https://docs.twelvelabs.io/v1.3/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from typing_extensions import override

from twelvelabs_async._arguments import checked_id, omit_none
from twelvelabs_async._core.executor import StreamingExecutor
from twelvelabs_async._core.stream_decoders import (
    SSE_MEDIA_TYPE,
    EventProtocol,
    ServerSentEventsDecoder,
    failure_message,
    unknown_event,
)
from twelvelabs_async._core.validation import checked_items, checked_mapping, checked_sequence, checked_text
from twelvelabs_async._http.errors import message_in
from twelvelabs_async.errors import ProcessingFailedError
from twelvelabs_async.models.common import ObjectLike, UnknownEvent
from twelvelabs_async.models.responses import (
    ContentPartAdded,
    ContentPartDone,
    FunctionCallArgumentsDone,
    Keepalive,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    OutputTextDone,
    ResponseCompleted,
    ResponseCreated,
    ResponseEvent,
    ResponseFailed,
    ResponseInclude,
    ResponseInProgress,
    ResponseInputItem,
    ResponseObject,
    ResponseSelection,
    TextParam,
)
from twelvelabs_async.requests import Request
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.streaming import TextStream

InputLike = Sequence[ResponseInputItem | ObjectLike] | str
"""Messages as models or dicts, or the text of a single message."""

SelectionLike = ResponseSelection | ObjectLike
"""A `ResponseSelection`, or a dict with its fields."""

TextParamLike = TextParam | ObjectLike
"""A `TextParam`, or a dict with its fields."""


class ResponseStream(TextStream[ResponseEvent]):
    """A streamed response: iterate over it, or await `text()` or `final()`.

    If intermediate steps are included, `text()` contains their messages, too; `final().text` is the answer alone.
    """

    def __init__(self, executor: StreamingExecutor, request: Request[Any]) -> None:
        super().__init__(executor, request, _RESPONSE_PROTOCOL, ServerSentEventsDecoder(), accept=SSE_MEDIA_TYPE)
        self._latest: ResponseObject | None = None

    @property
    def latest(self) -> ResponseObject | None:
        """The last known state of the response: first its ids, in the end all of it."""
        return self._latest

    async def final(self) -> ResponseObject:
        """Read the stream to its end and return the complete response. Check its status: it may be truncated.

        Raises:
            StreamError: The stream broke off or failed; `text` of the error has what was received.

        Example:
            stream = client.responses.create_stream(knowledge_store_id=store.id, input="What happens at the beach?")
            response = await stream.final()
            print(response.status)  # completed
        """
        await self._read_to_end()
        assert self._latest is not None  # noqa: S101  # the final event, which ends the stream, has it
        return self._latest

    @override
    def _on_event(self, event: ResponseEvent) -> None:
        if isinstance(event, ResponseCreated | ResponseInProgress | ResponseCompleted):
            self._latest = event.response or self._latest

    @override
    def _usage(self) -> object:
        return None if self._latest is None else self._latest.usage


class Responses(Resource):
    """Responses of an agent that uses a knowledge store."""

    async def create(
        self,
        *,
        knowledge_store_id: str,
        input: InputLike,
        model: str | None = None,
        session_id: str | None = None,
        instructions: str | None = None,
        include: Sequence[ResponseInclude] | None = None,
        selections: Sequence[SelectionLike] | None = None,
        text: TextParamLike | None = None,
    ) -> ResponseObject:
        """Return a complete response. This may take minutes; the default deadline is 600 s.

        The request is not retried, because each repetition would add messages to the conversation.

        Args:
            knowledge_store_id: Id of the knowledge store.
            input: The input message or messages.
            model: Name of the model; the documentation names none. None uses the platform's default.
            session_id: Id of the conversation to continue, from an earlier response; None starts a new one.
            instructions: Instructions for the agent.
            include: Additional output to include.
            selections: Items or collections that the input refers to.
            text: Format of the output.

        Raises:
            ProcessingFailedError: The response failed.
            APIError: With `ambiguous`, the message may have been added to the conversation.

        API: `POST /responses`

        Example:
            response = await client.responses.create(knowledge_store_id=store.id, input="What happens at the beach?")
            print(response.plain_text, response.session_id)
        """
        body = _body(
            knowledge_store_id=knowledge_store_id,
            input=input,
            model=model,
            session_id=session_id,
            instructions=instructions,
            include=include,
            selections=selections,
            text=text,
        )
        response = await self._send(
            "POST", "/responses", ResponseObject, {**body, "stream": False}, retry_class="non_idempotent"
        )
        if response.status == "failed":
            raise _processing_error(response)
        return response

    def create_stream(
        self,
        *,
        knowledge_store_id: str,
        input: InputLike,
        model: str | None = None,
        session_id: str | None = None,
        instructions: str | None = None,
        include: Sequence[ResponseInclude] | None = None,
        selections: Sequence[SelectionLike] | None = None,
        text: TextParamLike | None = None,
    ) -> ResponseStream:
        """Stream a response. Sends nothing until it is entered, iterated or awaited; it is never retried.

        Args:
            knowledge_store_id: Id of the knowledge store.
            input: The input message or messages.
            model: Name of the model; the documentation names none. None uses the platform's default.
            session_id: Id of the conversation to continue, from an earlier response; None starts a new one.
            instructions: Instructions for the agent.
            include: Additional output to include.
            selections: Items or collections that the input refers to.
            text: Format of the output.

        Raises:
            StreamError: Raised while reading: the stream broke off or failed; `text` of the error has what was
                received.

        API: `POST /responses`

        Example:
            stream = client.responses.create_stream(knowledge_store_id=store.id, input="What happens at the beach?")
            async for event in stream:
                if isinstance(event, OutputTextDelta):
                    print(event.delta, end="")
        """
        body = _body(
            knowledge_store_id=knowledge_store_id,
            input=input,
            model=model,
            session_id=session_id,
            instructions=instructions,
            include=include,
            selections=selections,
            text=text,
        )
        request = Request[dict[str, Any]](
            method="POST",
            path_template="/responses",
            response_type=dict,
            retry_class="non_idempotent",
            json={**body, "stream": True},
        )
        return ResponseStream(self._executor, request)


def _body(
    *,
    knowledge_store_id: str,
    input: InputLike,
    include: Sequence[ResponseInclude] | None,
    selections: Sequence[SelectionLike] | None,
    **fields: Any,
) -> dict[str, Any]:
    messages = (ResponseInputItem(content=input),) if isinstance(input, str) else checked_items("input", input)
    for message in messages:
        checked_text("input", checked_mapping("input", message).get("content", ""))
    return omit_none(
        knowledge_store_id=checked_id("knowledge_store_id", knowledge_store_id),
        input=messages,
        include=checked_sequence("include", include),
        selections=checked_sequence("selections", selections),
        **fields,
    )


def _processing_error(response: ResponseObject) -> ProcessingFailedError:
    reason = _reason(response)
    return ProcessingFailedError(
        message=f"response {response.id} failed" + (f": {reason}" if reason else ""),
        resource_type="response",
        id=response.id or "",
        status=response.status,
        reason=reason,
        last_seen=response,
    )


def _reason(response: ResponseObject | None) -> str:
    """Return the platform's reason for a failed response, or an empty string."""
    error: Any = response.extra.get("error") if response is not None else None
    return (message_in({"error": error}) if error else None) or ""


def _event_text(event: ResponseEvent) -> str:
    return event.delta if isinstance(event, OutputTextDelta) else ""


def _event_error(event: ResponseEvent) -> str:
    match event:
        case ResponseFailed():
            reason = _reason(event.response) or message_in(event.extra) or "no reason given"
            return f"the response failed: {reason}"
        case UnknownEvent():
            return failure_message(event)
        case _:
            return ""


_RESPONSE_PROTOCOL: Final = EventProtocol[ResponseEvent](
    type_field="type",
    event_types={
        "response.created": ResponseCreated,
        "response.in_progress": ResponseInProgress,
        "response.output_item.added": OutputItemAdded,
        "response.output_item.done": OutputItemDone,
        "response.content_part.added": ContentPartAdded,
        "response.content_part.done": ContentPartDone,
        "response.output_text.delta": OutputTextDelta,
        "response.output_text.done": OutputTextDone,
        "response.function_call_arguments.done": FunctionCallArgumentsDone,
        "response.completed": ResponseCompleted,
        "response.failed": ResponseFailed,
        "keepalive": Keepalive,
    },
    make_unknown=unknown_event,
    terminal_types=frozenset({"response.completed", "response.failed"}),
    text_of=_event_text,
    error_of=_event_error,
)
