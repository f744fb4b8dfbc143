"""Names, addresses, URLs and credentials: text that must have a form.

Why: what will be bound, sent in a header or compared with one is checked where it can be corrected.
Must not: repeat a value in an error, as in `units`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from router.cascade.pattern import BadPattern, Pattern
from router.config.problems import nearest
from router.config.units import Unreadable
from router.config.values import Address, Secret
from router.redis.address import Malformed, address_of

# No slash: a target's name is split at its first one, and what follows is the upstream's own name.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?", re.ASCII)
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?")
_AUTHORITY = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/models")
_MOST_PORTS = 65536


def text(value: object) -> str:
    """One line of visible text."""
    if value is None or value == "":
        raise Unreadable("has no value", "write one, or remove the key")
    if not isinstance(value, str):
        raise Unreadable(
            "is not text", "quote it" if isinstance(value, int | float) else "write text"
        )
    if not value.isprintable():
        raise Unreadable("holds a character that cannot be seen", "remove it")
    return value


def words(value: object) -> str:
    """What a person reads: visible text, of one line or several."""
    lines = value.splitlines() if isinstance(value, str) else []
    if len(lines) > 1:
        text("".join(lines))
        return str(value).rstrip("\n")
    return text(lines[0] if lines else value)


def label(value: object) -> str:
    """Text without spaces: what a client can ask for by name."""
    name = text(value)
    if " " in name:
        raise Unreadable("holds a space", "use - or _ between words")
    return name


class Choice:
    """Reads one of `words`."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def __call__(self, value: object) -> str:
        if value not in self.words:
            raise Unreadable("is not known here", nearest(str(value), self.words))
        return text(value)


def choice(*words: str) -> Choice:
    """One of `words`."""
    return Choice(words)


def address(value: object) -> Address:
    """A host and a port to bind."""
    remedy = "write it as 127.0.0.1:8080, or 0.0.0.0:8080 for every interface"
    if isinstance(value, int):
        raise Unreadable("is not an address", remedy)
    host, _, port = text(value).rpartition(":")
    if not _HOST.fullmatch(host) or (":" in host and not host.startswith("[")):
        raise Unreadable("is not an address", remedy)
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < _MOST_PORTS):
        raise Unreadable("has no port from 0 to 65535", remedy)
    return Address(host.strip("[]"), int(port))


def base_url(value: object) -> str:
    """Where an API is, without a slash at the end. Empty text is no address."""
    if value == "":
        return ""
    remedy = "write it as https://host/v1"
    url = text(value)
    try:
        parts = urlsplit(url)
        port_is_read = parts.port is None or parts.port >= 0
    except ValueError:
        raise Unreadable("is not a URL", remedy) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        raise Unreadable("is not a URL", remedy)
    if "@" in parts.netloc:
        raise Unreadable("holds a user or a password", "use api_key")
    if not port_is_read or parts.query or parts.fragment or url[-1] in "?#":
        raise Unreadable("goes on after the path", remedy)
    if url.rstrip("/").endswith(_ENDPOINTS):
        raise Unreadable("names one endpoint", "end it before that: https://host/v1")
    return url.rstrip("/")


def proxy(value: object) -> Secret:
    """An HTTP proxy's URL, which may hold a password; `none` is read as empty text."""
    url = text(value)
    if url == "none":
        return Secret("")
    remedy = "write it as http://host:port, or none"
    try:
        parts = urlsplit(url)
        whole = parts.hostname and parts.port != 0 and not parts.path.strip("/")
    except ValueError:
        raise Unreadable("is not a URL", remedy) from None
    if parts.scheme != "http" or not whole or parts.query or parts.fragment or " " in url:
        raise Unreadable("is not the address of an HTTP proxy", remedy)
    return Secret(url)


def redis(value: object) -> Secret:
    """The URL of a server that speaks Redis's protocol, which may hold a password; empty: none."""
    if value == "":
        return Secret("")
    url = text(value)
    try:
        address_of(url)
    except Malformed as error:
        raise Unreadable(error.what, error.remedy) from None
    return Secret(url)


def file(value: object) -> str:
    """A path of one's own choice. Empty text is no file."""
    return "" if value == "" else text(value)


def named(value: object) -> str:
    """A name of letters, digits and - _ . alone."""
    name = text(value)
    if not NAME.fullmatch(name):
        raise Unreadable("cannot be a name", "use letters, digits, - _ and .")
    return name


def regions(value: object) -> str:
    """A region's name, or how those of several begin, with a * after it."""
    name = text(value)
    if not NAME.fullmatch(name.removesuffix("*")):
        raise Unreadable("is no region", "write it as eu-west-1, or as eu-* for all that begin so")
    return name


def credential(value: object) -> Secret:
    """A key as it goes into a header. Empty text is no credential."""
    if value == "":
        return Secret("")
    if not isinstance(value, str):
        text(value)
        raise Unreadable("is not text", "quote it")
    key = value.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Unreadable("holds a character that no header can carry", "check what it is set to")
    return Secret(key)


def host(value: object) -> str:
    """A name as a `Host` header has it, without its port, in lower case."""
    name = text(value).lower()
    if not _HOST.fullmatch(name):
        raise Unreadable("is not a host name", "write it as router.example.com, without a port")
    return name.strip("[]")


def authority(value: object) -> str:
    """A host as an URL has it, with its port where that is not the usual one, in lower case."""
    name = text(value).lower()
    if not _AUTHORITY.fullmatch(name):
        remedy = "write it as images.example.com, or with a port as images.example.com:8000"
        raise Unreadable("is not a host", remedy)
    return name


def origin(value: object) -> str:
    """An origin as browsers send it, in lower case."""
    name = text(value).lower()
    scheme, _, rest = name.partition("://")
    if scheme not in ("http", "https") or not rest or not re.fullmatch(r"[\w.:\[\]-]+", rest):
        raise Unreadable("is not an origin", "write it as https://app.example.com, without a path")
    return name


def version(value: object) -> str:
    """A version of Azure's API."""
    name = text(value)
    if not _VERSION.fullmatch(name):
        raise Unreadable("is not a version of an API", "write it as 2024-10-21")
    return name


def module(value: object) -> str:
    """A module's dotted name."""
    name = text(value)
    if not _MODULE.fullmatch(name):
        raise Unreadable("is not the name of a module", "write it as package.module")
    return name


def pattern(value: object) -> str:
    """A regular expression that cannot take long."""
    written = words(value)
    try:
        Pattern(written)
    except BadPattern as bad:
        what = f"is no regular expression that is taken here: {bad}"
        raise Unreadable(what, "write one without it, or a check of your own") from None
    return written


def imported(value: object) -> str:
    """An import path, `module:attr`."""
    path = text(value)
    if ":" not in path:
        raise Unreadable("is not an import path", "write it as package.module:attribute")
    return policy(path)


def policy(value: object) -> str:
    """A policy's name, or an import path `module:attr`."""
    name = text(value)
    path, colon, attr = name.partition(":")
    if colon and not (_MODULE.fullmatch(path) and _NAME.fullmatch(attr)):
        raise Unreadable("is not an import path", "write it as package.module:attribute")
    return name
