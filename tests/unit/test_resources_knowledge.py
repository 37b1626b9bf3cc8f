"""Entities, knowledge stores, connections and imports with a fake transport."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support import FakeSession, FastClock, ResponseHandler, fake_response, make_executor, responses_in_order

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._codec.converter import to_dict
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async.errors import (
    BadRequestError,
    ConflictError,
    GoneError,
    InvalidInputError,
    MalformedResponseError,
    NotFoundError,
    ProcessingFailedError,
    SearchExpiredError,
    WaitTimeoutError,
)
from twelvelabs_async.models.connectors import ImportSource
from twelvelabs_async.models.entities import NewEntity
from twelvelabs_async.models.knowledge import (
    AssetTypeFilter,
    EnrichmentConfig,
    IngestionConfig,
    ItemIdFilter,
    StoreQuery,
    StoreSearchFilter,
    StoreSearchHit,
    StoreSearchOptions,
    VideoSearchOptions,
)
from twelvelabs_async.resources.data_connectors import DataConnectors, Imports
from twelvelabs_async.resources.embed import Embed, EmbedTasks, EmbedV2, EmbedV2Tasks
from twelvelabs_async.resources.entity_collections import Entities, EntityCollections
from twelvelabs_async.resources.knowledge_stores import (
    KnowledgeStoreItemCollections,
    KnowledgeStoreItems,
    KnowledgeStores,
)

ENTITY: dict[str, Any] = {"_id": "e", "status": "ready", "asset_ids": ["a"]}
HIT: dict[str, Any] = {"asset_type": "video", "rank": 1, "item_id": "k", "matches": [{"start_sec": 1, "end_sec": 2}]}
OPTIONS: dict[str, Any] = {"video": {"modalities": ["visual"]}}
IMPORT: dict[str, Any] = {"_id": "m", "items": []}

ExecutorFactory = Callable[[ResponseHandler], tuple[RequestExecutor, FakeSession]]


@pytest.fixture
def executor_for(clock: FastClock) -> ExecutorFactory:
    """A function that returns an executor with the responses of a handler."""
    return lambda handler: make_executor(handler, clock)


def hits(token: str | None, *ranks: int) -> dict[str, Any]:
    page = {"data": [{**HIT, "rank": rank} for rank in ranks], "effective_search_options": OPTIONS}
    return page if token is None else {**page, "next_page_token": token}


def bodies(session: FakeSession) -> list[Any]:
    return [json.loads(body) for body in session.bodies]


async def test_removing_images_from_an_entity_is_a_delete_with_a_body_that_returns_the_entity(
    executor_for: ExecutorFactory,
) -> None:
    executor, session = executor_for(responses_in_order(fake_response(content=ENTITY)))
    entity = await Entities(executor).delete_assets("c", "e", asset_ids=["x", "y"])
    assert session.sent == [("DELETE", "/entity-collections/c/entities/e/assets")]
    assert bodies(session) == [{"asset_ids": ["x", "y"]}]
    assert entity.asset_ids == ("a",)


async def test_creating_several_entities_reports_partial_failures(executor_for: ExecutorFactory) -> None:
    """A successful response may contain errors of single entities."""
    response_json = {
        "success_count": 1,
        "failed_count": 1,
        "entities": [{"_id": "e", "name": "Ada", "status": "processing"}],
        "errors": [{"entity_index": 1, "entity_name": "Bob", "error_reason": "no face"}],
    }
    executor, session = executor_for(responses_in_order(fake_response(201, response_json)))
    response = await Entities(executor).create_bulk(
        "c", entities=[NewEntity(name="Ada", asset_ids=["a"]), {"name": "Bob", "asset_ids": ["b"]}]
    )
    assert bodies(session)[0]["entities"] == [{"name": "Ada", "asset_ids": ["a"]}, {"name": "Bob", "asset_ids": ["b"]}]
    assert (response.success_count, response.failed_count) == (1, 1)
    assert [(error.entity_index, error.error_reason) for error in response.errors] == [(1, "no face")]


@pytest.mark.parametrize("metadata", [{"a": {"b": 1}}, {"a": None}, {"a": 2**53}, {"a": [1]}, {"": "x"}])
async def test_invalid_item_metadata_is_rejected_with_the_parameter_name(
    executor_for: ExecutorFactory, metadata: Any
) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError, match=r"(^| )metadata"):
        await KnowledgeStoreItems(executor).create("s", asset_id="a", metadata=metadata)
    assert not session.sent


async def test_a_store_configuration_may_be_a_model_or_a_dict(executor_for: ExecutorFactory) -> None:
    config_dict = {"enrichment_config": {"type": "description", "description": "who is in it"}}
    model = IngestionConfig(enrichment_config=EnrichmentConfig(type="description", description="who is in it"))
    executor, session = executor_for(
        responses_in_order(fake_response(201, {"_id": "ks_1", "ingestion_config": config_dict}))
    )
    for config in (config_dict, model):
        store = await KnowledgeStores(executor).create(name="films", ingestion_config=config)
        assert store.ingestion_config == model
    assert bodies(session) == [{"name": "films", "ingestion_config": config_dict}] * 2


async def test_later_search_pages_repeat_the_whole_request_with_the_token(executor_for: ExecutorFactory) -> None:
    """A request with only the token would have no query."""
    executor, session = executor_for(
        responses_in_order(
            fake_response(content=hits("t1", 1, 2)),
            fake_response(content=hits("t2", 3)),
            fake_response(content=hits(None)),
        )
    )
    filter = StoreSearchFilter(asset_type=AssetTypeFilter(in_=["video", "image"]), item_id=ItemIdFilter(eq="ksi_1"))
    options = StoreSearchOptions(video=VideoSearchOptions(modalities=["visual"]))
    search = KnowledgeStores(executor).search(
        "ks_1", query=StoreQuery(text="a dog"), filter=filter, search_options=options, group_by="item", page_size=2
    )
    assert [hit.rank async for hit in search] == [1, 2, 3]
    first = {
        "query": {"text": "a dog"},
        "filter": {"asset_type": {"in": ["video", "image"]}, "item_id": {"eq": "ksi_1"}},
        "search_options": OPTIONS,
        "group_by": "item",
        "page_size": 2,
    }
    assert bodies(session) == [first, {**first, "page_token": "t1"}, {**first, "page_token": "t2"}]
    assert {path for _, path in session.sent} == {"/knowledge-stores/ks_1/search"}


@pytest.mark.parametrize("field", ["in", "in_"])
async def test_a_filter_dict_accepts_in_with_and_without_an_underscore(
    executor_for: ExecutorFactory, field: str
) -> None:
    executor, session = executor_for(responses_in_order(fake_response(content=hits(None, 1))))
    search = KnowledgeStores(executor).search("ks_1", query="a dog", filter={"item_id": {field: ["ksi_1"]}})
    assert [hit.rank async for hit in search] == [1]
    assert json.loads(session.bodies[0])["filter"] == {"item_id": {"in": ["ksi_1"]}}


async def test_a_page_of_hits_has_the_effective_search_options(executor_for: ExecutorFactory) -> None:
    executor, _ = executor_for(responses_in_order(fake_response(content=hits(None, 1))))
    page = await KnowledgeStores(executor).search("s", query="a dog")
    assert page.extra == {"effective_search_options": OPTIONS}
    assert page.next_request is None
    assert page[0].matches[0].end_sec == 2


async def test_a_hit_of_an_unknown_kind_is_kept(executor_for: ExecutorFactory) -> None:
    hit = {"asset_type": "hologram", "rank": 1, "item_id": "k", "depth": 3}
    executor, _ = executor_for(responses_in_order(fake_response(content={"data": [hit]})))
    results = await KnowledgeStores(executor).search("s", query="a dog").to_list()
    assert results == [StoreSearchHit(asset_type="hologram", rank=1, item_id="k", extra={"depth": 3})]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an unknown type
    assert to_dict(results[0])["depth"] == 3


@pytest.mark.parametrize("status", [400, 410])
async def test_an_expired_search_reports_the_number_of_hits(executor_for: ExecutorFactory, status: int) -> None:
    executor, _ = executor_for(
        responses_in_order(
            fake_response(content=hits("t", 1, 2)),
            fake_response(status, {"code": "page_token_expired", "message": "x"}),
        )
    )
    search = KnowledgeStores(executor).search("s", query="a dog")
    with pytest.raises(SearchExpiredError, match="after 2 hits") as caught:
        await search.to_list()
    error = caught.value
    assert isinstance(error, BadRequestError)
    assert isinstance(error, GoneError)
    assert (error.hit_count, error.status_code, error.code) == (2, status, "page_token_expired")
    assert error.operation == "POST /knowledge-stores/{knowledge_store_id}/search"


async def test_an_error_on_the_first_search_page_is_not_search_expired_error(executor_for: ExecutorFactory) -> None:
    """An error on the first page is an invalid query and not an expired token."""
    executor, _ = executor_for(responses_in_order(fake_response(400, {"code": "parameter_invalid"})))
    with pytest.raises(BadRequestError) as caught:
        await KnowledgeStores(executor).search("s", query="a dog").to_list()
    assert type(caught.value) is BadRequestError


async def test_other_errors_on_a_later_page_are_raised_unchanged(executor_for: ExecutorFactory) -> None:
    executor, _ = executor_for(
        responses_in_order(fake_response(content=hits("t", 1)), fake_response(404, {"code": "resource_not_exist"}))
    )
    with pytest.raises(NotFoundError):
        await KnowledgeStores(executor).search("s", query="a dog").to_list()


async def test_a_repeated_page_token_raises_malformed_response_error(executor_for: ExecutorFactory) -> None:
    executor, _ = executor_for(
        responses_in_order(fake_response(content=hits("t", 1)), fake_response(content=hits("t", 2)))
    )
    with pytest.raises(MalformedResponseError, match="same page"):
        await KnowledgeStores(executor).search("s", query="a dog").to_list()


@pytest.mark.parametrize("arguments", [{"query": " "}, {"query": "x", "page_size": 0}, {"query": "x", "page_size": 51}])
async def test_an_invalid_search_is_rejected_when_it_is_created(
    executor_for: ExecutorFactory, arguments: dict[str, Any]
) -> None:
    executor, _ = executor_for(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError):
        KnowledgeStores(executor).search("s", **arguments)


async def test_authorize_connection_uses_a_path_with_a_colon(executor_for: ExecutorFactory) -> None:
    """The official client fails here: `urljoin` parses the path as a scheme."""
    response_json = {"authorize_url": "https://accounts.example/o?x=1", "state": "s"}
    executor, session = executor_for(responses_in_order(fake_response(content=response_json)))
    authorization = await DataConnectors(executor).authorize_connection(
        provider="google_drive", redirect_uri="https://x.example/"
    )
    assert session.sent == [("POST", "/connections:authorize")]
    assert authorization.authorize_url == response_json["authorize_url"]


async def test_a_picker_token_is_requested_without_a_body_and_hidden_in_repr(executor_for: ExecutorFactory) -> None:
    executor, session = executor_for(
        responses_in_order(fake_response(content={"access_token": "ya29.secret", "developer_key": "AIza.secret"}))
    )
    token = await DataConnectors(executor).create_connection_picker_token("c")
    assert session.bodies == [b""]
    assert token.access_token == "ya29.secret"
    assert "secret" not in repr(token)


async def test_registering_an_existing_redirect_uri_raises_conflict_error(executor_for: ExecutorFactory) -> None:
    executor, _ = executor_for(
        responses_in_order(fake_response(409, {"code": "redirect_uri_exists", "message": "x", "docs_url": "https://d"}))
    )
    with pytest.raises(ConflictError) as caught:
        await DataConnectors(executor).create_redirect_uri(redirect_uri="https://x.example/")
    assert caught.value.docs_url == "https://d"


async def test_files_to_import_may_be_strings_dicts_or_models(executor_for: ExecutorFactory) -> None:
    response_json = {
        "_id": "m",
        "has_failures": True,
        "items": [{"source_id": "c", "action": "rejected", "error": {"code": "x"}}],
    }
    executor, session = executor_for(responses_in_order(fake_response(202, response_json)))
    result = await Imports(executor).import_files("g", items=["a", {"source_id": "b"}, ImportSource(source_id="c")])
    assert bodies(session) == [{"items": [{"source_id": "a"}, {"source_id": "b"}, {"source_id": "c"}]}]
    assert result.has_failures
    assert result.items[0].asset_id is None


@pytest.mark.parametrize("items", [[], "abc", ["x"] * 101])
async def test_an_import_of_an_invalid_list_of_items_is_rejected(executor_for: ExecutorFactory, items: Any) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError):
        await Imports(executor).import_files("g", items=items)
    assert not session.sent


@pytest.mark.parametrize("last_status", ["ready", "failed", None])
async def test_an_import_is_done_when_each_of_its_files_is_done(
    executor_for: ExecutorFactory, last_status: str | None
) -> None:
    """Rejected files have no status; waiting for one would never end."""
    rejected = {"source_id": "a", "action": "rejected", "error": {"code": "source_unavailable"}}
    processing = {"source_id": "b", "asset_id": "x", "status": "processing"}
    finished = {"source_id": "b", "asset_id": "x"} | ({"status": last_status} if last_status else {})
    executor, session = executor_for(
        responses_in_order(
            *(
                fake_response(content={**IMPORT, "items": [rejected, item]})
                for item in (processing, {**processing, "status": "odd"})
            ),
            fake_response(content={**IMPORT, "items": [rejected, finished]}),
        )
    )
    result = await Imports(executor).wait_for_done("g", "m")
    assert result.status == "ready"
    assert [item.status for item in result.items] == [None, last_status]
    assert len(session.sent) == 3


async def test_wait_for_done_for_an_entity_that_is_never_ready_times_out(executor_for: ExecutorFactory) -> None:
    """No failed status is documented for entities, so only the timeout ends the wait."""
    executor, _ = executor_for(responses_in_order(fake_response(content={**ENTITY, "status": "processing"})))
    with pytest.raises(WaitTimeoutError, match="entity e still processing after 90 s"):
        await Entities(executor).wait_for_done("c", "e", timeout=90)


CALLS: list[Callable[[RequestExecutor, Any], Awaitable[object]]] = [
    lambda executor, invalid_id: Entities(executor).retrieve(invalid_id, "e"),
    lambda executor, invalid_id: Entities(executor).delete_assets("c", invalid_id, asset_ids=["a"]),
    lambda executor, invalid_id: Imports(executor).list_imports(invalid_id),
    lambda executor, invalid_id: DataConnectors(executor).delete_connection(invalid_id),
    lambda executor, invalid_id: KnowledgeStores(executor).search(invalid_id, query="x"),
    lambda executor, invalid_id: KnowledgeStoreItems(executor).create("s", asset_id=invalid_id),
]


@pytest.mark.parametrize("invalid_id", ["", "a/b", "..", "a\nb", 7])
@pytest.mark.parametrize("call", CALLS)
async def test_an_invalid_id_is_rejected_before_a_request_is_sent(
    executor_for: ExecutorFactory, call: Callable[[RequestExecutor, Any], Awaitable[object]], invalid_id: Any
) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError):
        await call(executor, invalid_id)
    assert not session.sent


def test_the_client_has_each_group_under_its_api_name() -> None:
    client = AsyncTwelveLabs("key")
    assert isinstance(client.embed, Embed)
    assert isinstance(client.embed.tasks, EmbedTasks)
    assert isinstance(client.embed.v_2, EmbedV2)
    assert isinstance(client.embed.v_2.tasks, EmbedV2Tasks)
    assert isinstance(client.entity_collections, EntityCollections)
    assert isinstance(client.entity_collections.entities, Entities)
    assert isinstance(client.knowledge_stores, KnowledgeStores)
    assert isinstance(client.knowledge_store_items, KnowledgeStoreItems)
    assert isinstance(client.knowledge_store_item_collections, KnowledgeStoreItemCollections)
    assert isinstance(client.data_connectors, DataConnectors)
    assert isinstance(client.imports, Imports)


async def test_wait_for_done_for_a_store_item_polls_and_raises_its_failure(executor_for: ExecutorFactory) -> None:
    item = {"_id": "ksi_1", "asset_type": "video", "status": "queued"}
    failed = {**item, "status": "failed"}
    executor, session = executor_for(responses_in_order(fake_response(content=item), fake_response(content=failed)))
    with pytest.raises(ProcessingFailedError, match="ksi_1"):
        await KnowledgeStoreItems(executor).wait_for_done("s", "ksi_1")
    assert len(session.sent) == 2
