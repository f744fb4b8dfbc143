"""Good certificates and bad ones."""

import asyncio
import ssl
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from router.testing import Answer, Authority, Provider, Silence
from tests.router.front.wire import on_both_loops
from tests.router.testing.asking import calling, events


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def trusting(authority: Authority) -> ssl.SSLContext:
    return authority.trusted_by(ssl.create_default_context())


@on_both_loops
async def test_https_is_spoken_to_who_trusts_the_authority() -> None:
    authority = Authority()
    async with (
        Provider(Answer("a b")) as plain,
        Provider([Answer("a b"), Answer("a b").reset(after=2)], tls=authority.server()) as provider,
        calling(provider.url, trusting(authority)) as caller,
        calling(plain.url) as beside,
    ):
        assert provider.url.startswith("https://127.0.0.1:")
        secured, unsecured = await caller.answer(stream=True), await beside.answer(stream=True)
        assert secured.body == unsecured.body
        caller.send(stream=True)
        told = await caller.everything()
        assert (len(events(told.data)), told.end) == (2, "reset")


async def test_an_authority_can_be_trusted_by_its_certificate(authority: Authority, tmp_path: Path):
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.pem)
    context = ssl.create_default_context(cafile=file)
    async with (
        Provider(tls=authority.server()) as provider,
        calling(provider.url, context) as caller,
    ):
        assert (await caller.answer()).status == 200


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        ("expired", "certificate has expired"),
        ("name", "not valid for '127.0.0.1'"),
        ("unknown", "unable to get local issuer certificate"),
        ("self-signed", "self-signed certificate"),
    ],
)
async def test_a_certificate_can_be_bad_in_its_own_way(authority: Authority, flaw: str, told: str):
    tls = {
        "expired": lambda: authority.server(expired=True),
        "name": lambda: authority.server("elsewhere.invalid"),
        "unknown": lambda: Authority().server(),
        "self-signed": lambda: Authority().self_signed(),
    }[flaw]()
    async with Provider(tls=tls) as provider:
        with pytest.raises(ssl.SSLCertVerificationError, match=told):
            async with calling(provider.url, trusting(authority)):
                pass
        assert provider.requests == []


async def test_clients_can_be_asked_for_a_certificate(authority: Authority, tmp_path: Path):
    file = tmp_path / "client.pem"
    file.write_bytes(authority.client_pem())
    known, unknown = trusting(authority), trusting(authority)
    known.load_cert_chain(file)
    async with Provider(tls=authority.server(asks_for_client=True)) as provider:
        async with calling(provider.url, known) as caller:
            assert (await caller.answer()).status == 200
        async with calling(provider.url, unknown) as caller:
            with suppress(ConnectionError, ssl.SSLError):  # an alert, if it comes in time
                caller.send()
                assert await caller.reader.read(1) == b""
        assert len(provider.requests) == 1


@on_both_loops
async def test_a_handshake_that_does_not_end_is_ended_with_the_provider() -> None:
    provider = Provider(Silence(), tls=Authority().server())
    async with AsyncExitStack() as stack:
        async with provider:
            caller = await stack.enter_async_context(calling(provider.url))
            caller.writer.write(b"\x16\x03\x01")
            await asyncio.sleep(0.02)
        assert (await caller.everything()).end != "open"


def test_where_trustme_is_missing_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r"pip install 'pointsman\[testing\]'"):
        Authority()
