"""Vectors that mean nothing but that equal texts have equal ones, for the simulated provider."""

from __future__ import annotations

from hashlib import shake_256
from math import sqrt
from struct import pack, unpack


def vector(origin: bytes, size: int) -> bytes:
    """`size` little-endian single floats that follow from `origin`, of length 1 together."""
    drawn = unpack(f"<{size}i", shake_256(origin).digest(4 * size))
    length = sqrt(sum(number * number for number in drawn)) or 1.0
    return pack(f"<{size}f", *(number / length for number in drawn))


def floats(vector: bytes) -> list[float]:
    """The numbers of a vector."""
    return list(unpack(f"<{len(vector) // 4}f", vector))
