"""Who may speak to a listener at all: checks on a request's headers, before anything is read.

Loopback is no boundary against a browser: any page can make it send requests to 127.0.0.1, or
give a name of its own that address and read the answers. `Host` stops the second, `Origin` the
first; the content type keeps out what a browser sends without asking. These are pure functions:
they judge, and leave it to others to answer.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from router.front.exchange import Headers, Refused

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_TYPES = frozenset({"application/json", "multipart/form-data"})
PREFLIGHT_SECONDS = 600  # browsers ask again after this; Chromium caps it at two hours


def split_address(text: str) -> tuple[str, str]:
    """Split `name:port` or `[v6]:port` into a name in lower case and a port, "" without one."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return name.lower(), rest.removeprefix(":")
    if text.count(":") > 1:  # a bare IPv6 address
        return text.lower(), ""
    name, _, port = text.partition(":")
    return name.lower(), port


def is_loopback(name: str) -> bool:
    """Whether a host's name, without its port, can only mean this machine."""
    if name in LOOPBACK:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Guard:
    """Which hosts and origins a listener answers.

    `hosts` are names without ports; on loopback they are accepted beside its own names,
    elsewhere instead of any. `origins` are as browsers send them: `https://app.example`.
    """

    loopback: bool
    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, address: str, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> Self:
        """Build the guard of a listener at `address`."""
        return cls(
            loopback=is_loopback(split_address(address)[0]),
            hosts=frozenset(split_address(host)[0] for host in hosts),
            origins=frozenset(origin.lower().rstrip("/") for origin in origins),
        )

    def check(self, headers: Headers) -> Refused | None:
        """Say why a request with these headers is not answered; None when it is."""
        return self._check_host(headers.get("host", "")) or self._check_origin(
            headers.get("origin")
        )

    def _check_host(self, host: str) -> Refused | None:
        if not self.loopback and not self.hosts:
            return None
        name, _ = split_address(host)
        if name in self.hosts or (self.loopback and is_loopback(name)):
            return None
        return Refused(
            403,
            "host_not_allowed",
            f"the request's Host, {host!r}, is not a name of this router; "
            "if it should be, add it to `server.hosts`",
        )

    def _check_origin(self, origin: str | None) -> Refused | None:
        if origin is None or origin.lower() in self.origins:
            return None
        return Refused(
            403,
            "origin_not_allowed",
            f"web pages from {origin!r} may not use this router; "
            "if they should, add it to `server.origins`",
        )


def cors(origin: str) -> dict[str, str]:
    """Give the headers that let a page from an allowed origin read an answer."""
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "*",
        "vary": "Origin",
    }


def preflight(method: str, headers: Headers) -> dict[str, str] | None:
    """Answer a browser that asks before it sends, by these headers; None for any other request."""
    if method != "OPTIONS" or "access-control-request-method" not in headers:
        return None
    # Echoed, since "*" does not cover Authorization.
    asked = headers.get("access-control-request-headers", "authorization, content-type")
    return {
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": asked,
        "access-control-max-age": str(PREFLIGHT_SECONDS),
    }


def check_content_type(headers: Headers) -> Refused | None:
    """Say why a body with these headers cannot be taken as an inference request."""
    coding = headers.get("content-encoding")
    if coding is not None and coding.lower() != "identity":
        return Refused(
            415,
            "unsupported_content_encoding",
            f"the request's Content-Encoding is {coding!r}; send the body uncompressed",
        )
    given = headers.get("content-type", "")
    if given in BODY_TYPES or given.partition(";")[0].strip().lower() in BODY_TYPES:
        return None
    return Refused(
        415,
        "unsupported_content_type",
        f"the request's Content-Type is {given!r}; send application/json or multipart/form-data",
    )


def check_json(headers: Headers) -> Refused | None:
    """Say why a body with these headers can change nothing: any other type, a page can have a
    browser send without asking.
    """
    given = headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() == "application/json":
        return None
    return Refused(
        415,
        "unsupported_content_type",
        f"the request's Content-Type is {given!r}; send application/json",
    )


def check_admin_token(headers: Headers, token: str) -> Refused | None:
    """Say why these headers do not carry `Authorization: Bearer <token>`, in constant time.

    An empty token is nobody's: it matches nothing.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), token.encode("utf-8", "surrogateescape")
    )
    if same and token and scheme.lower() == "bearer":
        return None
    return Refused(
        401,
        "invalid_admin_token",
        "this listener asks for `Authorization: Bearer <server.admin_token>`",
    )
