"""What a URL of a shared server may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.redis.address import SCHEMES, Malformed, Trust, Who, address_of


def test_a_host_has_the_usual_port_and_no_more():
    address = address_of("redis://example")
    assert (address.kind, address.nodes, address.db) == ("one", (("example", 6379),), 0)
    assert address.tls is None


def test_a_url_says_who_asks_where_and_in_which_database():
    address = address_of("rediss://us%40er:p%2Fss@[::1]:7000/2?client_name=pm&ssl_cert_reqs=none")
    assert address.who == Who("us@er", "p/ss")
    assert address.nodes == (("::1", 7000),)
    assert (address.db, address.name) == (2, "pm")
    assert address.tls == Trust(cert_reqs="none")


def test_a_socket_has_a_path():
    address = address_of("unix://:secret@/run/redis.sock?db=3")
    assert (address.path, address.db, address.who) == ("/run/redis.sock", 3, Who("", "secret"))


def test_a_cluster_and_sentinels_are_several():
    nodes = (("one", 7000), ("two", 6379))
    assert address_of("redis+cluster://one:7000,two/").nodes == nodes
    address = address_of("rediss+sentinel://me:pw@one,two:1/main/4?sentinel_password=other")
    assert address.nodes == (("one", 26379), ("two", 1))
    assert (address.service, address.db, address.tls) == ("main", 4, Trust())
    assert (address.who, address.sentinel) == (Who("me", "pw"), Who("", "other"))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://one", "not the address of a Redis server"),
        ("redis://", "no host"),
        ("redis://one:0", "no host, or no port"),
        ("redis://one:70000", "no host, or no port"),
        ("redis://one,two", "names several hosts"),
        ("redis://one/main", "goes on after the host"),
        ("redis://one#2", "not the address"),
        ("redis://:pa/ss@one", "has /, . or # in its password"),
        ("redis://me:p?ss@one:7000/1", "write %2F, %3F, %23 there"),
        ("redis://:p@s/s@one", "in its password"),
        ("rediss://:pa#ss@one", "in its password"),
        ("redis://one:7000/main@", "in its password"),
        ("redis+cluster://one/1", "names a database"),
        ("redis+sentinel://one", "names no service"),
        ("unix://", "no path of a socket"),
        ("redis://one?ssl_cert_reqs=none", "options of TLS without TLS"),
        ("rediss://one?ssl_cert_reqs=some", "ssl_cert_reqs"),
        ("redis://one?socket_timeout=5", "how long is waited is not for the URL to say"),
        ("redis://one?retry_on_timeout=yes", "how long is waited"),
        ("redis://one?sentinel_password=x", "options of sentinels"),
        ("redis://one?wish=1", "not known here"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_remedy(url, what):
    with pytest.raises(Malformed, match=what):
        address_of(url)


@given(
    st.sampled_from(sorted(SCHEMES)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8),
)
def test_a_credential_is_in_no_error_and_in_no_text_of_an_address(scheme, tail):
    secret = "hunter2hunter2"
    for url in (f"{scheme}://me:{secret}@{tail}", f"{scheme}://h/x?password={secret}&{tail}"):
        try:
            told = repr(address_of(url))
        except Malformed as error:
            told = str(error)
        assert secret not in told
