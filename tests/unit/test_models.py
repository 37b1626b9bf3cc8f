"""Responses as models: known, unknown and invalid fields, and conversion back to JSON."""

from __future__ import annotations

import ast
import copy
import importlib
import json
import subprocess
import sys
from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

import attrs
import pytest

from twelvelabs_async import models
from twelvelabs_async._codec.converter import can_structure, structure, to_dict
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError
from twelvelabs_async.models._interop import SDK_FIELD_NAMES
from twelvelabs_async.models.analyze import AnalyzePromptV2, StructuredAnalysis
from twelvelabs_async.models.assets import (
    AssetDetail,
    AssetTranscription,
    CompletedChunk,
    IncompleteUpload,
    PresignedUrls,
    ReportedChunks,
    UploadSession,
    UploadStatus,
)
from twelvelabs_async.models.common import Model
from twelvelabs_async.models.embed import (
    AudioTaskInput,
    DocumentSegmentation,
    DocumentTaskInput,
    FixedLength,
    FixedSegmentation,
    ImageInput,
    MediaSource,
    Segmentation,
    TemporalSegmentation,
    TextImageInput,
    VideoInput,
)
from twelvelabs_async.models.indexed_assets import (
    IndexedAsset,
    IndexedAssetCreated,
    IndexedAssetDetailed,
    IndexedAssetSummary,
    Video,
    VideoDetail,
    VideoSegment,
)
from twelvelabs_async.models.indexes import CreatedIndex, Index
from twelvelabs_async.models.search import SearchResults
from twelvelabs_async.models.tasks import CreatedIndexingTask, IndexingTask
from twelvelabs_async.pagination import Page
from twelvelabs_async.serialization import from_dict

FOLDER = Path(models.__file__).parent
GROUPS = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")

TIME = "2026-10-01T12:30:00Z"
TIME_WITH_FRACTION = "2026-10-01T12:30:00.123456Z"
SECRET = "https://storage.example/x?X-Amz-Signature=secret"
SYSTEM_METADATA = {"filename": "a.mp4", "duration": 10.5, "fps": 25.0, "width": 1920, "height": 1080, "size": 1000}
INDEXED = {
    "_id": "x",
    "asset_id": "a",
    "created_at": TIME,
    "updated_at": TIME,
    "indexed_at": TIME_WITH_FRACTION,
    "system_metadata": SYSTEM_METADATA,
}
HLS = {"status": "COMPLETE", "video_url": "https://x.example/s.m3u8", "thumbnail_urls": ["https://x.example/1.jpg"]}
SEGMENT = {"float": [0.5, -1.0], "start_offset_sec": 0.0, "end_offset_sec": 6.0, "embedding_option": "visual"}
DETAILS = {
    "user_metadata": {"a": 1, "b": ["x"]},
    "hls": {**HLS, "updated_at": TIME},
    "embedding": {
        "model_name": "marengo3.0",
        "video_embedding": {"segments": [{**SEGMENT, "embedding_scope": "clip"}]},
    },
    "transcription": [{"start": 0.0, "end": 1.5, "value": "hello"}],
}
CHUNK_URL = {"chunk_index": 1, "url": SECRET, "expires_at": TIME}
CLIP = {
    "start": 1.0,
    "end": 2.0,
    "video_id": "v",
    "rank": 1,
    "thumbnail_url": "u",
    "transcription": "t",
    "user_metadata": {"a": 1},
}

EXAMPLES: list[tuple[type[Model], dict[str, Any]]] = [
    (
        Index,
        {
            "_id": "i",
            "index_name": "films",
            "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}],
            "addons": ["thumbnail"],
            "video_count": 2,
            "total_duration": 60.5,
            "created_at": TIME,
            "updated_at": TIME,
            "expires_at": TIME,
        },
    ),
    (CreatedIndex, {"_id": "i"}),
    (Video, {**INDEXED, "hls": HLS}),
    (VideoDetail, {**INDEXED, **DETAILS}),
    (IndexedAsset, {**INDEXED, "hls": HLS, "status": "ready"}),
    (IndexedAssetDetailed, {**INDEXED, "status": "ready", **DETAILS}),
    (IndexedAssetCreated, {"_id": "x", "asset_id": "a"}),
    (IndexedAssetSummary, {"_id": "x", "index": {"_id": "i", "name": "films"}}),
    (
        AssetDetail,
        {
            "_id": "a",
            "status": "ready",
            "method": "connector",
            "filename": "a.mp4",
            "file_type": "video/mp4",
            "created_at": TIME,
            "user_metadata": {"a": True},
            "source": {"type": "connector", "details": {"provider": "google_drive", "source_id": "s"}},
            "size": 1000,
            "duration": 10.5,
            "hls": {"status": "ready", "manifest_url": "https://x.example/m.m3u8"},
            "thumbnail": {"status": "ready", "representative_url": "https://x.example/t.jpg"},
            "technical_metadata": {
                "file_size_bytes": 1000,
                "container_creation_time": TIME_WITH_FRACTION,
                "video_streams": [{"index": 0, "codec": "h264", "fps": 25.0}],
                "audio_streams": [{"index": 1, "codec": "aac", "channels": 2}],
                "has_audio": True,
                "document_creation_date": TIME,
            },
            "error": {"message": "none"},
        },
    ),
    (
        AssetTranscription,
        {
            "status": "ready",
            "words": [{"start": 0.0, "end": 0.5, "value": "hi"}],
            "sentences": [{"start": 0.0, "end": 0.5, "value": "Hi."}],
            "utterances": [{"start": 0.0, "end": 0.5, "value": "Hi.", "speaker": "1"}],
            "error": {"message": "none"},
        },
    ),
    (
        UploadSession,
        {
            "upload_id": "u",
            "asset_id": "a",
            "chunk_size": 5,
            "total_chunks": 2,
            "upload_urls": [CHUNK_URL],
            "upload_headers": {"x-amz-acl": "private"},
            "expires_at": TIME,
        },
    ),
    (
        PresignedUrls,
        {
            "upload_urls": [CHUNK_URL],
            "upload_id": "u",
            "start_index": 1,
            "count": 1,
            "generated_at": TIME,
            "expires_at": TIME,
        },
    ),
    (CompletedChunk, {"chunk_index": 1, "proof": "e", "chunk_size": 5, "proof_type": "etag"}),
    (
        ReportedChunks,
        {
            "processed_chunks": 1,
            "duplicate_chunks": 2,
            "total_completed": 3,
            "asset_id": "a",
            "url": "https://x.example",
        },
    ),
    (
        UploadStatus,
        {
            "upload_id": "u",
            "status": "active",
            "uploaded_chunks": [{"index": 1, "status": "failed", "updated_at": TIME, "error": "no"}],
            "chunks_completed": 1,
            "chunks_failed": 1,
            "chunks_pending": 0,
            "total_size": 10,
            "uploaded_size": 5,
            "created_at": TIME,
            "updated_at": TIME,
            "page_info": {"page": 1, "limit_per_page": 10, "total_page": 1, "total_results": 1},
        },
    ),
    (
        IncompleteUpload,
        {
            "upload_id": "u",
            "status": "active",
            "total_size": 10,
            "chunk_size": 5,
            "total_chunks": 2,
            "created_at": TIME,
            "expires_at": TIME,
        },
    ),
    (
        IndexingTask,
        {
            "_id": "t",
            "status": "ready",
            "video_id": "v",
            "index_id": "i",
            "created_at": TIME,
            "updated_at": TIME,
            "system_metadata": {"filename": "a.mp4", "duration": 1.5, "width": 2, "height": 3},
            "hls": HLS,
        },
    ),
    (CreatedIndexingTask, {"_id": "t", "video_id": "v"}),
    (
        SearchResults,
        {
            "data": [{**CLIP, "id": "v", "clips": [CLIP]}],
            "page_info": {
                "limit_per_page": 10,
                "total_results": 1,
                "total_inner_matches": 1,
                "page_expires_at": TIME,
                "next_page_token": "n",
                "prev_page_token": "p",
            },
            "search_pool": {"index_id": "i", "total_count": 1, "total_duration": 1.5},
        },
    ),
]

examples = pytest.mark.parametrize(("kind", "example"), EXAMPLES, ids=lambda value: getattr(value, "__name__", ""))


@examples
def test_a_model_keeps_all_fields_of_a_response_and_converts_back(kind: type[Model], example: dict[str, Any]) -> None:
    model = structure(example, kind)
    assert model.extra == {}
    assert to_dict(model) == example
    assert structure(to_dict(model), kind) == model


@examples
def test_a_model_has_methods_for_json_types(kind: type[Model], example: dict[str, Any]) -> None:
    model = kind.from_dict({**example, "new": "né"})
    assert model.to_dict() == json.loads(model.to_json()) == {**example, "new": "né"}
    assert kind.from_dict(model.to_dict()) == model
    assert '\n  "new": "né"' in model.to_json(indent=2)


@examples
def test_every_field_of_a_model_has_an_example(kind: type[Model], example: dict[str, Any]) -> None:
    """The name of a field without an example is untested."""
    wire_names = {field.metadata.get("wire", field.name) for field in attrs.fields(kind)}
    assert wire_names - {"extra"} == example.keys()


@examples
def test_p20_unknown_fields_are_kept(kind: type[Model], example: dict[str, Any]) -> None:
    """Fields of a newer API version survive the conversion to a model and back."""
    model = structure({**example, "brand_new": {"a": [1, None]}}, kind)
    assert model.extra == {"brand_new": {"a": [1, None]}}
    assert to_dict(model) == {**example, "brand_new": {"a": [1, None]}}


@examples
def test_p20_null_is_equivalent_to_an_absent_optional_field(kind: type[Model], example: dict[str, Any]) -> None:
    required = {
        field.metadata.get("wire", field.name): example[field.metadata.get("wire", field.name)]
        for field in attrs.fields(kind)
        if field.default is attrs.NOTHING
    }
    assert structure({**dict.fromkeys(example), **required}, kind) == structure(required, kind)


def test_p20_an_unknown_status_is_kept() -> None:
    new = {"_id": "a", "status": "sleeping", "method": "fax", "hls": {"status": "PAUSED"}}
    assert to_dict(structure(new, AssetDetail)).items() >= new.items()


def test_the_id_is_parsed_from_both_of_its_field_names() -> None:
    assert structure({"_id": "a"}, CreatedIndex).id == structure({"id": "a"}, CreatedIndex).id == "a"


def test_integers_and_floats_are_converted_to_the_declared_type() -> None:
    size = structure({"_id": "x", "system_metadata": {"size": 12.0, "duration": 7}}, Video).system_metadata
    assert (size.size, size.duration) == (12, 7.0)
    assert (type(size.size), type(size.duration)) == (int, float)


INVALID_RESPONSES: list[tuple[type[Model], Any, str, str]] = [
    (Video, {**INDEXED, "system_metadata": {"width": "wide"}}, "$.system_metadata.width", "expected int, got str"),
    (Video, {**INDEXED, "system_metadata": {"size": 1.5}}, "$.system_metadata.size", "expected int, got float"),
    (Video, {**INDEXED, "_id": None}, "$.id", "'_id' is missing"),
    (IndexedAsset, INDEXED, "$.status", "'status' is missing"),
    (AssetDetail, {"_id": "a", "status": "ready", "duration": True}, "$.duration", "expected float, got boolean"),
    (AssetDetail, {"_id": "a", "status": None}, "$.status", "'status' is missing"),
    (
        SearchResults,
        {"data": [{}, {"clips": [{"rank": []}]}]},
        "$.data[1].clips[0].rank",
        "expected int, got array",
    ),
    (SearchResults, {}, "$.data", "'data' is missing"),
    (UploadSession, {"upload_id": "u", "asset_id": "a", "total_chunks": 1}, "$.chunk_size", "'chunk_size' is missing"),
    (
        VideoDetail,
        {**INDEXED, "embedding": {"video_embedding": {"segments": [{"float": [1, "2"]}]}}},
        "$.embedding.video_embedding.segments[0].float_",
        "a list of numbers",
    ),
]


@pytest.mark.parametrize(("kind", "response", "path", "message"), INVALID_RESPONSES)
def test_an_invalid_response_raises_an_error_with_the_path(
    kind: type[Model], response: Any, path: str, message: str
) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        structure(response, kind)
    assert message in caught.value.message
    assert caught.value.path == path


def test_p20_times_have_a_timezone_and_an_invalid_time_affects_no_other_field() -> None:
    video = structure({**INDEXED, "created_at": "2026-10-01T14:30:00+02:00", "updated_at": "yesterday"}, Video)
    assert video.created_at == datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
    assert video.indexed_at == datetime(2026, 10, 1, 12, 30, 0, 123456, tzinfo=UTC)
    assert video.updated_at is None
    assert video.extra == {"updated_at": "yesterday"}
    assert to_dict(video)["updated_at"] == "yesterday"


def test_a_vector_is_an_array_and_is_omitted_from_the_repr() -> None:
    detail = structure({**INDEXED, **DETAILS}, VideoDetail)
    assert detail.embedding is not None
    segment = detail.embedding.video_embedding.segments[0]
    assert segment.float_ == array("d", [0.5, -1.0])
    assert "vector" not in repr(segment)


@pytest.mark.parametrize("kind", [UploadSession, PresignedUrls])
def test_p15_a_presigned_url_is_not_in_the_repr(kind: type[Model]) -> None:
    model = structure(
        {"upload_id": "u", "asset_id": "a", "chunk_size": 1, "total_chunks": 1, "upload_urls": [CHUNK_URL]}, kind
    )
    assert "secret" not in repr(model)


def test_a_model_is_immutable() -> None:
    index = structure({"_id": "i"}, CreatedIndex)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        index.id = "j"  # type: ignore[misc]  # tested here


def public_names(path: Path) -> set[str]:
    """Return the names of the public classes and aliases that a module defines."""
    names = set[str]()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if name[0] != "_" and len(name) > 1 and not name.isupper()}


def test_every_model_can_be_imported_from_the_models_package() -> None:
    names = set[str]().union(*map(public_names, GROUPS)) | {"Vector"}
    assert set(dir(models)) == names
    assert names <= set(dir(models))
    for name in dir(models):
        assert getattr(models, name) is not None


def test_an_unknown_model_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        getattr(models, "Nothing")  # noqa: B009  # a type checker would reject the attribute


def test_model_modules_are_loaded_on_first_use() -> None:
    """A program that only searches does not load the models of other operations."""
    code = (
        "import sys\n"
        "from twelvelabs_async import models\n"
        "assert not [name for name in sys.modules if name.startswith('twelvelabs_async.models.')]\n"
        "models.SearchItem\n"
        "assert 'twelvelabs_async.models.assets' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)  # noqa: S603  # a fixed command


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: path.stem)
def test_every_field_has_a_description(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        body = node.body if isinstance(node, ast.ClassDef) else []
        for field, next_node in zip(body, [*body[1:], None], strict=False):
            if isinstance(field, ast.AnnAssign):
                described = isinstance(next_node, ast.Expr) and isinstance(next_node.value, ast.Constant)
                assert described, f"{path.stem}: {ast.unparse(field.target)} has no description"
                assert str(next_node.value.value).endswith((".", ")")), ast.unparse(field)  # type: ignore[union-attr]


def test_every_renamed_json_field_is_listed_in_sdk_field_names() -> None:
    """`SDK_FIELD_NAMES` is used to rename the keys of dicts."""
    renamed = {
        field.name: field.metadata["wire"]
        for path in GROUPS
        for model in vars(importlib.import_module(f"twelvelabs_async.models.{path.stem}")).values()
        if isinstance(model, type) and issubclass(model, Model)
        for field in attrs.fields(model)
        if "wire" in field.metadata and field.name != "id"
    }
    assert renamed == SDK_FIELD_NAMES


@examples
def test_equal_models_have_equal_hashes(kind: type[Model], example: dict[str, Any]) -> None:
    first, second = structure({**example, "new": {}}, kind), structure({**example, "new": {}}, kind)
    assert len({first, second}) == 1
    assert hash(structure(example, kind)) == hash(structure(example, kind))


def test_a_model_with_lists_and_vectors_is_hashable() -> None:
    data = from_dict({"float": [0.5] * 3, "embedding_option": "visual"}, VideoSegment)
    prompt = AnalyzePromptV2(input_text="x", media_sources=cast("Any", [{"name": "x"}]))
    assert len({data, prompt, copy.copy(prompt)}) == 2
    assert hash(Page(items=(data,), extra={"search_pool": {}})) is not None


def test_a_model_converts_to_a_dict_of_json_types() -> None:
    index = from_dict({"_id": "i", "index_name": "x", "created_at": TIME, "new": 1}, Index)
    assert dict(cast("Any", index)) == to_dict(index)


def test_a_dict_that_contains_itself_cannot_be_converted() -> None:
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    with pytest.raises(InvalidInputError, match="contains itself"):
        to_dict(cyclic)


def test_a_generic_model_can_be_parametrized() -> None:
    assert get_args(StructuredAnalysis[int]) == (int,)


SEGMENTS = FixedSegmentation(fixed=FixedLength(duration_sec=5)).to_dict()
SOURCE: dict[str, Any] = {"url": "https://media.example/a.mp4"}


@pytest.mark.parametrize(
    ("kind", "fields", "name", "field_type"),
    [
        (VideoInput, {"segmentation": SEGMENTS, "embedding_option": ["visual"]}, "segmentation", Segmentation),
        (ImageInput, {}, "media_source", MediaSource),
        (TextImageInput, {"input_text": "a boat"}, "media_source", MediaSource),
        (AudioTaskInput, {"segmentation": SEGMENTS}, "segmentation", Segmentation),
        (AudioTaskInput, {"segmentation": {"temporal": SEGMENTS}}, "segmentation", TemporalSegmentation),
        (
            DocumentTaskInput,
            {"segmentation": {"spatial": {"strategy": "standard"}}},
            "segmentation",
            DocumentSegmentation,
        ),
    ],
)
def test_a_request_model_is_created_from_a_dict_and_converts_back(
    kind: type[Model], fields: dict[str, Any], name: str, field_type: type[Model]
) -> None:
    document = {"media_source": SOURCE, **fields}
    model = kind.from_dict(document)
    assert model.to_dict() == document
    assert type(getattr(model, name)) is field_type


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"media_source": 5}, "$.media_source"),
        ({"media_source": {"url": 5}}, "$.media_source.url"),
        ({"media_source": SOURCE, "segmentation": {"strategy": 5}}, "$.segmentation.strategy"),
        ({"media_source": SOURCE, "embedding_option": "visual"}, "$.embedding_option"),
    ],
)
def test_an_invalid_request_raises_an_error_with_the_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        AudioTaskInput.from_dict(document)
    assert caught.value.path == path


def test_every_model_has_a_structure_hook() -> None:
    for name in dir(models):
        kind = getattr(models, name)
        assert not (isinstance(kind, type) and issubclass(kind, Model)) or can_structure(kind), name


def test_a_structured_analysis_is_created_from_a_dict_with_and_without_the_type_of_its_value() -> None:
    document = {"id": "1", "data": "{}", "finish_reason": "stop", "value": {"_id": "i", "index_name": "x"}, "new": 1}
    assert StructuredAnalysis[Any].from_dict(document).value == document["value"]
    typed = from_dict(document, StructuredAnalysis[Index])
    assert (typed.value.index_name, typed.extra) == ("x", {"new": 1})
