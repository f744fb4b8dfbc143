"""Files by their address: what comes over real sockets, and what a caller cannot reach by it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.testing import Authority, Body, HangUp, Provider, Raw, Reply, Silence, Then
from router.upstream import fetch
from router.upstream.fetch import Fetcher, FetchError, is_public, placed
from router.upstream.tls import SYSTEM, Tls

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50
IMAGE = Body(PNG, kind="image/png; charset=binary")


def nothing(size: int) -> None:
    """Nobody counts."""


@contextmanager
def fetcher(*hosts: str, tls: Tls = SYSTEM) -> Iterator[Fetcher]:
    fetching = Fetcher(hosts, tls)
    yield fetching
    fetching.close()


def host_of(provider: Provider) -> str:
    return provider.url.split("/")[2]


async def got(*replies: Reply, within: float = 5.0) -> tuple[fetch.Fetched, Provider]:
    """What comes of these, one after the other, on one server."""
    async with Provider(list(replies)) as provider:
        with fetcher(host_of(provider)) as fetching:
            found = await fetching.get(f"http://{host_of(provider)}/a.png?b=c d", within, nothing)
            return found, provider


async def why(url: str, *hosts: str, within: float = 5.0) -> str:
    with fetcher(*hosts) as fetching, pytest.raises(FetchError) as told:
        await fetching.get(url, within, nothing)
    return str(told.value)


async def why_not(*replies: Reply, within: float = 5.0) -> str:
    async with Provider(list(replies)) as provider:
        return await why(f"http://{host_of(provider)}/a", host_of(provider), within=within)


async def test_a_file_comes_with_its_type_and_nothing_of_the_caller_s_goes_there():
    found, provider = await got(IMAGE)
    assert found == ("image/png", PNG)
    (request,) = provider.requests
    assert (request.method, request.path) == ("GET", "/a.png?b=c%20d")
    assert request.header("accept-encoding") == ["identity"]
    assert request.header("authorization") == []
    assert request.header("cookie") == []


async def test_a_body_in_chunks_and_one_that_ends_with_its_connection_come_whole():
    for reply in (IMAGE.chunked(), IMAGE.until_close(), IMAGE.dribbled(7)):
        assert (await got(reply))[0].content == PNG


async def test_over_tls_the_host_is_verified(tmp_path: Path):
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    trusting = Tls(str(tmp_path / "ca.pem"))
    async with Provider(IMAGE, tls=authority.server()) as provider:
        url = f"https://{host_of(provider)}/"
        with fetcher(host_of(provider), tls=trusting) as fetching:
            assert (await fetching.get(url, 5, nothing)).content == PNG
        assert "certificate" in await why(url, host_of(provider))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(status: int):
    found, provider = await got(Body("", status).with_headers({"location": "../b?c"}), IMAGE)
    assert found.content == PNG
    assert [request.path for request in provider.requests] == ["/a.png?b=c%20d", "/b?c"]


async def test_no_more_than_three_redirects_are_followed():
    again = Body("", 302).with_headers({"location": "/a"})
    found, _ = await got(again, again, again, IMAGE)
    assert found.content == PNG
    assert await why_not(again, again, again, again, IMAGE) == "it redirects more than 3 times"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://127.0.0.1:9/", "only the ports 80 and 443 are fetched from"),
        ("http://127.0.0.1/", "its host is unknown, or not a public one"),
        ("http://[::1]/", "its host is unknown, or not a public one"),
        ("file:///etc/passwd", "only http and https are fetched"),
        ("http://[", "it redirects to what is no URL"),
    ],
)
async def test_where_a_redirect_leads_is_looked_at_like_the_first_url(location: str, told: str):
    assert await why_not(Body("", 302).with_headers({"location": location})) == told


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Body(PNG, 404, kind="image/png"), "its host answered 404"),
        (Body("", 302), "its host answered 302"),
        (Body("<html>"), "it is no image, sound or PDF"),
        (Body(b"text"), "it is no image, sound or PDF"),
        (Body(PNG, kind="image/png x"), "it is no image, sound or PDF"),
        (Body(b"", kind="image/png"), "it is empty"),
        (IMAGE.with_headers({"content-encoding": "gzip"}), "its host sends it compressed"),
        (IMAGE.cut(after_bytes=120), "the connection broke off"),
        (HangUp(), "the connection broke before an answer"),
        (Raw([b"nonsense\r\n\r\n", Then.CLOSE]), "what came is not HTTP/1.1"),
    ],
)
async def test_what_is_no_file_is_told(reply: Reply, told: str):
    assert (await why_not(reply)).startswith(told)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF89a", "image/gif"),
     (b"%PDF-1.7", "application/pdf")],
)  # fmt: skip
async def test_where_its_host_says_nothing_it_is_known_by_how_it_begins(content: bytes, kind: str):
    assert (await got(Body(content)))[0].media_type == kind


async def test_a_silent_host_is_not_waited_for_beyond_the_time():
    assert await why_not(Silence(), within=0.1) == "it did not come in time"
    assert await why_not(IMAGE.stalled(after_bytes=120), within=0.1) == "it did not come in time"


async def test_it_stops_where_a_file_is_too_large_by_its_length_or_by_what_comes(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(fetch, "MOST_BYTES", 40)
    assert await why_not(IMAGE) == "it is larger than 0 MB"
    assert await why_not(IMAGE.chunked()) == "it is larger than 0 MB"


async def test_who_counts_can_stop_it():
    def enough(size: int) -> None:
        raise FetchError("enough")

    async with Provider(IMAGE) as provider:
        with fetcher(host_of(provider)) as fetching, pytest.raises(FetchError, match="enough"):
            await fetching.get(f"http://{host_of(provider)}/", 5, enough)


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "data:image/png;base64,AAAA", "//a/b", "a", "http://", "http://a:99999/",
     "http://u:p@a/", "http://a b/", "http://a\x00b/", "http://[::1", "http://a/" + "x" * 9000,
     "https://\udcff/"],
)  # fmt: skip
async def test_what_is_no_address_is_told_and_not_tried(url: str):
    with fetcher() as fetching, pytest.raises(FetchError):
        await fetching.get(url, 5, nothing)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
     "0.0.0.0", "[::]", "169.254.169.254", "[fe80::1]", "10.0.0.1", "nowhere.invalid"],
)  # fmt: skip
async def test_no_spelling_of_a_private_address_leads_there(host: str):
    for scheme in ("http", "https"):
        told = await why(f"{scheme}://{host}/")
        assert told in ("its host is unknown, or not a public one", "it is no URL of a host")


async def test_only_usual_ports_are_asked_unless_the_file_names_the_host_with_its_port():
    assert await why("http://127.0.0.1:8080/") == "only the ports 80 and 443 are fetched from"
    async with Provider(IMAGE) as provider:
        url = f"http://{host_of(provider)}/"
        assert "ports" in await why(url, "127.0.0.1")
        with fetcher(host_of(provider)) as fetching:
            assert (await fetching.get(url, 5, nothing)).content == PNG


class Resolver:
    """Gives these addresses for any name, and keeps what it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.asked: list[str] = []
        self._addresses = addresses

    def __call__(self, host: str, port: int) -> list[Any]:
        self.asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (one, port))
            for one in self._addresses
        ]


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
):
    resolve = Resolver("93.184.215.14", "10.0.0.1")
    monkeypatch.setattr(fetch, "addresses_of", resolve)
    assert "not a public one" in await why("http://images.example/")


async def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
):
    async with Provider(IMAGE) as provider:
        port = host_of(provider).partition(":")[2]
        resolve = Resolver("127.0.0.1")
        monkeypatch.setattr(fetch, "addresses_of", resolve)
        monkeypatch.setattr(fetch, "is_public", lambda _: True)
        monkeypatch.setattr(fetch, "PORTS", frozenset({int(port)}))
        with fetcher() as fetching:
            url = f"http://images.example:{port}/"
            assert (await fetching.get(url, 5, nothing)).content == PNG
        assert resolve.asked == ["images.example"]
        assert provider.requests[0].header("host") == [f"images.example:{port}"]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
     "169.254.169.254", "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.1",
     "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1",
     "198.51.100.1", "203.0.113.1", "192.88.99.1",
     "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1",
     "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::",
     "fe80::1", "fe80::1%1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001::1", "2001:db8::1",
     "3fff::1", "4000::1", "100::1", "2606:4700::1%eth0", "", "x", "1.2.3", "1.2.3.4.5"],
)  # fmt: skip
def test_an_address_that_is_not_the_internet_s_is_not_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
     "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)  # fmt: skip
def test_the_internet_s_are(address: str):
    assert is_public(address)


@given(st.ip_addresses())
def test_whatever_stands_for_an_address_is_as_public_as_it(address: Any):
    if address.version == 4:
        for form in ("::ffff:{}", "64:ff9b::{}"):
            assert is_public(form.format(address)) == is_public(str(address))
        packed = address.packed.hex()
        sixtofour = f"2002:{packed[:4]}:{packed[4:]}::1"
        assert is_public(sixtofour) == is_public(str(address))
    if is_public(str(address)):
        marks = ("private", "loopback", "link_local", "multicast", "unspecified")
        assert not any(getattr(address, f"is_{mark}") for mark in marks)


@given(st.text())
def test_no_text_raises_anything_but_that_it_is_no_address(text: str):
    for url in (text, f"http://{text}", f"https://a/{text}"):
        try:
            place, target = placed(url, SYSTEM)
        except FetchError:
            continue
        line = fetch.request(place, target)
        assert line.count(b"\r\n") == 7
        assert target.isascii()
        assert " " not in target


async def test_many_names_at_once_wait_for_a_place_and_all_come():
    async with Provider(IMAGE) as provider:
        with fetcher(host_of(provider)) as fetching:
            url = f"http://{host_of(provider)}/"
            found = await asyncio.gather(*(fetching.get(url, 5, nothing) for _ in range(40)))
    assert {one.content for one in found} == {PNG}
