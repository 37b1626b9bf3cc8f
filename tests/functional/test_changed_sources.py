"""Sources that change while they are uploaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest

from twelvelabs_async import AsyncTwelveLabs, UploadError
from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.uploads import UploadProgress


@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_an_open_file_that_is_overwritten_during_the_upload_is_not_uploaded(
    emulator: Emulator, tmp_path: Path, method: Literal["direct", "multipart"]
) -> None:
    """Its size stays the same; the asset would have the start of one video and the end of another."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(samples.video(4) + bytes(2_000_000))
    assets = len(emulator.state.assets)

    def overwrite(progress: UploadProgress) -> None:
        if progress.sent:
            os.utime(path, (1, 1))  # as after a write

    with path.open("rb") as opened:
        async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
            with pytest.raises(UploadError, match="changed during the upload") as caught:
                await client.assets.upload(opened, method=method, on_progress=overwrite)
    assert caught.value.source_changed
    assert len(emulator.state.assets) == assets
