from hypothesis import given
from hypothesis import strategies as st

from policies.shifting import in_canary, place, revision

SHARES = st.floats(0, 1)


@given(st.text(), SHARES, SHARES)
def test_who_is_in_a_share_is_in_every_larger_one(key: str, one: float, other: float):
    small, large = sorted((one, other))
    assert in_canary(key, "r", large) or not in_canary(key, "r", small)


@given(st.text())
def test_nobody_is_in_nothing_and_all_are_in_everything(key: str):
    assert 0 <= place(key, "r") < 1
    assert not in_canary(key, "r", 0.0)
    assert in_canary(key, "r", 1.0)


def test_a_share_is_that_share_of_all_keys():
    for share in (0.01, 0.05, 0.25, 0.5):
        found = sum(in_canary(f"user {n}", "r", share) for n in range(20_000)) / 20_000
        assert abs(found - share) < 4 * (share * (1 - share) / 20_000) ** 0.5


def test_another_shift_tries_others():
    both = sum(
        in_canary(key, "r", 0.25) and in_canary(key, "s", 0.25) for key in map(str, range(20_000))
    )
    assert abs(both / 20_000 - 0.0625) < 0.01


def test_a_shift_is_named_by_both_ends_whatever_their_order():
    name = revision({"a": 90, "b": 10}, {"c": 1})
    assert name == revision({"b": 10.0, "a": 90.0}, {"c": 1.0})
    others = [
        revision({"a": 90, "b": 11}, {"c": 1}),
        revision({"a": 90, "b": 10}, {"c": 2}),
        revision({"c": 1}, {"a": 90, "b": 10}),
    ]
    assert len({name, *others}) == 4
