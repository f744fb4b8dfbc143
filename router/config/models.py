"""What models are known to lack, as data: by their names, wherever they are served.

Only what is certain stands here: a model of which nothing is said is taken to be able to do
everything, and its provider says if it is not. A file's own `lacks` replaces it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

ABILITIES = ("audio", "documents", "images", "schema", "tools")
"""What a request may bring that not every model can take."""
TEXT_ALONE = frozenset({"audio", "documents", "images"})
KNOWN: tuple[tuple[str, frozenset[str]], ...] = (
    ("deepseek-*", TEXT_ALONE),
    ("gpt-3.5-*", TEXT_ALONE | {"schema"}),
    ("gpt-oss-*", TEXT_ALONE),
    ("llama-3.1-*", TEXT_ALONE),
    ("llama-3.3-*", TEXT_ALONE),
    ("claude-*", frozenset({"audio"})),
    ("*anthropic.claude-*", frozenset({"audio"})),
    ("*openai.gpt-oss-*", TEXT_ALONE),
    ("*deepseek.*", TEXT_ALONE),
    ("*amazon.nova-micro-*", TEXT_ALONE),
    ("sonar*", frozenset({"audio", "tools"})),
)
"""Patterns of names in lower case, without what stands before their last slash."""


def known_lacks(model: str) -> frozenset[str]:
    """What a model of this name lacks, as far as it is known."""
    name = model.lower().rpartition("/")[2]
    return next((lacks for pattern, lacks in KNOWN if fnmatchcase(name, pattern)), frozenset())
