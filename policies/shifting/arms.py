"""Which arm a request is in: by a place that its key has, the same in every process.

A key in the canary at one share is in it at every larger one, so nobody goes to and fro while it
grows. With the revision in the hash, it is not the same people who try every change.
"""

from __future__ import annotations

from hashlib import blake2b

SPACE = float(2**53)


def place(key: str, revision: str) -> float:
    """The key's place in [0, 1), drawn evenly by its hash."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=revision.encode())
    return (int.from_bytes(digest.digest(), "big") >> 11) / SPACE


def in_canary(key: str, revision: str, share: float) -> bool:
    """Whether the key is among the `share` of all keys that the canary serves."""
    return place(key, revision) < share
