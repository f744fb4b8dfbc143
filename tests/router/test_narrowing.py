"""`x-router-only`: what a caller may ask for, and what is said of everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import Only, Place
from router.config.units import Unreadable
from router.dialects.contract import ClientError
from router.front.wishes import wishes_of
from router.narrowing import FORMS, MOST, narrowed

WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


def test_a_wish_has_a_key_and_a_word_and_several_stand_between_commas() -> None:
    assert narrowed("residency=eu") == Only(residency=frozenset({"eu"}))
    assert narrowed(" tag = zdr ,region=eu-*, tag=hipaa,residency=de | eu") == Only(
        frozenset({"eu-*"}), frozenset({"de", "eu"}), frozenset({"zdr", "hipaa"})
    )


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("", "is not understood"),
        (" ", "is not understood"),
        ("eu", "is not understood"),
        ("residency=", "is not understood"),
        ("residency=eu,", "is not understood"),
        ("tags=zdr", "knows no 'tags'"),
        ("Residency=eu", "knows no 'Residency'"),
        ("tenant=a", "knows no 'tenant'"),
        ("residency=eu us", "has a residency that cannot be a name"),
        ("region=*", "has a region that is no region"),
        ("region=e*u", "has a region that is no region"),
        ("residency=eu|", "has a residency that has no value"),
        ("residency=eu, residency=us", "has two wishes for a residency"),
        ("region=eu-*, tag=a, region=us-*", "has two wishes for a region"),
        ("tag=a|b", "has a choice of tags, of which all are needed"),
        (",".join(["tag=a"] * (MOST + 1)), f"holds more than {MOST} words"),
        ("residency=" + "|".join(["a"] * (MOST + 1)), f"holds more than {MOST} words"),
    ],
)
def test_what_is_not_understood_is_refused_and_the_forms_are_named(header: str, what: str) -> None:
    with pytest.raises(ClientError) as refused:
        wishes_of({"x-router-only": header})
    error = refused.value
    assert (error.status, error.code, error.param) == (400, "invalid_header", "x-router-only")
    assert error.message == f"x-router-only: {what}; {FORMS}"


def test_a_request_without_the_header_wishes_for_nothing() -> None:
    assert wishes_of({}).only is None
    assert wishes_of({"x-router-timeout": "3"}).only is None
    assert wishes_of({"x-router-only": "tag=zdr"}).only == Only(tags=frozenset({"zdr"}))


@given(st.text(max_size=80))
def test_whatever_is_sent_is_read_or_refused(header: str) -> None:
    try:
        only = narrowed(header)
    except Unreadable:
        return
    assert only, "a header that is read asks for something"


@given(st.sets(WORDS), st.sets(WORDS), st.sets(WORDS))
def test_what_is_asked_for_is_what_is_read(regions: set[str], places: set[str], tags: set[str]):
    wishes = [
        *([f"region={'|'.join(regions)}"] if regions else []),
        *([f"residency={'|'.join(places)}"] if places else []),
        *(f"tag={one}" for one in tags),
    ]
    if wishes and len(regions) + len(places) + len(tags) <= MOST:
        assert narrowed(", ".join(wishes)) == Only(
            frozenset(regions), frozenset(places), frozenset(tags)
        )


@given(
    *[st.sampled_from(["residency=eu", "residency=eu|us", "region=eu-*", "tag=a", "tag=b"])] * 2,
    st.builds(
        Place,
        st.sampled_from(["eu-west-1", "us-east-1"]),
        st.frozensets(st.sampled_from(["eu", "us"])),
        st.frozensets(st.sampled_from(["a", "b"])),
    ),
)
def test_a_header_that_is_added_to_another_never_widens_it(one: str, other: str, place: Place):
    try:
        both = narrowed(f"{one}, {other}")
    except Unreadable:
        return
    lacks = [narrowed(header).lack(place) for header in (one, other)]
    assert (both.lack(place) is None) is (lacks == [None, None])
