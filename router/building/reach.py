"""How a provider is reached, from its configuration: address, headers, proxy, TLS, connections.

Only translation, as in `build`: nothing is opened here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from router.config import Provider
from router.config import Tls as ConfigTls
from router.upstream.chains import AwsChain, AzureChain, GoogleChain
from router.upstream.credential import Bearer, Credential, Fixed, Renewals, Signed
from router.upstream.http import ANY, Http, HttpTransport
from router.upstream.proxy import Proxy, proxy_at, proxy_of
from router.upstream.sigv4 import Audience, AwsKeys
from router.upstream.tls import Tls

BEARER = ("authorization", "Bearer {}")
KEY_HEADERS: Mapping[str, tuple[str, str]] = {
    "anthropic": ("x-api-key", "{}"),
    "azure": ("api-key", "{}"),
    "gemini": ("x-goog-api-key", "{}"),
}
"""How a key is sent, by the dialect, where it is not as a bearer's."""
HEADERS: Mapping[str, Mapping[str, str]] = {
    "anthropic": {"anthropic-version": "2023-06-01"},  # what we speak
    "bedrock": {"accept": "*/*"},
}
"""What every request in a dialect carries."""


class Unreachable(Exception):
    """The environment names a proxy that cannot be used; the message never shows it."""


def transport_of(provider: Provider, environ: Mapping[str, str], http: Http) -> HttpTransport:
    """The transport of a provider that is switched on. Raises `Unreachable`."""
    return http.to(
        provider.base_url or "",
        headers_of(provider),
        proxy=proxy_for(provider, environ),
        tls=tls_of(provider.tls),
        most=provider.connections or ANY,
        credential=credential_of(provider, http.renewals),
    )


def credential_of(provider: Provider, renewals: Renewals) -> Credential | None:
    """What shows the provider who asks, where that is more than its key in a header. What a cloud's
    library finds is the same for all of its providers.
    """
    match provider.auth:
        case "aws":
            audience = Audience(provider.region or "", provider.service or "bedrock")
            if provider.api_key is not None:
                return Signed(Fixed(AwsKeys(*provider.api_key.reveal().split(":"))), audience)
            return Signed(renewals.get("aws", AwsChain()), audience)
        case "google":
            return Bearer(renewals.get("google", GoogleChain()))
        case "azure":
            return Bearer(renewals.get("azure", AzureChain()))
        case "key":
            return None


def headers_of(provider: Provider) -> Mapping[str, str]:
    """What every request to the provider carries."""
    headers = {**HEADERS.get(provider.dialect, {}), **provider.headers}
    if provider.api_key and provider.auth == "key":
        name, value = KEY_HEADERS.get(provider.dialect, BEARER)
        headers[name] = value.format(provider.api_key.reveal())
    return headers


def proxy_for(provider: Provider, environ: Mapping[str, str]) -> Proxy | None:
    """As the file says, else as the environment does. Raises `Unreachable`."""
    if provider.proxy is not None:
        return proxy_at(provider.proxy.reveal()) if provider.proxy else None
    parts = urlsplit(provider.base_url or "")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    url = proxy_of(environ, parts.scheme, parts.hostname or "", port)
    try:
        return proxy_at(url) if url is not None else None
    except ValueError as error:
        raise Unreachable(
            f"the environment's proxy for {parts.scheme} cannot be used: {error}; or write "
            "`proxy: none`"
        ) from None


def tls_of(tls: ConfigTls) -> Tls:
    """With the time of the newest file: one that was replaced is read again by a reload."""
    files = [path for path in (tls.ca, tls.cert, tls.key) if path is not None]
    as_of = max((_changed(path) for path in files), default=0.0)
    ca, cert, key = (None if path is None else str(path) for path in (tls.ca, tls.cert, tls.key))
    return Tls(ca, cert, key, as_of)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
