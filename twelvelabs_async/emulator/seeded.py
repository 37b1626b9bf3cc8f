"""Everything that looks random and is not: the same seed and the same requests give the same answers."""

from __future__ import annotations

import math
import struct
import uuid
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128

DIMENSIONS = 512
_HALF_RANGE = 1 << 15
_OWN_SHARE = 0.3
"""How much of a vector is its own, beside what it has from its words."""
_FIRST_MOMENT = 1_767_225_600_000
"""Milliseconds at which ids that are ordered by time begin."""


class Ids:
    """Counts identifiers up from a seed, so that a run of the emulator can be repeated.

    Each kind has its own count: how often somebody asked for a status has no influence on the ids of objects.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def restart(self) -> None:
        """Count from the beginning."""
        self._counts.clear()

    def _next(self, kind: str, size: int) -> bytes:
        self._counts[kind] += 1
        return blake2b(f"{self._seed}:{kind}:{self._counts[kind]}".encode(), digest_size=size).digest()

    def go_on(self, other: Ids) -> None:
        """Count on from where another count stands."""
        self._counts = other._counts.copy()

    def object(self) -> str:
        """Return 24 hex digits, the form of nearly every id of the API."""
        return self._next("object", 12).hex()

    def token(self, kind: str = "token") -> str:
        """Return a UUID, the stem of a search page token or the id of a generation."""
        return str(uuid.UUID(bytes=self._next(kind, 16), version=4))

    def ordered(self, prefix: str) -> str:
        """Return an id of the newer form: a prefix and a version 7 UUID, whose time is only a count."""
        drawn = int.from_bytes(self._next(prefix, 16))
        moment = _FIRST_MOMENT + self._counts[prefix]
        number_ = moment << 80 | 7 << 76 | (drawn >> 64 & 0xFFF) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1
        return f"{prefix}_{uuid.UUID(int=number_)}"

    def nonce(self) -> str:
        """Return 32 hex digits that tell one presigned URL from the next."""
        return self._next("nonce", 16).hex()

    def trace(self) -> str:
        """Return 32 hex digits, the form of a trace id."""
        return self._next("trace", 16).hex()


def number(*parts: object) -> int:
    """Return a whole number below 2**64 that depends on the parts alone."""
    text = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def uuid_of(*parts: object) -> str:
    """Return a UUID that depends on the parts alone."""
    return str(uuid.UUID(int=number(*parts, 0) << 64 | number(*parts, 1), version=4))


def vector(*parts: object) -> list[float]:
    """Return a vector of length 1 that depends on the parts alone."""
    text = "\0".join(map(str, parts))
    raw = struct.unpack(f"<{DIMENSIONS}h", shake_128(text.encode()).digest(2 * DIMENSIONS))
    length = math.hypot(*(value / _HALF_RANGE for value in raw))
    return [round(value / _HALF_RANGE / length, 8) for value in raw]


@lru_cache(maxsize=4096)
def term(seed: int, word: str) -> tuple[float, ...]:
    """Return the vector of length 1 that stands for a word."""
    return tuple(vector("word", seed, word))


def among(neighbours: Sequence[Sequence[float]], own: list[float]) -> list[float]:
    """Return a vector of length 1 in the midst of its neighbours, a little to its own side; its own without any."""
    if not neighbours:
        return own
    sums = [math.fsum(values) for values in zip(*neighbours, strict=True)]
    scale = math.hypot(*sums)
    mixed = [total / scale + _OWN_SHARE * value for total, value in zip(sums, own, strict=True)]
    length = math.hypot(*mixed)
    return [round(value / length, 8) for value in mixed]
