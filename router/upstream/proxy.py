"""Which proxy leads to a provider, if one does: what the file says, else what the environment says
in the variables that everybody knows.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # the stubs lack it
    proxy_bypass_environment,
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `authorization` is a credential: never print it."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)


def proxy_at(url: str) -> Proxy:
    """The proxy that a URL names: `http://[user:password@]host[:port]`. Raises ValueError."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("a proxy is written http://host:port")
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(pair.encode()).decode()}"
    return Proxy(parts.hostname, parts.port or 80, authorization)


def proxy_of(environ: Mapping[str, str], scheme: str, host: str, port: int) -> str | None:
    """The URL of the proxy that the environment names for an origin; None: there is none. This
    machine itself is never reached by one.
    """
    if is_here(host):
        return None
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    url = next((environ[name] for name in names if environ.get(name)), None)
    bypass = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if url is None or proxy_bypass_environment(f"{host}:{port}", {"no": bypass}):
        return None
    return url


def is_here(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
