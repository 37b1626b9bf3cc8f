"""Multipart forms are read the same, however the network splits them."""

from __future__ import annotations

import asyncio
import itertools
import warnings
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.emulator._api.validation import read_form
from twelvelabs_async.emulator._errors import ApiError
from twelvelabs_async.emulator._spool import UploadSpool

FILM = bytes(range(256)) * 1200
BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="index_id"\r\n\r\nfilms\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="video_file"; filename="film.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n" + FILM + b"\r\n"
    b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\n\r\nred\n\r\n--edge--\r\n'
)
TEXTS = BODY.replace(b"; filename", b"; x")


def request_with(pieces: list[bytes], boundary: str = "edge") -> tuple[web.Request, asyncio.Task[None]]:
    """Return a request whose body arrives in chunks, and the task that sends them."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(mock.Mock(connected=True), 1 << 16, loop=loop)

    async def bring() -> None:
        for piece in pieces:
            stream.feed_data(piece)
            await asyncio.sleep(0)
        stream.feed_eof()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = make_mocked_request("POST", "/assets", headers=headers, payload=stream, protocol=mock.Mock())
    return request, asyncio.create_task(bring())


async def form_of(pieces: list[bytes]) -> tuple[dict[str, list[str]], list[tuple[str, bytes]]]:
    spool = UploadSpool()
    await spool.open()
    request, bringing = request_with(pieces)
    try:
        async with read_form(request, spool) as form:
            return form.fields, [(file.filename, file.path.read_bytes()) for file in form.files["video_file"]]
    finally:
        await bringing
        await spool.delete()


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_chunk_boundaries_do_not_change_the_parsed_form(places: list[int]) -> None:
    texts, files = asyncio.run(form_of(cut(BODY, places)))
    assert texts == {"index_id": ["films"], "note": ["\r\nred\n"]}
    assert files == [("film.mp4", FILM)]


async def test_unreading_data_emits_no_warning() -> None:
    """The search for the end of a field reads more than requested, and unreads the rest."""
    end = BODY.index(b"films") + len(b"films")
    texts, files = await form_of(cut(BODY, [end, end + 4]))
    assert texts["index_id"] == ["films"]
    assert files == [("film.mp4", FILM)]


async def test_no_warning_filter_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters are shared by all threads of the process, so another thread may reset them."""

    def heard_by_nobody(_action: str, category: type[Warning]) -> None:
        assert category is DeprecationWarning

    monkeypatch.setattr(warnings, "filterwarnings", heard_by_nobody)
    assert (await form_of([BODY]))[1] == [("film.mp4", FILM)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY[:-20], id="without its end"),
        pytest.param(BODY.replace(b"; name=", b"; nome="), id="a part without a name"),
        pytest.param(TEXTS.replace(FILM, FILM * 4), id="a text of a megabyte and more"),
        pytest.param(TEXTS.replace(b"/mp4", b"/mp4; charset=none"), id="an unknown charset"),
    ],
)
async def test_an_invalid_form_is_rejected(body: bytes, tmp_path: Path) -> None:
    numbers = itertools.count()

    def create() -> Path:
        path = tmp_path / str(next(numbers))
        path.touch(exist_ok=False)
        return path

    spool = UploadSpool(create)
    request, bringing = request_with([body])
    with pytest.raises(ApiError, match="form"):
        async with read_form(request, spool):
            pass
    await bringing
    assert list(tmp_path.iterdir()) == [], "no file of it stays"
