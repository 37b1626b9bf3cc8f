"""Use of models and the client with the standard library, pydantic, FastAPI and notebooks."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import pickle
import tomllib
from array import array
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints
from unittest.mock import create_autospec

import attrs
import pytest

from twelvelabs_async import AsyncTwelveLabs, ClientStateError, EmbeddingView, Model, Page, TwelveLabs, from_dict
from twelvelabs_async._page_readers import body_token_reader, page_number_reader, page_token_reader
from twelvelabs_async._rate_limit.limiter import RateLimiter
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.embeddings import EmbeddedSegment
from twelvelabs_async.ingest import IngestResult, Summary
from twelvelabs_async.models import EmbeddingData, Index, PickerToken, SearchHit, SearchItem, SystemMetadata, Video
from twelvelabs_async.requests import Request

PUBLIC: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "docs" / "public.toml").read_text("utf-8"))


def public_objects() -> Iterator[tuple[str, Any]]:
    for module in PUBLIC["modules"]:
        module_object = importlib.import_module(f"twelvelabs_async.{module['name']}")
        for name in (*module.get("top", ()), *module.get("names", ())):
            yield f"{module['name']}.{name}", getattr(module_object, name)


CLASSES = {name: value for name, value in public_objects() if inspect.isclass(value)}
DATA_CLASSES = {name: kind for name, kind in CLASSES.items() if attrs.has(kind) and not issubclass(kind, Exception)}


def index(**fields: Any) -> Index:
    return from_dict({"_id": "i", "index_name": "films", "models": [], **fields}, Index)


# The standard library.


def public_callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in public_objects():
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value) and dict not in value.__mro__ and is_own(value):  # a dict has no signature
            yield name, value
            yield from ((f"{name}.{key}", method) for key, method in own_methods(value))


def is_own(kind: type[Any]) -> bool:
    return kind.__module__.startswith("twelvelabs_async")


def own_methods(kind: type[Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods that the class and its bases in this package define."""
    for base in kind.__mro__:
        if is_own(base):
            for key, value in vars(base).items():
                method = inspect.unwrap(getattr(value, "__func__", value))
                if not key.startswith("_") and inspect.isfunction(method):
                    yield key, method


def test_the_signature_of_each_public_callable_can_be_evaluated() -> None:
    """Web frameworks and command line libraries evaluate signatures."""
    names = dict(public_callables())
    failures: dict[str, str] = {}
    for name, function in names.items():
        try:
            parameters = inspect.signature(function, eval_str=True).parameters.values()
            assert not [parameter.name for parameter in parameters if isinstance(parameter.annotation, str)]
        except Exception as error:  # noqa: BLE001  # any exception is a failure
            failures[name] = repr(error)
    assert len(names) > 600
    assert failures == {}


def test_annotations_outside_of_signatures_can_be_evaluated() -> None:
    raw: Any = inspect.getattr_static(AsyncTwelveLabs, "with_raw_response")
    assert inspect.signature(raw.fget, eval_str=True).return_annotation.__name__ == "RawResponses"
    assert get_type_hints(SystemClock) == {}


def contains_unhashable(kind: Any) -> bool:
    outer = get_origin(kind) or kind
    return outer in (dict, list, set, Mapping, MutableMapping, array) or any(
        contains_unhashable(inner) for inner in get_args(kind)
    )


def test_unhashable_containers_are_excluded_from_the_hash() -> None:
    """Models exclude them by value."""
    for name, kind in DATA_CLASSES.items():
        if not issubclass(kind, Model) and kind.__hash__ is not None:
            types = get_type_hints(kind)  # attrs.resolve_types would change the classes for other tests
            hashed = [field.name for field in attrs.fields(kind) if field.hash is not False]
            assert not [field for field in hashed if contains_unhashable(types[field])], name


def test_unhashable_containers_are_compared_for_equality() -> None:
    first, second = EmbeddedSegment(vector=array("d", [1.0])), EmbeddedSegment(vector=array("d", [2.0]))
    assert first != second
    assert hash(first) == hash(second)
    assert SearchItem(user_metadata={"a": 1}) != SearchItem(user_metadata={"a": 2})
    assert len({SearchItem(user_metadata={"a": 1}), SearchItem(user_metadata={"a": 1})}) == 1


def test_models_can_be_evolved_copied_matched_and_pickled() -> None:
    original = index(new=1)
    other = attrs.evolve(original, index_name="clips")
    assert (other.index_name, other.id, other.extra) == ("clips", "i", {"new": 1})
    assert copy.copy(original) == copy.deepcopy(original) == pickle.loads(pickle.dumps(original)) == original  # noqa: S301  # pickled by this test
    match original:
        case Index(index_name=name, extra={"new": int(value)}):
            assert (name, value) == ("films", 1)
        case _:
            pytest.fail("the pattern does not match")


def request(**fields: Any) -> Request[dict[str, Any]]:
    return Request(method="GET", path_template="/x", response_type=dict, retry_class="safe", **fields)


PAGES = [
    page_number_reader(Index)(
        request(), {"data": [{"_id": "i", "index_name": "a"}], "page_info": {"page": 1, "total_page": 2}}
    ),
    page_token_reader(SearchItem, lambda token: request(query={"token": token}))(
        request(), {"data": [{"rank": 1}], "page_info": {"next_page_token": "t"}, "search_pool": {"index_id": "i"}}
    ),
    body_token_reader(SearchItem)(request(json={"query": {}}), {"data": [{"rank": 1}], "next_page_token": "t"}),
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_pickled_and_copied(page: Page[Any]) -> None:
    unpickled: Page[Any] = pickle.loads(pickle.dumps(page))  # noqa: S301  # pickled by this test
    assert unpickled == page == copy.deepcopy(page)
    assert page.next_request is not None
    assert unpickled.request_ahead(1) == page.request_ahead(1)


def test_the_repr_of_a_paginator_explains_its_use() -> None:
    client = AsyncTwelveLabs("key")
    assert "await it, or iterate over it with async for" in repr(client.indexes.list())
    assert "await it, or use async for over its pages()" in repr(client.with_raw_response.indexes.list())


def test_an_autospec_mock_of_the_client_has_its_groups() -> None:
    mock = create_autospec(AsyncTwelveLabs, instance=True)
    mock.indexes.retrieve.return_value = index()
    assert mock.indexes.indexed_assets.retrieve is not None
    with pytest.raises(AttributeError):
        _ = mock.indexes.retreive
    with pytest.raises(TypeError, match="index_id"):
        mock.indexes.retrieve()
    mock.analyze(video={}, prompt="?")
    mock.analyze.assert_called_once_with(video={}, prompt="?")


async def test_a_method_of_a_mock_is_awaited() -> None:
    mock = create_autospec(AsyncTwelveLabs, instance=True)
    mock.indexes.retrieve.return_value = index()
    retrieved = await mock.indexes.retrieve("i")
    assert retrieved.index_name == "films"
    mock.indexes.retrieve.assert_awaited_once_with("i")


def test_an_autospec_mock_of_the_synchronous_client_has_its_groups() -> None:
    with TwelveLabs("key") as client:
        mock = create_autospec(client, instance=True)
    mock.indexes.retrieve.return_value = index()
    assert mock.indexes.retrieve("i").index_name == "films"
    with pytest.raises(AttributeError):
        _ = mock.indexes.retreive


async def test_a_group_used_on_the_client_class_raises_client_state_error() -> None:
    with pytest.raises(ClientStateError, match=r"create a client of it: AsyncTwelveLabs\(\)"):
        await AsyncTwelveLabs.indexes.list()


# pydantic and FastAPI.


def test_a_pydantic_model_may_have_models_as_fields() -> None:
    pydantic: Any = pytest.importorskip("pydantic")
    response_class = pydantic.create_model("Reply", index=(Index, ...), hits=(list[SearchItem], []), any=(Any, None))
    response = response_class(index=index(new=1), hits=[{"rank": 1}], any=index())
    assert response.hits == [SearchItem(rank=1)]
    assert response.model_dump()["index"] == index(new=1).to_dict()
    assert response_class.model_validate_json(response.model_dump_json()).index == response.index
    with pytest.raises(pydantic.ValidationError, match="'index_name' is missing"):
        response_class(index={"_id": "i"})


def test_pydantic_describes_the_fields_of_models_by_their_types() -> None:
    pydantic: Any = pytest.importorskip("pydantic")
    schema = pydantic.TypeAdapter(Index).json_schema()
    assert schema["required"] == ["_id", "index_name"]
    assert schema["properties"]["created_at"] == {"type": "string", "format": "date-time"}
    model = schema["properties"]["models"]["items"]
    assert model["properties"]["model_options"] == {"type": "array", "items": {"type": "string"}}
    vector = pydantic.TypeAdapter(EmbeddingData).json_schema()["properties"]["embedding"]
    assert vector == {"type": "array", "items": {"type": "number"}}


def test_every_model_has_a_json_schema() -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    for name, kind in DATA_CLASSES.items():
        if issubclass(kind, Model):
            schema = kind.__get_pydantic_json_schema__(None, None)
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["title"] == kind.__name__, name


@pytest.mark.filterwarnings("ignore:Using `httpx` with")
def test_fastapi_returns_and_accepts_models() -> None:
    fastapi: Any = pytest.importorskip("fastapi")
    testing: Any = pytest.importorskip("fastapi.testclient")
    app, model = fastapi.FastAPI(), index(new=1)

    def untyped():  # type: ignore[no-untyped-def]  # noqa: ANN202  # an endpoint without annotations
        return model

    def plain() -> Any:
        return {"found": [model]}

    def page() -> Page[Index]:
        return Page(items=(model,), total=1)

    def typed(body: Any) -> Any:
        return body

    typed.__annotations__ = {"body": Annotated[Index, fastapi.Body()], "return": Index}

    def without_marker(body: Any) -> Any:
        return body

    without_marker.__annotations__ = {"body": Index, "return": Index}
    app.post("/without-marker")(without_marker)
    app.get("/untyped")(untyped)
    app.get("/plain")(plain)
    app.get("/page")(page)
    app.post("/typed")(typed)
    with testing.TestClient(app) as client:
        assert client.get("/untyped").json() == model.to_dict()
        assert client.get("/plain").json() == {"found": [model.to_dict()]}
        assert client.get("/page").json() == {"items": [model.to_dict()], "total": 1}
        assert client.post("/typed", json=model.to_dict()).json() == model.to_dict()
        assert client.post("/typed", json={"index_name": 3}).status_code == 422
        assert client.post("/without-marker", json=model.to_dict()).status_code == 422  # a query parameter
        schema: Any = client.get("/openapi.json").json()
    assert "index_name" in str(schema["paths"])


def test_a_page_and_a_view_of_embeddings_convert_to_json() -> None:
    assert Page(items=(index(),), total=7).to_dict() == {"items": [index().to_dict()], "total": 7}
    view = EmbeddingView(segments=(EmbeddedSegment(vector=array("d", [0.5]), option="visual"),))
    assert json.loads(view.to_json())["segments"] == [{"vector": [0.5], "option": "visual"}]


# Notebooks.

SCRIPT = "<script>alert(1)</script>"


def html_of(value: Any) -> str:
    html = cast("str", value._repr_html_())
    assert "<script" not in html
    return html


def test_notebooks_show_pages_hits_embeddings_limits_and_summaries_as_tables() -> None:
    page = Page(items=(index(index_name=SCRIPT), index(video_count=2)), total=7)
    assert "2 of 7 items" in html_of(page)
    assert "&lt;script&gt;" in html_of(page)
    hit = SearchItem(rank=1, start=0.5, transcription=SCRIPT, thumbnail_url='https://x.example/"><script>')
    assert '<a href="https://x.example/&quot;&gt;&lt;script&gt;"' in html_of(hit)
    film = Video(id="v", system_metadata=SystemMetadata(filename="a.mp4"))
    assert "a.mp4" in html_of(SearchHit(result=hit, video=film))
    vector = array("d", [0.5] * 512)
    assert "512 numbers" in html_of(EmbeddingData(embedding=vector, embedding_option=SCRIPT))
    assert "512 numbers" in html_of(EmbeddingView(segments=(EmbeddedSegment(vector=vector, option=SCRIPT),)))
    failure = IngestResult(source=SCRIPT, status="failed", stage="queued", error=SCRIPT)
    assert "failures" in html_of(Summary(failed=1, failures=(failure,)))
    limiter = RateLimiter(SystemClock())
    limiter.category_queue(SCRIPT)
    assert "rate_limited_count" in html_of(limiter.limits())
    assert "in_flight" in html_of(limiter.limits()[SCRIPT])


def test_a_table_omits_fields_that_repr_omits() -> None:
    assert "secret" not in html_of(PickerToken(access_token="secret"))


def test_a_table_of_many_items_is_truncated() -> None:
    html = html_of(Page(items=tuple(index(index_name="x" * 1000) for _ in range(150))))
    assert "the first 100" in html
    assert html.count("<tr>") == 101
    assert "x" * 300 not in html
