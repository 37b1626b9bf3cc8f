"""Frames of files, HLS streams and platform thumbnails over HTTP."""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
import trustme
from aiohttp import web
from PIL import Image

from twelvelabs_async import AsyncTwelveLabs, frames
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.errors import FrameError
from twelvelabs_async.models.search import SearchHit, SearchItem

SAILING = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"


def write_playlist(folder: Path) -> None:
    """Write the sample video as an HLS stream of MPEG transport streams."""
    with av.open(SAILING) as source, av.open(folder / "master.m3u8", "w", format="hls") as target:
        video = source.streams.video[0]
        output_stream = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = output_stream
                target.mux(packet)


def small_png() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (640, 320), "navy").save(output, "PNG")
    return output.getvalue()


@pytest.fixture(scope="module")
async def origin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The URL of a server with a video, an HLS stream, thumbnails, and a playlist that refers to a local file."""
    folder = tmp_path_factory.mktemp("cli_emulator")
    write_playlist(folder)
    (folder / "sailing.mp4").write_bytes(SAILING.read_bytes())
    (folder / "thumbnail.png").write_bytes(small_png())
    (folder / "script.png").write_bytes(b"<svg onload='alert(1)'/>")
    (folder / "local.m3u8").write_text(f"#EXTM3U\n#EXTINF:9,\nfile://{SAILING}\n#EXT-X-ENDLIST\n")
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


def hit(
    *, thumbnail: str | None = None, stream: str | None = None, video_thumbnails: tuple[str, ...] = ()
) -> SearchHit:
    hls = SimpleNamespace(video_url=stream, thumbnail_urls=video_thumbnails)
    video: Any = SimpleNamespace(system_metadata=SimpleNamespace(filename="sailing.mp4"), hls=hls)
    return SearchHit(result=SearchItem(video_id="1", rank=1, start=2, end=5, thumbnail_url=thumbnail), video=video)


@pytest.mark.parametrize("name", ["sailing.mp4", "master.m3u8"])
async def test_a_url_has_the_same_frames_as_its_file(origin: str, name: str) -> None:
    expected = await frames.extract(SAILING, [0, 6.25])
    extracted = await frames.extract(f"{origin}/{name}?signature=1", [0, 6.25])
    assert [round(frame.time or 0, 2) for frame in extracted] == [0.0, 6.2]
    for actual, expected_frame in zip(extracted, expected, strict=True):
        assert actual.jpeg == expected_frame.jpeg


async def test_the_sources_of_a_frame_are_tried_in_order(origin: str) -> None:
    thumbnail, stream = f"{origin}/thumbnail.png", f"{origin}/master.m3u8"
    for result, expected in (
        (hit(thumbnail=thumbnail, stream=stream), "thumbnail"),
        (hit(thumbnail=f"{origin}/none.png", stream=stream), "stream"),
        (hit(thumbnail=f"{origin}/script.png", stream=stream), "stream"),
        (hit(stream=f"{origin}/none.m3u8", video_thumbnails=(thumbnail,)), "thumbnail"),
        (hit(stream=f"{origin}/none.m3u8?signature=1"), None),
        (hit(stream=str(SAILING)), None),
        (hit(thumbnail=SAILING.as_uri()), None),
    ):
        (extracted,) = await frames.extract_hits([result], width=320)
        assert extracted.origin == expected, extracted
        assert "signature" not in extracted.error
        if extracted.frame is not None:
            assert extracted.frame.width == 320


async def test_a_playlist_cannot_read_local_files(origin: str) -> None:
    with pytest.raises(FrameError):
        await frames.extract(f"{origin}/local.m3u8", [0])


async def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    app = web.Application()
    app.router.add_static("/", SAILING.parent)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://localhost:{runner.addresses[0][1]}/{SAILING.name}"
    with pytest.raises(FrameError, match="cannot decode"):
        await frames.extract(url, [0])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    assert len(await frames.extract(url, [0])) == 1
    await runner.cleanup()


async def test_the_thumbnails_of_the_emulator_are_frames_of_the_uploaded_files() -> None:
    async with (
        Emulator(timing=Timing(asset=0, indexing=0), search="nearest") as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
        index = await client.indexes.create(index_name="films", models=models, addons=["thumbnail"])
        asset = await client.assets.upload(SAILING, wait=True)
        await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
        hits = await client.search.query_with_videos(
            index_id=index.id, search_options=["visual"], query_text="sailing", limit=2
        )
        result = await frames.extract_hits(hits)
    assert {extracted.origin for extracted in result} == {"thumbnail"}
