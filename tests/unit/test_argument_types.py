"""An argument of a wrong type raises InvalidInputError, which names it, before anything else happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from twelvelabs_async import AsyncTwelveLabs, EmbeddingView, InvalidInputError, as_table, frames, workers
from twelvelabs_async._core.validation import add_metadata_filters
from twelvelabs_async.ingest import Item, SqliteLedger
from twelvelabs_async.otel import Telemetry
from twelvelabs_async.pagination import Page

WRONG: Any = 5
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "as_table": (lambda: as_table(WRONG), "models must be an iterable of models, got 5"),
    "EmbeddingView": (lambda: EmbeddingView.from_response(WRONG), "contains no embeddings"),
    "Item": (lambda: Item(WRONG, WRONG), "the texts of an Item must be strings, got 5"),
    "metadata of an Item": (
        lambda: Item("a.mp4", "a.mp4", user_metadata=cast("Any", {"a": {}})),
        r"user_metadata\['a'\] must be a string, number, boolean or list of strings, got dict",
    ),
    "SqliteLedger": (lambda: SqliteLedger(WRONG), "the path of a ledger must be a path, got 5"),
    "Telemetry": (lambda: Telemetry(WRONG), "tracer_provider must be a TracerProvider, got 5"),
    "client.ingest": (
        lambda: AsyncTwelveLabs("k").ingest("a.mp4", index_id=WRONG),
        "index_id must be a string, got 5",
    ),
    "client.worker": (lambda: AsyncTwelveLabs("k").worker(WRONG), "the URL of the database must be a string, got 5"),
    "client.worker multipart_threshold": (
        lambda: AsyncTwelveLabs("k").worker("postgresql://h/d", multipart_threshold=cast("Any", "x")),
        "multipart_threshold must be a non-negative integer, got 'x'",
    ),
    "client.worker transfer": (
        lambda: AsyncTwelveLabs("k").worker("postgresql://h/d", transfer=cast("Any", "x")),
        "transfer must be one of auto, url, stream, got 'x'",
    ),
    "client.worker lookup_timeout": (
        lambda: AsyncTwelveLabs("k").worker("postgresql://h/d", lookup_timeout=-1),
        "lookup_timeout must be a number above 0, got -1",
    ),
    "request_ahead": (lambda: Page[Any](items=()).request_ahead(cast("Any", "1")), "pages must be a whole number"),
}


@pytest.mark.parametrize(("call", "message"), CALLS.values(), ids=CALLS)
def test_a_function_rejects_an_argument_of_a_wrong_type(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        call()


ASYNC_CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "status": (lambda: workers.status(WRONG), "the URL of the database must be a string, got 5"),
    "status of no text": (lambda: workers.status("postgresql://\ud800"), "the URL of the database is not valid"),
    "extract": (lambda: frames.extract(WRONG, [0]), "a source of frames is a path"),
    "extract times": (lambda: frames.extract("a.mp4", cast("Any", "x")), "times must be a finite number"),
    "extract width": (lambda: frames.extract("a.mp4", [0], width=cast("Any", "x")), "width must be a whole number"),
    "extract_hits": (
        lambda: frames.extract_hits([], concurrency=cast("Any", "x")),
        "concurrency must be a whole number",
    ),
}


@pytest.mark.parametrize(("call", "message"), ASYNC_CALLS.values(), ids=ASYNC_CALLS)
async def test_a_coroutine_function_rejects_an_argument_of_a_wrong_type(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        await call()


CLIENT = AsyncTwelveLabs("k", base_url="http://127.0.0.1:1")  # a request would raise APIConnectionError
ENTITIES, COLLECTIONS = CLIENT.entity_collections.entities, CLIENT.knowledge_store_item_collections
REQUIRED_LISTS: dict[str, Callable[[Any], Any]] = {
    "asset_ids of create": lambda ids: ENTITIES.create("c", name="Ada", asset_ids=ids),
    "entities of create_bulk": lambda entities: ENTITIES.create_bulk("c", entities=entities),
    "asset_ids of create_assets": lambda ids: ENTITIES.create_assets("c", "e", asset_ids=ids),
    "asset_ids of delete_assets": lambda ids: ENTITIES.delete_assets("c", "e", asset_ids=ids),
    "item_ids of add_items": lambda ids: COLLECTIONS.add_items("s", "c", item_ids=ids),
    "item_ids of remove_items": lambda ids: COLLECTIONS.remove_items("s", "c", item_ids=ids),
    "completed_chunks": lambda chunks: CLIENT.multipart_upload.report_chunk_batch("u", completed_chunks=chunks),
    "items of import_files": lambda items: CLIENT.imports.import_files("c", items=items),
}


@pytest.mark.parametrize("invalid", [None, [], "text"])
@pytest.mark.parametrize("name", REQUIRED_LISTS)
async def test_a_required_list_must_be_a_list_with_items(name: str, invalid: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{name.split(maxsplit=1)[0]} must "):
        await REQUIRED_LISTS[name](invalid)


@dataclass
class Camera:
    camera: str


def test_a_dataclass_as_metadata_filter_uses_its_fields() -> None:
    metadata: Any = Camera("north")
    filters = add_metadata_filters({"page": 1}, metadata, reserved=frozenset({"page"}))
    assert filters == {"page": 1, "camera": "north"}
