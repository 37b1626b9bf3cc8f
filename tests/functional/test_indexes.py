"""Indexes over HTTP, with the emulator."""

from __future__ import annotations

import asyncio

import pytest

from twelvelabs_async import APIError, AsyncTwelveLabs, BadRequestError, InvalidInputError
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.models import IndexModel
from twelvelabs_async.resources.indexes import IndexModelLike

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


async def test_concurrent_ensure_calls_return_the_same_index(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    indexes = await asyncio.gather(*(client.indexes.ensure("holiday", MODELS) for _ in range(20)))
    assert len({index.id for index in indexes}) == 1
    assert len(emulator.state.indexes) == 1


async def test_ensure_ignores_an_index_whose_name_only_contains_the_requested_name(client: AsyncTwelveLabs) -> None:
    longer = await client.indexes.create(index_name="holiday 2025", models=MODELS)
    assert (await client.indexes.ensure("holiday", MODELS)).id != longer.id


async def test_ensure_reports_existing_and_requested_models_if_they_differ(client: AsyncTwelveLabs) -> None:
    existing = await client.indexes.ensure("holiday", MODELS)
    other = [{"model_name": "pegasus1.5", "model_options": ["visual"]}]
    with pytest.raises(InvalidInputError) as caught:
        await client.indexes.ensure("holiday", other)
    assert "marengo3.0 (audio, visual)" in caught.value.message
    assert "pegasus1.5 (visual)" in caught.value.message
    assert (await client.indexes.ensure("holiday", other, allow_other_models=True)).id == existing.id
    with pytest.raises(InvalidInputError, match=r"marengo3\.0 \(visual\)"):
        await client.indexes.ensure("holiday", [{"model_name": "marengo3.0", "model_options": ["visual"]}])


async def test_ensure_reports_existing_and_requested_add_ons_if_they_differ(client: AsyncTwelveLabs) -> None:
    existing = await client.indexes.ensure("holiday", MODELS, addons=["thumbnail"])
    for addons in (["thumbnail"], ("thumbnail",), None):
        assert (await client.indexes.ensure("holiday", MODELS, addons=addons)).id == existing.id
    with pytest.raises(InvalidInputError, match=r"add-ons thumbnail, but .*no add-ons was requested"):
        await client.indexes.ensure("holiday", MODELS, addons=[])
    assert (await client.indexes.ensure("holiday", MODELS, addons=[], allow_other_models=True)).id == existing.id


async def test_ensure_ignores_the_order_of_models_and_options_and_defaults(client: AsyncTwelveLabs) -> None:
    created = await client.indexes.ensure("holiday", MODELS)
    others: list[list[IndexModelLike]] = [
        [IndexModel(model_name="marengo3.0", model_options=("audio", "visual"))],
        [{"model_name": "marengo3.0"}],
    ]
    for models in others:
        assert (await client.indexes.ensure("holiday", models)).id == created.id


async def test_ensure_finds_the_index_created_by_an_ambiguous_request(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    """The create succeeded but its response was lost: `ensure` neither repeats it nor raises."""
    emulator.faults.add("POST /indexes", reset="after")
    index = await client.indexes.ensure("holiday", MODELS)
    assert index.index_name == "holiday"
    assert len(emulator.state.indexes) == 1


async def test_ensure_raises_an_ambiguous_error_if_the_create_request_was_lost(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    emulator.faults.add("POST /indexes", reset="before")
    with pytest.raises(APIError) as failure:
        await client.indexes.ensure("holiday", MODELS)
    assert failure.value.ambiguous


async def test_an_existing_index_name_raises_an_error_with_its_code(client: AsyncTwelveLabs) -> None:
    await client.indexes.create(index_name="holiday", models=MODELS)
    with pytest.raises(BadRequestError) as failure:
        await client.indexes.create(index_name="holiday", models=MODELS)
    assert failure.value.code == "index_name_already_exists"


async def test_an_index_is_renamed_listed_and_deleted(client: AsyncTwelveLabs) -> None:
    created = await client.indexes.create(index_name="holiday", models=MODELS)
    await client.indexes.update(created.id, index_name="winter")
    assert [index.index_name async for index in client.indexes.list()] == ["winter"]
    await client.indexes.delete(created.id)
    assert (await client.indexes.list()).items == ()


async def test_a_delete_with_a_lost_response_succeeds(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    created = await client.indexes.create(index_name="holiday", models=MODELS)
    emulator.faults.add("DELETE /indexes/{index-id}", reset="after")
    await client.indexes.delete(created.id)
    assert not emulator.state.indexes
