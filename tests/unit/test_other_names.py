"""Names of older versions and of other clients raise errors with the current names."""

from __future__ import annotations

import copy
import pickle
from typing import Any, cast

import pytest

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError, from_dict
from twelvelabs_async.client import _OTHER_NAMES
from twelvelabs_async.models import EmbeddingData, Index, SearchItem


@pytest.fixture
def untyped_client() -> Any:
    """A client typed as Any, so that type checkers accept unknown attributes."""
    return AsyncTwelveLabs("key")


@pytest.mark.parametrize("name", _OTHER_NAMES)
def test_an_old_resource_name_raises_an_error_with_the_current_name(untyped_client: Any, name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(untyped_client, name)
    assert f"no attribute {name!r}; use {_OTHER_NAMES[name]}" in str(caught.value)
    assert not hasattr(untyped_client, "nothing")


@pytest.mark.parametrize(
    ("model", "name", "hint"),
    [
        (SearchItem(), "score", "use .rank"),
        (SearchItem(extra={"score": 87.5}), "score", ".extra['score']"),
        (from_dict({"_id": "i", "index_name": "x"}, Index), "_id", "use .id"),
        (from_dict({"_id": "i", "index_name": "x"}, Index), "name", "use .index_name"),
        (SearchItem(), "model_dump", "use to_dict()"),
    ],
)
def test_a_wrong_field_name_raises_an_error_with_the_right_name(model: Any, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match="no attribute") as caught:
        getattr(model, name)
    assert hint in str(caught.value)


def test_an_unknown_attribute_has_no_hint() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        cast("Any", SearchItem()).nonsense  # noqa: B018  # it raises


def test_models_are_still_copied_and_pickled() -> None:
    item = SearchItem(rank=1, extra={"a": 1})
    assert pickle.loads(pickle.dumps(item)) == copy.deepcopy(item) == copy.copy(item) == item  # noqa: S301  # pickled by this test
    assert not hasattr(EmbeddingData, "__deepcopy__")


def test_iterating_a_list_without_async_raises_type_error(untyped_client: Any) -> None:
    with pytest.raises(TypeError, match="use `async for`"):
        list(untyped_client.indexes.list())


def test_entering_a_client_without_async_raises_type_error(untyped_client: Any) -> None:
    with pytest.raises(TypeError, match="use `async with`"), untyped_client:
        pass


@pytest.mark.parametrize("name", ["threshold", "sort_option", "adjust_confidence_level", "request_options", "nonsense"])
def test_an_unknown_parameter_is_rejected_with_a_reason(untyped_client: Any, name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"search.query has no parameter '{name}': "):
        untyped_client.search.query(index_id="i", search_options=["visual"], query_text="x", **{name: "low"})


async def test_analyzing_a_video_id_raises_an_error_that_suggests_asset_id(untyped_client: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"video_id.*asset_id"):
        await untyped_client.analyze(video_id="v", prompt="p")
    with pytest.raises(InvalidInputError, match=r"video_id.*asset_id"):
        untyped_client.analyze_stream(video_id="v", prompt="p")
    with pytest.raises(InvalidInputError, match=r"video_id.*asset_id"):
        await untyped_client.analyze_async.tasks.create(video_id="v", prompt="p")


@pytest.mark.parametrize("name", ["retrieve", "update", "delete", "wait_for_done"])
async def test_a_video_id_for_an_indexed_asset_raises_an_error_that_suggests_the_right_id(
    untyped_client: Any, name: str
) -> None:
    method = getattr(untyped_client.indexes.indexed_assets, name)
    with pytest.raises(TypeError, match="indexed_asset_id"):
        await method("i", video_id="v", user_metadata={})
    with pytest.raises(InvalidInputError, match=r"video_id.*indexed_asset_id="):
        await method("i", "v", video_id="v", **({"user_metadata": {}} if name == "update" else {}))
