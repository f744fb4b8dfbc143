from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.tenants.identity import DEFAULT, Tenant, Tenants

TEAM, OTHER = Tenant("team"), Tenant("other", models=frozenset({"chat"}))


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


KNOWN = Tenants([(digest("one"), TEAM), (digest("two"), TEAM), (digest("three"), OTHER)], None)


def test_a_key_may_come_in_either_header() -> None:
    assert KNOWN.identify(None, "one") is TEAM
    assert KNOWN.identify("Bearer nobodys", " three ") is OTHER
    assert KNOWN.identify("Bearer one", "three") is TEAM
    assert KNOWN.identify("Basic one", None) is None
    for nothing in ("", " ", "nobodys"):
        assert KNOWN.identify(None, nothing) is None


def test_each_key_is_its_tenants() -> None:
    for key, tenant in (("one", TEAM), ("two", TEAM), ("three", OTHER)):
        assert KNOWN.identify(f"Bearer {key}") is tenant


@pytest.mark.parametrize("header", ["bearer one", "BEARER one", "Bearer  one", "Bearer one "])
def test_case_and_spaces_around_a_key_do_not_matter(header: str) -> None:
    assert KNOWN.identify(header) is TEAM


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "one",
        "Bearer",
        "Bearer ",
        "Bearer one two",
        "Basic one",
        f"Bearer {digest('one')}",
    ],
)
def test_nothing_else_is_anyones(header: str | None) -> None:
    assert KNOWN.identify(header) is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer  \t ", ""])
def test_an_empty_key_is_nobodys_even_if_its_digest_was_written(header: str) -> None:
    assert Tenants([(digest(""), TEAM)], None).identify(header) is None


def test_where_nobody_has_a_key_nobody_is_known() -> None:
    assert Tenants([], None).identify("Bearer one") is None


@given(st.none() | st.text())
def test_where_everyone_is_known_no_header_matters(header: str | None) -> None:
    assert Tenants([(digest("one"), TEAM)], DEFAULT).identify(header) is DEFAULT


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_whatever_bytes_come_as_a_key_they_are_somebodys_or_nobodys(text: str) -> None:
    found = KNOWN.identify(f"Bearer {text}")
    assert found is None or text.strip() in ("one", "two", "three")


def test_a_tenant_sees_all_models_unless_some_are_named() -> None:
    assert TEAM.sees("anything")
    assert OTHER.sees("chat")
    assert not OTHER.sees("chat-large")
    assert not Tenant("none", models=frozenset()).sees("chat")


def test_the_default_tenant_may_everything_and_another_nothing_unasked() -> None:
    assert DEFAULT.may == {"policy", "priority", "target"}
    assert TEAM.may == frozenset()


def test_those_are_known_who_can_be_identified() -> None:
    assert KNOWN.known() == {"team": TEAM, "other": OTHER}
    assert Tenants([(digest("one"), TEAM)], DEFAULT).known() == {"default": DEFAULT}
    assert Tenants([], None).known() == {}
