"""Creates the small media files of the tests: valid files in many containers, and several kinds of invalid files.

It needs `ffmpeg` with libx264 and libvpx. Run it to add a kind of file:

  python tests/data/make_media.py [FOLDER]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEDIA_FOLDER: Final = Path(__file__).with_name("media")
X264: Final = ("-c:v", "libx264", "-preset", "veryslow", "-crf", "36", "-pix_fmt", "yuv420p")
SOUND: Final = ("-c:a", "aac", "-b:a", "12k")
OPUS: Final = ("-c:a", "libopus", "-b:a", "8k")
REPRODUCIBLE: Final = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1")
"""Options that keep the time and the version of the encoder out of the files."""


@dataclass(frozen=True)
class Clip:
    """A file with color bars and a tone."""

    name: str
    coding: tuple[str, ...] = (*X264, *SOUND)
    size: str = "640x360"
    seconds: float = 6
    image: bool = True


CLIPS: Final = (
    Clip("bars.mp4", (*X264, *SOUND, "-movflags", "+faststart")),
    Clip("bars.mov"),
    Clip("bars.mkv", (*X264, *OPUS)),
    Clip("bars.webm", ("-c:v", "libvpx-vp9", "-b:v", "20k", "-deadline", "best", *OPUS)),
    Clip("bars.avi", ("-c:v", "mpeg4", "-q:v", "31", "-c:a", "libmp3lame", "-b:a", "8k")),
    Clip("bars.ts"),
    Clip("fragments.mp4", (*X264, *SOUND, "-movflags", "+frag_keyframe+empty_moov")),
    Clip("portrait.mp4", size="360x640"),
    Clip("tone.mp3", ("-c:a", "libmp3lame", "-b:a", "8k"), image=False),
    Clip("short.mp4", seconds=3),
    Clip("small.mp4", size="320x240"),
    Clip("huge.mp4", size="4096x2304"),
    Clip("wide.mp4", size="1280x400"),
)


def encode(clip: Clip, folder: Path, ffmpeg: str) -> None:
    """Encode one clip."""
    bars = ["-f", "lavfi", "-i", f"smptebars=s={clip.size}:r=5"] if clip.image else []
    tone = ["-f", "lavfi", "-i", "sine=frequency=330:sample_rate=16000"]
    out = ["-t", str(clip.seconds), *clip.coding, *REPRODUCIBLE, str(folder / clip.name)]
    subprocess.run([ffmpeg, "-v", "error", "-y", *bars, *tone, *out], check=True)  # noqa: S603  # a fixed command


def write_invalid_files(folder: Path) -> None:
    """Write files that are not valid videos: one truncated before its index, one after it, and a text."""
    content = (folder / "bars.mov").read_bytes()
    (folder / "cut-before-index.mov").write_bytes(content[: len(content) // 2])
    content = (folder / "bars.mp4").read_bytes()
    (folder / "cut-after-index.mp4").write_bytes(content[: len(content) // 2])
    (folder / "text.mp4").write_text("This is not a video, whatever its name says.\n" * 20)


def main() -> None:
    """Create all files, and print their sizes."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MEDIA_FOLDER
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        sys.exit("ffmpeg is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        encode(clip, folder, ffmpeg)
    write_invalid_files(folder)
    for path in sorted(folder.iterdir()):
        sys.stdout.write(f"{path.stat().st_size:>9,} bytes  {path.name}\n")


if __name__ == "__main__":
    main()
