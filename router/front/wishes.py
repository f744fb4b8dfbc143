"""The router's own request headers: what a client wishes for one request."""

from __future__ import annotations

from math import isfinite
from typing import Final

from router.caller import BANDS, NONE, Wishes
from router.dialects.contract import ClientError, Headers
from router.narrowing import FORMS, narrowed

WISHES: Final = frozenset(
    f"x-router-{wish}" for wish in ("timeout", "target", "policy", "priority", "session", "only")
)
LONGEST_TIMEOUT: Final = 86_400.0


def wishes_of(headers: Headers) -> Wishes:
    """The router's own request headers. Raises `ClientError` naming the one that is wrong."""
    if WISHES.isdisjoint(headers):
        return NONE
    if not (text := headers.get("x-router-timeout")):
        timeout = None
    else:
        try:
            timeout = float(text)
        except ValueError:
            timeout = 0.0
        if not isfinite(timeout) or not 0 < timeout <= LONGEST_TIMEOUT:
            raise _wrong("x-router-timeout", "a number of seconds above 0 and at most 86400")
    # A template that was not filled in leaves an empty header; it asks for nothing.
    target, policy = headers.get("x-router-target"), headers.get("x-router-policy")
    band = None
    if (named := headers.get("x-router-priority")) and (band := BANDS.get(named)) is None:
        raise _wrong("x-router-priority", f"one of {', '.join(BANDS)}")
    session = headers.get("x-router-session")
    only = None
    if (asked := headers.get("x-router-only")) is not None:
        try:
            only = narrowed(asked)
        except ValueError as wrong:
            raise _wrong("x-router-only", f"{wrong}; {FORMS}") from None
    return Wishes(timeout, target or None, policy or None, band, session or None, only)


def _wrong(header: str, wanted: str) -> ClientError:
    message = f"{header}: {wanted}"
    return ClientError(
        400, "invalid_request_error", "invalid_header", message, header, hopeless=True
    )
