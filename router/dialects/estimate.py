"""A first guess at the tokens of a request: characters over four, with encoded files left out.

It decides whether a request fits a context and what is reserved of a limit, so it must cost next to
nothing; the usage that comes back settles what it got wrong.
"""

from __future__ import annotations

BYTES_PER_TOKEN = 4
ENCODED = b";base64,"
TOKENS_PER_FILE = 1000
"""Of an image or document sent inside the body: providers count it by size, not by its base64
bytes.
"""


def estimated_tokens(body: bytes) -> int:
    """Tokens of a request's body."""
    # One byte is found ten times as fast as several are, and those four times as fast from the end.
    if b";" not in body or body.rfind(ENCODED) < 0:
        return len(body) // BYTES_PER_TOKEN
    text, files = 0, 0
    head, *encoded = body.split(ENCODED)
    text += len(head)
    for part in encoded:
        files += 1
        end = part.find(b'"')
        text += len(part) - end if end >= 0 else 0
    return text // BYTES_PER_TOKEN + files * TOKENS_PER_FILE
