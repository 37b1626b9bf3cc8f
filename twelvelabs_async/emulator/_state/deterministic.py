"""Deterministic ids, numbers and vectors: the same seed and the same requests produce the same responses."""

from __future__ import annotations

import math
import struct
import uuid
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128

DIMENSIONS = 512
_OWN_WEIGHT = 0.3
"""Weight of the content's own vector relative to the vectors of its words."""
_ID_EPOCH_MS = 1_767_225_600_000
"""Unix time in milliseconds at which time-ordered ids start."""

_SCENES = ("a street", "a kitchen", "two cats", "a red car", "an empty room", "a crowd", "the sea", "a stage")


class IdGenerator:
    """Generates ids from a seed and a counter, so that a run of the emulator is repeatable.

    Each kind has its own counter: the number of status requests, for example, does not affect the ids of objects.

    Args:
        seed: The seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def _next(self, kind: str, size: int) -> bytes:
        self._counts[kind] += 1
        return blake2b(f"{self._seed}:{kind}:{self._counts[kind]}".encode(), digest_size=size).digest()

    def restore(self, other: IdGenerator) -> None:
        """Continue from the counters of another generator."""
        self._counts = other._counts.copy()

    def object_id(self) -> str:
        """Return 24 hex digits, the format of nearly every id of the API."""
        return self._next("object", 12).hex()

    def uuid_token(self, kind: str = "token") -> str:
        """Return a UUID, used in search page tokens and as generation id."""
        return str(uuid.UUID(bytes=self._next(kind, 16), version=4))

    def prefixed_id(self, prefix: str) -> str:
        """Return an id of the newer format: a prefix and a version 7 UUID whose time is a counter."""
        drawn = int.from_bytes(self._next(prefix, 16))
        milliseconds = _ID_EPOCH_MS + self._counts[prefix]
        number = milliseconds << 80 | 7 << 76 | (drawn >> 64 & 0xFFF) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1
        return f"{prefix}_{uuid.UUID(int=number)}"

    def nonce(self) -> str:
        """Return 32 hex digits that make a presigned URL unique."""
        return self._next("nonce", 16).hex()

    def trace_id(self) -> str:
        """Return 18 decimal digits, the format of a trace id."""
        return str(10**17 + int.from_bytes(self._next("trace", 8)) % (9 * 10**17))


def stable_int(*parts: object) -> int:
    """Return an integer from 0 to 2**64 - 1 that depends only on the parts."""
    joined = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(joined.encode(), digest_size=8).digest())


def stable_uuid(*parts: object) -> str:
    """Return a UUID that depends only on the parts."""
    return str(uuid.UUID(int=stable_int(*parts, 0) << 64 | stable_int(*parts, 1), version=4))


def unit_vector(*parts: object) -> list[float]:
    """Return a vector of length 1 that depends only on the parts."""
    joined = "\0".join(map(str, parts))
    raw = struct.unpack(f"<{DIMENSIONS}h", shake_128(joined.encode()).digest(2 * DIMENSIONS))
    return _normalize(raw)


def _normalize(values: Sequence[float]) -> list[float]:
    length = math.hypot(*values)
    return [round(value / length, 8) for value in values]


def invent_scene(*parts: object) -> str:
    """Return the description of a scene that depends only on the parts."""
    return _SCENES[stable_int("scene", *parts) % len(_SCENES)]


@lru_cache(maxsize=4096)
def term_vector(seed: int, word: str) -> tuple[float, ...]:
    """Return the vector of length 1 of a word."""
    return tuple(unit_vector("word", seed, word))


def blend_vectors(neighbours: Sequence[Sequence[float]], own: list[float]) -> list[float]:
    """Return the mean of the neighbours shifted towards `own`, with length 1; `own` without neighbours."""
    if not neighbours:
        return own
    sums = [math.fsum(values) for values in zip(*neighbours, strict=True)]
    scale = math.hypot(*sums)
    return _normalize([total / scale + _OWN_WEIGHT * value for total, value in zip(sums, own, strict=True)])
