"""Indexes: sets of videos that are searched together.

https://docs.twelvelabs.io/v1.3/api-reference/indexes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from twelvelabs_async.errors import APIError, BadRequestError, InvalidInputError
from twelvelabs_async.models.common import Moment
from twelvelabs_async.models.indexes import CreatedIndex, Index, IndexModel
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.indexed_assets import IndexedAssets
from twelvelabs_async.resources.videos import Videos

ModelLike = IndexModel | Mapping[str, Any]
"""A model with its options, or the same as a dict."""


class Indexes(Resource):
    """Sets of videos that are searched together."""

    @cached_property
    def indexed_assets(self) -> IndexedAssets:
        """What is in an index."""
        return IndexedAssets(self._caller)

    @cached_property
    def videos(self) -> Videos:
        """The older name of the same objects; new code uses `indexed_assets`."""
        return Videos(self._caller)

    async def create(
        self, *, index_name: str, models: Sequence[ModelLike], addons: Sequence[str] | None = None
    ) -> CreatedIndex:
        """Make an index. Its models and their options cannot be changed afterwards.

        Args:
            index_name: Unique in the account.
            models: Such as `[{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]`.
            addons: Such as `["thumbnail"]`.

        Raises:
            BadRequestError: `index_name_already_exists`, or a model that cannot be used.
        """
        if not index_name.strip():
            raise InvalidInputError("index_name is empty")
        if not models:
            raise InvalidInputError("an index needs at least one model")
        body = given(index_name=index_name, models=list(models), addons=addons and list(addons))
        return await self._post("/indexes", CreatedIndex, retry="reconcile", json=body)

    async def ensure(
        self, index_name: str, models: Sequence[ModelLike], *, addons: Sequence[str] | None = None
    ) -> Index:
        """The index of this name, made if there is none; any number of callers at once get the same one.

        The models of an index that exists already are not compared: they could not be changed anyway.
        """
        found = await self._named(index_name)
        if found is not None:
            return found
        try:
            created = await self.create(index_name=index_name, models=models, addons=addons)
        except APIError as error:
            taken = isinstance(error, BadRequestError) and error.code == "index_name_already_exists"
            found = await self._soon_named(index_name) if taken or error.ambiguous else None
            if found is None:
                raise
            return found
        return await self.retrieve(created.id)

    async def retrieve(self, index_id: str) -> Index:
        """One index, with the number and length of its videos."""
        return await self._get("/indexes/{index-id}", Index, index_id=index_id)

    async def update(self, index_id: str, *, index_name: str) -> None:
        """Give an index another name."""
        await self._put("/indexes/{index-id}", type(None), json={"index_name": index_name}, index_id=index_id)

    async def delete(self, index_id: str) -> None:
        """Delete an index and all that is in it; the assets remain."""
        await self._delete("/indexes/{index-id}", index_id=index_id)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        index_name: str | None = None,
        model_options: str | None = None,
        model_family: str | None = None,
        created_at: Moment | None = None,
        updated_at: Moment | None = None,
    ) -> Paginator[Index]:
        """Indexes. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            index_name: Part of the name.
            model_options: `visual`, `audio`, or both with a comma.
            model_family: `marengo` or `pegasus`.
            created_at: Created at this time or later.
            updated_at: Changed at this time or later.
        """
        query = given(
            sort_by=sort_by,
            sort_option=sort_option,
            index_name=index_name,
            model_options=model_options,
            model_family=model_family,
            created_at=created_at,
            updated_at=updated_at,
        )
        return self._list("/indexes", Index, page=page, page_limit=page_limit, query=query)

    async def _named(self, index_name: str) -> Index | None:
        async for index in self.list(index_name=index_name):
            if index.index_name == index_name:
                return index
        return None

    async def _soon_named(self, index_name: str) -> Index | None:
        """Look more than once: how soon a new index shows in lists is not promised."""
        for pause in (0.0, 0.5, 2.0):
            await self._caller.clock.sleep(pause)
            found = await self._named(index_name)
            if found is not None:
                return found
        return None
