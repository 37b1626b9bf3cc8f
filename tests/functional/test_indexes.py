"""Indexes through a real socket."""

from __future__ import annotations

import asyncio

import pytest

from twelvelabs_async import APIError, AsyncTwelveLabs, BadRequestError
from twelvelabs_async.emulator import Emulator

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


async def test_any_number_of_callers_get_the_same_index(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    found = await asyncio.gather(*(client.indexes.ensure("holiday", MODELS) for _ in range(20)))
    assert len({index.id for index in found}) == 1
    assert len(emulator.state.indexes) == 1


async def test_ensure_does_not_take_an_index_whose_name_only_contains_the_one_wanted(client: AsyncTwelveLabs) -> None:
    other = await client.indexes.create(index_name="holiday 2025", models=MODELS)
    assert (await client.indexes.ensure("holiday", MODELS)).id != other.id


async def test_ensure_finds_the_index_that_an_ambiguous_failure_made(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    """The create was carried out and its answer lost: a second one would be refused, an error would be wrong."""
    emulator.faults.add("POST /indexes", reset="after")
    index = await client.indexes.ensure("holiday", MODELS)
    assert index.index_name == "holiday"
    assert len(emulator.state.indexes) == 1


async def test_ensure_says_so_when_the_create_was_lost_on_the_way(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    emulator.faults.add("POST /indexes", reset="before")
    with pytest.raises(APIError) as failure:
        await client.indexes.ensure("holiday", MODELS)
    assert failure.value.ambiguous


async def test_a_name_that_is_taken_is_told_by_its_code(client: AsyncTwelveLabs) -> None:
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


async def test_a_delete_whose_answer_was_lost_is_not_reported_as_a_failure(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    created = await client.indexes.create(index_name="holiday", models=MODELS)
    emulator.faults.add("DELETE /indexes/{index-id}", reset="after")
    await client.indexes.delete(created.id)
    assert not emulator.state.indexes
