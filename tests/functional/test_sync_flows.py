"""Seven synchronous programs for the official client run with `TwelveLabs` after a change of their imports."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, Final

import pytest

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import ThreadedEmulator, Timing

pytestmark = pytest.mark.oldest_python

IMPORT_REPLACEMENTS: Final = {
    "from twelvelabs import TwelveLabs": "from twelvelabs_async import TwelveLabs",
    "from twelvelabs.indexes import": "from twelvelabs_async.types import",
    "from twelvelabs.types import": "from twelvelabs_async.types import",
    "from twelvelabs.core.api_error import ApiError": "from twelvelabs_async import APIError as ApiError",
}
"""Official imports and their replacements."""

SEARCH_SCRIPT = """
import time
from twelvelabs import TwelveLabs
from twelvelabs.indexes import IndexesCreateRequestModelsItem

client = TwelveLabs(api_key=api_key, base_url=base_url)
index = client.indexes.create(
    index_name="films",
    models=[IndexesCreateRequestModelsItem(model_name="marengo3.0", model_options=["visual", "audio"])],
)
asset = client.assets.create(method="direct", file=open(folder / "sailing-boat-at-sunset.mp4", "rb"))
while client.assets.retrieve(asset.id).status != "ready":
    time.sleep(0.1)
indexed_asset = client.indexes.indexed_assets.create(index_id=index.id, asset_id=asset.id)
while True:
    indexed_asset = client.indexes.indexed_assets.retrieve(index.id, indexed_asset.id)
    if indexed_asset.status in ("ready", "failed"):
        break
    time.sleep(0.1)
print(indexed_asset.status)
for clip in client.search.query(index_id=index.id, query_text="sailing boat", search_options=["visual", "audio"]):
    print(clip.rank, clip.start, clip.end, clip.video_id == indexed_asset.id)
"""

SEARCH_PAGE = """
from twelvelabs import TwelveLabs

def get_client():
    return TwelveLabs(api_key=api_key, base_url=base_url)

def choices(client):
    return {index.index_name: index.id for index in client.indexes.list(page_limit=10)}

def videos(client, index_id):
    return [video.system_metadata.filename for video in client.indexes.videos.list(index_id=index_id)]

def results(client, index_id, text):
    pager = client.search.query(index_id=index_id, query_text=text, search_options=["visual"], page_limit=2)
    return [(round(one.start, 2), round(one.end, 2)) for one in pager.items], pager.has_next

client = get_client()
print(sorted(choices(client)))
for name, index_id in sorted(choices(client).items()):
    print(name, sorted(videos(client, index_id)), results(client, index_id, "train"))
for page in client.indexes.list(page_limit=1).iter_pages():
    print(len(page.items))
"""

UPLOAD_VIEW = """
import io
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

client = TwelveLabs(api_key=api_key, base_url=base_url)

def upload(stream, filename):
    if not filename.endswith(".mp4"):
        return {"error": "only .mp4"}, 400
    try:
        asset = client.assets.create(method="direct", file=(filename, stream, "video/mp4"))
    except ApiError as error:
        return {"error": error.status_code}, 502
    return {"filename": asset.filename}, 201

with open(folder / "red-balloon-over-the-hills.mp4", "rb") as stream:
    print(upload(io.BytesIO(stream.read()), "balloon.mp4"))
print(upload(io.BytesIO(b""), "notes.txt"))
"""

BULK_UPLOAD = """
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

client = TwelveLabs(api_key=api_key, base_url=base_url)
index_id = next(iter(client.indexes.list(index_name="holiday"))).id
uploaded, failed = {}, []
for path in [*sorted(folder.glob("*.mp4")), folder / "../clips/../clips/sailing-boat-at-sunset.mp4"]:
    try:
        with open(path, "rb") as file:
            asset = client.assets.create(method="direct", file=file, filename=path.name)
        indexed = client.indexes.indexed_assets.create(index_id=index_id, asset_id=asset.id)
        uploaded[path.name] = indexed.id
    except ApiError as error:
        failed.append((path.name, error.status_code))
try:
    client.indexes.indexed_assets.create(index_id=index_id, asset_id="f" * 24)
except ApiError as error:
    failed.append(("missing", error.status_code))
print(sorted(uploaded), failed)
"""

EMBEDDINGS = """
import numpy as np
from twelvelabs import TwelveLabs
from twelvelabs.types import TextInputRequest

client = TwelveLabs(api_key=api_key, base_url=base_url)

def embed(text):
    response = client.embed.v_2.create(
        input_type="text", model_name="marengo3.0", text=TextInputRequest(input_text=text)
    )
    return np.array(response.data[0].embedding, dtype=np.float32)

first, second = embed("a boat at sea"), embed("a train in the city")
cosine = float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
print(first.shape, first.dtype, round(cosine, 3), np.array_equal(first, embed("a boat at sea")))
"""

ANALYZE_STREAM = """
from twelvelabs import TwelveLabs
from twelvelabs.types import VideoContext_AssetId

client = TwelveLabs(api_key=api_key, base_url=base_url)
with open(folder / "night-train-through-the-city.mp4", "rb") as file:
    asset = client.assets.create(method="direct", file=file)
video = VideoContext_AssetId(type="asset_id", asset_id=asset.id)
text_stream = client.analyze_stream(video=video, prompt="Summarize the video.")
text = ""
for event in text_stream:
    if event.event_type == "text_generation":
        text += event.text
print(text)
print(client.analyze(video=video, prompt="Summarize the video.").data == text)
"""

SEGMENTS = """
import json
import time
from twelvelabs import TwelveLabs
from twelvelabs.types import AsyncResponseFormat, VideoContext_AssetId

client = TwelveLabs(api_key=api_key, base_url=base_url)
upload = client.multipart_upload.upload_file(str(folder / "sailing-boat-at-sunset.mp4"), file_type="video")
fields = [{"name": "mood", "type": "string", "description": "The mood"}]
task = client.analyze_async.tasks.create(
    video=VideoContext_AssetId(asset_id=upload.asset_id),
    model_name="pegasus1.5",
    analysis_mode="time_based_metadata",
    response_format=AsyncResponseFormat(
        type="segment_definitions",
        segment_definitions=[{"id": "scenes", "description": "The scenes of the video", "fields": fields}],
    ),
)
while True:
    task = client.analyze_async.tasks.retrieve(task.task_id)
    if task.status in ("ready", "failed"):
        break
    time.sleep(0.1)
for scene in json.loads(task.result.data)["scenes"]:
    print(scene["start_time"], scene["end_time"], sorted(scene["metadata"]))
"""

FLOWS: Final = {
    "search script": SEARCH_SCRIPT,
    "search page": SEARCH_PAGE,
    "upload view": UPLOAD_VIEW,
    "bulk upload": BULK_UPLOAD,
    "embeddings": EMBEDDINGS,
    "analyze stream": ANALYZE_STREAM,
    "segments": SEGMENTS,
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0, analysis=0)) as running:
        yield running


def prepare(emulator: ThreadedEmulator) -> None:
    """Reset the emulator, and add an index of three videos."""
    emulator.reset()
    for clip in sorted(SAMPLE_VIDEOS.glob("*.mp4")):
        emulator.add_video("holiday", clip)


def run_program(source: str, emulator: ThreadedEmulator) -> str:
    """Run a program, and return its standard output."""
    prepare(emulator)
    names: dict[str, Any] = {
        "api_key": emulator.api_key,
        "base_url": emulator.base_url,
        "folder": SAMPLE_VIDEOS,
        "__name__": "program",
    }
    with redirect_stdout(StringIO()) as captured:
        exec(source, names)  # noqa: S102  # a program of this file
    names.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the programs close neither the official client nor files
        gc.collect()
    return captured.getvalue()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the programs do not close files
@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", FLOWS)
def test_a_program_for_the_official_client_runs_with_replaced_imports(name: str, emulator: ThreadedEmulator) -> None:
    ported = FLOWS[name]
    for official, replacement in IMPORT_REPLACEMENTS.items():
        ported = ported.replace(official, replacement)
    assert "from twelvelabs." not in ported
    output = run_program(ported, emulator)
    assert output.strip()
    assert output == run_program(FLOWS[name], emulator)
