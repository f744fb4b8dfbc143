"""What a client claims with an `Idempotency-Key`: this name, for this body, and where it may go.

The header's value is a quoted string of structured fields in the IETF's draft of it, and many
clients send it bare: both are the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from router.dialects.contract import ClientError

HEADER = "idempotency-key"
LONGEST = 255
"""Characters of a key: what others who take the header allow too."""
PRINTABLE = frozenset(map(chr, range(0x20, 0x7F)))
"""What a string of structured fields may hold (RFC 9651, section 3.3.3)."""

Name = tuple[str, str, str]
"""Tenant, endpoint, key: nobody meets another's key, and none of another endpoint."""


class Claim(NamedTuple):
    """A key, by its full name, and the digest of what came with it: the body, and where that may
    go, if the client confined it.
    """

    name: Name
    digest: bytes


def claim_of(tenant: str, endpoint: str, key: str, body: bytes, where: str = "") -> Claim:
    """The claim that a tenant's request at an endpoint makes with its key; `where` it may go, in
    the same words for the same places (empty: anywhere).
    """
    digest = sha256(body).digest()
    if where:  # an answer that was made elsewhere must not be taken for one from there
        digest = sha256(digest + where.encode(errors="surrogateescape")).digest()
    return Claim((tenant, endpoint, key), digest)


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key of a request; None: it has none. Raises `ClientError` for one that is malformed:
    who sends it counts on it, so it is never passed over in silence.
    """
    text = headers.get(HEADER)
    if text is None:
        return None
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    key = text[1:-1] if quoted else text
    if not 0 < len(key) <= LONGEST or not PRINTABLE.issuperset(key):
        message = f"{HEADER}: 1 to {LONGEST} printable ASCII characters"
        raise ClientError(
            400, "invalid_request_error", "invalid_header", message, HEADER, hopeless=True
        )
    return key
