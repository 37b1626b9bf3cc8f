"""Every method of the resources, held to the facts about its operation.

Each is called with an argument for every parameter, made up from its type hints, and a recorder in place of the road.
What it would have sent is compared with `tests/data/operations.toml`.
"""

from __future__ import annotations

import inspect
import json
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import attrs
import pytest
from scenarios import SCENARIOS

from twelvelabs_async._arguments import query_pairs
from twelvelabs_async._codec.converter import to_dict
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._options import Options
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.models._interop import SDK_FIELD_NAMES
from twelvelabs_async.requests import Request
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.resources.analyze import Analyze, AnalyzeStreaming
from twelvelabs_async.resources.analyze_async import AnalysisBatches, AnalysisTasks
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.data_connectors import DataConnectors, Imports
from twelvelabs_async.resources.embed import Embed, EmbedTasks, EmbedV2, EmbedV2Tasks
from twelvelabs_async.resources.entity_collections import Entities, EntityCollections
from twelvelabs_async.resources.indexed_assets import IndexedAssets, Videos
from twelvelabs_async.resources.indexes import Indexes
from twelvelabs_async.resources.knowledge_stores import (
    KnowledgeStoreItemCollections,
    KnowledgeStoreItems,
    KnowledgeStores,
)
from twelvelabs_async.resources.multipart_upload import MultipartUpload
from twelvelabs_async.resources.responses import Responses
from twelvelabs_async.resources.search import Search
from twelvelabs_async.resources.tasks import Tasks
from twelvelabs_async.streaming import EventStream

Facts = dict[str, Any]

FACTS: dict[str, Facts] = tomllib.loads((Path(__file__).parents[1] / "data" / "operations.toml").read_text("utf-8"))

GROUPS: dict[str, type[Resource]] = {
    "analyze": Analyze,
    "analyze_async.batches": AnalysisBatches,
    "analyze_async.tasks": AnalysisTasks,
    "analyze_stream": AnalyzeStreaming,
    "assets": Assets,
    "data_connectors": DataConnectors,
    "embed": Embed,
    "embed.tasks": EmbedTasks,
    "embed.v_2": EmbedV2,
    "embed.v_2.tasks": EmbedV2Tasks,
    "entity_collections": EntityCollections,
    "entity_collections.entities": Entities,
    "imports": Imports,
    "indexes": Indexes,
    "indexes.indexed_assets": IndexedAssets,
    "indexes.videos": Videos,
    "knowledge_store_item_collections": KnowledgeStoreItemCollections,
    "knowledge_store_items": KnowledgeStoreItems,
    "knowledge_stores": KnowledgeStores,
    "multipart_upload": MultipartUpload,
    "responses": Responses,
    "search": Search,
    "tasks": Tasks,
}

HELPERS = {
    "analyze_async.batches.wait_for_done": "repeats retrieve",
    "analyze_async.tasks.wait_for_all": "reads lists again and again",
    "analyze_async.tasks.wait_for_done": "repeats retrieve",
    "assets.temporary": "uploads, and deletes afterwards",
    "assets.upload": "chooses between operations by the size of the file",
    "assets.wait_for_all": "reads lists again and again",
    "assets.wait_for_done": "repeats retrieve",
    "assets.wait_for_transcription": "repeats retrieve_transcription",
    "embed.tasks.create_bulk": "repeats create",
    "embed.tasks.wait_for_all": "reads lists again and again",
    "embed.tasks.wait_for_done": "repeats status",
    "embed.v_2.tasks.wait_for_all": "reads lists again and again",
    "embed.v_2.tasks.wait_for_done": "repeats retrieve",
    "entity_collections.entities.wait_for_done": "repeats retrieve",
    "imports.wait_for_done": "repeats retrieve_import",
    "indexes.ensure": "looks, creates, and looks again",
    "indexes.indexed_assets.wait_for_all": "reads lists again and again",
    "indexes.indexed_assets.wait_for_done": "repeats retrieve",
    "knowledge_store_items.wait_for_all": "reads lists again and again",
    "knowledge_store_items.wait_for_done": "repeats retrieve",
    "multipart_upload.upload_file": "performs all steps",
    "multipart_upload.wait_for_upload_completion": "repeats retrieve",
    "search.query_with_videos": "searches, and looks the videos up",
    "tasks.create_bulk": "repeats create",
    "tasks.wait_for_all": "reads lists again and again",
    "tasks.wait_for_done": "repeats retrieve",
}
"""Methods that are no operation, and what they are."""

ALSO = {
    "analyze.create": "analyze_stream",  # the client's own method; the answer comes in one piece
    "analyze_stream.create": "analyze_stream",  # the client's own method
    "multipart_upload.retrieve": "multipart_upload.get_status",  # the counters, where get_status walks the chunks
    "responses.create": "responses.create_stream",  # the answer comes in one piece
    "search.query": "search.create",  # all pages, where create is one
}
"""Methods that send what another one sends."""

STRICTER = {
    "indexes.indexed_assets.update": {"user_metadata"},  # the API takes a change of nothing
    "indexes.videos.update": {"user_metadata"},
}
"""Parameters we require although the API does not."""

FIXED: dict[str, dict[str, Any]] = {
    "analyze.create": {"stream": False},
    "analyze_stream.create": {"stream": True},
    "responses.create": {"stream": False},
    "responses.create_stream": {"stream": True},
}
"""Fields of a body that a method fills by itself."""

OUR_OWN = {
    "analyze.create": {"schema", "attempts"},  # makes the response_format, and repeats a damaged response
    "responses.create": {"model"},  # programs send it, and the description does not know it
    "responses.create_stream": {"model"},
    "search.create": {"query_media_files", "query_media_urls"},  # other names of two parameters
    "search.query": {"query_media_files", "query_media_urls"},
}
"""Parameters the API does not know."""

SUBJECTS: list[dict[str, Any]] = [
    {"image": None, "prompt_v_2": None},
    {"image": None, "prompt": None},
    {"video": None, "prompt_v_2": None},
]
"""Ways to say what to analyze."""

FILE = {"media_source": {"url": "https://x.example/a"}}
INPUTS: dict[str, Any] = {
    "text": {"input_text": "x"},
    "image": FILE,
    "text_image": {**FILE, "input_text": "x"},
    "audio": FILE,
    "video": FILE,
    "multi_input": {"input_text": "x", "media_sources": [{"media_type": "image", "asset_id": "x"}]},
}
TASK_INPUTS: dict[str, Any] = {"audio": FILE, "video": FILE, "document": FILE, "image": FILE}


def one_of(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each input by itself, under the name that `input_type` gives it."""
    return [
        {"input_type": kind, **{name: value if name == kind else None for name, value in inputs.items()}}
        for kind in inputs
    ]


CHOICES: dict[str, list[dict[str, Any]]] = {
    "analyze.create": SUBJECTS,
    "analyze_async.tasks.create": SUBJECTS,
    "analyze_stream.create": SUBJECTS,
    "assets.create": [{"method": "direct", "url": None}, {"method": "url", "file": None}],
    "embed.tasks.create": [{"video_url": None}, {"video_file": None}],
    "embed.v_2.create": one_of(INPUTS),
    "embed.v_2.tasks.create": one_of(TASK_INPUTS),
    "tasks.create": [{"video_url": None}, {"video_file": None}],
}
"""Arguments for calls that between them give every parameter, where some exclude each other."""

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWN_KEY = "key_of_the_caller"


class Sent(Exception):  # noqa: N818  # it is how the recorder stops, no error
    """Carries what would have been sent."""


class Recorder:
    """Stands where the road would be, keeps the request, and stops."""

    clock = SystemClock()
    options = Options()
    redactor = Redactor()

    async def execute(self, request: Request[Any]) -> Any:
        raise Sent(request)

    async def open_stream(self, request: Request[Any], *, accept: str) -> Any:
        del accept
        raise Sent(request)


def methods() -> Iterator[str]:
    for group, resource in GROUPS.items():
        yield from (
            f"{group}.{name}" for name, found in vars(resource).items() if inspect.isfunction(found) and name[0] != "_"
        )


METHODS = sorted(set(methods()) - HELPERS.keys())
"""Every public method that is an operation."""


def facts_of(method: str) -> Facts:
    return FACTS[ALSO.get(method, method)]


def function(method: str) -> Any:
    group, _, name = method.rpartition(".")
    return getattr(GROUPS[group], name)


def parameters(method: str) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(function(method)).parameters)
    return {
        name: parameter
        for name, parameter in found.items()
        if name not in {"self", "unsupported", *OUR_OWN.get(method, ())}
    }


def headers(facts: Facts) -> set[str]:
    return {name.replace("-", "_").lower() for name in facts.get("header", ())}


def variables(call: str) -> set[str]:
    return {part[1:-1].replace("-", "_") for part in call.split("/") if part.startswith("{")}


def made_up(hint: Any, name: str, number: int) -> Any:
    """A value for a parameter, which tells by itself where it came from."""
    kinds, origin = get_args(hint), get_origin(hint)
    if name.endswith("file") and "url" not in name:
        return name.encode()
    if origin in {Union, types.UnionType}:
        return made_up(next(kind for kind in kinds if kind is not types.NoneType), name, number)
    if origin is Literal:
        return kinds[0]
    if origin in {Sequence, tuple, list}:
        return [made_up(kinds[0], name, number)]
    if origin in {Mapping, dict}:
        return {OWN_KEY: made_up(kinds[1], name, number)}
    if hint is str:
        return f"https://{name}.example" if "url" in name else f"some_{name}"
    if attrs.has(hint):
        fields = {field: kind for field, kind in get_type_hints(hint).items() if field != "extra"}
        return hint(**{field: made_up(kind, field, number) for field, kind in fields.items()})
    simple = {int: number, float: number + 0.5, bool: number % 2 == 0, bytes: name.encode(), datetime: TIME, Any: name}
    return simple[hint]


def arguments(method: str) -> Iterator[dict[str, Any]]:
    """Arguments for each call that it takes to give every parameter, with each boolean once true and once false."""
    hints = get_type_hints(function(method))
    for first in (1, 2):
        numbered = enumerate(parameters(method), start=first)
        everything = {name: made_up(hints[name], name, number) for number, name in numbered}
        yield from ({**everything, **choice} for choice in CHOICES.get(method, [{}]))


async def sent_by(method: str, arguments: Mapping[str, Any]) -> Request[Any]:
    group, _, name = method.rpartition(".")
    resource = GROUPS[group](cast("Any", Recorder()))
    deprecated = facts_of(method).get("deprecated", False)
    with pytest.deprecated_call(match="; use ") if deprecated else nullcontext():
        called = getattr(resource, name)(**arguments)
    with pytest.raises(Sent) as stopped:
        await (called.__aenter__() if isinstance(called, EventStream) else called)
    return cast("Request[Any]", stopped.value.args[0])


def literals(hint: Any) -> set[str]:
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set[str]().union(*(literals(kind) for kind in get_args(hint)))


def in_query(name: str, value: Any) -> set[tuple[str, str]]:
    """Pairs that a query should hold for an argument; keys of the caller's own stand by themselves."""
    plain = to_dict(value)
    return set(query_pairs(plain if name == "user_metadata" else {name: plain}))


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_sends_the_request_of_its_operation(method: str) -> None:
    """Verb, path, kind of body and what a repetition does are those of the API."""
    facts = facts_of(method)
    for given in arguments(method):
        request = await sent_by(method, given)
        assert request.operation == facts["call"]
        assert request.retry_class == facts["retry"]
        assert (request.form is not None) is facts.get("form", False)
        assert (request.json is not None) is ("body" in facts and "form" not in facts)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_accepts_the_parameters_of_its_operation(method: str) -> None:
    facts = facts_of(method)
    known = variables(facts["call"]) | headers(facts) | {*facts.get("query", ()), *facts.get("body", ())}
    named = {SDK_FIELD_NAMES.get(name, name) for name in parameters(method)}
    assert named == known - FIXED.get(method, {}).keys()


@pytest.mark.parametrize("method", METHODS)
def test_a_method_requires_the_required_parameters_of_its_operation(method: str) -> None:
    facts = facts_of(method)
    required = {name for name, parameter in parameters(method).items() if parameter.default is parameter.empty}
    assert required == variables(facts["call"]) | {*facts.get("required", ())} | STRICTER.get(method, set())


@pytest.mark.parametrize("method", METHODS)
def test_path_parameters_are_positional_and_all_others_keyword_only(method: str) -> None:
    named = {name for name, parameter in parameters(method).items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert named == parameters(method).keys() - variables(facts_of(method)["call"])


@pytest.mark.parametrize("method", METHODS)
def test_literal_types_match_the_values_of_the_operation(method: str) -> None:
    """Completion in an editor shows exactly the values the API takes."""
    hints = get_type_hints(function(method))
    named = {name: literals(hints[name]) for name in parameters(method)}
    known = {name: set(values) for name, values in facts_of(method).get("values", {}).items()}
    assert {name: values for name, values in named.items() if values} == known


@pytest.mark.parametrize("method", METHODS)
async def test_every_argument_is_sent_in_its_part_of_the_request(method: str) -> None:
    """No argument is dropped on the way, takes the place of another, or is added to what the caller said."""
    facts, arrived = facts_of(method), set[str]()
    for given in arguments(method):
        request = await sent_by(method, given)
        passed = {name: value for name, value in given.items() if value is not None}
        arrived |= passed.keys()
        path = {name: passed.pop(name) for name in variables(facts["call"])}
        assert {name.replace("-", "_"): value for name, value in request.path_params.items()} == path
        query = {name: passed.pop(name) for name in facts.get("query", ()) if name in passed}
        pairs = [in_query(name, value) for name, value in query.items()]
        assert set(query_pairs(request.query)) == set[tuple[str, str]]().union(*pairs)
        header = {name: passed.pop(name) for name in headers(facts)}
        assert {name.replace("-", "_").lower(): value for name, value in request.headers.items()} == header
        sent = {SDK_FIELD_NAMES.get(name, name): as_sent(request, value) for name, value in passed.items()}
        assert body_of(request) == {**sent, **FIXED.get(method, {})}
    assert arrived == parameters(method).keys()


def body_of(request: Request[Any]) -> dict[str, Any]:
    """A body by the names of its fields; those of a form as lists of texts and bytes."""
    if request.form is None:
        return to_dict(request.json) or {}
    fields: dict[str, Any] = {}
    for name, text in request.form.fields:
        fields.setdefault(name, []).append(text)
    for file in request.form.files:
        fields.setdefault(file.name, []).append(file.content)
    return fields


def as_sent(request: Request[Any], value: Any) -> Any:
    """An argument as its field should hold it."""
    if request.form is None:
        return to_dict(value)
    if isinstance(value, Mapping):
        return [json.dumps(value, separators=(",", ":"))]
    if isinstance(value, bytes):
        return [value]
    return [text for _, text in query_pairs({"": value})]


def test_the_methods_cover_every_operation() -> None:
    assert {ALSO.get(method, method) for method in METHODS} == FACTS.keys()


def test_every_method_has_a_scenario() -> None:
    assert {method: scenario.operation for method, scenario in SCENARIOS.items()} == {
        m: ALSO.get(m, m) for m in METHODS
    }


def test_special_case_lists_contain_only_existing_methods() -> None:
    """A list of exceptions that outlives its reasons hides the next mistake."""
    assert {*HELPERS, *ALSO, *STRICTER, *FIXED, *OUR_OWN, *CHOICES} <= set(methods())
