"""Names the groups of operations, each loaded when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from twelvelabs_async.api import Api

if TYPE_CHECKING:
    from twelvelabs_async.resources.analyze import Analyze
    from twelvelabs_async.resources.analyze_async import AnalyzeAsync
    from twelvelabs_async.resources.analyze_stream import AnalyzeStreaming
    from twelvelabs_async.resources.assets import Assets
    from twelvelabs_async.resources.data_connectors import DataConnectors
    from twelvelabs_async.resources.embed import Embed
    from twelvelabs_async.resources.entity_collections import EntityCollections
    from twelvelabs_async.resources.imports import Imports
    from twelvelabs_async.resources.indexes import Indexes
    from twelvelabs_async.resources.knowledge_store_item_collections import KnowledgeStoreItemCollections
    from twelvelabs_async.resources.knowledge_store_items import KnowledgeStoreItems
    from twelvelabs_async.resources.knowledge_stores import KnowledgeStores
    from twelvelabs_async.resources.multipart_upload import MultipartUpload
    from twelvelabs_async.resources.responses import Responses
    from twelvelabs_async.resources.search import Search
    from twelvelabs_async.resources.tasks import Tasks


class Groups:
    """The groups as attributes of a client, or of a view of one."""

    _api: Api

    @cached_property
    def indexes(self) -> Indexes:
        """Sets of videos that are searched together."""
        from twelvelabs_async.resources.indexes import Indexes

        return Indexes(self._api)

    @cached_property
    def assets(self) -> Assets:
        """Media files on the platform."""
        from twelvelabs_async.resources.assets import Assets

        return Assets(self._api)

    @cached_property
    def multipart_upload(self) -> MultipartUpload:
        """Uploads in parts, step by step; `assets.upload` does all of it."""
        from twelvelabs_async.resources.multipart_upload import MultipartUpload

        return MultipartUpload(self._api)

    @cached_property
    def tasks(self) -> Tasks:
        """Upload and indexing in one call: the older way, whose removal is announced."""
        from twelvelabs_async.resources.tasks import Tasks

        return Tasks(self._api)

    @cached_property
    def search(self) -> Search:
        """Find moments by words or images."""
        from twelvelabs_async.resources.search import Search

        return Search(self._api)

    @cached_property
    def analyze(self) -> Analyze:
        """Text about a video or pictures: `await client.analyze(video=..., prompt=...)`."""
        from twelvelabs_async.resources.analyze import Analyze

        return Analyze(self._api)

    @cached_property
    def analyze_stream(self) -> AnalyzeStreaming:
        """The same while it is written: `async for event in client.analyze_stream(...)`."""
        from twelvelabs_async.resources.analyze_stream import AnalyzeStreaming

        return AnalyzeStreaming(self._api)

    @cached_property
    def analyze_async(self) -> AnalyzeAsync:
        """Analyses that run by themselves, one by one or in batches."""
        from twelvelabs_async.resources.analyze_async import AnalyzeAsync

        return AnalyzeAsync(self._api)

    @cached_property
    def responses(self) -> Responses:
        """Answers of an agent that has a knowledge store at hand."""
        from twelvelabs_async.resources.responses import Responses

        return Responses(self._api)

    @cached_property
    def embed(self) -> Embed:
        """Vectors of texts, pictures, sounds, videos and documents; new code uses `embed.v_2`."""
        from twelvelabs_async.resources.embed import Embed

        return Embed(self._api)

    @cached_property
    def entity_collections(self) -> EntityCollections:
        """Persons and things to recognize."""
        from twelvelabs_async.resources.entity_collections import EntityCollections

        return EntityCollections(self._api)

    @cached_property
    def knowledge_stores(self) -> KnowledgeStores:
        """Videos and pictures that are searched and asked about together."""
        from twelvelabs_async.resources.knowledge_stores import KnowledgeStores

        return KnowledgeStores(self._api)

    @cached_property
    def knowledge_store_items(self) -> KnowledgeStoreItems:
        """What is in a knowledge store."""
        from twelvelabs_async.resources.knowledge_store_items import KnowledgeStoreItems

        return KnowledgeStoreItems(self._api)

    @cached_property
    def knowledge_store_item_collections(self) -> KnowledgeStoreItemCollections:
        """Items of a knowledge store that belong together."""
        from twelvelabs_async.resources.knowledge_store_item_collections import KnowledgeStoreItemCollections

        return KnowledgeStoreItemCollections(self._api)

    @cached_property
    def data_connectors(self) -> DataConnectors:
        """Leave to read files of accounts elsewhere."""
        from twelvelabs_async.resources.data_connectors import DataConnectors

        return DataConnectors(self._api)

    @cached_property
    def imports(self) -> Imports:
        """Files fetched from there."""
        from twelvelabs_async.resources.imports import Imports

        return Imports(self._api)
