"""The objects of the API as frozen attrs classes, each group loaded when one of its names is first asked for."""

# ruff: noqa: F403  # type checkers read the names from their homes; at run time the table below has them

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from twelvelabs_async.models.analysis_batches import *
    from twelvelabs_async.models.analysis_tasks import *
    from twelvelabs_async.models.analyze import *
    from twelvelabs_async.models.assets import *
    from twelvelabs_async.models.common import *
    from twelvelabs_async.models.connectors import *
    from twelvelabs_async.models.embed import *
    from twelvelabs_async.models.embed_inputs import *
    from twelvelabs_async.models.entities import *
    from twelvelabs_async.models.indexes import *
    from twelvelabs_async.models.knowledge import *
    from twelvelabs_async.models.response_events import *
    from twelvelabs_async.models.responses import *
    from twelvelabs_async.models.search import *
    from twelvelabs_async.models.tasks import *
    from twelvelabs_async.models.uploads import *
    from twelvelabs_async.models.webhooks import *

_GROUPS: Final = {
    "analysis_batches": """
        AnalysisBatch BatchDefaults BatchItemError BatchItemRequest BatchItemStatus BatchModel BatchPrompt
        BatchResultItem BatchStatus CreatedAnalysisBatch CreatedBatchItem
    """,
    "analysis_tasks": """
        AnalysisMode AnalysisResult AnalysisTask AnalysisTaskParams AnalysisTaskStatus CanceledAnalysisTask
        CreatedAnalysisTask Unlimited VideoSource VideoSourceMetadata WebhookDelivery
    """,
    "analyze": """
        Analysis AnalysisError AnalyzeEvent AnalyzeImageInput AnalyzeModel AnalyzePromptV2 AnalyzeTimeRange
        FinishReason ReferenceImage ResponseFormat ResponseFormatType SegmentDefinition SegmentField
        SegmentFieldItems StreamEnd StreamEndMetadata StreamStart StreamStartMetadata StructuredAnalysis
        TextGeneration TimeArrayField TimeArrayItems TimeFormat TokenUsage VideoAsset VideoBase64
        VideoContext VideoUrl
    """,
    "assets": """
        Asset AssetDetail AssetError AssetHls AssetMethod AssetSource AssetSourceDetails AssetStatus
        AssetThumbnail AssetTranscription AssetTranscriptionEntry AssetTranscriptionError
        AssetTranscriptionUtterance AssetType AudioStream CreateMethod DerivedStatus TechnicalMetadata
        TranscriptionStatus TranscriptionUnit VideoStream
    """,
    "common": "Ids MetadataValue Model Moment PageInfo Range RangeLike UnknownEvent UserMetadata Vector",
    "connectors": """
        Connection ConnectionAccount ConnectionAuthorization ConnectionProvider ConnectionStatus Import
        ImportAction ImportDetail ImportItem ImportItemError ImportItemStatus ImportResult ImportSource
        PickerToken RedirectUri
    """,
    "embed": """
        AudioEmbeddingMetadata CreatedEmbeddingTask DocumentEmbeddingMetadata EmbeddingData
        EmbeddingInputMetadata EmbeddingInputType EmbeddingMetadata EmbeddingModel EmbeddingQuadrant
        EmbeddingResponse EmbeddingResult EmbeddingSegment EmbeddingTask EmbeddingTaskError
        EmbeddingTaskInputType EmbeddingTaskStatus EmbeddingUsage Embeddings ImageEmbeddingMetadata
        MediaEmbeddingTask TaskAudioEmbedding TaskDocumentEmbedding TaskImageEmbedding TaskVideoEmbedding
        VideoEmbeddingMetadata VideoEmbeddingScope
    """,
    "embed_inputs": """
        AudioInput AudioOption AudioTaskInput DocumentOption DocumentSegmentation DocumentTaskInput
        DynamicLength EmbeddingType FixedLength ImageInput ImageTaskInput InputMediaType MediaSource
        MultiInput MultiInputSource Segmentation SegmentationLike SequentialSegmentation SourceLike
        SpatialSegmentation TemporalSegmentation TextImageInput TextInput TimedText VideoInput VideoOption
        VideoTaskInput
    """,
    "entities": """
        BulkEntities BulkEntity BulkEntityError Entity EntityCollection EntitySort EntityStatus NewEntity
    """,
    "indexes": """
        CreatedIndex EmbeddingOption Hls HlsStatus Index IndexModel IndexName IndexedAsset
        IndexedAssetCreated IndexedAssetDetailed IndexedAssetStatus IndexedAssetSummary IndexedEmbedding
        ModelOption SystemMetadata TranscriptionEntry Video VideoDetail VideoEmbedding VideoSegment
    """,
    "knowledge": """
        AssetTypeFilter EnrichmentConfig IngestionConfig ItemIdFilter KnowledgeStore KnowledgeStoreItem
        StoreAssetType StoreCollectionSort StoreGroupBy StoreHitMetadata StoreHitSystemMetadata
        StoreItemCollection StoreItemStatus StoreItemSystemMetadata StoreModality StoreQuery
        StoreSearchFilter StoreSearchHit StoreSearchOptions StoreSort VideoMatch VideoSearchOptions
    """,
    "response_events": """
        ContentPartAdded ContentPartDone FunctionCallArgumentsDone Keepalive OutputItemAdded OutputItemDone
        OutputTextDelta OutputTextDone ResponseCompleted ResponseCreated ResponseEvent ResponseFailed
        ResponseInProgress
    """,
    "responses": """
        IncompleteDetails ResponseAnnotation ResponseInclude ResponseInputItem ResponseObject
        ResponseOutputContentPart ResponseOutputItem ResponseSelection ResponseStatus ResponseUsage
        TextFormat TextParam
    """,
    "search": """
        GroupBy QueryMediaType SearchClip SearchItem SearchOperator SearchOption SearchPageInfo SearchPool
        SearchResults TranscriptionOption
    """,
    "tasks": "CreatedIndexingTask IndexingTask IndexingTaskStatus TaskSystemMetadata",
    "uploads": """
        ChunkInfo ChunkStatus CompletedChunk IncompleteUpload PresignedUrlChunk PresignedUrls ProofType
        ReportedChunks UploadSession UploadSessionStatus UploadStatus UploadType
    """,
    "webhooks": """
        AnalyzeTaskCanceled AnalyzeTaskData AnalyzeTaskFailed AnalyzeTaskReady IndexTaskData IndexTaskFailed
        IndexTaskMetadata IndexTaskReady UnknownWebhook Webhook WebhookEvent
    """,
}
_HOMES: Final = {name: group for group, names in _GROUPS.items() for name in names.split()}


if not TYPE_CHECKING:  # else every name would exist for a type checker

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return found


def __dir__() -> list[str]:
    return sorted(_HOMES)
