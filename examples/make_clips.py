"""Draw the three short videos of the demo, with generated images and sound.

Run it manually to change a video. It needs Pillow and an `ffmpeg` with libx264:

    pip install pillow
    python examples/make_clips.py                # into the package
    python examples/make_clips.py --into FOLDER

Each scene is a function that draws the frame at a time. Frames are drawn at twice the size and scaled down, which
smooths the edges. The three files have to stay below 100 kB together, because they are part of the package.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 360
SUPERSAMPLING: Final = 2
"""Factor by which frames are drawn larger than the video."""
W, H = WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING
DURATION: Final = 10
FRAME_RATE: Final = 10

Color = tuple[int, int, int]
PilImage = Image.Image


@dataclass(frozen=True)
class Clip:
    """One video."""

    name: str
    draw_frame: Callable[[float], PilImage]
    """Draws the frame at a time from 0 (start) to 1 (end)."""
    sound: str
    """Audio source, as an ffmpeg filter."""


def gradient(colors: Sequence[Color], height: int = H) -> PilImage:
    """Return a vertical gradient of evenly spaced colors."""
    column = Image.new("RGB", (1, len(colors)))
    column.putdata(list(colors))
    return column.resize((W, height), Image.Resampling.BICUBIC)


def glow(image: PilImage, center: tuple[float, float], radius: float, color: Color, strength: int) -> None:
    """Draw a light that fades with the distance."""
    x, y = center
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse((x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), fill=strength)
    image.paste(color, mask=mask.filter(ImageFilter.GaussianBlur(radius / 4)))


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, color: Color) -> None:
    """Draw a filled circle."""
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def hills(
    draw: ImageDraw.ImageDraw, shift: float, level: float, waves: Sequence[tuple[float, float]], fill: Color
) -> None:
    """Draw hills as a sum of waves (length, height), moved to the left by `shift` pixels."""
    points = [
        (float(x), level - sum(height * math.sin((x + shift) / length) for length, height in waves))
        for x in range(-8, W + 16, 8)
    ]
    draw.polygon([(-8.0, float(H)), *points, (W + 8.0, float(H))], fill=fill)


# Red balloon over the hills


@cache
def morning() -> PilImage:
    """Return the sky behind the balloon."""
    sky = gradient([(94, 170, 222), (150, 203, 234), (214, 232, 236), (252, 236, 208)])
    glow(sky, (W * 0.8, H * 0.3), 330, (255, 246, 214), 220)
    disc(ImageDraw.Draw(sky), W * 0.8, H * 0.3, 46, (255, 244, 196))
    return sky


def cloud(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    """Draw a cloud with a flat base."""
    for dx, dy, radius in ((-1.1, 0.05, 0.5), (-0.45, -0.25, 0.7), (0.35, -0.15, 0.62), (1.05, 0.1, 0.45)):
        disc(draw, x + dx * size, y + dy * size, radius * size, (250, 252, 252))
    draw.rounded_rectangle((x - 1.6 * size, y, x + 1.5 * size, y + 0.55 * size), 0.27 * size, fill=(250, 252, 252))


def hot_air_balloon(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    """Draw a red balloon with a basket; `size` is its radius."""
    red, dark, cream = (212, 42, 48), (172, 28, 42), (250, 224, 190)
    bottom = y + 1.42 * size
    draw.polygon(
        [
            (x - 0.93 * size, y + 0.38 * size),
            (x + 0.93 * size, y + 0.38 * size),
            (x + 0.2 * size, bottom),
            (x - 0.2 * size, bottom),
        ],
        fill=red,
    )
    disc(draw, x, y, size, red)
    for inner, color in ((0.62, dark), (0.3, red)):
        draw.ellipse((x - inner * size, y - size, x + inner * size, y + 1.35 * size), fill=color)
    draw.rectangle((x - 0.97 * size, y + 0.02 * size, x + 0.97 * size, y + 0.24 * size), fill=cream)
    for side in (-1, 1):
        draw.line(
            (x + side * 0.18 * size, bottom, x + side * 0.14 * size, bottom + 0.42 * size), fill=(70, 52, 40), width=3
        )
    draw.rounded_rectangle(
        (x - 0.2 * size, bottom + 0.4 * size, x + 0.2 * size, bottom + 0.72 * size), 6, fill=(134, 88, 48)
    )


def balloon(t: float) -> PilImage:
    """Draw a red balloon above green hills."""
    image = morning().copy()
    draw = ImageDraw.Draw(image)
    for x, y, size, speed in ((0.2, 0.2, 44, 60), (0.62, 0.12, 30, 40), (1.05, 0.26, 50, 80)):
        cloud(draw, W * x - speed * t * 2, H * y, size)
    hills(draw, 60 * t, H * 0.74, ((210, 46), (90, 14)), (128, 176, 160))
    hills(draw, 400 + 140 * t, H * 0.83, ((170, 40), (60, 8)), (92, 158, 102))
    hot_air_balloon(draw, W * (0.16 + 0.5 * t), H * (0.46 - 0.14 * t) + 10 * math.sin(t * 4 * math.pi), 92)
    hills(draw, 900 + 300 * t, H * 0.95, ((230, 44), (70, 7)), (56, 124, 70))
    return image


# Sailing boat at sunset


@cache
def evening() -> PilImage:
    """Return sky and sea behind the boat."""
    sky = gradient([(64, 44, 104), (150, 62, 116), (232, 108, 84), (252, 178, 92), (254, 214, 130)], int(H * 0.62))
    sea = gradient([(226, 128, 92), (128, 66, 108), (58, 40, 92), (34, 28, 72)], H - int(H * 0.62))
    image = Image.new("RGB", (W, H))
    image.paste(sky, (0, 0))
    glow(image, (W * 0.64, H * 0.54), 420, (255, 226, 150), 200)
    disc(ImageDraw.Draw(image), W * 0.64, H * 0.54, 78, (255, 240, 190))
    image.paste(sea, (0, int(H * 0.62)))
    return image


def sun_reflection(draw: ImageDraw.ImageDraw, t: float) -> None:
    """Draw the reflection of the sun on the water as horizontal bars."""
    for row in range(16):
        depth = row / 15
        y = H * (0.635 + 0.34 * depth**1.3)
        half = (26 + 120 * depth) * (0.65 + 0.35 * math.sin(t * 6 * math.pi + row * 1.9))
        x = W * 0.64 + 14 * depth * math.sin(t * 4 * math.pi + row * 2.3)
        fade = tuple(int(a + (b - a) * depth) for a, b in zip((255, 222, 150), (196, 100, 110), strict=True))
        draw.rounded_rectangle((x - half, y, x + half, y + 3 + 5 * depth), 3, fill=(fade[0], fade[1], fade[2]))


def boat(size: float, *, mirrored: bool) -> PilImage:
    """Return a boat with two sails on a transparent background, or the colors of its reflection."""
    image = Image.new("RGBA", (int(size * 2), int(size * 2)))
    draw = ImageDraw.Draw(image)
    hull, main, fore = (
        ((40, 24, 44), (250, 238, 222), (244, 206, 178))
        if not mirrored
        else ((44, 28, 66), (150, 92, 120), (132, 78, 112))
    )

    def scale(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(size + x * size, size + y * size) for x, y in points]

    draw.polygon(scale((-0.02, -0.9), (-0.02, -0.1), (-0.62, -0.1)), fill=main)
    draw.polygon(scale((0.05, -0.82), (0.05, -0.1), (0.5, -0.1)), fill=fore)
    draw.line(scale((0.015, -0.96), (0.015, 0.0)), fill=hull, width=5)
    draw.polygon(scale((-0.72, -0.04), (0.74, -0.04), (0.5, 0.18), (-0.56, 0.18)), fill=hull)
    return image


def sailing(t: float) -> PilImage:
    """Draw a sailing boat in front of the setting sun."""
    image = evening().copy()
    draw = ImageDraw.Draw(image)
    sun_reflection(draw, t)
    x, y = W * (0.12 + 0.5 * t), H * 0.72 + 5 * math.sin(t * 5 * math.pi)
    lean = 3.5 * math.sin(t * 5 * math.pi + 1)
    below = boat(190, mirrored=True).transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((380, 260))
    image.paste(below, (int(x - 190), int(y - 74)), below)
    for row in range(7):
        ripple = y + 52 + row * 20
        sway = 9 * math.sin(t * 8 * math.pi + row * 1.7)
        draw.rounded_rectangle(
            (x - 150 + sway, ripple, x + 150 + sway, ripple + 5), 2, fill=(104 - row * 8, 56 - row * 3, 100 - row * 3)
        )
    above = boat(190, mirrored=False).rotate(lean, resample=Image.Resampling.BICUBIC)
    image.paste(above, (int(x - 190), int(y - 190)), above)
    for wing, (bx, by) in enumerate(((0.2, 0.16), (0.26, 0.21), (0.31, 0.15))):
        lift = 7 * math.sin(t * 14 * math.pi + wing)
        px, py = W * (bx + 0.12 * t), H * by
        draw.line(((px - 17, py - lift), (px, py), (px + 17, py - lift)), fill=(60, 34, 80), width=4, joint="curve")
    return image


# Night train through the city


@cache
def night() -> PilImage:
    """Return sky, moon and stars."""
    sky = gradient([(10, 14, 40), (18, 26, 64), (38, 44, 96), (78, 66, 122)])
    draw, rng = ImageDraw.Draw(sky), random.Random(4)  # noqa: S311  # not for cryptography
    for _ in range(90):
        disc(draw, rng.uniform(0, W), rng.uniform(0, H * 0.5), rng.choice((1.5, 2, 2.5)), (200, 206, 236))
    glow(sky, (W * 0.2, H * 0.2), 260, (220, 224, 250), 120)
    disc(ImageDraw.Draw(sky), W * 0.2, H * 0.2, 42, (240, 240, 226))
    return sky


@cache
def skyline(seed: int, low: float, high: float, wall_color: Color, window_color: Color) -> PilImage:
    """Return a row of houses with some lit windows, twice as wide as the frame."""
    city = Image.new("RGBA", (W * 2, H))
    draw, rng, x = ImageDraw.Draw(city), random.Random(seed), 0  # noqa: S311  # not for cryptography
    while x < W * 2:
        width, top = rng.randrange(80, 170, 10), int(H * rng.uniform(1 - high, 1 - low))
        draw.rectangle((x, top, x + width - 4, H), fill=wall_color)
        for wx in range(x + 14, x + width - 22, 26):
            for wy in range(top + 16, H, 34):
                if rng.random() < 0.36:
                    draw.rectangle((wx, wy, wx + 11, wy + 15), fill=window_color)
        x += width
    return city


def viaduct(draw: ImageDraw.ImageDraw, shift: float) -> None:
    """Draw the viaduct, moved to the left by `shift` pixels."""
    stone, shade = (28, 26, 46), (16, 15, 32)
    top = int(H * 0.8)
    draw.rectangle((0, top, W, H), fill=stone)
    for x in range(-220, W + 220, 220):
        left = x - shift % 220
        draw.pieslice((left + 20, top + 40, left + 200, top + 220), 180, 360, fill=shade)
        draw.rectangle((left + 20, top + 130, left + 200, H), fill=shade)
    draw.rectangle((0, top - 8, W, top + 6), fill=(60, 56, 84))


def train(image: PilImage, head: float) -> None:
    """Draw a train of four cars and its headlight; its front is at `head`."""
    bottom, top, length = H * 0.8 - 18, H * 0.8 - 112, 310
    glow(image, (head + 70, bottom - 34), 210, (255, 236, 170), 150)
    draw = ImageDraw.Draw(image)
    for car in range(4):
        right = head - car * (length + 10)
        left = right - length
        draw.rounded_rectangle((left, top, right, bottom), 22 if car == 0 else 10, fill=(196, 204, 216))
        draw.rectangle((left + 2, bottom - 30, right - 2, bottom - 18), fill=(36, 118, 178))
        for window in range(6):
            x = left + 24 + window * 47
            draw.rounded_rectangle((x, top + 20, x + 33, top + 54), 5, fill=(255, 222, 132))
        for wheel in (40, 86, length - 86, length - 40):
            disc(draw, left + wheel, bottom + 4, 11, (24, 24, 34))
    disc(draw, head - 8, bottom - 36, 8, (255, 250, 220))


def night_train(t: float) -> PilImage:
    """Draw a train with lit windows on a viaduct in front of a city."""
    image = night().copy()
    for seed, low, high, wall_color, window_color, speed in (
        (2, 0.42, 0.72, (36, 40, 84), (148, 132, 128), 60),
        (9, 0.28, 0.52, (22, 24, 56), (248, 202, 110), 150),
    ):
        city = skyline(seed, low, high, wall_color, window_color)
        image.paste(city, (-int(speed * t), 0), city)
    viaduct(ImageDraw.Draw(image), 240 * t)
    train(image, -80 + (W + 900) * t)
    return image


CLIPS: Final = (
    Clip("red-balloon-over-the-hills.mp4", balloon, "anoisesrc=c=brown:a=0.5:seed=1,lowpass=f=420,tremolo=f=0.2:d=0.6"),
    Clip("sailing-boat-at-sunset.mp4", sailing, "anoisesrc=c=pink:a=0.3:seed=2,lowpass=f=900,tremolo=f=0.3:d=0.8"),
    Clip(
        "night-train-through-the-city.mp4",
        night_train,
        "anoisesrc=c=brown:a=0.8:seed=3,lowpass=f=700,tremolo=f=5:d=0.6",
    ),
)


def render_clip(clip: Clip, folder: Path, ffmpeg: str) -> Path:
    """Draw and encode one video."""
    path, frames = folder / clip.name, DURATION * FRAME_RATE
    frames_in = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAME_RATE), "-i", "-"]
    sound = ["-f", "lavfi", "-i", f"{clip.sound},aformat=sample_rates=8000:channel_layouts=mono"]
    video = [
        "-c:v",
        "libx264",
        "-preset",
        "veryslow",
        "-crf",
        "41",
        "-g",
        str(frames),
        "-tune",
        "animation",
        "-pix_fmt",
        "yuv420p",
    ]
    audio = ["-c:a", "aac", "-b:a", "4k", "-shortest"]
    # Omit the time and the version of the encoder, so that the files are reproducible.
    reproducible = [
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-flags:a",
        "+bitexact",
        "-map_metadata",
        "-1",
        "-movflags",
        "+faststart",
    ]
    command = [
        ffmpeg,
        "-v",
        "error",
        "-y",
        *frames_in,
        *sound,
        "-t",
        str(DURATION),
        *video,
        *audio,
        *reproducible,
        str(path),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:  # noqa: S603  # no argument comes from outside
        if encoder.stdin is None:
            raise RuntimeError("cannot write to ffmpeg")
        for frame in range(frames):
            image = clip.draw_frame(frame / (frames - 1))
            encoder.stdin.write(image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).tobytes())
        encoder.stdin.close()
    if encoder.returncode:
        raise RuntimeError(f"ffmpeg failed with exit code {encoder.returncode}")
    return path


def main() -> None:
    """Create all videos and print their sizes."""
    parser = argparse.ArgumentParser(description="Draw the videos of the demo.")
    clips_folder = Path(__file__).parents[1] / "twelvelabs_async" / "_cli" / "clips"
    parser.add_argument("--into", type=Path, default=clips_folder, help="output folder (default: the package)")
    folder: Path = parser.parse_args().into
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        parser.error("ffmpeg is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        path = render_clip(clip, folder, ffmpeg)
        sys.stdout.write(f"{path.stat().st_size:>9,} bytes  {path.name}\n")


if __name__ == "__main__":
    main()
