"""Answers about what is in a knowledge store, as a whole or in a stream."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator import answering, conversing, prose
from twelvelabs_async.emulator.analyses import Json, Session
from twelvelabs_async.emulator.bodies import flag, objects, text
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.errors import choice, invalid, missing, unknown
from twelvelabs_async.emulator.schema_samples import is_sound
from twelvelabs_async.emulator.streaming import Stream, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twelvelabs_async.emulator.conversing import Answer
    from twelvelabs_async.emulator.world import World

MOST_CHARACTERS = 10_000
MOST_ENTRIES = 1000
PREFIXES = {"item": "ksi_", "collection": "ksic_"}
_SELECTED = re.compile(r"\{\{sel:(\d+)\}\}")
_DONE = b"data: [DONE]\n\n"
_KEEPALIVE = b": still here\n\n"


async def create(call: Call) -> Reply:
    """POST /responses."""
    world, body = call.world, await call.json()
    store = text(body, "knowledge_store_id")
    if store not in world.state.library.stores:
        raise unknown("knowledge store", store)
    question = _question(body)
    stream, steps = flag(body, "stream", default=False), _steps_wanted(body)
    schema = _schema(body)
    if body.get("instructions") is not None:
        text(body, "instructions")
    session = _session(world, body, store)
    settings = world.settings
    answer = conversing.answer(
        question,
        [item for item in world.state.library.items_of(store) if world.item_status(item) == "ready"],
        schema,
        storage_url=world.storage_url,
        seed=settings.seed,
        awkward=settings.awkward_streams,
    )
    turn = _Turn(world, session, question, answer, steps=steps)
    session.turns += 1
    return Reply(turn.stream(awkward=settings.awkward_streams) if stream else turn.whole())


def _question(body: Json) -> str:
    for entry in objects(body, "input", 1, MOST_ENTRIES):
        choice("input.type", entry.get("type"), ("message",))
        choice("input.role", entry.get("role"), ("user",))
        text(entry, "content", "input", most=MOST_CHARACTERS)
    selections = objects(body, "selections", 0, MOST_ENTRIES) if body.get("selections") is not None else []
    for selection in selections:
        kind = choice("selections.kind", selection.get("kind"), PREFIXES)
        if not text(selection, "id", "selections").startswith(PREFIXES[kind]):
            raise invalid("selections.id", f"the id of a selected {kind} begins with {PREFIXES[kind]}")
    question = "\n".join(entry["content"] for entry in body["input"])
    if any(int(number) >= len(selections) for number in _SELECTED.findall(question)):
        raise invalid("input.content", "it refers to a selection that is not there")
    return question


def _steps_wanted(body: Json) -> bool:
    include: Any = body.get("include") or []
    wanted = cast("list[Any]", include)
    if not isinstance(include, list):
        raise invalid("include", "it must be a list")
    return bool([choice("include", one, ("intermediate_outputs",)) for one in wanted])


def _schema(body: Json) -> Json | None:
    wanted = body.get("text")
    form = cast("Json", wanted).get("format") if isinstance(wanted, dict) else wanted
    if form is None:
        return None
    if not isinstance(form, dict):
        raise invalid("text", "it must be an object with a format")
    if choice("text.format.type", cast("Json", form).get("type"), ("text", "json_schema")) == "text":
        return None
    text(cast("Json", form), "name", "text.format")
    schema = cast("Json", form).get("schema")
    if schema is None:
        raise missing("text.format.schema")
    if not isinstance(schema, dict) or not is_sound(cast("Json", schema)):
        raise invalid("text.format.schema", "it must be a JSON schema")
    return cast("Json", schema)


def _session(world: World, body: Json, store: str) -> Session:
    sessions = world.state.analyses.sessions
    if body.get("session_id") is None:
        session = Session(id=world.state.ids.ordered("sess"), knowledge_store_id=store, created_at=world.now())
        sessions[session.id] = session
        return session
    found = sessions.get(text(body, "session_id"))
    if found is None:
        raise invalid("session_id", "there is no such session")
    if found.knowledge_store_id != store:
        raise invalid("session_id", "the session is about another knowledge store")
    return found


class _Turn:
    """A question with its answer."""

    def __init__(self, world: World, session: Session, question: str, answer: Answer, *, steps: bool) -> None:
        self._base = {
            "id": world.state.ids.ordered("resp"),
            "type": "response",
            "object": "response",
            "session_id": session.id,
            "knowledge_store_id": session.knowledge_store_id,
            "created_at": second(world.now()),
        }
        self._answer = answer
        self._name = f"{session.id}_{session.turns}"
        self._steps = self._search(question) if steps else []

    def _search(self, question: str) -> list[Json]:
        """Return the steps that led to the answer: somebody says so, and then searches."""
        call, cited = f"call_{self._name}", [one["item_id"] for one in self._answer.annotations]
        return [
            self._message(f"msg_{self._name}_step", "commentary", "Searching the knowledge store.", []),
            {
                "type": "function_call",
                "id": f"fc_{self._name}",
                "status": "completed",
                "name": "search_knowledge_store",
                "call_id": call,
                "arguments": json.dumps({"query": question}),
            },
            {
                "type": "function_call_output",
                "id": f"fco_{self._name}",
                "status": "completed",
                "call_id": call,
                "output": json.dumps({"items": cited}),
            },
        ]

    def _message(self, identifier: str, phase: str, content: str, annotations: list[Json]) -> Json:
        part = {"type": "output_text", "text": content, "annotations": annotations}
        status = "incomplete" if self._answer.cut and phase == "final_answer" else "completed"
        return {
            "type": "message",
            "id": identifier,
            "status": status,
            "role": "assistant",
            "phase": phase,
            "content": [part],
        }

    def whole(self) -> Json:
        """Return the answer in one."""
        answer = self._answer
        message = self._message(f"msg_{self._name}", "final_answer", answer.text, list(answer.annotations))
        return {
            **self._base,
            "status": message["status"],
            "incomplete_details": {"reason": "max_output_tokens"} if answer.cut else None,
            "output": [*self._steps, message],
            "usage": {"input_tokens": answer.input_tokens, "output_tokens": len(answer.tokens)},
        }

    def stream(self, *, awkward: bool) -> Stream:
        """Return the answer piece by piece."""
        events = [
            {**content, "sequence_number": number} for number, content in enumerate(self._events(awkward=awkward))
        ]
        frames = [event(_tag_first(content)) for content in events]
        failed = {"type": "response.failed", "response": self._unfinished("failed"), "sequence_number": len(events)}
        odd = [_KEEPALIVE] if awkward else []
        return Stream(
            "text/event-stream",
            (*frames[:2], *odd, *frames[2:], _DONE),
            end=2,
            failure=(event(_tag_first(failed)), _DONE),
        )

    def _unfinished(self, status: str) -> Json:
        return {**self._base, "status": status, "incomplete_details": None, "output": []}

    def _events(self, *, awkward: bool) -> Iterator[Json]:
        whole = self.whole()
        yield {"type": "response.created", "response": self._unfinished("in_progress")}
        yield {"type": "response.in_progress", "response": self._unfinished("in_progress")}
        if awkward:
            yield {"type": "keepalive"}
        for index, item in enumerate(whole["output"]):
            where = {"output_index": index}
            if item["type"] == "message":
                yield from _message_events(item, where)
                continue
            begun = item | {"status": "in_progress"} | ({"arguments": ""} if "arguments" in item else {})
            yield {"type": "response.output_item.added", **where, "item": begun}
            if item["type"] == "function_call":
                done = {"item_id": item["id"], **where, "arguments": item["arguments"]}
                yield {"type": "response.function_call_arguments.done", **done}
            yield {"type": "response.output_item.done", **where, "item": item}
        yield {"type": "response.completed", "response": whole}


def _message_events(item: Json, where: Json) -> Iterator[Json]:
    part: Json = item["content"][0]
    empty: Json = part | {"text": "", "annotations": []}
    place = {"item_id": item["id"], **where, "content_index": 0}
    begun: Json = item | {"status": "in_progress", "content": [empty]}
    yield {"type": "response.output_item.added", **where, "item": begun}
    yield {"type": "response.content_part.added", **place, "part": empty}
    for piece in answering.groups(prose.tokens(part["text"])):
        yield {"type": "response.output_text.delta", **place, "delta": piece}
    yield {"type": "response.output_text.done", **place, "text": part["text"]}
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", **where, "item": item}


def _tag_first(content: Json) -> Json:
    """Write type and number in front, as the API does."""
    return {name: content[name] for name in ("type", "sequence_number")} | content


OPERATIONS = (Operation("POST", "/responses", create),)
