"""Encoded forms are parsed correctly by independent parsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote

import aiohttp
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from support import parse_form_parts

from twelvelabs_async._http.body import Body, encode_form
from twelvelabs_async.requests import BodyFactory, FilePart, Form

utf8 = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# Without characters that browsers escape, and without slashes and semicolons, which aiohttp parses incorrectly.
names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\%/;'), min_size=1, max_size=20)
blocks = st.lists(st.binary(max_size=200), max_size=4)


def chunked(chunks: list[bytes]) -> BodyFactory:
    async def iterate() -> AsyncIterator[bytes]:
        for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk

    return iterate


@st.composite
def files(draw: st.DrawFn) -> FilePart:
    chunks = draw(blocks)
    content = b"".join(chunks)
    return FilePart(
        name=draw(names),
        filename=draw(names),
        content=chunked(chunks) if draw(st.booleans()) else content,
        size=len(content),
        content_type="video/mp4",
    )


async def read_all(body: Body) -> bytes:
    start = body.open()
    return b"".join([block async for block in start]) if isinstance(start, AsyncIterator) else start or b""


async def read_content(file: FilePart) -> bytes:
    if isinstance(file.content, bytes):
        return file.content
    return b"".join([block async for block in file.content()])


async def parse_with_aiohttp(body: Body, content: bytes) -> list[tuple[str | None, str | None, bytes]]:
    loop = asyncio.get_running_loop()
    stream = aiohttp.StreamReader(BaseProtocol(loop), 1 << 16, loop=loop)
    stream.feed_data(content)
    stream.feed_eof()
    reader = aiohttp.MultipartReader(CIMultiDict(body.headers), stream)
    parsed = list[tuple[str | None, str | None, bytes]]()
    while (part := await reader.next()) is not None:
        assert isinstance(part, aiohttp.BodyPartReader)
        parsed.append((part.name, part.filename, bytes(await part.read())))
    return parsed


@given(st.lists(st.tuples(names, utf8), max_size=5), st.lists(files(), max_size=3))
@settings(max_examples=40)
def test_aiohttp_parses_an_encoded_form(fields: list[tuple[str, str]], parts: list[FilePart]) -> None:
    async def main() -> None:
        body = encode_form(Form(fields=tuple(fields), files=tuple(parts)))
        content = await read_all(body)
        assert len(content) == body.size
        expected = [
            *((name, None, text.encode()) for name, text in fields),
            *[(part.name, part.filename, await read_content(part)) for part in parts],
        ]
        if expected:
            assert await parse_with_aiohttp(body, content) == expected

    asyncio.run(main())


@given(st.lists(st.tuples(utf8.filter(bool), utf8), min_size=1, max_size=4), utf8)
def test_names_add_no_parts_or_headers_to_a_form(fields: list[tuple[str, str]], filename: str) -> None:
    """Also names with quotes, line breaks and control characters."""
    file = FilePart(name="file", filename=filename, content=b"abc", size=3)
    body = encode_form(Form(fields=tuple(fields), files=(file,)))
    assert isinstance(body.content, bytes)
    parts = parse_form_parts(body, body.content)
    assert len(parts) == len(fields) + 1
    assert parts[-1].get_payload(decode=True) == b"abc"
    assert all(set(part.keys()) <= {"Content-Disposition", "Content-Type"} for part in parts)


@given(utf8)
def test_an_escaped_filename_decodes_to_the_original(filename: str) -> None:
    file = FilePart(name="file", filename=filename, content=b"", size=0)
    body = encode_form(Form(files=(file,)), boundary="x")
    assert isinstance(body.content, bytes)
    line = body.content.decode().split("\r\n")[1]
    escaped = line.partition('filename="')[2].removesuffix('"')
    assert '"' not in escaped
    if "%" not in filename:
        assert unquote(escaped) == filename
