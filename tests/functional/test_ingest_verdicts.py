"""A run, a dry run and a submission accept and reject the same files of a folder with many formats and odd names."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import Mock

import pytest
from commands import Cli
from movies import MEDIA
from postgres import PostgresServer, postgres

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.ingest import IngestResult
from twelvelabs_async.ingest._validation import SourceValidator
from twelvelabs_async.workers import submit

pytestmark = pytest.mark.oldest_python

MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
HEADERS: Final[dict[str, bytes]] = {
    "empty.mp4": b"",
    "text.mp4": b"no video at all, but a text of some length\n" * 40,
    "noise.mp4": bytes(number * 89 % 256 for number in range(5000)),
    "zeros.mov": bytes(5000),
    "image.mp4": b"\x89PNG\r\n\x1a\n" + bytes(2000),
    "photo.mov": b"\xff\xd8\xff\xe0" + bytes(2000),
    "animation.mp4": b"GIF89a" + bytes(2000),
    "document.mp4": b"%PDF-1.7\n" + bytes(2000),
    "archive.mkv": b"PK\x03\x04" + bytes(2000),
    "program.avi": b"MZ" + bytes(2000),
    "page.webm": b"<!DOCTYPE html><html></html>" * 50,
    "json.mp4": b'{"error": "not found"}' * 50,
    "matroska.mkv": b"\x1a\x45\xdf\xa3" + bytes(2000),
    "asf.wmv": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(2000),
    "flash.flv": b"FLV\x01\x05" + bytes(2000),
    "real.rm": b".RMF" + bytes(2000),
    "exchange.mxf": b"\x06\x0e\x2b\x34" + bytes(2000),
    "program-stream.mpg": b"\0\0\x01\xba" + bytes(2000),
    "video.m2v": b"\0\0\x01\xb3" + bytes(2000),
    "raw.m4v": b"\0\0\0\x01" + bytes(2000),
    "vorbis.ogg": b"OggS" + bytes(2000),
    "tagged.mp3": b"ID3\x03" + bytes(2000),
    "frames.mp3": b"\xff\xfb\x90\x00" + bytes(2000),
    "lossless.flac": b"fLaC" + bytes(2000),
    "phone.amr": b"#!AMR\n" + bytes(2000),
    "studio.aiff": b"FORM" + bytes(2000),
    "apple.caf": b"caff" + bytes(2000),
    "wave.wav": b"RIFF\x24\x08\0\0WAVEfmt " + bytes(2000),
    "video.avi": b"RIFF\x24\x08\0\0AVI LIST" + bytes(2000),
    "advanced.aac": b"\xff\xf1\x50\x80" + bytes(2000),
    "only-type.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + bytes(2000),
    "mobile.3gp": b"\0\0\0\x18ftyp3gp4\0\0\0\0isom3gp4" + bytes(2000),
}
"""Files by name: format signatures followed by zeros, other formats with the name of a video, and empty files."""

ODD_NAMES: Final = (
    "ümlaut", "u\u0308mlaut", "日本語", "\N{CLAPPER BOARD}", "العربية", "עברית", "with space", " leading", "trailing ",
    "two  spaces", "tab\there", "new\nline", "return\rhere", "escape\x1b[31m", "bell\x07", "delete\x7f", "c1\x9b31m",
    "right\u202eleft", "zero\u200bwidth", "line\u2028separator", "'quoted'", '"double"', "`back`", "$HOME", "$(echo)",
    "a;b", "a&b", "a|b", "percent%20", "hash#1", "what?", "star*", "brackets[1]", "braces{1,2}", "back\\slash",
    "~tilde", "-rf", "--index", "@file", "x" * 240, "dots..", "comma,colon:", "plus+equals=", "\udce9 not UTF-8",
    "\udcff\udcfe",
)  # fmt: skip
"""Names without `.mp4`, each of a valid video."""


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for path in MEDIA.iterdir():
        content = path.read_bytes()
        (folder / path.name).write_bytes(content)
        (folder / f"{path.stem}-half{path.suffix}").write_bytes(content[: len(content) // 2])
        (folder / f"{path.stem}-longer{path.suffix.upper()}").write_bytes(content + b"text")
    for name, header in HEADERS.items():
        (folder / name).write_bytes(header)
    for number, name in enumerate(ODD_NAMES):
        with open(os.fsencode(folder) + b"/" + os.fsencode(f"{name}.mp4"), "wb") as file:  # noqa: PTH123  # bytes
            file.write(samples.video(9, size=3000 + number))
    return folder


async def ingest_folder(folder: Path) -> list[IngestResult]:
    async with (
        Emulator(inspect_media=False) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        return [result async for result in client.ingest(folder, index_id=index.id, dedupe="path")]


@pytest.mark.usefixtures("cli_emulator")
def test_p29_a_run_a_dry_run_and_a_submission_reject_the_same_files(
    folder: Path, cli: Cli, database_server: PostgresServer
) -> None:
    results = asyncio.run(ingest_folder(folder))
    files = sum(1 for _ in folder.iterdir())
    assert len(results) == files
    assert files >= 60 + 40
    statuses = Counter(result.status for result in results)
    assert statuses["ready"] >= 80
    assert statuses["failed"] >= 20
    assert all(result.stage == "queued" for result in results if result.status == "failed"), (
        "no invalid file is uploaded"
    )
    run_errors = Counter(result.error for result in results)

    plan = cli("ingest", str(folder), "--index", "films", "--dry-run", "--json", "--dedupe", "path")
    records = plan.records
    dry_run_errors = Counter(
        record.get("error") or record.get("reason") or "" for record in records if record.get("source")
    )

    validate = SourceValidator(["marengo3.0"], Mock())
    submission_run = submit(database_server.reset_database(), folder, index_id="i", validate=validate, dedupe="path")
    submitted = asyncio.run(submission_run)
    submission_errors = Counter(reason for _, reason in submitted.rejected) + Counter({"": submitted.accepted})
    assert dry_run_errors == run_errors
    assert submission_errors == run_errors
    shutil.rmtree(folder)
