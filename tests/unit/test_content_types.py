"""Content types of uploads."""

from __future__ import annotations

import mimetypes
import subprocess
import sys

import pytest

from twelvelabs_async.uploads._strategy import _TYPE_BY_EXTENSION, content_type, media_type


@pytest.mark.parametrize("extension", sorted(_TYPE_BY_EXTENSION))
def test_each_accepted_file_has_a_content_type_without_the_files_of_the_system(
    monkeypatch: pytest.MonkeyPatch, extension: str
) -> None:
    """Slim images of containers have no such files; others have damaged ones."""

    def fail(*_: object) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(mimetypes, "init", fail)
    monkeypatch.setattr(mimetypes, "inited", False)
    found = content_type(f"clip.{extension.upper()}")
    assert found != "application/octet-stream"
    if media_type(f"clip.{extension}") in {"audio", "video"}:
        assert found.partition("/")[0] in {media_type(f"clip.{extension}"), "application"}


def test_the_content_type_does_not_initialize_mimetypes() -> None:
    program = (
        "import mimetypes; from twelvelabs_async.uploads._strategy import content_type; "
        "assert content_type('a.wmv') == 'video/x-ms-wmv'; assert content_type('a.mp4') == 'video/mp4'; "
        "assert not mimetypes.inited"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)  # noqa: S603  # a fixed command
