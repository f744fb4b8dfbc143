"""How many tokens a request's body has, about, before anybody has counted them.

It decides whether a request fits a context and what is reserved of a limit, and it is made of every
body, so it must cost next to nothing: bytes are weighed by their kind and never decoded, of a long
text only parts are read, and encoded files cost what they are and not what they weigh. What is
wrong with it is the same for most requests of a model, and is learned where usage comes back
(`policies/engine/learning/estimates.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

PLAIN: Final = b"abcdefghijklmnopqrstuvwxyz " + bytes(range(0x80, 0x100))
"""What is beyond ASCII is taken out again, and weighed by its script."""
DENSE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NOT_FIRST: Final = bytes(range(0xC0))
"""What no character beyond ASCII begins with."""

# Tokens of a byte of each kind, fitted to the geometric mean of what five public vocabularies
# (OpenAI's cl100k and o200k, Qwen's, Mistral's tekken, Anthropic's of Claude 2) count in prose,
# code, JSON, tables and logs. `docs/design.md` has the errors.
PER_PLAIN: Final = 0.17
PER_DENSE: Final = 0.92
"""Digits are grouped by three or not at all; capitals in a row are base64, ids and constants."""
PER_SIGN: Final = 0.40
"""Of JSON's and of code's, many of which are one token together."""


class Script(NamedTuple):
    """Characters whose UTF-8 begins with these bytes: how long it is, and the tokens of each."""

    first: int
    last: int
    length: int
    tokens: float


SCRIPTS: Final = (
    Script(0xE3, 0xEF, 3, 0.8),  # kana, CJK, Hangul
    Script(0xC2, 0xC5, 2, 1.5),  # Latin with marks: they break their words in pieces
    Script(0xE1, 0xE2, 3, 1.4),  # typographic signs; rare scripts
    Script(0xD0, 0xD2, 2, 0.34),  # Cyrillic
    Script(0xD3, 0xDF, 2, 0.48),  # Armenian, Hebrew, Arabic
    Script(0xE0, 0xE0, 3, 0.65),  # of India, Thai, Lao
    Script(0xF0, 0xF7, 4, 1.2),  # emoji
    Script(0xC6, 0xCF, 2, 0.7),  # Greek
)
KINDS: Final = bytes(
    next((kind for kind, script in enumerate(SCRIPTS) if script.first <= byte <= script.last), 0)
    for byte in range(256)
)
WHOLE: Final = 4096
"""Bytes that are read whole. Of longer texts parts are read, evenly spread."""
PART: Final = 256
LEAST_PARTS: Final = 8
APART: Final = 4096
"""Bytes from one part to the next in the longest texts."""
MOST_FILES: Final = 100
"""Files of one body that are looked for; further ones count as text."""
FILE: Final = re.compile(rb'"data(?:"\s{0,8}:\s{0,8}"|:[^",]{0,100};base64,)')
"""How an encoded file begins: as a field of its own, or as an URL."""
NEARBY: Final = 160
"""Bytes before a file in which its kind is named, and after which an URL has begun."""


class Weight(NamedTuple):
    """Tokens of a file: at least so many, one for so many encoded bytes, at most so many."""

    least: int
    size: int
    most: int


IMAGE: Final = Weight(1000, 1 << 40, 1000)
"""OpenAI counts 765 for 1024 × 1024, Anthropic a 750th of the pixels, at most about 1,600, Gemini
258 a tile. Encoded bytes say nothing of that.
"""
DOCUMENT: Final = Weight(2000, 32, 200_000)
"""Anthropic: 1,500 to 3,000 a page, at most 100 pages; some 50 kB of PDF a page."""
SOUND: Final = Weight(50, 1600, 100_000)
"""OpenAI: 10 a second; Gemini: 32; between 10 and 64 kB of base64 a second."""
WEIGHTS: Final = {"document": DOCUMENT, "audio": SOUND}
TOKENS_PER_FILE: Final = IMAGE.least


def file_tokens(kind: str, size: int) -> int:
    """Tokens of a file of so many encoded bytes; what is of no kind that is known is an image."""
    weight = WEIGHTS.get(kind, IMAGE)
    return min(weight.most, max(weight.least, size // weight.size))


def estimated_tokens(body: bytes, *, nested: bool = False) -> int:
    """Tokens of a request's body; 0 only where it is empty. Never raises. `nested`: a part that is
    no text stands in a list within that of the messages.
    """
    files, text = 0, body
    # Bytes are found four times as fast from the end, and one byte ten times as fast as several. A
    # part that is no text says its type.
    alone = nested and body.find(b"[", body.find(b"[") + 1) < 0
    if not alone and body.rfind(b'"type"') >= 0:
        if body.rfind(b'"data') >= 0:
            found = list(_files(body))
            files = sum(_cost(body, begin, end) for begin, end in found)
            text = _without(body, found)
        if text.rfind(b'"image') >= 0:
            files += IMAGE.least * _named_images(text)
    size = len(text)
    if size <= WHOLE:
        return int(files + text_tokens(text) + 1) if size else 0
    parts = max(LEAST_PARTS, size // APART)
    step = size / parts
    sample = b"".join([text[(at := int(step * part)) : at + PART] for part in range(parts)])
    return int(files + text_tokens(sample) * size / len(sample) + 1)


def text_tokens(text: bytes) -> float:
    """Tokens of a text in which no file is, by the kinds of its bytes."""
    rest = text.translate(None, PLAIN)
    signs = rest.translate(None, DENSE)
    if not text.isascii():
        return _scripts(text, len(rest), len(signs))
    if b"\\" in signs and text.rfind(b"\\u") >= 0:
        read = text.decode("raw_unicode_escape", "ignore").encode("utf-8", "surrogatepass")
        if not read.isascii():
            return text_tokens(read)
    dense = len(rest) - len(signs)
    return PER_PLAIN * (len(text) - len(rest)) + PER_DENSE * dense + PER_SIGN * len(signs)


def _scripts(text: bytes, rest: int, signs: int) -> float:
    """Also beyond ASCII; `rest` of its bytes are not plain, `signs` of these are signs."""
    leads = text.translate(KINDS, NOT_FIRST)
    left, plain = len(leads), len(text) - rest
    tokens = PER_DENSE * (rest - signs) + PER_SIGN * signs
    for kind, (_, _, length, each) in enumerate(SCRIPTS):
        if left <= 0:
            break
        count = leads.count(kind)
        left -= count
        tokens += count * each
        plain -= count * length
    return tokens + PER_PLAIN * max(0, plain)


def _files(body: bytes) -> Iterator[tuple[int, int]]:
    """Where encoded files begin and end, the last one first."""
    at = len(body)
    for _ in range(MOST_FILES):
        at = body.rfind(b'"data', 0, at)
        if at < 0:
            return
        if (opening := FILE.match(body, at)) is None:
            continue
        begin = opening.end()
        end = body.find(b'"', begin)
        end = len(body) if end < 0 else end
        # A text has spaces, or signs that JSON escapes.
        if body.find(b" ", begin, end) < 0 and body.find(b"\\", begin, end) < 0:
            yield begin, end


def _cost(body: bytes, begin: int, end: int) -> int:
    """Tokens of the file between these."""
    named = body[max(0, begin - NEARBY) : begin]
    kind = "audio" if b"audio" in named else "document" if b"/pdf" in named else "image"
    return file_tokens(kind, end - begin)


def _named_images(text: bytes) -> int:
    """Images that are named by their URL."""
    number, last = 0, len(text)
    for _ in range(2 * MOST_FILES):
        at = text.rfind(b'"image', 0, last)
        if at < 0:
            break
        number += b'"http' in text[at : min(last, at + NEARBY)]
        last = at
    return number


def _without(body: bytes, found: list[tuple[int, int]]) -> bytes:
    kept, last = [], len(body)
    for begin, end in found:
        kept.append(body[end:last])
        last = begin
    kept.append(body[:last])
    return b"".join(reversed(kept))
