"""What the URL of a shared server says: where it is, how it is found there, and who asks.

Pure, so that a configuration can be checked without a client. Nothing of a credential is in the
text of an `Address`, or in an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn
from urllib.parse import parse_qsl, unquote

Kind = Literal["one", "cluster", "sentinel"]
Node = tuple[str, int]

SCHEMES: Mapping[str, tuple[Kind, bool]] = {
    "redis": ("one", False),
    "rediss": ("one", True),
    "unix": ("one", False),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
}
"""How a server is found, and whether it is spoken to by TLS."""
PORT, SENTINEL_PORT = 6379, 26379
_URL = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<who>[^/?#]*)@)?(?P<where>[^/?#@]*)"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?"
)
_NODE = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_ODD_PASSWORD = re.compile(r"[a-z+]+://[^/?#]*:[^/?#]*[/?#].*@.*")
_WAITING = {"socket_timeout", "socket_connect_timeout", "timeout", "retry_on_timeout"}
_CREDENTIALS = {"username", "password", "sentinel_username", "sentinel_password"}
_VERIFICATION = {"none", "optional", "required"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Malformed(ValueError):
    """A URL that is not understood: `what` is wrong, and what is to be done."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Trust:
    """TLS: the authorities to trust instead of the system's, a certificate of our own, and what is
    verified.
    """

    ca_certs: str | None = None
    ca_path: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    password: str | None = field(default=None, repr=False)
    cert_reqs: str = "required"
    check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class Who:
    """As whom a server is asked; without a password: as nobody."""

    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A server: at the first of `nodes` or at the socket `path`; a cluster that any of `nodes` is
    of; or the primary of `service`, which sentinels at `nodes` know.
    """

    kind: Kind
    nodes: tuple[Node, ...] = ()
    path: str = ""
    service: str = ""
    tls: Trust | None = None
    db: int = 0
    name: str = ""
    who: Who = field(default=Who(), repr=False)
    sentinel: Who = field(default=Who(), repr=False)


def address_of(url: str) -> Address:
    """Read a URL. Raises `Malformed`."""
    try:
        return _read(url)
    except Malformed:
        if _ODD_PASSWORD.fullmatch(url) is None:
            raise
    # It was read as if the password had ended there: what is wrong with the rest misleads.
    what, remedy = "has /, ? or # in its password", "write %2F, %3F, %23 there, and %40 for @"
    raise Malformed(what, remedy)


def _read(url: str) -> Address:
    parts = _URL.fullmatch(url)
    if parts is None or parts["scheme"] not in SCHEMES or " " in url:
        _refuse(
            "is not the address of a Redis server",
            "write it as redis://host:6379, or rediss:// for TLS",
        )
    kind, tls = SCHEMES[parts["scheme"]]
    options = _options(parts["query"] or "")
    path = unquote(parts["path"] or "")
    if parts["scheme"] == "unix":
        if parts["where"] or path in ("", "/"):
            _refuse("has no path of a socket", "write it as unix:///run/redis.sock")
        nodes: tuple[Node, ...] = ()
        socket, rest = path, ""
    else:
        nodes = _nodes(parts["where"], SENTINEL_PORT if kind == "sentinel" else PORT, kind)
        socket, rest = "", path.strip("/")
    service, rest = _service(kind, rest)
    return Address(
        kind=kind,
        nodes=nodes,
        path=socket,
        service=service,
        tls=_trust(options, tls=tls),
        db=_database(kind, options.pop("db", rest)),
        name=options.pop("client_name", ""),
        who=_who(parts["who"] or "", options),
        sentinel=_sentinel(kind, options),
    )


def _options(query: str) -> dict[str, str]:
    """The options that are known; of one that is written twice the last is taken."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = {"db", "client_name", *_CREDENTIALS, *(f"ssl_{name}" for name in Trust.__slots__)}
    for name in options:
        if name in _WAITING:
            _refuse(f"says {name}", "remove it: how long is waited is not for the URL to say")
        if name not in known:
            # Its name is not said: it may be a piece of a password with & in it.
            words = ", ".join(sorted(known))
            _refuse("has an option after ? that is not known here", f"there are {words}")
    return options


def _nodes(where: str, port: int, kind: Kind) -> tuple[Node, ...]:
    found = []
    for text in where.split(","):
        node = _NODE.fullmatch(text)
        if node is None or not 0 < int(node["port"] or port) < 65536:
            _refuse("has no host, or no port from 1 to 65535", "write it as redis://host:6379")
        found.append((node["host"].strip("[]"), int(node["port"] or port)))
    if kind == "one" and len(found) > 1:
        remedy = "redis+cluster://host,host/ or redis+sentinel://host,host/service takes several"
        _refuse("names several hosts", remedy)
    return tuple(found)


def _service(kind: Kind, rest: str) -> tuple[str, str]:
    """The name of a sentinel's service, and what is left of the path: a database."""
    if kind != "sentinel":
        return "", rest
    service, _, rest = rest.partition("/")
    if not service:
        _refuse("names no service", "write it as redis+sentinel://host:26379/service")
    return service, rest


def _database(kind: Kind, text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        _refuse("goes on after the host", "what may follow is the number of a database, as in /0")
    if kind == "cluster" and int(text):
        _refuse("names a database", "a cluster has one, 0: remove it")
    return int(text)


def _trust(options: dict[str, str], *, tls: bool) -> Trust | None:
    said = {name: options.pop(name) for name in list(options) if name.startswith("ssl_")}
    if not tls:
        if said:
            _refuse("has options of TLS without TLS", "write rediss:// to speak TLS")
        return None
    convert: dict[str, Callable[[str], object]] = {
        "ssl_cert_reqs": lambda text: _of("ssl_cert_reqs", text, _VERIFICATION),
        "ssl_check_hostname": lambda text: _TRUTH[_of("ssl_check_hostname", text, set(_TRUTH))],
    }
    given = {name: convert.get(name, str)(text) for name, text in said.items()}
    return Trust(**{name.removeprefix("ssl_"): told for name, told in given.items()})  # type: ignore[arg-type]


def _of(option: str, text: str, words: set[str]) -> str:
    if text.lower() not in words:
        _refuse(f"says {option} in a word not known here", f"write {', '.join(sorted(words))}")
    return text.lower()


def _who(told: str, options: dict[str, str]) -> Who:
    user, _, password = told.partition(":")
    return Who(
        unquote(user) or options.pop("username", ""),
        unquote(password) or options.pop("password", ""),
    )


def _sentinel(kind: Kind, options: dict[str, str]) -> Who:
    if kind != "sentinel" and any(name.startswith("sentinel_") for name in options):
        _refuse("has options of sentinels", "write redis+sentinel:// to ask sentinels")
    return Who(options.get("sentinel_username", ""), options.get("sentinel_password", ""))


def _refuse(what: str, remedy: str) -> NoReturn:
    raise Malformed(what, remedy)
