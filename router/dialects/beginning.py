"""How a request's prompt begins, as far as can be seen from its bytes.

Why: providers read from a cache what they have read before, if a prompt begins with it. Where the
bytes of two begin alike, so do the prompts; nothing need be decoded to see that.
Must not: raise, or keep a text. Of a body at most 64 kB are read, and nothing where a client names
its conversation.
"""

from __future__ import annotations

from hashlib import blake2b

from policies import Prefix
from policies.affinity.prefix import named
from router.dialects.common.outside import decoded
from router.dialects.fields import Fields

ORDER = ("tools", "functions", "system", "instructions", "messages", "input", "prompt")
"""What a prompt is made of, as providers read it. Each dialect has some of these."""
BLOCK = 2_048
"""Bytes of a block: about 512 tokens."""
MOST = 65_536
"""Bytes that are read."""
KEY = 8
"""Bytes of a key."""


def beginning(fields: Fields, tokens: int, tenant: str, session: str, user: str) -> Prefix | None:
    """How a prompt of about so many `tokens` begins: by the name of its conversation where it has
    one, else by its blocks; by its `user` where it is shorter than one. None: by nothing.
    """
    if name := _key(fields) or session:
        return named(f"{tenant}\n{name}")
    views = [memoryview(fields[name]) for name in ORDER if name in fields]
    length = sum([len(view) for view in views])
    if length < BLOCK:
        return named(f"{tenant}\n\n{user}") if user else None
    read = b"".join([view[:MOST] for view in views])[:MOST]
    sofar, keys = blake2b(digest_size=KEY), []
    for at in range(0, len(read) - BLOCK + 1, BLOCK):
        sofar.update(read[at : at + BLOCK])
        keys.append(int.from_bytes(sofar.digest()))
    return Prefix(tuple(keys), max(1, tokens * BLOCK // length), length > MOST)


def _key(fields: Fields) -> str:
    """`prompt_cache_key`, by which OpenAI's clients say what begins alike."""
    if "prompt_cache_key" not in fields:
        return ""
    key = decoded(fields["prompt_cache_key"])
    return key if isinstance(key, str) else ""
