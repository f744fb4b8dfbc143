"""TLS to providers: sessions that are resumed."""

import shutil
import ssl
import subprocess
from contextlib import suppress

import pytest

from router.upstream.tls import Tls, context


@pytest.fixture
def server(tmp_path):
    """A context for servers named `localhost`; its certificate is `localhost.pem`."""
    cert, key = str(tmp_path / "localhost.pem"), str(tmp_path / "localhost.key")
    openssl = shutil.which("openssl")
    assert openssl
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-noenc", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(cert, key)
    return made


class Wire:
    """Both ends of a connection, in memory."""

    def __init__(self, client, server):
        one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(one, other, server_hostname="localhost")
        self.server = server.wrap_bio(other, one, server_side=True)

    def begin(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.client.do_handshake()

    def finish(self):
        self.server_step()
        self.client.do_handshake()
        self.server_step()
        self.server.write(b"x")  # the session's ticket comes before it
        assert self.client.read(1) == b"x"

    def server_step(self):
        with suppress(ssl.SSLWantReadError):
            self.server.do_handshake()


def test_connections_that_are_made_at_once_do_not_ask_each_other_for_sessions(server, tmp_path):
    client = context(Tls(ca=str(tmp_path / "localhost.pem")))
    first, second = Wire(client, server), None
    first.begin()
    second = Wire(client, server)
    second.begin()
    for wire in (first, second):
        wire.finish()
        assert not wire.client.session_reused


def test_a_connection_resumes_the_session_of_one_before_it(server, tmp_path):
    client = context(Tls(ca=str(tmp_path / "localhost.pem")))
    for again in (False, True, True):
        wire = Wire(client, server)
        wire.begin()
        unfinished = Wire(client, server)
        unfinished.begin()
        wire.finish()
        unfinished.finish()
        assert wire.client.session_reused is again
