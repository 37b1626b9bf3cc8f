from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from support import parse_form_parts

from twelvelabs_async._http.body import NO_BODY, Body, encode_form, encode_json, iter_chunks
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import BodyFactory, FilePart, Form

NAMES = [
    "plain.mp4",
    'quo"te.mp4',
    "line\r\nX-Evil: 1\r\n.mp4",
    "a;b=c.mp4",
    "ünï 日本 🎬.mp4",
    "back\\slash",
    "%22.mp4",
    "",
]


async def read_all(body: Body) -> bytes:
    start = body.open()
    if isinstance(start, AsyncIterator):
        return b"".join([block async for block in start])
    return start or b""


def chunked(content: bytes, size: int = 3) -> BodyFactory:
    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return blocks


def test_a_form_is_encoded_as_multipart_form_data() -> None:
    file = FilePart(name="file", filename="a.mp4", content=b"\x00\r\n--x", size=6, content_type="video/mp4")
    body = encode_form(Form(fields=(("method", "direct"), ("name", "é")), files=(file,)), boundary="x1")
    content = (
        b'--x1\r\nContent-Disposition: form-data; name="method"\r\n\r\ndirect\r\n'
        b'--x1\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xc3\xa9\r\n'
        b'--x1\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
        b"\x00\r\n--x\r\n"
        b"--x1--\r\n"
    )
    assert body.content == content
    assert body.headers == {
        "Content-Type": "multipart/form-data; boundary=x1",
        "Content-Length": str(len(content)),
    }


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", NAMES, ids=ascii)
async def test_a_form_has_its_declared_size_and_one_part_for_each_field_and_file(name: str, *, streamed: bool) -> None:
    content = bytes(range(256)) * 3
    file = FilePart(name="file", filename=name, content=chunked(content) if streamed else content, size=len(content))
    body = encode_form(Form(fields=((name or "x", "value"), ("two", "a\r\nb")), files=(file, file)))
    sent = await read_all(body)
    assert len(sent) == body.size == int(body.headers["Content-Length"])
    parts = parse_form_parts(body, sent)
    assert len(parts) == 4
    assert [part.get_payload(decode=True) for part in parts] == [b"value", b"a\r\nb", content, content]
    assert all(set(part.keys()) <= {"Content-Disposition", "Content-Type"} for part in parts)


@pytest.mark.parametrize("content_type", ["video/mp4\r\nX-Evil: 1", "video/mp4\r\n\r\nbytes"])
async def test_a_media_type_cannot_add_headers_to_its_part(content_type: str) -> None:
    file = FilePart(name="file", filename="a", content=b"abc", size=3, content_type=content_type)
    body = encode_form(Form(files=(file,)))
    (part,) = parse_form_parts(body, await read_all(body))
    assert set(part.keys()) == {"Content-Disposition", "Content-Type"}
    assert part.get_payload(decode=True) == b"abc"


@pytest.mark.parametrize("streamed", [False, True])
async def test_p7_each_attempt_sends_the_same_bytes(*, streamed: bool) -> None:
    content = b"abcdefgh" * 100
    file = FilePart(name="file", filename="a", content=chunked(content, 7) if streamed else content, size=len(content))
    body = encode_form(Form(fields=(("a", "b"),), files=(file,)))
    assert len({await read_all(body) for _ in range(4)}) == 1


async def test_two_forms_have_different_boundaries() -> None:
    assert encode_form(Form()).content_type != encode_form(Form()).content_type


async def test_the_boundary_does_not_occur_in_the_content() -> None:
    body = encode_form(Form(fields=(("a", "--x--\r\n" * 100),)))
    assert len(parse_form_parts(body, await read_all(body))) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": b"x" * 5000, "size": 10}, "has 5000 bytes, but size is 10"),
        ({"content": 5}, "content of a FilePart must be bytes or a function"),
        ({"content": "text"}, "got 'text'"),
        ({"size": "5"}, "size of a FilePart must be a whole number"),
        ({"size": -1}, "got -1"),
        ({"filename": None}, "filename of a FilePart must be a string, got None"),
        ({"content_type": b"video/mp4"}, "content_type"),
    ],
)
def test_a_file_part_with_invalid_arguments_is_rejected(changes: Any, message: str) -> None:
    """The Content-Length of a form is computed from the sizes of its files."""
    valid_arguments: Any = {"name": "file", "filename": "a.mp4", "content": b"12345", "size": 5}
    with pytest.raises(InvalidInputError, match=message):
        FilePart(**{**valid_arguments, **changes})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Form.build(cast("Any", 1.5)), "files of a Form must be a list of FilePart objects, got 1.5"),
        (lambda: Form.build(cast("Any", [b"x"])), "files of a Form must be FilePart objects, got bytes"),
        (lambda: Form(fields=cast("Any", "ab")), "fields of a Form must be a list of pairs"),
        (lambda: Form(fields=cast("Any", [("a", 5)])), "pairs of strings.*Form.build"),
    ],
)
def test_a_form_with_values_of_a_wrong_type_is_rejected(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        build()


async def test_a_streamed_file_may_yield_any_bytes_like_objects() -> None:
    async def blocks() -> AsyncIterator[Any]:
        yield b"ab"
        yield bytearray(b"cd")
        yield memoryview(b"e-f")[::2]

    body = encode_form(Form(files=(FilePart(name="file", filename="a", content=blocks, size=6),)))
    assert b"\r\n\r\nabcdef\r\n" in await read_all(body)


async def test_a_json_body_has_a_content_length() -> None:
    body = encode_json(b'{"a":1}')
    assert await read_all(body) == b'{"a":1}'
    assert body.headers == {"Content-Type": "application/json", "Content-Length": "7"}


async def test_an_empty_body_has_no_content_and_no_headers() -> None:
    assert NO_BODY.open() is None
    assert NO_BODY.headers == {}


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 95])
async def test_chunks_contain_all_bytes_of_the_content(length: int) -> None:
    content = bytes(length)
    blocks = [block async for block in iter_chunks(content, 10)]
    assert b"".join(blocks) == content
    assert all(0 < len(block) <= 10 for block in blocks)


def test_the_content_of_a_file_is_not_in_its_repr() -> None:
    file = FilePart(name="file", filename="a", content=b"SECRET", size=6)
    assert "SECRET" not in repr(file) + repr(encode_form(Form(files=(file,))))
