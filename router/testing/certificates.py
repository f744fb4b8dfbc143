"""Certificates for servers on loopback, good ones and bad ones, made when they are asked for.

They are `trustme`'s. It is imported here when it is needed, since most tests need no TLS and the
router itself never does.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

REMEDY = "certificates for tests are made by trustme: pip install 'pointsman[testing]'"


class Authority:
    """A certificate authority that nobody trusts until `trusted_by` or `pem` is used.

    Raises ImportError, which names the remedy, where trustme is not installed.
    """

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError as error:
            raise ImportError(REMEDY) from error
        self._ca: trustme.CA = trustme.CA()

    @property
    def pem(self) -> bytes:
        """Its own certificate, for whoever is to trust it."""
        return self._ca.cert_pem.bytes()

    def trusted_by(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Have a client's context trust it; the same context."""
        self._ca.configure_trust(context)
        return context

    def server(
        self, *names: str, expired: bool = False, asks_for_client: bool = False
    ) -> ssl.SSLContext:
        """For `Provider(tls=…)`: a certificate for these names, or for 127.0.0.1 and localhost.
        With `asks_for_client` only clients with one of its certificates get in (`client_pem`).
        """
        now = datetime.now(UTC)
        begins, ends = (
            (now - timedelta(days=2), now - timedelta(days=1)) if expired else (None,) * 2
        )
        certificate = self._ca.issue_cert(
            *(names or ("127.0.0.1", "localhost")), not_before=begins, not_after=ends
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        if asks_for_client:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def self_signed(self) -> ssl.SSLContext:
        """For `Provider(tls=…)`: the authority's own certificate, which vouches for itself."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with (
            self._ca.cert_pem.tempfile() as certificate,
            self._ca.private_key_pem.tempfile() as key,
        ):
            context.load_cert_chain(certificate, key)
        return context

    def client_pem(self, name: str = "client@test") -> bytes:
        """A client's key and certificate in one, as `SSLContext.load_cert_chain` reads a file."""
        return self._ca.issue_cert(name).private_key_and_cert_chain_pem.bytes()
