import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.front.guard import (
    Guard,
    check_admin_token,
    check_content_type,
    cors,
    is_loopback,
    preflight,
    split_address,
)

LOOPBACK = Guard.of("127.0.0.1:8080")
LAN = Guard.of("0.0.0.0:8080")


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", "8080"),
        ("LocalHost", "localhost", ""),
        ("[::1]:80", "::1", "80"),
        ("[::1]", "::1", ""),
        ("::1", "::1", ""),
        (":8080", "", "8080"),
        ("", "", ""),
    ],
)
def test_an_address_is_a_name_and_a_port(text: str, name: str, port: str) -> None:
    assert split_address(text) == (name, port)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_these_names_can_only_mean_this_machine(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize(
    "name", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.evil.com", "127.0.0.1.evil.com", "127.1"]
)
def test_these_names_may_mean_another(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"])
def test_a_listener_on_loopback_answers_to_loopback_names_at_any_port(host: str) -> None:
    assert LOOPBACK.check({"host": host}) is None


@pytest.mark.parametrize(
    "host",
    ["evil.com", "evil.com:8080", "localhost.evil.com", "", "10.0.0.1", "localhost@evil.com"],
)
def test_a_listener_on_loopback_refuses_other_names_and_says_what_to_do(host: str) -> None:
    refused = LOOPBACK.check({"host": host})
    assert refused is not None
    assert (refused.status, refused.code) == (403, "host_not_allowed")
    assert "server.hosts" in refused.message


@given(st.text())
def test_no_text_in_host_is_an_accident(host: str) -> None:
    refused = LOOPBACK.check({"host": host})
    assert refused is not None or is_loopback(split_address(host)[0])


def test_named_hosts_are_accepted_on_loopback_beside_its_own() -> None:
    guard = Guard.of("127.0.0.1:8080", hosts=["Router.internal", "[fd00::1]"])
    for host in ("router.internal:443", "[fd00::1]:8080", "localhost"):
        assert guard.check({"host": host}) is None
    assert guard.check({"host": "evil.com"}) is not None


def test_off_loopback_any_host_is_accepted_unless_some_are_named() -> None:
    assert LAN.check({"host": "anything"}) is None
    named = Guard.of("0.0.0.0:8080", hosts=["router.internal"])
    assert named.check({"host": "router.internal:8080"}) is None
    assert named.check({"host": "localhost"}) is not None


@pytest.mark.parametrize("origin", ["https://evil.com", "null", "http://localhost:3000", ""])
def test_an_origin_that_nobody_named_is_refused_everywhere(origin: str) -> None:
    for guard in (LOOPBACK, LAN):
        refused = guard.check({"host": "localhost", "origin": origin})
        assert refused is not None
        assert (refused.status, refused.code) == (403, "origin_not_allowed")
        assert "server.origins" in refused.message


def test_an_origin_is_named_exactly_but_for_case_and_a_slash() -> None:
    guard = Guard.of("127.0.0.1:8080", origins=["https://App.example/"])
    assert guard.check({"host": "localhost", "origin": "https://app.example"}) is None
    for origin in ("http://app.example", "https://app.example:8443", "https://app.example.evil"):
        assert guard.check({"host": "localhost", "origin": origin}) is not None


def test_an_allowed_page_may_read_the_answer_and_no_other_may() -> None:
    headers = cors("https://app.example")
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


def test_a_preflight_gets_the_headers_that_it_asked_for() -> None:
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-router-timeout",
    }
    leave = preflight("OPTIONS", asked)
    assert leave is not None
    assert leave["access-control-allow-headers"] == "authorization,x-router-timeout"
    assert "POST" in leave["access-control-allow-methods"]
    assert int(leave["access-control-max-age"]) > 0


def test_only_options_that_ask_for_a_method_are_a_preflight() -> None:
    assert preflight("OPTIONS", {}) is None
    assert preflight("POST", {"access-control-request-method": "POST"}) is None


@pytest.mark.parametrize(
    "given_type",
    ["application/json", "Application/JSON; charset=utf-8", "multipart/form-data; boundary=x"],
)
def test_json_and_multipart_are_inference_bodies(given_type: str) -> None:
    assert check_content_type({"content-type": given_type}) is None


@pytest.mark.parametrize(
    "given_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
def test_what_a_browser_sends_unasked_is_no_inference_body(given_type: str) -> None:
    refused = check_content_type({"content-type": given_type} if given_type else {})
    assert refused is not None
    assert refused.status == 415
    assert "application/json" in refused.message


def test_a_compressed_body_is_refused_and_the_remedy_named() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    refused = check_content_type(headers)
    assert refused is not None
    assert refused.code == "unsupported_content_encoding"
    assert "uncompressed" in refused.message


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "])
def test_the_admin_token_opens(header: str) -> None:
    assert check_admin_token({"authorization": header}, "s3cret") is None


@pytest.mark.parametrize(
    "header", ["", "s3cret", "Basic s3cret", "Bearer", "Bearer s3cre", "Bearer é"]
)
def test_nothing_else_opens(header: str) -> None:
    refused = check_admin_token({"authorization": header}, "s3cret")
    assert refused is not None
    assert refused.status == 401


def test_an_empty_admin_token_is_nobodys() -> None:
    assert check_admin_token({"authorization": "Bearer "}, "") is not None
    assert check_admin_token({}, "") is not None
