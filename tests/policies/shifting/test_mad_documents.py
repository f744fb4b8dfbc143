"""Whatever a document holds in place of a shift's progress is read with bounds, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.shifting import Evidence, Progress, Terms, advance, begin, share, verdicts
from policies.shifting.evidence import NOTHING
from policies.shifting.guarding import Arms

SEEN = Evidence.of(failed=False, first_token=0.3, cost=5_000) + Evidence.of(failed=True)
MORE = SEEN + SEEN
BEGUN = replace(begin(Terms(), "r", 5.0, Arms(SEEN, SEEN)), until=9.0, counted=Arms(MORE, MORE))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 10**19, 2**63, 1000, -1000, 1e308, -1e308, 5e-324])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["NaN", "inf", "-1e400", "9" * 5000, "back", "running"])
)
mad = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def places(plain: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where anything stands in it."""
    rows = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in rows:
        yield (*at, key)
        if isinstance(value, dict | list):
            yield from places(value, (*at, key))


def put(plain: Any, at: tuple[Any, ...], value: Any) -> Any:
    copy = dict(plain) if isinstance(plain, dict) else list(plain)
    copy[at[0]] = value if len(at) == 1 else put(copy[at[0]], at[1:], value)
    return copy


@given(st.lists(st.tuples(st.sampled_from(list(places(BEGUN.plain()))), mad), min_size=1))
def test_a_mad_document_is_refused_or_can_be_gone_on_with(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    plain: Any = BEGUN.plain()
    for at, value in changes:
        try:
            plain = put(plain, at, value)
        except (KeyError, IndexError, TypeError):
            continue  # it stands there no more
    try:
        one = Progress.of_plain(plain)
    except ValueError:
        return
    assert 0 <= share(one) <= 1
    assert all(said.words for said in verdicts(Terms(), one))
    for seen in (NOTHING, MORE, MORE + MORE):
        advance(Terms(), one, seen, seen, 100.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": 10**400},
        {"until": 10**400},
        {"tries": 10**400},
        {"share": True},
        {"usual": "0.5"},
        {"weighed": {n: {"worse": [1000.0] * 3, "no_worse": [0.0] * 3} for n in BEGUN.weighed}},
        {"counted": {name: NOTHING.plain() for name in ("control", "canary")}},
    ],
)
def test_what_nobody_can_have_kept_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        Progress.of_plain({**BEGUN.plain(), **wrong})


@given(mad)
def test_what_another_says_it_has_seen_is_evidence_or_refused(said: Any) -> None:
    for name in SEEN.plain():
        try:
            found = Evidence.of_plain({**SEEN.plain(), name: said})
        except ValueError:
            continue
        assert (found + MORE).requests / 2.0 >= 0
        assert found.first.count / 2.0 >= 0
