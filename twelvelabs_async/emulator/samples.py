"""Small media files for tests, generated without an encoder.

The video contains no frames, only valid headers and padding up to the requested size, which is enough for programs that
read metadata.
"""

from __future__ import annotations

import io
import struct
import wave
import zlib

_TIMESCALE = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_AUDIO_RATE = 48_000


def video(
    seconds: float = 12.0, *, width: int = 1280, height: int = 720, fps: int = 25, sound: bool = True, size: int = 0
) -> bytes:
    """Return an MP4 file whose headers describe a video of this duration and resolution.

    Args:
        seconds: Duration.
        width: Width in pixels.
        height: Height in pixels.
        fps: Frames per second.
        sound: Whether the file has an audio track.
        size: Size in bytes to which the file is padded; a size smaller than the headers adds no padding.

    Example:
        from twelvelabs_async.emulator import samples

        asset = await client.assets.upload(samples.video(30), filename="boat.mp4", wait=True)
        print(asset.duration)  # 30.0
    """
    duration = round(seconds * _TIMESCALE)
    video_track = _track(1, duration, _video_entry(width, height), b"vide", (width, height), _TIMESCALE // fps)
    audio_track = _track(2, duration, _audio_entry(), b"soun", (0, 0), _TIMESCALE // fps)
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    header = struct.pack(">4IIH10x", 0, 0, _TIMESCALE, duration, 0x10000, 0x100)
    movie_header = _full_box(b"mvhd", header + _MATRIX + bytes(24) + struct.pack(">I", 3))
    movie = _box(b"moov", movie_header, video_track, audio_track if sound else b"")
    return head + movie + _box(b"mdat", bytes(max(0, size - len(head) - len(movie) - 8)))


def audio(seconds: float = 12.0, *, rate: int = 8000) -> bytes:
    """Return a WAV file of silence.

    Example:
        from twelvelabs_async.emulator import samples

        asset = await client.assets.upload(samples.audio(10), filename="song.wav", wait=True)
        print(asset.file_type)  # audio/wav
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(rate)
        writer.writeframes(bytes([128]) * round(seconds * rate))
    return out.getvalue()


def image(width: int = 640, height: int = 480) -> bytes:
    """Return a black PNG file.

    Example:
        from twelvelabs_async.emulator import samples

        asset = await client.assets.upload(samples.image(), filename="beach.png", wait=True)
        print(asset.file_type)  # image/png
    """
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def _full_box(name: bytes, content: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), content)


def _track(number: int, duration: int, entry: bytes, handler: bytes, dimensions: tuple[int, int], delta: int) -> bytes:
    header = struct.pack(">5I12xH10x", 0, 0, number, 0, duration, 0x100)
    size = struct.pack(">2I", dimensions[0] << 16, dimensions[1] << 16)
    language = struct.pack(">4IHH", 0, 0, _TIMESCALE, duration, 0x55C4, 0)
    media_header = _full_box(b"vmhd", bytes(8), 1) if handler == b"vide" else _full_box(b"smhd", bytes(4))
    references = _box(b"dinf", _full_box(b"dref", struct.pack(">I", 1) + _full_box(b"url ", b"", 1)))
    return _box(
        b"trak",
        _full_box(b"tkhd", header + _MATRIX + size, 3),
        _box(
            b"mdia",
            _full_box(b"mdhd", language),
            _full_box(b"hdlr", bytes(4) + handler + bytes(13)),
            _box(b"minf", media_header, references, _sample_table(entry, duration // delta, delta)),
        ),
    )


def _sample_table(entry: bytes, count: int, delta: int) -> bytes:
    return _box(
        b"stbl",
        _full_box(b"stsd", struct.pack(">I", 1) + entry),
        _full_box(b"stts", struct.pack(">3I", 1, count, delta)),
        _full_box(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full_box(b"stsz", struct.pack(">2I", 1, count)),
        _full_box(b"stco", struct.pack(">2I", 1, 0)),
    )


def _video_entry(width: int, height: int) -> bytes:
    fields = struct.pack(">6xH16xHHII4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 24, -1)
    # Readers require the profile and level, but no PPS.
    return _box(b"avc1", fields, _box(b"avcC", bytes([1, 66, 0, 30, 0xFF, 0xE0, 0])))


def _audio_entry() -> bytes:
    return _box(b"sowt", struct.pack(">6xH8xHH4xI", 1, 2, 16, _AUDIO_RATE << 16))
