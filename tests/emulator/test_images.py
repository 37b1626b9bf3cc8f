"""Formats and dimensions of images are read from their headers; each model has its own requirements."""

from __future__ import annotations

import base64
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._media.media import ImageHeader, parse_header

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Advance = Callable[[float], None]


def jpeg(width: int, height: int) -> bytes:
    """Return the header of a JPEG file with metadata and a fill byte before the dimensions."""
    metadata = b"\xff\xe1" + struct.pack(">H", 2002) + bytes(2000)
    return b"\xff\xd8" + metadata + b"\xff\xff\xc2" + struct.pack(">HB2H", 17, 8, height, width) + bytes(100)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<2H", width, height) + bytes(100)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<I2i", 40, width, -height) + bytes(100)


def webp(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x80\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + sizes + bytes(100)


def png(width: int, height: int) -> bytes:
    """Return the header of a PNG file, without its pixels."""
    return samples.image(1, 1)[:16] + struct.pack(">2I", width, height) + samples.image(1, 1)[24:]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (samples.image(300, 200), ImageHeader("PNG", 300, 200)),
        (jpeg(300, 200), ImageHeader("JPEG", 300, 200)),
        (gif(300, 200), ImageHeader("GIF", 300, 200)),
        (bmp(300, 200), ImageHeader("BMP", 300, 200)),
        (b"BM" + bytes(12) + struct.pack("<I2H", 12, 300, 200), ImageHeader("BMP", 300, 200)),
        (webp(300, 200), ImageHeader("WebP", 300, 200)),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<2H", 300, 200), ImageHeader("WebP", 300, 200)),
        (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0/" + struct.pack("<I", 299 | 199 << 14), ImageHeader("WebP", 300, 200)),
        (b"RIFF\0\0\0\0WEBP", ImageHeader("WebP", 0, 0)),
        (b"\x89PNG\r\n\x1a\n", ImageHeader("PNG", 0, 0)),
        (jpeg(300, 200)[:1000], ImageHeader("JPEG", 0, 0)),
        (b"\xff\xd8\xff\xe0" + bytes(50), ImageHeader("JPEG", 0, 0)),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_the_header_of_an_image_has_its_format_and_dimensions(content: bytes, header: ImageHeader | None) -> None:
    assert parse_header(content) == header


def to_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


SUPPORTED_IMAGES = [
    samples.image(),
    samples.image(10, 10),
    jpeg(300, 200),
    gif(300, 200),
    bmp(300, 200),
    webp(300, 200),
]
UNSUPPORTED_IMAGES = [
    b"a text",
    b"%PDF-1.7",
    samples.video(),
    png(5000, 4000),
    b"\x89PNG\r\n\x1a\n",
    b"II*\0" + bytes(100),
]
TASK_BODY = {"analysis_mode": "time_based_metadata", "video": {"type": "url", "url": "https://example.com/a.mp4"}}


@pytest.mark.parametrize(
    ("source", "status"),
    [
        *(({"base64_string": to_base64(content)}, 200) for content in SUPPORTED_IMAGES),
        *(({"base64_string": to_base64(content)}, 400) for content in UNSUPPORTED_IMAGES),
        *(
            ({"url": f"https://example.com/a.{extension}"}, 200)
            for extension in ("jpg", "JPEG", "png", "webp", "gif", "bmp", "x")
        ),
        *(
            ({"url": f"https://example.com/a.{extension}"}, 400)
            for extension in ("mp4", "svg", "tiff", "heic", "pdf", "txt")
        ),
    ],
)
async def test_an_image_to_analyze_has_one_of_five_formats_and_16_megapixels(
    call: SendRequest, source: dict[str, str], status: int
) -> None:
    image = {"name": "it", **source}
    body = {"model_name": "pegasus1.6", "image": [image], "prompt": "What?", "stream": False}
    assert (await call("POST", "/analyze", json=body))[0] == status
    reference = {"media_type": "image", **image}
    prompt = {"input_text": "Is <@it> there?", "media_sources": [reference]}
    body = {"video": TASK_BODY["video"], "prompt_v2": prompt, "stream": False}
    assert (await call("POST", "/analyze", json=body))[0] == status
    definition = {"id": "a", "description": "b", "media_sources": [reference]}
    segments = {"type": "segment_definitions", "segment_definitions": [definition]}
    task_status, _ = await call("POST", "/analyze/tasks", json=TASK_BODY | {"response_format": segments})
    assert task_status == (202 if status == 200 else 400)


async def test_an_uploaded_image_may_have_too_many_pixels_to_analyze(
    call: SendRequest, make_asset: CreateResource, advance: Advance
) -> None:
    pytest.importorskip("pymediainfo")
    asset = await make_asset("large.png", png(5000, 4000))
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == "ready"
    body = {"model_name": "pegasus1.6", "image": [{"name": "it", "asset_id": asset}], "prompt": "What?"}
    status, error = await call("POST", "/analyze", json=body)
    assert (status, error["code"]) == (400, "parameter_invalid")
    assert "20000000 pixels" in error["message"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (samples.image(), 200),
        (samples.image(128, 128), 200),
        (samples.image(127, 640), 400),
        (b"\x89PNG\r\n\x1a\n", 400),
        (gif(300, 200), 400),
    ],
)
async def test_marengo_needs_a_jpeg_or_png_of_128_pixels(
    call: SendRequest,
    form: Form,
    make_index: CreateResource,
    make_asset: CreateResource,
    advance: Advance,
    content: bytes,
    status: int,
) -> None:
    pytest.importorskip("pymediainfo")
    query = {"index_id": await make_index(), "search_options": "visual", "query_media_type": "image"}
    assert (await call("POST", "/search", data=form("a.dat", **query, query_media_file=content)))[0] == status
    assert (await call("POST", "/embed", data=form("a.png", model_name="marengo3.0", image_file=content)))[0] == status
    asset = await make_asset("a.png", content)
    advance(10)
    for source in ({"base64_string": to_base64(content)}, {"asset_id": asset}):
        body = {"input_type": "image", "model_name": "marengo3.0", "image": {"media_source": source}}
        assert (await call("POST", "/embed-v2", json=body))[0] == status
        multi_input = {"media_sources": [{"media_type": "image", **source}]}
        body = {"input_type": "multi_input", "model_name": "marengo3.0", "multi_input": multi_input}
        assert (await call("POST", "/embed-v2", json=body))[0] == status


async def test_marengo_needs_the_url_of_a_jpeg_or_png(
    call: SendRequest, form: Form, make_index: CreateResource
) -> None:
    query = {"index_id": await make_index(), "search_options": "visual", "query_media_type": "image"}
    for url, status in (("https://a.com/b.jpg", 200), ("https://a.com/b", 200), ("https://a.com/b.webp", 400)):
        assert (await call("POST", "/search", data=form(**query, query_media_url=url)))[0] == status
        assert (await call("POST", "/embed", data=form(model_name="marengo3.0", image_url=url)))[0] == status


async def test_any_content_is_an_image_or_a_video_without_inspection(
    serve: Callable[..., Awaitable[Emulator]], connect: Callable[..., Awaitable[aiohttp.ClientSession]]
) -> None:
    session = await connect(await serve(inspect_media=False))
    image = {"model_name": "pegasus1.6", "image": [{"name": "it", "base64_string": to_base64(b"none")}]}
    video = {"video": {"type": "base64_string", "base64_string": to_base64(b"none")}}
    for body in (image, video):
        async with session.post("analyze", json=body | {"prompt": "What?", "stream": False}) as response:
            assert response.status == 200


async def test_a_query_image_has_at_most_32_mib(call: SendRequest, form: Form, make_index: CreateResource) -> None:
    query = {"index_id": await make_index(), "search_options": "visual", "query_media_type": "image"}
    image = samples.image()
    for size, status in ((32 << 20, 200), ((32 << 20) + 1, 400)):
        assert (await call("POST", "/search", data=form(**query, query_media_file=image.ljust(size, b"\0"))))[
            0
        ] == status
