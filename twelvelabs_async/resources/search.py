"""Search: segments of videos that match a text, an image, or both.

https://docs.twelvelabs.io/v1.3/api-reference/any-to-video-search
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, TypedDict, TypeVar, Unpack

import attrs

from twelvelabs_async._arguments import checked_id, omit_none
from twelvelabs_async._concurrency import run_all
from twelvelabs_async._core.validation import (
    NoParameters,
    SearchFilter,
    checked_items,
    checked_sequence,
    checked_url,
    filter_json,
    is_given,
    reject_unsupported,
)
from twelvelabs_async._page_readers import page_query, page_token_reader, search_expired_error
from twelvelabs_async.errors import BadRequestError, InvalidInputError, NotFoundError
from twelvelabs_async.models.indexed_assets import Video, VideoDetail
from twelvelabs_async.models.search import (
    GroupBy,
    QueryMediaType,
    SearchHit,
    SearchItem,
    SearchOperator,
    SearchOption,
    SearchResults,
    TranscriptionOption,
)
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Form, Request
from twelvelabs_async.resources._base import FormFile, Resource, file_fields, open_form_files
from twelvelabs_async.uploads._files import FileLike

_T = TypeVar("_T")

_MAX_QUERY_IMAGES: Final = 10
"""Maximum number of images per query."""

_MAX_VIDEO_LOOKUPS: Final = 10
"""Maximum number of videos that are retrieved at the same time."""


class SearchQuery(TypedDict, total=False):
    """The optional parameters of `Search.query`, as a dict."""

    query_text: str | None
    query_media_type: QueryMediaType | None
    query_media_url: str | Sequence[str] | None
    query_media_file: FileLike | Sequence[FileLike] | None
    query_media_urls: Sequence[str] | None
    query_media_files: Sequence[FileLike] | None
    transcription_options: Sequence[TranscriptionOption] | None
    group_by: GroupBy | None
    operator: SearchOperator | None
    page_limit: int | None
    filter: SearchFilter | None


class Search(Resource):
    """Searches videos by text, by images, or by both."""

    def query(
        self,
        *,
        index_id: str,
        search_options: Sequence[SearchOption],
        query_text: str | None = None,
        query_media_type: QueryMediaType | None = None,
        query_media_url: str | Sequence[str] | None = None,
        query_media_file: FileLike | Sequence[FileLike] | None = None,
        query_media_urls: Sequence[str] | None = None,
        query_media_files: Sequence[FileLike] | None = None,
        transcription_options: Sequence[TranscriptionOption] | None = None,
        group_by: GroupBy | None = None,
        operator: SearchOperator | None = None,
        page_limit: int | None = 50,
        filter: SearchFilter | None = None,
        include_user_metadata: bool | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> Paginator[SearchItem]:
        """Search an index; best match first. Sends nothing until awaited or iterated.

        Each iteration sends a new search, which is billed.

        Args:
            index_id: Id of the index.
            search_options: What to search.
            query_text: The query text.
            query_media_type: Kind of query media; set to `image` automatically.
            query_media_url: URL of an image to search for, or a list of up to 10.
            query_media_file: An image to search for, or a list of up to 10, in any form that `assets.upload` takes; the
                platform ignores files if there are URLs.
            query_media_urls: The same as `query_media_url`.
            query_media_files: The same as `query_media_file`.
            transcription_options: How to compare words if `transcription` is searched.
            group_by: `clip`, or `video` for videos with their clips.
            operator: Whether any search option must match (`or`), or all of them (`and`).
            page_limit: Results per page, 1 to 50.
            filter: Conditions on the videos, such as `{"duration": {"gte": 60}, "category": "news"}`.
            include_user_metadata: Whether to include your own metadata of each video.

        Raises:
            InvalidInputError: There is no query, or no search option.
            SearchExpiredError: The page tokens have expired; search again.
            NotFoundError: Raised while iterating: the index does not exist; documented as 400, `BadRequestError`.

        API: `POST /search`

        Example:
            hits = client.search.query(index_id=index.id, search_options=["visual", "audio"], query_text="a boat")
            async for hit in hits:
                print(hit.video_id, hit.start, hit.end)
        """
        reject_unsupported("search.query", unsupported)
        body, _ = _search_form(
            index_id=index_id,
            search_options=search_options,
            query_text=query_text,
            query_media_type=query_media_type,
            query_media_url=query_media_url,
            query_media_file=query_media_file,
            query_media_urls=query_media_urls,
            query_media_files=query_media_files,
            transcription_options=transcription_options,
            group_by=group_by,
            operator=operator,
            page_limit=page_limit,
            filter=filter,
            include_user_metadata=include_user_metadata,
        )
        first = Request[dict[str, Any]](
            method="POST", path_template="/search", response_type=dict, retry_class="billable", form=body
        )

        @asynccontextmanager
        async def with_files(request: Request[dict[str, Any]]) -> AsyncGenerator[Request[dict[str, Any]]]:
            async with open_form_files(
                _query_files(query_media_file, query_media_files) if request is first else ()
            ) as parts:
                yield attrs.evolve(request, form=attrs.evolve(body, files=parts)) if parts else request

        def request_for_token(token: str) -> Request[dict[str, Any]]:
            return Request(
                method="GET",
                path_template="/search/{page-token}",
                response_type=dict,
                retry_class="safe",
                path_params={"page_token": token},
                query=omit_none(include_user_metadata=include_user_metadata),
            )

        return Paginator(
            self._executor,
            first,
            page_token_reader(SearchItem, request_for_token),
            map_error=search_expired_error,
            prepare=with_files,
        )

    async def query_with_videos(
        self,
        *,
        index_id: str,
        search_options: Sequence[SearchOption],
        limit: int = 50,
        **query: Unpack[SearchQuery],
    ) -> list[SearchHit]:
        """Search an index, and return the results with their videos: file name, user metadata, stream and thumbnail.

        Videos are looked up by pages of 50; one by one if that takes fewer requests.

        Args:
            index_id: Id of the index.
            search_options: What to search, for example `["visual", "audio"]`.
            limit: Maximum number of results.
            query: The other parameters of `query`.

        Raises:
            InvalidInputError: There is no query, or no search option.

        Example:
            query = {"search_options": ["visual"], "query_text": "a boat"}
            for hit in await client.search.query_with_videos(index_id=index.id, **query):
                print(hit.filename, hit.result.start, hit.hls_url)
        """
        found = self.query(index_id=index_id, search_options=search_options, include_user_metadata=True, **query)
        results = await found.to_list(limit)
        hits = [SearchHit(result=result) for result in results]
        videos = await self._find_videos(index_id, {hit.video_id for hit in hits if hit.video_id})
        return [SearchHit(result=hit.result, video=videos.get(hit.video_id or "")) for hit in hits]

    async def _find_videos(self, index_id: str, ids: set[str]) -> dict[str, Video]:
        found: dict[str, Video] = {}
        if not ids:
            return found
        list_of_videos = self._list("/indexes/{index-id}/videos", Video, page_limit=50, index_id=index_id)
        async with aclosing(list_of_videos.pages()) as pages:
            async for page in pages:
                found |= {video.id: video for video in page if video.id in ids}
                pages_left = (page.total_pages or 0) - (page.number or 0)
                if not ids - found.keys() or len(ids - found.keys()) <= pages_left:
                    break
        return found | await self._retrieve_videos(index_id, ids - found.keys())

    async def _retrieve_videos(self, index_id: str, ids: Iterable[str]) -> dict[str, Video]:
        """Retrieve videos one by one; those that do not exist are left out."""
        slots = asyncio.Semaphore(_MAX_VIDEO_LOOKUPS)
        template = "/indexes/{index-id}/videos/{video-id}"

        async def retrieve(id: str) -> Video | None:
            async with slots:
                try:
                    return await self._get(template, VideoDetail, index_id=index_id, video_id=id)
                except (NotFoundError, BadRequestError):
                    return None

        videos = await run_all(retrieve(id) for id in ids)
        return {video.id: video for video in videos if video is not None}

    async def create(
        self,
        *,
        index_id: str,
        search_options: Sequence[SearchOption],
        query_text: str | None = None,
        query_media_type: QueryMediaType | None = None,
        query_media_url: str | Sequence[str] | None = None,
        query_media_file: FileLike | Sequence[FileLike] | None = None,
        query_media_urls: Sequence[str] | None = None,
        query_media_files: Sequence[FileLike] | None = None,
        transcription_options: Sequence[TranscriptionOption] | None = None,
        group_by: GroupBy | None = None,
        operator: SearchOperator | None = None,
        page_limit: int | None = None,
        filter: SearchFilter | None = None,
        include_user_metadata: bool | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> SearchResults:
        """Return the first page of results, with the token of the next page. The parameters are those of `query`.

        Raises:
            InvalidInputError: There is no query, or no search option.

        API: `POST /search`

        Example:
            results = await client.search.create(index_id=index.id, search_options=["visual"], query_text="a boat")
            print(len(results.data), results.page_info.next_page_token)
        """
        reject_unsupported("search.create", unsupported)
        body, files = _search_form(
            index_id=index_id,
            search_options=search_options,
            query_text=query_text,
            query_media_type=query_media_type,
            query_media_url=query_media_url,
            query_media_file=query_media_file,
            query_media_urls=query_media_urls,
            query_media_files=query_media_files,
            transcription_options=transcription_options,
            group_by=group_by,
            operator=operator,
            page_limit=page_limit,
            filter=filter,
            include_user_metadata=include_user_metadata,
        )
        return await self._send_files("/search", SearchResults, retry_class="billable", form=body, files=files)

    async def retrieve(self, page_token: str, *, include_user_metadata: bool | None = None) -> SearchResults:
        """Return a page of an earlier search, which is not billed again.

        Args:
            page_token: Token from the `page_info` of another page, valid until `page_expires_at`.
            include_user_metadata: Whether to include your own metadata of each video.

        Raises:
            BadRequestError: The token has expired; search again.

        API: `GET /search/{page-token}`

        Example:
            results = await client.search.retrieve(page_token)
            print(len(results.data))  # 1
        """
        query = omit_none(include_user_metadata=include_user_metadata)
        return await self._get("/search/{page-token}", SearchResults, query, page_token=page_token)


def _search_form(
    *,
    index_id: str,
    search_options: Sequence[SearchOption],
    query_text: str | None,
    query_media_type: QueryMediaType | None,
    query_media_url: str | Sequence[str] | None,
    query_media_file: FileLike | Sequence[FileLike] | None,
    query_media_urls: Sequence[str] | None,
    query_media_files: Sequence[FileLike] | None,
    transcription_options: Sequence[TranscriptionOption] | None,
    page_limit: int | None,
    filter: SearchFilter | None,
    **fields: Any,
) -> tuple[Form, list[FormFile]]:
    """Validate the parameters of a search and return them as a form, and its files."""
    urls = _query_urls(query_media_url, query_media_urls)
    files = _query_files(query_media_file, query_media_files)
    text = query_text if is_given(query_text) else None
    if text is None and not urls and not files:
        raise InvalidInputError("pass query_text=, query_media_url= or query_media_file=")
    if max(len(urls), len(files)) > _MAX_QUERY_IMAGES:
        raise InvalidInputError(
            f"a search accepts at most {_MAX_QUERY_IMAGES} images, got {max(len(urls), len(files))}"
        )
    form = Form.build(
        index_id=checked_id("index_id", index_id),
        search_options=checked_items("search_options", search_options),
        query_text=text,
        query_media_type="image" if query_media_type is None and (urls or files) else query_media_type,
        query_media_url=[checked_url(url, "query_media_url") for url in urls],
        transcription_options=checked_sequence("transcription_options", transcription_options),
        filter=filter_json(filter),
        **page_query({}, None, page_limit),
        **fields,
    )
    return form, files


def _query_urls(url: str | Sequence[str] | None, urls: Sequence[str] | None) -> tuple[str, ...]:
    given = _one_spelling("query_media_url", url, urls)
    given = (given,) if isinstance(given, str) else given
    return () if given is None or (isinstance(given, list) and given == []) else checked_items("query_media_url", given)


def _query_files(file: FileLike | Sequence[FileLike] | None, files: Sequence[FileLike] | None) -> list[FormFile]:
    return file_fields("query_media_file", _one_spelling("query_media_file", file, files))


def _one_spelling(name: str, value: _T | None, values: _T | None) -> _T | None:
    """Return a parameter that has two names."""
    if value is not None and values is not None:
        raise InvalidInputError(f"pass {name}= or {name}s=, not both")
    return value if values is None else values
