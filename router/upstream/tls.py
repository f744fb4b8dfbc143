"""TLS to providers: always verified, with what the file adds to it, resumed where it can be; and
what its errors mean, in words with a remedy.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tls:
    """What a provider's file adds: PEM files of authorities to trust instead of the system's, and
    of a certificate of our own with its key. `as_of` is when the newest of them was changed.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    as_of: float = 0.0


SYSTEM = Tls()
"""Nothing added: the system's authorities."""


class Resuming(ssl.SSLContext):
    """A context for clients whose connections resume the session of the last one to their host.

    Event loops have no word for it, but they all ask the context to wrap their buffers.
    """

    last: dict[str, ssl.SSLObject]
    sessions: dict[str, ssl.SSLSession]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as the standard library has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        host = str(server_hostname)
        last = self.last.get(host)
        # One that is still shaking hands has no session, and raises when it is asked for it.
        if last is not None and last.version() is not None and last.session is not None:
            self.sessions[host] = last.session
        session = self.sessions.get(host) if session is None else session
        wrapped = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        self.last[host] = wrapped
        return wrapped


def context(tls: Tls) -> ssl.SSLContext:
    """A context that verifies whom it talks to. Reads files: not for the event loop. Raises OSError
    and `ssl.SSLError` for files that are missing or are no PEM.
    """
    made = Resuming(ssl.PROTOCOL_TLS_CLIENT)
    made.last, made.sessions = {}, {}
    made.set_alpn_protocols(["http/1.1"])
    if tls.ca is not None:
        made.load_verify_locations(tls.ca)
    else:
        made.load_default_certs()
    if tls.cert is not None:
        made.load_cert_chain(tls.cert, tls.key)
    return made


REMEDIES = {
    "self-signed certificate": "trust it with `tls: {ca: FILE}`",
    "self signed certificate": "trust it with `tls: {ca: FILE}`",
    "unable to get local issuer certificate": "trust its authority with `tls: {ca: FILE}`, or "
    "install the system's certificates",
    "certificate has expired": "whoever runs it must renew it",
    "certificate is not yet valid": "set this machine's clock",
    "Hostname mismatch": "write the name that the certificate has into base_url",
    "IP address mismatch": "write the name that the certificate has into base_url",
    "wrong version number": "what answers there speaks no TLS: is base_url http?",
    "certificate required": "it asks for a certificate: `tls: {cert: FILE, key: FILE}`",
}
"""By OpenSSL's words (X509_verify_cert_error_string, ERR_reason_error_string)."""


def told(error: ssl.SSLError) -> str:
    """What is wrong with the other side's TLS, and what to do about it."""
    words: Any = getattr(error, "verify_message", None) or error.reason or type(error).__name__
    full = f"{words} {error}".replace("_", " ").lower()
    remedy = next((does for says, does in REMEDIES.items() if says.lower() in full), None)
    return f"TLS: {words}" + (f": {remedy}" if remedy else "")
