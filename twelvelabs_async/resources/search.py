"""Search: stretches of videos that match a text, a picture, or both.

https://docs.twelvelabs.io/v1.3/api-reference/any-to-video-search
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.search import (
    GroupBy,
    QueryMediaType,
    SearchItem,
    SearchOperator,
    SearchOption,
    SearchResults,
    TranscriptionOption,
)
from twelvelabs_async.paginator import Paginator, by_token, expired, first_page
from twelvelabs_async.request import Form, Request, checked_id, form, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import FileLike, SearchFilter, checked_url, file_parts, filter_text, several

MOST_IMAGES: Final = 10
"""Pictures the platform takes in one query."""


class Search(Resource):
    """Finds stretches of videos that match a text, a picture, or both."""

    def query(
        self,
        *,
        index_id: str,
        search_options: Sequence[SearchOption],
        query_text: str | None = None,
        query_media_type: QueryMediaType | None = None,
        query_media_url: str | Sequence[str] | None = None,
        query_media_file: FileLike | Sequence[FileLike] | None = None,
        transcription_options: Sequence[TranscriptionOption] | None = None,
        group_by: GroupBy | None = None,
        operator: SearchOperator | None = None,
        page_limit: int | None = 50,
        filter: SearchFilter | None = None,
        include_user_metadata: bool | None = None,
    ) -> Paginator[SearchItem]:
        """Results, best first. Sends nothing until awaited or iterated; each time the first page is a search anew.

        Args:
            index_id: The index.
            search_options: Where to look.
            query_text: What to look for, in words.
            query_media_type: `image`; set for you when there are pictures.
            query_media_url: Addresses of pictures to look for, one or several.
            query_media_file: Pictures to look for, one or several; the platform prefers addresses if there are both.
            transcription_options: How to compare words, when `transcription` is searched.
            group_by: `clip`, or `video` for videos with their clips.
            operator: Whether one of the search options has to match (`or`), or all (`and`).
            page_limit: Results a page, 1 to 50.
            filter: Conditions on the videos, such as `{"duration": {"gte": 60}, "category": "news"}`.
            include_user_metadata: Include your own keys on each video.

        Raises:
            InvalidInputError: There is nothing to look for, or nowhere to look.
            SearchExpiredError: The pages were read too slowly; only a new search helps.
        """
        body = _form(
            index_id=index_id,
            search_options=search_options,
            query_text=query_text,
            query_media_type=query_media_type,
            query_media_url=query_media_url,
            query_media_file=query_media_file,
            transcription_options=transcription_options,
            group_by=group_by,
            operator=operator,
            page_limit=page_limit,
            filter=filter,
            include_user_metadata=include_user_metadata,
        )
        first = Request[dict[str, Any]](method="POST", template="/search", into=dict, retry="compute", form=body)

        def follow(token: str) -> Request[dict[str, Any]]:
            return Request(
                method="GET",
                template="/search/{page-token}",
                into=dict,
                retry="safe",
                ids={"page_token": token},
                query=given(include_user_metadata=include_user_metadata),
            )

        return Paginator(self._caller, first, by_token(SearchItem, follow), explain=expired)

    async def create(
        self,
        *,
        index_id: str,
        search_options: Sequence[SearchOption],
        query_text: str | None = None,
        query_media_type: QueryMediaType | None = None,
        query_media_url: str | Sequence[str] | None = None,
        query_media_file: FileLike | Sequence[FileLike] | None = None,
        transcription_options: Sequence[TranscriptionOption] | None = None,
        group_by: GroupBy | None = None,
        operator: SearchOperator | None = None,
        page_limit: int | None = None,
        filter: SearchFilter | None = None,
        include_user_metadata: bool | None = None,
    ) -> SearchResults:
        """The first page of results, and the token for the next; the parameters are those of `query`."""
        body = _form(
            index_id=index_id,
            search_options=search_options,
            query_text=query_text,
            query_media_type=query_media_type,
            query_media_url=query_media_url,
            query_media_file=query_media_file,
            transcription_options=transcription_options,
            group_by=group_by,
            operator=operator,
            page_limit=page_limit,
            filter=filter,
            include_user_metadata=include_user_metadata,
        )
        return await self._post("/search", SearchResults, retry="compute", form=body)

    async def retrieve(self, page_token: str, *, include_user_metadata: bool | None = None) -> SearchResults:
        """A page of a search that was made before, which is not billed again.

        Args:
            page_token: From `page_info` of another page of it; good until `page_expires_at`.
            include_user_metadata: Include your own keys on each video.

        Raises:
            BadRequestError: The token has expired; only a new search helps.
        """
        return await self._get(
            "/search/{page-token}",
            SearchResults,
            query=given(include_user_metadata=include_user_metadata),
            page_token=page_token,
        )


def _form(
    *,
    index_id: str,
    search_options: Sequence[SearchOption],
    query_text: str | None,
    query_media_type: QueryMediaType | None,
    query_media_url: str | Sequence[str] | None,
    query_media_file: FileLike | Sequence[FileLike] | None,
    transcription_options: Sequence[TranscriptionOption] | None,
    page_limit: int | None,
    filter: SearchFilter | None,
    **fields: str | bool | None,
) -> Form:
    """What is looked for, checked, as the API takes it."""
    urls = [query_media_url] if isinstance(query_media_url, str) else list(query_media_url or ())
    files = file_parts("query_media_file", query_media_file)
    text = query_text if (query_text or "").strip() else None
    if not (text or urls or files):
        raise InvalidInputError("a search needs query_text, query_media_url or query_media_file")
    if max(len(urls), len(files)) > MOST_IMAGES:
        raise InvalidInputError(f"a search takes {MOST_IMAGES} pictures at most")
    return form(
        files=files,
        index_id=checked_id(index_id, "index_id"),
        search_options=several("search_options", search_options or ()),
        query_text=text,
        query_media_type=query_media_type or ("image" if urls or files else None),
        query_media_url=[checked_url(url, "query_media_url") for url in urls],
        transcription_options=several("transcription_options", transcription_options),
        filter=filter_text(filter),
        **first_page({}, None, page_limit),
        **fields,
    )
