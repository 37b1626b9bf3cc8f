"""Responses: answers of an agent that has a knowledge store at hand, in conversations.

https://docs.twelvelabs.io/v1.3/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from typing_extensions import override

from twelvelabs_async.api import Road
from twelvelabs_async.errors import InvalidInputError, ProcessingFailedError
from twelvelabs_async.frames import SSE, ServerSentEvents
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.models.response_events import (
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
    ResponseInProgress,
)
from twelvelabs_async.models.responses import (
    ResponseInclude,
    ResponseInputItem,
    ResponseObject,
    ResponseSelection,
    TextParam,
)
from twelvelabs_async.request import Request, checked_id, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several
from twelvelabs_async.streams import Grammar, TextStream, failure_told, unknown_event

InputLike = Sequence[ResponseInputItem | Mapping[str, Any]] | str
"""Messages to the agent, the same as dicts, or the text of one message."""

SelectionLike = ResponseSelection | Mapping[str, Any]
"""Something in the knowledge store, or the same as a dict."""

TextLike = TextParam | Mapping[str, Any]
"""How an answer is to be written, or the same as a dict."""


class ResponseStream(TextStream[ResponseEvent]):
    """An answer while it is written: iterate over it, or await `text()` or `final()`.

    Where the steps on the way are included, `text()` has what was said on it, too; `final().text` is the answer alone.
    """

    def __init__(self, road: Road, request: Request[Any]) -> None:
        super().__init__(road, request, GRAMMAR, ServerSentEvents(), accept=SSE)
        self._latest: ResponseObject | None = None

    @property
    def latest(self) -> ResponseObject | None:
        """The response as the stream told it last: its identifiers at first, all of it at the end."""
        return self._latest

    async def final(self) -> ResponseObject:
        """The response as a whole, read to the end of the stream. Look at its status: it may have been cut.

        Raises:
            StreamError: It broke off, or failed; the text so far is on the error.
        """
        await self._exhaust()
        assert self._latest is not None  # noqa: S101  # the last event, without which there is no end, has it
        return self._latest

    @override
    def _note(self, event: ResponseEvent) -> None:
        if isinstance(event, ResponseCreated | ResponseInProgress | ResponseCompleted):
            self._latest = event.response or self._latest


class Responses(Resource):
    """Answers of an agent that has a knowledge store at hand."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._road = road

    async def create(
        self,
        *,
        knowledge_store_id: str,
        input: InputLike,
        session_id: str | None = None,
        instructions: str | None = None,
        include: Sequence[ResponseInclude] | None = None,
        selections: Sequence[SelectionLike] | None = None,
        text: TextLike | None = None,
    ) -> ResponseObject:
        """An answer as a whole. It may take minutes: the deadline is 600 s unless you set one.

        It is not repeated by itself: each repetition would be a further turn of the conversation.

        Args:
            knowledge_store_id: The knowledge store.
            input: What to answer.
            session_id: The conversation to go on with, from an earlier response; None begins one.
            instructions: How to answer.
            include: Steps on the way to the answer, to be shown, too.
            selections: Items or collections that the input is about.
            text: Shape of the answer.

        Raises:
            ProcessingFailedError: There is no answer.
            APIError: With `ambiguous`, the question may have been asked all the same.
        """
        body = _body(
            knowledge_store_id=knowledge_store_id,
            input=input,
            session_id=session_id,
            instructions=instructions,
            include=include,
            selections=selections,
            text=text,
        )
        response = await self._post("/responses", ResponseObject, retry="unsafe", json={**body, "stream": False})
        if response.status == "failed":
            raise _failed(response)
        return response

    def create_stream(
        self,
        *,
        knowledge_store_id: str,
        input: InputLike,
        session_id: str | None = None,
        instructions: str | None = None,
        include: Sequence[ResponseInclude] | None = None,
        selections: Sequence[SelectionLike] | None = None,
        text: TextLike | None = None,
    ) -> ResponseStream:
        """An answer while it is written. Sends nothing until entered, iterated or awaited; never repeated.

        Args:
            knowledge_store_id: The knowledge store.
            input: What to answer.
            session_id: The conversation to go on with, from an earlier response; None begins one.
            instructions: How to answer.
            include: Steps on the way to the answer, to be shown, too.
            selections: Items or collections that the input is about.
            text: Shape of the answer.

        Example:
            async for event in client.responses.create_stream(knowledge_store_id="ks_...", input="What happens?"):
                if isinstance(event, OutputTextDelta): print(event.delta, end="")
        """
        body = _body(
            knowledge_store_id=knowledge_store_id,
            input=input,
            session_id=session_id,
            instructions=instructions,
            include=include,
            selections=selections,
            text=text,
        )
        request = Request[dict[str, Any]](
            method="POST", template="/responses", into=dict, retry="unsafe", json={**body, "stream": True}
        )
        return ResponseStream(self._road, request)


def _body(
    *,
    knowledge_store_id: str,
    input: InputLike,
    include: Sequence[ResponseInclude] | None,
    selections: Sequence[SelectionLike] | None,
    **fields: Any,
) -> dict[str, Any]:
    messages = [ResponseInputItem(content=input)] if isinstance(input, str) else list(input)
    if not messages or not all(_content(message).strip() for message in messages):
        raise InvalidInputError("input is empty")
    return given(
        knowledge_store_id=checked_id(knowledge_store_id, "knowledge_store_id"),
        input=messages,
        include=several("include", include),
        selections=several("selections", selections),
        **fields,
    )


def _content(message: ResponseInputItem | Mapping[str, Any]) -> str:
    return message.content if isinstance(message, ResponseInputItem) else str(message.get("content") or "")


def _failed(response: ResponseObject) -> ProcessingFailedError:
    reason = _reason(response)
    return ProcessingFailedError(
        message=f"response {response.id} failed" + (f": {reason}" if reason else ""),
        resource="response",
        id=response.id or "",
        status=response.status,
        reason=reason,
        last=response,
    )


def _reason(response: ResponseObject | None) -> str:
    """Why there is no answer, in the words of the platform if it has any."""
    told: Any = response.extra.get("error") if response is not None else None
    words: Any = cast("dict[str, Any]", told).get("message") if isinstance(told, dict) else told
    return str(words or "")


def _text(event: ResponseEvent) -> str:
    return event.delta if isinstance(event, OutputTextDelta) else ""


def _failure(event: ResponseEvent) -> str:
    match event:
        case ResponseFailed():
            return f"the response failed: {_reason(event.response) or 'the platform gives no reason'}"
        case UnknownEvent():
            return failure_told(event)
        case _:
            return ""


GRAMMAR: Final = Grammar[ResponseEvent](
    tag="type",
    kinds={
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
    other=unknown_event,
    last=frozenset({"response.completed", "response.failed"}),
    text=_text,
    failure=_failure,
)
