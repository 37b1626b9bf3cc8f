"""Responses: questions about the content of a knowledge store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    optional_bool,
    optional_object_list,
    require_choice,
    required_object_list,
    required_string,
)
from twelvelabs_async.emulator._errors import invalid_parameter, missing_parameter, not_found
from twelvelabs_async.emulator._generation import analysis, chat
from twelvelabs_async.emulator._generation.chat import Answer
from twelvelabs_async.emulator._generation.structured import is_satisfiable
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Json, Session
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._streams import Stream, sse_event

MAX_INPUT_CHARACTERS = 10_000
MAX_ENTRIES = 1000
ID_PREFIXES = {"item": "ksi_", "collection": "ksic_"}
_SELECTION_REFERENCE = re.compile(r"\{\{sel:0*([0-9]+)\}\}")
_DONE = b"data: [DONE]\n\n"
_KEEPALIVE = b": still here\n\n"


async def create_response(context: RequestContext) -> ApiResponse:
    """POST /responses."""
    service, body = context.service, await context.json()
    store = required_string(body, "knowledge_store_id")
    if store not in service.state.knowledge.stores:
        raise not_found("knowledge store", store)
    question = _question(body)
    stream, steps = optional_bool(body, "stream", default=False), _include_steps(body)
    schema = _schema(body)
    if body.get("instructions") is not None:
        required_string(body, "instructions")
    session = _session(service, body, store)
    settings = service.settings
    answer = chat.answer_question(
        question,
        [item for item in service.state.knowledge.items_of(store) if progress.item_status(service, item) == "ready"],
        schema,
        service.answers.find("POST /responses", question, body),
        account_url=service.account_url,
        seed=settings.seed,
        multibyte=settings.fragment_streams,
    )
    builder = _ResponseBuilder(service, session, question, answer, steps=steps)
    session.turns += 1
    return ApiResponse(builder.stream(fragmented=settings.fragment_streams) if stream else builder.json())


def _question(body: Json) -> str:
    for entry in required_object_list(body, "input", 1, MAX_ENTRIES):
        require_choice("input.type", entry.get("type"), ("message",))
        require_choice("input.role", entry.get("role"), ("user",))
        required_string(entry, "content", "input", max_length=MAX_INPUT_CHARACTERS)
    selections = optional_object_list(body, "selections", 0, MAX_ENTRIES)
    for selection in selections:
        kind = require_choice("selections.kind", selection.get("kind"), ID_PREFIXES)
        if not required_string(selection, "id", "selections").startswith(ID_PREFIXES[kind]):
            raise invalid_parameter("selections.id", f"the id of a selected {kind} begins with {ID_PREFIXES[kind]}")
    question = "\n".join(entry["content"] for entry in body["input"])
    if any(len(number) > 9 or int(number) >= len(selections) for number in _SELECTION_REFERENCE.findall(question)):
        raise invalid_parameter("input.content", "it refers to a selection that does not exist")
    return question


def _include_steps(body: Json) -> bool:
    include: Any = body.get("include") or []
    entries = cast("list[Any]", include)
    if not isinstance(include, list):
        raise invalid_parameter("include", "it must be a list")
    return bool([require_choice("include", entry, ("intermediate_outputs",)) for entry in entries])


def _schema(body: Json) -> Json | None:
    text = body.get("text")
    value = cast("Json", text).get("format") if isinstance(text, dict) else text
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid_parameter("text", "it must be an object with a format")
    text_format = cast("Json", value)
    if require_choice("text.format.type", text_format.get("type"), ("text", "json_schema")) == "text":
        return None
    required_string(text_format, "name", "text.format")
    schema = text_format.get("schema")
    if schema is None:
        raise missing_parameter("text.format.schema")
    if not isinstance(schema, dict) or not is_satisfiable(cast("Json", schema)):
        raise invalid_parameter("text.format.schema", "it must be a JSON schema")
    return cast("Json", schema)


def _session(service: Service, body: Json, store: str) -> Session:
    sessions = service.state.analyses.sessions
    if body.get("session_id") is None:
        session = Session(id=service.state.ids.prefixed_id("sess"), knowledge_store_id=store)
        sessions[session.id] = session
        return session
    existing = sessions.get(required_string(body, "session_id"))
    if existing is None:
        raise invalid_parameter("session_id", "unknown session")
    if existing.knowledge_store_id != store:
        raise invalid_parameter("session_id", "the session belongs to another knowledge store")
    return existing


class _ResponseBuilder:
    """Builds the response to a question, as a whole or as a stream."""

    def __init__(self, service: Service, session: Session, question: str, answer: Answer, *, steps: bool) -> None:
        self._base = {
            "id": service.state.ids.prefixed_id("resp"),
            "type": "response",
            "object": "response",
            "session_id": session.id,
            "knowledge_store_id": session.knowledge_store_id,
            "created_at": rfc3339_seconds(service.now()),
        }
        self._answer = answer
        self._turn_id = f"{session.id}_{session.turns}" if session.turns else session.id
        self._steps = self._search_steps(question) if steps else []

    def _search_steps(self, question: str) -> list[Json]:
        """Return the intermediate outputs: a comment, a call of the search function, and its output."""
        call, cited = f"call_{self._turn_id}", [entry["item_id"] for entry in self._answer.annotations]
        return [
            self._message(f"msg_{self._turn_id}_step", "commentary", "Searching the knowledge store.", []),
            {
                "type": "function_call",
                "id": f"fc_{self._turn_id}",
                "status": "completed",
                "name": "search_knowledge_store",
                "call_id": call,
                "arguments": json.dumps({"query": question}),
            },
            {
                "type": "function_call_output",
                "id": f"fco_{self._turn_id}",
                "status": "completed",
                "call_id": call,
                "output": json.dumps({"items": cited}),
            },
        ]

    def _message(self, identifier: str, phase: str, content: str, annotations: list[Json]) -> Json:
        part = {"type": "output_text", "text": content, "annotations": annotations}
        status = "incomplete" if self._answer.truncated and phase == "final_answer" else "completed"
        return {
            "type": "message",
            "id": identifier,
            "status": status,
            "role": "assistant",
            "phase": phase,
            "content": [part],
        }

    def json(self) -> Json:
        """Return the complete response."""
        answer = self._answer
        message = self._message(f"msg_{self._turn_id}", "final_answer", answer.text, list(answer.annotations))
        return {
            **self._base,
            "status": message["status"],
            "incomplete_details": {"reason": "max_output_tokens"} if answer.truncated else None,
            "output": [*self._steps, message],
            "usage": {"input_tokens": answer.input_tokens, "output_tokens": len(answer.tokens)},
        }

    def stream(self, *, fragmented: bool) -> Stream:
        """Return the response as a stream of events."""
        events = [
            {**content, "sequence_number": number} for number, content in enumerate(self._events(fragmented=fragmented))
        ]
        frames = [sse_event(_type_first(content)) for content in events]
        failed = {"type": "response.failed", "response": self._without_output("failed"), "sequence_number": len(events)}
        extra_frames = [_KEEPALIVE] if fragmented else []
        return Stream(
            "text/event-stream",
            (*frames[:2], *extra_frames, *frames[2:], _DONE),
            terminal_frames=2,
            error_frames=(sse_event(_type_first(failed)), _DONE),
        )

    def _without_output(self, status: str) -> Json:
        return {**self._base, "status": status, "incomplete_details": None, "output": []}

    def _events(self, *, fragmented: bool) -> Iterator[Json]:
        whole = self.json()
        yield {"type": "response.created", "response": self._without_output("in_progress")}
        yield {"type": "response.in_progress", "response": self._without_output("in_progress")}
        if fragmented:
            yield {"type": "keepalive"}
        for index, item in enumerate(whole["output"]):
            position = {"output_index": index}
            if item["type"] == "message":
                yield from _message_events(item, position)
                continue
            started = item | {"status": "in_progress"} | ({"arguments": ""} if "arguments" in item else {})
            yield {"type": "response.output_item.added", **position, "item": started}
            if item["type"] == "function_call":
                done = {"item_id": item["id"], **position, "arguments": item["arguments"]}
                yield {"type": "response.function_call_arguments.done", **done}
            yield {"type": "response.output_item.done", **position, "item": item}
        yield {"type": "response.completed", "response": whole}


def _message_events(item: Json, position: Json) -> Iterator[Json]:
    part: Json = item["content"][0]
    empty: Json = part | {"text": "", "annotations": []}
    place = {"item_id": item["id"], **position, "content_index": 0}
    started: Json = item | {"status": "in_progress", "content": [empty]}
    yield {"type": "response.output_item.added", **position, "item": started}
    yield {"type": "response.content_part.added", **place, "part": empty}
    for delta in analysis.stream_chunks(analysis.tokenize(part["text"])):
        yield {"type": "response.output_text.delta", **place, "delta": delta}
    yield {"type": "response.output_text.done", **place, "text": part["text"]}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", **position, "item": item}


def _type_first(content: Json) -> Json:
    """Return the event with type and sequence number first, as in the API."""
    return {name: content[name] for name in ("type", "sequence_number")} | content


OPERATIONS = (Operation("POST", "/responses", create_response),)
