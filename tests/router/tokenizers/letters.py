"""A tokenizer made up for tests: a token is a byte, a blank or one of a few words."""

from base64 import b64encode
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
import tiktoken.registry
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

URL = "https://vocabularies.invalid/letters.tiktoken"
MERGED = (b"he", b"ll", b"hell", b"hello", b"us", b"er", b"user")


def cached(url: str) -> str:
    """What tiktoken calls a file of its cache."""
    return sha1(url.encode(), usedforsecurity=False).hexdigest()


def plug_in(folder: Path, patch: pytest.MonkeyPatch, *, filled: bool = True) -> None:
    """Make tiktoken know `letters`, with its vocabulary in a cache where it is `filled`; and nobody
    reaches a network.
    """
    patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    if filled:
        tokens = [*(bytes([byte]) for byte in range(256)), *MERGED]
        lines = (b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))
        (folder / cached(URL)).write_bytes(b"".join(lines))
    known = {**openai_public.ENCODING_CONSTRUCTORS, "letters": _letters}
    patch.setattr(tiktoken.registry, "ENCODING_CONSTRUCTORS", known)
    patch.setattr(tiktoken.registry, "ENCODINGS", {})
    patch.setattr("requests.get", _no_network)


def _letters() -> dict[str, Any]:
    return {
        "name": "letters",
        "pat_str": r"\p{L}+|\s|[^\s\p{L}]",
        "mergeable_ranks": load_tiktoken_bpe(URL),
        "special_tokens": {},
    }


def _no_network(url: str) -> None:
    raise AssertionError(f"{url} was asked for")
