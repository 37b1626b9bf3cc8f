"""Draws the three little videos of the demo, with pictures and sounds that are all made here.

It needs Pillow and an `ffmpeg` with libx264, and is run by hand when a clip is to look different:

    pip install pillow
    python examples/make_clips.py                # into the package
    python examples/make_clips.py --into FOLDER

Each scene is a function from the time to a picture, drawn at twice the size and shrunk, which smooths the edges.
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
FINE: Final = 2
"""How much larger a picture is while it is drawn."""
W, H = WIDTH * FINE, HEIGHT * FINE
SECONDS: Final = 10
RATE: Final = 20

Colour = tuple[int, int, int]
Picture = Image.Image


@dataclass(frozen=True)
class Clip:
    """One video to make."""

    name: str
    scene: Callable[[float], Picture]
    """Picture at a moment from 0 to 1."""
    sound: str
    """An audio source in the words of ffmpeg's filters."""


def gradient(stops: Sequence[Colour], height: int = H) -> Picture:
    """Colours from top to bottom, evenly spaced."""
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(list(stops))
    return column.resize((W, height), Image.Resampling.BICUBIC)


def glow(picture: Picture, centre: tuple[float, float], radius: float, colour: Colour, strength: int) -> None:
    """Light that fades with the distance."""
    x, y = centre
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).ellipse((x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), fill=strength)
    picture.paste(colour, mask=mask.filter(ImageFilter.GaussianBlur(radius / 4)))


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    """A filled circle."""
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def ridge(
    draw: ImageDraw.ImageDraw, shift: float, level: float, waves: Sequence[tuple[float, float]], fill: Colour
) -> None:
    """Hills, as a sum of waves (length, height), moved to the left by `shift`."""
    points = [
        (float(x), level - sum(height * math.sin((x + shift) / length) for length, height in waves))
        for x in range(-8, W + 16, 8)
    ]
    draw.polygon([(-8.0, float(H)), *points, (W + 8.0, float(H))], fill=fill)


# Red balloon over the hills


@cache
def morning() -> Picture:
    """The sky behind the balloon."""
    sky = gradient([(94, 170, 222), (150, 203, 234), (214, 232, 236), (252, 236, 208)])
    glow(sky, (W * 0.8, H * 0.3), 330, (255, 246, 214), 220)
    disc(ImageDraw.Draw(sky), W * 0.8, H * 0.3, 46, (255, 244, 196))
    return sky


def cloud(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    """A cloud with a flat foot."""
    for dx, dy, radius in ((-1.1, 0.05, 0.5), (-0.45, -0.25, 0.7), (0.35, -0.15, 0.62), (1.05, 0.1, 0.45)):
        disc(draw, x + dx * size, y + dy * size, radius * size, (250, 252, 252))
    draw.rounded_rectangle((x - 1.6 * size, y, x + 1.5 * size, y + 0.55 * size), 0.27 * size, fill=(250, 252, 252))


def hot_air_balloon(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    """A red balloon with a basket; `size` is its radius."""
    red, dark, cream = (212, 42, 48), (172, 28, 42), (250, 224, 190)
    foot = y + 1.42 * size
    draw.polygon(
        [
            (x - 0.93 * size, y + 0.38 * size),
            (x + 0.93 * size, y + 0.38 * size),
            (x + 0.2 * size, foot),
            (x - 0.2 * size, foot),
        ],
        fill=red,
    )
    disc(draw, x, y, size, red)
    for inner, colour in ((0.62, dark), (0.3, red)):
        draw.ellipse((x - inner * size, y - size, x + inner * size, y + 1.35 * size), fill=colour)
    draw.rectangle((x - 0.97 * size, y + 0.02 * size, x + 0.97 * size, y + 0.24 * size), fill=cream)
    for side in (-1, 1):
        draw.line(
            (x + side * 0.18 * size, foot, x + side * 0.14 * size, foot + 0.42 * size), fill=(70, 52, 40), width=3
        )
    draw.rounded_rectangle(
        (x - 0.2 * size, foot + 0.4 * size, x + 0.2 * size, foot + 0.72 * size), 6, fill=(134, 88, 48)
    )


def balloon(t: float) -> Picture:
    """A red balloon drifts over green hills."""
    picture = morning().copy()
    draw = ImageDraw.Draw(picture)
    for x, y, size, speed in ((0.2, 0.2, 44, 60), (0.62, 0.12, 30, 40), (1.05, 0.26, 50, 80)):
        cloud(draw, W * x - speed * t * 2, H * y, size)
    ridge(draw, 60 * t, H * 0.74, ((210, 46), (90, 14)), (128, 176, 160))
    ridge(draw, 400 + 140 * t, H * 0.83, ((170, 40), (60, 8)), (92, 158, 102))
    hot_air_balloon(draw, W * (0.16 + 0.5 * t), H * (0.46 - 0.14 * t) + 10 * math.sin(t * 4 * math.pi), 92)
    ridge(draw, 900 + 300 * t, H * 0.95, ((230, 44), (70, 7)), (56, 124, 70))
    return picture


# Sailing boat at sunset


@cache
def evening() -> Picture:
    """Sky and sea behind the boat."""
    picture = gradient([(64, 44, 104), (150, 62, 116), (232, 108, 84), (252, 178, 92), (254, 214, 130)], int(H * 0.62))
    sea = gradient([(226, 128, 92), (128, 66, 108), (58, 40, 92), (34, 28, 72)], H - int(H * 0.62))
    whole = Image.new("RGB", (W, H))
    whole.paste(picture, (0, 0))
    glow(whole, (W * 0.64, H * 0.54), 420, (255, 226, 150), 200)
    disc(ImageDraw.Draw(whole), W * 0.64, H * 0.54, 78, (255, 240, 190))
    whole.paste(sea, (0, int(H * 0.62)))
    return whole


def glitter(draw: ImageDraw.ImageDraw, t: float) -> None:
    """The sun on the water: bars that widen towards us and sway."""
    for row in range(16):
        depth = row / 15
        y = H * (0.635 + 0.34 * depth**1.3)
        half = (26 + 120 * depth) * (0.65 + 0.35 * math.sin(t * 6 * math.pi + row * 1.9))
        x = W * 0.64 + 14 * depth * math.sin(t * 4 * math.pi + row * 2.3)
        fade = tuple(int(a + (b - a) * depth) for a, b in zip((255, 222, 150), (196, 100, 110), strict=True))
        draw.rounded_rectangle((x - half, y, x + half, y + 3 + 5 * depth), 3, fill=(fade[0], fade[1], fade[2]))


def boat(size: float, *, mirrored: bool) -> Picture:
    """A boat with two sails on a transparent ground, or what the water shows of it."""
    picture = Image.new("RGBA", (int(size * 2), int(size * 2)))
    draw = ImageDraw.Draw(picture)
    hull, main, fore = (
        ((40, 24, 44), (250, 238, 222), (244, 206, 178))
        if not mirrored
        else ((44, 28, 66), (150, 92, 120), (132, 78, 112))
    )

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(size + x * size, size + y * size) for x, y in points]

    draw.polygon(at((-0.02, -0.9), (-0.02, -0.1), (-0.62, -0.1)), fill=main)
    draw.polygon(at((0.05, -0.82), (0.05, -0.1), (0.5, -0.1)), fill=fore)
    draw.line(at((0.015, -0.96), (0.015, 0.0)), fill=hull, width=5)
    draw.polygon(at((-0.72, -0.04), (0.74, -0.04), (0.5, 0.18), (-0.56, 0.18)), fill=hull)
    return picture


def sailing(t: float) -> Picture:
    """A sailing boat crosses the path of the setting sun."""
    picture = evening().copy()
    draw = ImageDraw.Draw(picture)
    glitter(draw, t)
    x, y = W * (0.12 + 0.5 * t), H * 0.72 + 5 * math.sin(t * 5 * math.pi)
    lean = 3.5 * math.sin(t * 5 * math.pi + 1)
    below = boat(190, mirrored=True).transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((380, 260))
    picture.paste(below, (int(x - 190), int(y - 74)), below)
    for row in range(7):
        ripple = y + 52 + row * 20
        sway = 9 * math.sin(t * 8 * math.pi + row * 1.7)
        draw.rounded_rectangle(
            (x - 150 + sway, ripple, x + 150 + sway, ripple + 5), 2, fill=(104 - row * 8, 56 - row * 3, 100 - row * 3)
        )
    above = boat(190, mirrored=False).rotate(lean, resample=Image.Resampling.BICUBIC)
    picture.paste(above, (int(x - 190), int(y - 190)), above)
    for wing, (bx, by) in enumerate(((0.2, 0.16), (0.26, 0.21), (0.31, 0.15))):
        lift = 7 * math.sin(t * 14 * math.pi + wing)
        px, py = W * (bx + 0.12 * t), H * by
        draw.line(((px - 17, py - lift), (px, py), (px + 17, py - lift)), fill=(60, 34, 80), width=4, joint="curve")
    return picture


# Night train through the city


@cache
def night() -> Picture:
    """Sky, moon and stars."""
    sky = gradient([(10, 14, 40), (18, 26, 64), (38, 44, 96), (78, 66, 122)])
    draw, dice = ImageDraw.Draw(sky), random.Random(4)  # noqa: S311  # stars, not secrets
    for _ in range(90):
        disc(draw, dice.uniform(0, W), dice.uniform(0, H * 0.5), dice.choice((1.5, 2, 2.5)), (200, 206, 236))
    glow(sky, (W * 0.2, H * 0.2), 260, (220, 224, 250), 120)
    disc(ImageDraw.Draw(sky), W * 0.2, H * 0.2, 42, (240, 240, 226))
    return sky


@cache
def skyline(seed: int, low: float, high: float, wall: Colour, lit: Colour) -> Picture:
    """A row of houses, twice as wide as the picture, some windows lit."""
    city = Image.new("RGBA", (W * 2, H))
    draw, dice, x = ImageDraw.Draw(city), random.Random(seed), 0  # noqa: S311  # houses, not secrets
    while x < W * 2:
        width, top = dice.randrange(80, 170, 10), int(H * dice.uniform(1 - high, 1 - low))
        draw.rectangle((x, top, x + width - 4, H), fill=wall)
        for wx in range(x + 14, x + width - 22, 26):
            for wy in range(top + 16, H, 34):
                if dice.random() < 0.36:
                    draw.rectangle((wx, wy, wx + 11, wy + 15), fill=lit)
        x += width
    return city


def viaduct(draw: ImageDraw.ImageDraw, shift: float) -> None:
    """The bridge the train runs on; its arches pass by."""
    stone, shade = (28, 26, 46), (16, 15, 32)
    top = int(H * 0.8)
    draw.rectangle((0, top, W, H), fill=stone)
    for x in range(-220, W + 220, 220):
        left = x - shift % 220
        draw.pieslice((left + 20, top + 40, left + 200, top + 220), 180, 360, fill=shade)
        draw.rectangle((left + 20, top + 130, left + 200, H), fill=shade)
    draw.rectangle((0, top - 8, W, top + 6), fill=(60, 56, 84))


def train(picture: Picture, head: float) -> None:
    """Four carriages whose front is at `head`, and the light before it."""
    bottom, top, length = H * 0.8 - 18, H * 0.8 - 112, 310
    glow(picture, (head + 70, bottom - 34), 210, (255, 236, 170), 150)
    draw = ImageDraw.Draw(picture)
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


def night_train(t: float) -> Picture:
    """A lit train runs over a viaduct, the city behind it."""
    picture = night().copy()
    for seed, low, high, wall, lit, speed in (
        (2, 0.42, 0.72, (36, 40, 84), (148, 132, 128), 60),
        (9, 0.28, 0.52, (22, 24, 56), (248, 202, 110), 150),
    ):
        city = skyline(seed, low, high, wall, lit)
        picture.paste(city, (-int(speed * t), 0), city)
    viaduct(ImageDraw.Draw(picture), 240 * t)
    train(picture, -80 + (W + 900) * t)
    return picture


CLIPS: Final = (
    Clip("red-balloon-over-the-hills.mp4", balloon, "anoisesrc=c=brown:a=0.5:seed=1,lowpass=f=420,tremolo=f=0.2:d=0.6"),
    Clip("sailing-boat-at-sunset.mp4", sailing, "anoisesrc=c=pink:a=0.3:seed=2,lowpass=f=900,tremolo=f=0.3:d=0.8"),
    Clip(
        "night-train-through-the-city.mp4",
        night_train,
        "anoisesrc=c=brown:a=0.8:seed=3,lowpass=f=700,tremolo=f=5:d=0.6",
    ),
)


def make(clip: Clip, folder: Path, ffmpeg: str) -> Path:
    """Draw and encode one clip."""
    path, frames = folder / clip.name, SECONDS * RATE
    pictures = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    sound = ["-f", "lavfi", "-i", f"{clip.sound},aformat=sample_rates=22050:channel_layouts=mono"]
    video = ["-c:v", "libx264", "-preset", "veryslow", "-crf", "33", "-tune", "animation", "-pix_fmt", "yuv420p"]
    audio = ["-c:a", "aac", "-b:a", "16k", "-shortest"]
    # Without these the file would hold the time and the encoder's version, and differ each time.
    same = [
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
    command = [ffmpeg, "-v", "error", "-y", *pictures, *sound, "-t", str(SECONDS), *video, *audio, *same, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:  # noqa: S603  # all of it is ours
        if encoder.stdin is None:
            raise RuntimeError("ffmpeg takes no pictures")
        for frame in range(frames):
            picture = clip.scene(frame / (frames - 1))
            encoder.stdin.write(picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).tobytes())
        encoder.stdin.close()
    if encoder.returncode:
        raise RuntimeError(f"ffmpeg ended with {encoder.returncode}")
    return path


def main() -> None:
    """Make all clips and say how large they are."""
    parser = argparse.ArgumentParser(description="Draw the videos of the demo.")
    home = Path(__file__).parents[1] / "twelvelabs_async" / "cli" / "clips"
    parser.add_argument("--into", type=Path, default=home, help="folder to put them into (default: the package)")
    folder: Path = parser.parse_args().into
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        parser.error("ffmpeg is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        path = make(clip, folder, ffmpeg)
        sys.stdout.write(f"{path.stat().st_size:>9,} bytes  {path.name}\n")


if __name__ == "__main__":
    main()
