"""Files as the bodies of requests carry them: media types, base64, `data:` URLs."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping

MAGIC: Mapping[str, str] = {
    "/9j/": "image/jpeg",
    "iVBOR": "image/png",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
}
"""How files begin, in base64, of which nobody said what they are."""
DATA, ENCODED = "data:", ";base64"


def media_type_of(said: str, data: str) -> str:
    """A file's media type without its parameters: as was `said`, else by how its content in base64
    begins; empty where that tells nothing.
    """
    kind = said.partition(";")[0].strip().lower()
    return kind or next((known for magic, known in MAGIC.items() if data.startswith(magic)), "")


def data_url(media_type: str, data: str) -> str:
    """The `data:` URL of a content in base64."""
    return f"{DATA}{media_type}{ENCODED},{data}"


def inline(url: str) -> tuple[str, str | None]:
    """The media type and the base64 of a `data:` URL; None: it is none, or not in base64."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith(DATA) or not head.endswith(ENCODED):
        return "", None
    return head.removeprefix(DATA).partition(";")[0], data


def text_in(data: str) -> str | None:
    """The text that a content in base64 is; None: it is none in UTF-8."""
    try:
        return b64decode(data, validate=True).decode()
    except ValueError:
        return None
