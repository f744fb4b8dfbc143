"""The tokenizers that a file names, made ready when it is put in force.

tiktoken brings them, and fetches their vocabularies at run time. Here nothing is fetched: what is
not there is an error that says what to do about it.
"""

from __future__ import annotations

import os
from hashlib import sha1, sha256
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from router.building.choosing import BuildFault
from router.config import Config
from router.tokenizers.counting import Tokenizer, Tokenizers

CACHE = "TIKTOKEN_CACHE_DIR"


class Vocabulary(NamedTuple):
    """A file at OpenAI's, and its SHA-256."""

    file: str
    digest: str

    @property
    def url(self) -> str:
        """Where it is fetched from, by whoever does."""
        return f"https://openaipublic.blob.core.windows.net/encodings/{self.file}"


# What tiktoken 0.14 fetches for them, and expects.
CL100K = Vocabulary(
    "cl100k_base.tiktoken", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
)
O200K = Vocabulary(
    "o200k_base.tiktoken", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
)
VOCABULARIES = MappingProxyType(
    {"cl100k_base": CL100K, "o200k_base": O200K, "o200k_harmony": O200K}
)
"""Of OpenAI's tokenizers, those of models that are served."""


def tokenizers_of(config: Config) -> dict[str, Tokenizers]:
    """With what requests are counted, by the model or target that they ask for; those whose targets
    name no tokenizer are left out. Raises `BuildFault` where one cannot be had.
    """
    opened: dict[str, Tokenizer] = {}
    named: dict[str, str] = {}
    for target in config.targets():
        provider, model = config.target(target)
        if provider.enabled and (name := model.tokenizer) is not None:
            named[target] = name
            if name not in opened:
                opened[name] = _opened(target, name)
    found: dict[str, Tokenizers] = {target: (opened[name],) for target, name in named.items()}
    for route in config.models.values():
        to = route.shift.to if route.shift is not None else ()
        targets = [target.name for tier in (*config.live(route), to) for target in tier]
        if names := dict.fromkeys(named[target] for target in targets if target in named):
            found[route.name] = tuple(opened[name] for name in names)
    return found


def _opened(target: str, name: str) -> Tokenizer:
    def fault(told: object) -> BuildFault:
        return BuildFault(f"target {target}: tokenizer {name}: {told}")

    try:
        import tiktoken
        from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS as OPENAIS
    except ImportError:
        raise fault("tiktoken is not installed: pip install 'pointsman[tokens]'") from None
    try:
        # A plug-in knows itself where its vocabulary is.
        plugged = {one for one in tiktoken.list_encoding_names() if one not in OPENAIS}
        if name not in plugged | VOCABULARIES.keys():
            known = ", ".join(sorted(plugged | VOCABULARIES.keys()))
            raise fault(f"there is none of this name; known: {known}")
        if name in VOCABULARIES and (lacking := _lacking(VOCABULARIES[name])):
            raise fault(lacking)
        return Tokenizer(name, tiktoken.get_encoding(name).encode_ordinary)
    except (OSError, ValueError) as error:
        raise fault(error) from error


def _lacking(vocabulary: Vocabulary) -> str:
    """Why tiktoken would download a vocabulary, and what to do about it; empty: it would not."""
    # It looks for the folder in the process's own environment.
    folder = os.environ.get(CACHE)
    if not folder:
        return f"its vocabulary is not downloaded: set {CACHE} to a folder that has it"
    path = Path(folder) / sha1(vocabulary.url.encode(), usedforsecurity=False).hexdigest()
    remedy = f"it is not downloaded: store {vocabulary.url} as {path}"
    if not path.is_file():
        return f"its vocabulary is missing, and {remedy}"
    if sha256(path.read_bytes()).hexdigest() != vocabulary.digest:
        return f"what should be its vocabulary is another file, and {remedy}"
    return ""
