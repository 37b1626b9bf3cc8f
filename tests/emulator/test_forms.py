"""Multipart forms are parsed the same, whatever the boundaries of network chunks."""

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


def request_with(chunks: list[bytes], boundary: str = "edge") -> tuple[web.Request, asyncio.Task[None]]:
    """Return a request whose body arrives in chunks, and the task that sends them."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(mock.Mock(connected=True), 1 << 16, loop=loop)

    async def send() -> None:
        for chunk in chunks:
            stream.feed_data(chunk)
            await asyncio.sleep(0)
        stream.feed_eof()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = make_mocked_request("POST", "/assets", headers=headers, payload=stream, protocol=mock.Mock())
    return request, asyncio.create_task(send())


async def parse_form(chunks: list[bytes]) -> tuple[dict[str, list[str]], list[tuple[str, bytes]]]:
    spool = UploadSpool()
    await spool.open()
    request, sending = request_with(chunks)
    try:
        async with read_form(request, spool) as form:
            return form.fields, [(file.filename, file.path.read_bytes()) for file in form.files["video_file"]]
    finally:
        await sending
        await spool.delete()


def split_at(content: bytes, offsets: list[int]) -> list[bytes]:
    boundaries = [0, *sorted(offsets), len(content)]
    return [content[start:end] for start, end in pairwise(boundaries)]


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_chunk_boundaries_do_not_change_the_parsed_form(offsets: list[int]) -> None:
    texts, files = asyncio.run(parse_form(split_at(BODY, offsets)))
    assert texts == {"index_id": ["films"], "note": ["\r\nred\n"]}
    assert files == [("film.mp4", FILM)]


async def test_unreading_data_emits_no_warning() -> None:
    """The search for the end of a field reads more data than requested, and unreads the rest."""
    end = BODY.index(b"films") + len(b"films")
    texts, files = await parse_form(split_at(BODY, [end, end + 4]))
    assert texts["index_id"] == ["films"]
    assert files == [("film.mp4", FILM)]


async def test_no_warning_filter_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warning filters are shared by all threads, so another thread may reset them."""

    def fail_on_deprecation_filter(_action: str, category: type[Warning]) -> None:
        assert category is DeprecationWarning

    monkeypatch.setattr(warnings, "filterwarnings", fail_on_deprecation_filter)
    assert (await parse_form([BODY]))[1] == [("film.mp4", FILM)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY[:-20], id="without its end"),
        pytest.param(BODY.replace(b"; name=", b"; nome="), id="a part without a name"),
        pytest.param(TEXTS.replace(FILM, FILM * 4), id="a text of more than a megabyte"),
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
    request, sending = request_with([body])
    with pytest.raises(ApiError, match="form"):
        async with read_form(request, spool):
            pass
    await sending
    assert list(tmp_path.iterdir()) == [], "its files are deleted"
