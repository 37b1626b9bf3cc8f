"""Methods of the resources send the requests that `tests/data/operations.toml` lists.

Each method is called with a value for every parameter, generated from its type hint. A recorder takes the place of the
executor and keeps the request.
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
    "analyze_async.tasks.wait_for_all": "polls a list",
    "analyze_async.tasks.wait_for_done": "repeats retrieve",
    "assets.temporary": "uploads, and deletes afterwards",
    "assets.upload": "chooses between operations by the size of the file",
    "assets.wait_for_all": "polls a list",
    "assets.wait_for_done": "repeats retrieve",
    "assets.wait_for_transcription": "repeats retrieve_transcription",
    "embed.tasks.create_bulk": "repeats create",
    "embed.tasks.wait_for_all": "polls a list",
    "embed.tasks.wait_for_done": "repeats status",
    "embed.v_2.tasks.wait_for_all": "polls a list",
    "embed.v_2.tasks.wait_for_done": "repeats retrieve",
    "entity_collections.entities.wait_for_done": "repeats retrieve",
    "imports.wait_for_done": "repeats retrieve_import",
    "indexes.ensure": "lists, creates and retrieves",
    "indexes.indexed_assets.wait_for_all": "polls a list",
    "indexes.indexed_assets.wait_for_done": "repeats retrieve",
    "knowledge_store_items.wait_for_all": "polls a list",
    "knowledge_store_items.wait_for_done": "repeats retrieve",
    "multipart_upload.upload_file": "performs all steps",
    "multipart_upload.wait_for_upload_completion": "repeats retrieve",
    "search.query_with_videos": "searches, and retrieves the videos",
    "tasks.create_bulk": "repeats create",
    "tasks.wait_for_all": "polls a list",
    "tasks.wait_for_done": "repeats retrieve",
}
"""Methods that send the requests of several operations, and what they do."""

SAME_OPERATION = {
    "analyze.create": "analyze_stream",  # a method of this client; the response is not streamed
    "analyze_stream.create": "analyze_stream",  # a method of this client
    "multipart_upload.retrieve": "multipart_upload.get_status",  # returns the counters; get_status returns the chunks
    "responses.create": "responses.create_stream",  # the response is not streamed
    "search.query": "search.create",  # returns all pages; create returns one
}
"""Methods that send the same request as another method."""

REQUIRED_HERE = {
    "indexes.indexed_assets.update": {"user_metadata"},  # the API accepts an update without a change
    "indexes.videos.update": {"user_metadata"},
}
"""Parameters that are required although the API does not require them."""

FIXED_FIELDS: dict[str, dict[str, Any]] = {
    "analyze.create": {"stream": False},
    "analyze_stream.create": {"stream": True},
    "responses.create": {"stream": False},
    "responses.create_stream": {"stream": True},
}
"""Body fields with a fixed value."""

ADDED_PARAMETERS = {
    "analyze.create": {"schema", "attempts"},  # sets the response_format, and retries after invalid JSON
    "responses.create": {"model"},  # existing programs send it; the description lacks it
    "responses.create_stream": {"model"},
    "search.create": {"query_media_files", "query_media_urls"},  # aliases of two parameters
    "search.query": {"query_media_files", "query_media_urls"},
}
"""Parameters that the API does not have."""

INPUT_ALTERNATIVES: list[dict[str, Any]] = [
    {"image": None, "prompt_v_2": None},
    {"image": None, "prompt": None},
    {"video": None, "prompt_v_2": None},
]
"""Arguments that select one of the alternative inputs of an analysis."""

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


def one_input_each(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return arguments with one input at a time, and its `input_type`."""
    return [
        {"input_type": kind, **{name: value if name == kind else None for name, value in inputs.items()}}
        for kind in inputs
    ]


ALTERNATIVES: dict[str, list[dict[str, Any]]] = {
    "analyze.create": INPUT_ALTERNATIVES,
    "analyze_async.tasks.create": INPUT_ALTERNATIVES,
    "analyze_stream.create": INPUT_ALTERNATIVES,
    "assets.create": [{"method": "direct", "url": None}, {"method": "url", "file": None}],
    "embed.tasks.create": [{"video_url": None}, {"video_file": None}],
    "embed.v_2.create": one_input_each(INPUTS),
    "embed.v_2.tasks.create": one_input_each(TASK_INPUTS),
    "tasks.create": [{"video_url": None}, {"video_file": None}],
}
"""Arguments of several calls that together have a value for every parameter, where parameters exclude each other."""

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLER_KEY = "key_of_the_caller"


class RequestRecorded(Exception):  # noqa: N818  # ends the call and is not an error
    """Carries the recorded request."""


class RecordingExecutor:
    """Takes the place of the executor, and raises RequestRecorded with each request."""

    clock = SystemClock()
    options = Options()
    redactor = Redactor()

    async def execute(self, request: Request[Any]) -> Any:
        raise RequestRecorded(request)

    async def open_stream(self, request: Request[Any], *, accept: str) -> Any:
        del accept
        raise RequestRecorded(request)


def public_methods() -> Iterator[str]:
    for group, resource in GROUPS.items():
        yield from (
            f"{group}.{name}"
            for name, member in vars(resource).items()
            if inspect.isfunction(member) and name[0] != "_"
        )


METHODS = sorted(set(public_methods()) - HELPERS.keys())
"""Public methods that perform one operation."""


def facts_of(method: str) -> Facts:
    return FACTS[SAME_OPERATION.get(method, method)]


def function_of(method: str) -> Any:
    group, _, name = method.rpartition(".")
    return getattr(GROUPS[group], name)


def parameters_of(method: str) -> dict[str, inspect.Parameter]:
    member = dict(inspect.signature(function_of(method)).parameters)
    return {
        name: parameter
        for name, parameter in member.items()
        if name not in {"self", "unsupported", *ADDED_PARAMETERS.get(method, ())}
    }


def header_names(facts: Facts) -> set[str]:
    return {name.replace("-", "_").lower() for name in facts.get("header", ())}


def path_variables(call: str) -> set[str]:
    return {part[1:-1].replace("-", "_") for part in call.split("/") if part.startswith("{")}


def sample_value(hint: Any, name: str, number: int) -> Any:
    """Return a value for a parameter; strings contain the name of the parameter."""
    kinds, origin = get_args(hint), get_origin(hint)
    if name.endswith("file") and "url" not in name:
        return name.encode()
    if origin in {Union, types.UnionType}:
        return sample_value(next(kind for kind in kinds if kind is not types.NoneType), name, number)
    if origin is Literal:
        return kinds[0]
    if origin in {Sequence, tuple, list}:
        return [sample_value(kinds[0], name, number)]
    if origin in {Mapping, dict}:
        return {CALLER_KEY: sample_value(kinds[1], name, number)}
    if hint is str:
        return f"https://{name}.example" if "url" in name else f"some_{name}"
    if attrs.has(hint):
        fields = {field: kind for field, kind in get_type_hints(hint).items() if field != "extra"}
        return hint(**{field: sample_value(kind, field, number) for field, kind in fields.items()})
    simple = {int: number, float: number + 0.5, bool: number % 2 == 0, bytes: name.encode(), datetime: TIME, Any: name}
    return simple[hint]


def generate_arguments(method: str) -> Iterator[dict[str, Any]]:
    """Yield arguments for calls that together set every parameter, and each boolean to true and to false."""
    hints = get_type_hints(function_of(method))
    for first in (1, 2):
        numbered = enumerate(parameters_of(method), start=first)
        everything = {name: sample_value(hints[name], name, number) for number, name in numbered}
        yield from ({**everything, **choice} for choice in ALTERNATIVES.get(method, [{}]))


async def recorded_request(method: str, arguments: Mapping[str, Any]) -> Request[Any]:
    group, _, name = method.rpartition(".")
    resource = GROUPS[group](cast("Any", RecordingExecutor()))
    deprecated = facts_of(method).get("deprecated", False)
    with pytest.deprecated_call(match="; use ") if deprecated else nullcontext():
        call = getattr(resource, name)(**arguments)
    with pytest.raises(RequestRecorded) as caught:
        await (call.__aenter__() if isinstance(call, EventStream) else call)
    return cast("Request[Any]", caught.value.args[0])


def literals(hint: Any) -> set[str]:
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set[str]().union(*(literals(kind) for kind in get_args(hint)))


def expected_pairs(name: str, value: Any) -> set[tuple[str, str]]:
    """Return the query pairs of an argument; user metadata has the keys of the caller."""
    plain = to_dict(value)
    return set(query_pairs(plain if name == "user_metadata" else {name: plain}))


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_sends_the_request_of_its_operation(method: str) -> None:
    """Method, path, kind of body and retry class are those of the operation."""
    facts = facts_of(method)
    for arguments in generate_arguments(method):
        request = await recorded_request(method, arguments)
        assert request.operation == facts["call"]
        assert request.retry_class == facts["retry"]
        assert (request.form is not None) is facts.get("form", False)
        assert (request.json is not None) is ("body" in facts and "form" not in facts)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_accepts_the_parameters_of_its_operation(method: str) -> None:
    facts = facts_of(method)
    expected = path_variables(facts["call"]) | header_names(facts) | {*facts.get("query", ()), *facts.get("body", ())}
    actual = {SDK_FIELD_NAMES.get(name, name) for name in parameters_of(method)}
    assert actual == expected - FIXED_FIELDS.get(method, {}).keys()


@pytest.mark.parametrize("method", METHODS)
def test_a_method_requires_the_required_parameters_of_its_operation(method: str) -> None:
    facts = facts_of(method)
    required = {name for name, parameter in parameters_of(method).items() if parameter.default is parameter.empty}
    assert required == path_variables(facts["call"]) | {*facts.get("required", ())} | REQUIRED_HERE.get(method, set())


@pytest.mark.parametrize("method", METHODS)
def test_path_parameters_are_positional_and_all_others_keyword_only(method: str) -> None:
    actual = {name for name, parameter in parameters_of(method).items() if parameter.kind is parameter.KEYWORD_ONLY}
    assert actual == parameters_of(method).keys() - path_variables(facts_of(method)["call"])


@pytest.mark.parametrize("method", METHODS)
def test_literal_types_match_the_values_of_the_operation(method: str) -> None:
    """Editors complete exactly the values that the API accepts."""
    hints = get_type_hints(function_of(method))
    actual = {name: literals(hints[name]) for name in parameters_of(method)}
    expected = {name: set(values) for name, values in facts_of(method).get("values", {}).items()}
    assert {name: values for name, values in actual.items() if values} == expected


@pytest.mark.parametrize("method", METHODS)
async def test_every_argument_is_sent_in_its_part_of_the_request(method: str) -> None:
    """No argument is lost, swapped with another, or added."""
    facts, sent_arguments = facts_of(method), set[str]()
    for arguments in generate_arguments(method):
        request = await recorded_request(method, arguments)
        remaining = {name: value for name, value in arguments.items() if value is not None}
        sent_arguments |= remaining.keys()
        path = {name: remaining.pop(name) for name in path_variables(facts["call"])}
        assert {name.replace("-", "_"): value for name, value in request.path_params.items()} == path
        query = {name: remaining.pop(name) for name in facts.get("query", ()) if name in remaining}
        pairs = [expected_pairs(name, value) for name, value in query.items()]
        assert set(query_pairs(request.query)) == set[tuple[str, str]]().union(*pairs)
        header = {name: remaining.pop(name) for name in header_names(facts)}
        assert {name.replace("-", "_").lower(): value for name, value in request.headers.items()} == header
        sent = {SDK_FIELD_NAMES.get(name, name): expected_field(request, value) for name, value in remaining.items()}
        assert body_of(request) == {**sent, **FIXED_FIELDS.get(method, {})}
    assert sent_arguments == parameters_of(method).keys()


def body_of(request: Request[Any]) -> dict[str, Any]:
    """Return the fields of a body; form fields are lists of strings and bytes."""
    if request.form is None:
        return to_dict(request.json) or {}
    fields: dict[str, Any] = {}
    for name, text in request.form.fields:
        fields.setdefault(name, []).append(text)
    for file in request.form.files:
        fields.setdefault(file.name, []).append(file.content)
    return fields


def expected_field(request: Request[Any], value: Any) -> Any:
    """Return the expected value of the body field of an argument."""
    if request.form is None:
        return to_dict(value)
    if isinstance(value, Mapping):
        return [json.dumps(value, separators=(",", ":"))]
    if isinstance(value, bytes):
        return [value]
    return [text for _, text in query_pairs({"": value})]


def test_the_methods_cover_every_operation() -> None:
    assert {SAME_OPERATION.get(method, method) for method in METHODS} == FACTS.keys()


def test_every_method_has_a_scenario() -> None:
    assert {method: scenario.operation for method, scenario in SCENARIOS.items()} == {
        m: SAME_OPERATION.get(m, m) for m in METHODS
    }


def test_special_case_lists_contain_only_existing_methods() -> None:
    """A list of exceptions that is longer than necessary could hide an error."""
    assert {*HELPERS, *SAME_OPERATION, *REQUIRED_HERE, *FIXED_FIELDS, *ADDED_PARAMETERS, *ALTERNATIVES} <= set(
        public_methods()
    )
