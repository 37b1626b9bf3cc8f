"""Indexes: collections of videos that are searched together.

https://docs.twelvelabs.io/v1.3/api-reference/indexes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from twelvelabs_async._arguments import omit_none, plain_scalar, require_bool
from twelvelabs_async._core.validation import checked_items, checked_mapping, checked_sequence, checked_text
from twelvelabs_async.errors import APIError, BadRequestError, InvalidInputError
from twelvelabs_async.models.common import DatetimeLike, ObjectLike
from twelvelabs_async.models.indexes import CreatedIndex, Index, IndexModel, IndexModelDict
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources._base import Resource

if TYPE_CHECKING:
    from twelvelabs_async.resources.indexed_assets import IndexedAssets, Videos

IndexModelLike = IndexModel | IndexModelDict | ObjectLike
"""An `IndexModel`, or a dict with its fields."""


class Indexes(Resource):
    """Indexes: collections of videos that are searched together."""

    @cached_property
    def indexed_assets(self) -> IndexedAssets:
        """Assets in an index."""
        from twelvelabs_async.resources.indexed_assets import IndexedAssets  # noqa: PLC0415  # loaded on first use

        return IndexedAssets(self._executor)

    @cached_property
    def videos(self) -> Videos:
        """The same objects by the legacy endpoints; use `indexed_assets` in new code."""
        from twelvelabs_async.resources.indexed_assets import Videos  # noqa: PLC0415  # loaded on first use

        return Videos(self._executor)

    async def create(
        self, *, index_name: str, models: Sequence[IndexModelLike], addons: Sequence[str] | None = None
    ) -> CreatedIndex:
        """Create an index. Its models and their options cannot be changed later.

        Args:
            index_name: Name, unique in the account.
            models: Models with their options, such as `[{"model_name": "marengo3.0", "model_options": ["visual",
                "audio"]}]`.
            addons: Add-ons, such as `["thumbnail"]`.

        Raises:
            BadRequestError: The name is taken (`index_name_already_exists`), or a model is not available.

        API: `POST /indexes`

        Example:
            created = await client.indexes.create(
                index_name="holiday", models=[{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
            )
            print(created.id)
        """
        body = omit_none(
            index_name=checked_text("index_name", index_name),
            models=checked_items("models", models),
            addons=addons if isinstance(addons, list) and addons == [] else checked_sequence("addons", addons),
        )
        return await self._send("POST", "/indexes", CreatedIndex, body, retry_class="verify_first")

    async def ensure(
        self,
        index_name: str,
        models: Sequence[IndexModelLike],
        *,
        addons: Sequence[str] | None = None,
        allow_other_models: bool = False,
    ) -> Index:
        """Return the index with this name; create it if it does not exist. Concurrent callers get the same index.

        Args:
            index_name: Name of the index.
            models: Models and their options, in any order. A model without options may have any.
            addons: Add-ons, such as `thumbnail`, in any order. None accepts an index with any.
            allow_other_models: Whether to return an existing index with other models, options or add-ons, which cannot
                be changed any more.

        Raises:
            InvalidInputError: An index with this name exists, and has other models, options or add-ons.

        Example:
            index = await client.indexes.ensure("holiday", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
            print(index.index_name)  # holiday
        """
        require_bool("allow_other_models", allow_other_models)
        found = await self._find_by_name(index_name)
        if found is None:
            try:
                created = await self.create(index_name=index_name, models=models, addons=addons)
            except APIError as error:
                name_taken = isinstance(error, BadRequestError) and error.code == "index_name_already_exists"
                found = await self._poll_by_name(index_name) if name_taken or error.ambiguous else None
                if found is None:
                    raise
            else:
                return await self.retrieve(created.id)
        if not allow_other_models:
            _check_models(found, models, addons)
        return found

    async def retrieve(self, index_id: str) -> Index:
        """Return an index, with the number and total duration of its videos.

        Raises:
            NotFoundError: The index does not exist; documented as 400, `BadRequestError`.

        API: `GET /indexes/{index-id}`

        Example:
            index = await client.indexes.retrieve(index.id)
            print(index.video_count, index.total_duration)
        """
        return await self._get("/indexes/{index-id}", Index, index_id=index_id)

    async def update(self, index_id: str, *, index_name: str) -> None:
        """Rename an index.

        Raises:
            NotFoundError: The index does not exist; documented as 400, `BadRequestError`.

        API: `PUT /indexes/{index-id}`

        Example:
            await client.indexes.update(index.id, index_name="holiday 2026")
        """
        await self._send("PUT", "/indexes/{index-id}", type(None), {"index_name": index_name}, index_id=index_id)

    async def delete(self, index_id: str) -> None:
        """Delete an index and its contents; the assets remain.

        Raises:
            NotFoundError: The index does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /indexes/{index-id}`

        Example:
            await client.indexes.delete(index.id)
        """
        await self._send("DELETE", "/indexes/{index-id}", type(None), index_id=index_id)

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
        created_at: DatetimeLike | None = None,
        updated_at: DatetimeLike | None = None,
    ) -> Paginator[Index]:
        """List indexes. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            index_name: Filter by part of the name.
            model_options: Filter by `visual`, `audio`, or both separated by a comma.
            model_family: Filter by `marengo` or `pegasus`.
            created_at: Created at or after this time.
            updated_at: Changed at or after this time.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /indexes`

        Example:
            async for index in client.indexes.list(model_family="marengo", sort_by="updated_at"):
                print(index.id, index.index_name)
        """
        query = omit_none(
            sort_by=sort_by,
            sort_option=sort_option,
            index_name=index_name,
            model_options=model_options,
            model_family=model_family,
            created_at=created_at,
            updated_at=updated_at,
        )
        return self._list("/indexes", Index, page, page_limit, query)

    async def _find_by_name(self, index_name: str) -> Index | None:
        async for index in self.list(index_name=index_name):
            if index.index_name == index_name:
                return index
        return None

    async def _poll_by_name(self, index_name: str) -> Index | None:
        """Search the list repeatedly: a new index may not appear in it immediately."""
        for pause in (0.0, 0.5, 2.0):
            await self._executor.clock.sleep(pause)
            found = await self._find_by_name(index_name)
            if found is not None:
                return found
        return None


def _check_models(index: Index, wanted: Sequence[IndexModelLike], addons: Sequence[str] | None) -> None:
    """Raise `InvalidInputError` if an index has other models, options or add-ons; order does not count."""
    existing = {model.model_name: frozenset(model.model_options) for model in index.models}
    requested: dict[str, frozenset[str]] = {}
    for model in wanted:
        fields = checked_mapping("models", model)
        name = str(plain_scalar(fields.get("model_name", ""), "model_name"))
        options = frozenset(str(plain_scalar(option, "model_options")) for option in fields.get("model_options") or ())
        requested[name] = options or existing.get(name, options)
    found_addons = frozenset(index.addons)
    wanted_addons = found_addons if addons is None else frozenset(str(plain_scalar(one, "addons")) for one in addons)
    if (existing and existing != requested) or found_addons != wanted_addons:
        raise InvalidInputError(
            f"the index {index.index_name!r} exists with {_describe_models(existing, found_addons)}, but "
            f"{_describe_models(requested, wanted_addons)} was requested; "
            "use another name or pass allow_other_models=True"
        )


def _describe_models(models: Mapping[str, frozenset[str]], addons: frozenset[str]) -> str:
    described = [f"{name} ({', '.join(sorted(options))})" for name, options in sorted(models.items())]
    return ", ".join([*described, f"add-ons {', '.join(sorted(addons))}" if addons else "no add-ons"])
