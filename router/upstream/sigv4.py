"""AWS's signature over one request (Signature Version 4), of our own: it is a page of arithmetic.

Pure: the instant is an argument. A signature is good for five minutes round that instant, so each
attempt is signed when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import digest
from time import gmtime, strftime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
NOT_SIGNED = frozenset(
    ("authorization", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id")
)
"""Headers that somebody on the way may change."""


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """A pair of keys; `session` comes with those that are lent for a time."""

    id: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a signature is for: a service in a region, by AWS's names of them."""

    region: str
    service: str


def signature(
    keys: AwsKeys,
    audience: Audience,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
) -> dict[str, str]:
    """The headers to add to a request that has `headers`, all of which are signed but those that
    change on the way. `path` is as it goes over the wire, with its query; `now` is Unix time.
    """
    at = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
    scope = f"{at[:8]}/{audience.region}/{audience.service}/aws4_request"
    added = {"x-amz-date": at}
    if keys.session:
        added["x-amz-security-token"] = keys.session
    names, canonical = canonical_request(method, path, {**headers, **added}, body)
    to_sign = f"{ALGORITHM}\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in scope.split("/"):
        key = digest(key, part.encode(), "sha256")
    signed = digest(key, to_sign.encode(), "sha256").hex()
    added["authorization"] = (
        f"{ALGORITHM} Credential={keys.id}/{scope}, SignedHeaders={names}, Signature={signed}"
    )
    return added


def canonical_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """The names of the headers that are signed, and the request in the one form in which both ends
    write it.
    """
    path, _, query = path.partition("?")
    fields = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signed = sorted(fields.keys() - NOT_SIGNED)
    names = ";".join(signed)
    lines = "".join([f"{name}:{fields[name]}\n" for name in signed])
    return names, (
        f"{method}\n{_canonical_path(path)}\n{_canonical_query(query)}\n{lines}\n{names}\n"
        f"{sha256(body).hexdigest()}"
    )


def _canonical_path(path: str) -> str:
    """Without empty and dotted steps, and escaped once more than it goes over the wire."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    end = "/" if steps and path.endswith("/") else ""
    return quote(f"/{'/'.join(steps)}{end}", safe="/~")


def _canonical_query(query: str) -> str:
    """Its pairs in their order, by bytes."""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if query)
    return "&".join([f"{name}={value}" for name, value in pairs])
