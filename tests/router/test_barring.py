"""Who is barred from where: by the file's words of a place, by every restriction together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies import Refusal, Refused
from router.barring import MOST, Barring
from router.config import Only, Place

WORDS = st.frozensets(st.sampled_from(["eu", "de", "us", "zdr"]), max_size=3)
REGIONS = st.frozensets(st.sampled_from(["eu-west-1", "eu-*", "us-*", "us-east-1"]), max_size=2)
ONLY = st.builds(Only, REGIONS, WORDS, WORDS)
PLACES = st.builds(
    Place,
    st.none() | st.sampled_from(["eu-west-1", "eu-north-1", "us-east-1"]),
    WORDS,
    WORDS,
    st.none() | st.frozensets(st.sampled_from(["a", "b"]), min_size=1),
)


def names(*words: str) -> frozenset[str]:
    return frozenset(words)


EU = Place("eu-west-1", names("eu", "de"), names("zdr"))
US = Place("us-east-1", names("us"))
UNKNOWN = Place()
THREE = {"eu/m": EU, "us/m": US, "x/m": UNKNOWN}


def test_where_nothing_restricts_nobody_is_barred_and_that_is_known_at_once() -> None:
    barring = Barring(THREE)
    assert not barring.binds
    assert barring.of("a", ("chat",), None) == {}


def test_what_nobody_said_of_a_target_is_not_so() -> None:
    for only, refusal in (
        (Only(region=names("eu-*")), Refusal.REGION),
        (Only(residency=names("eu")), Refusal.RESIDENCY),
        (Only(tags=names("zdr")), Refusal.TAGS),
    ):
        barred = Barring(THREE, {"chat": only}).of("a", ("chat",), None)
        assert {name: refused.refusal for name, refused in barred.items()} == {
            "us/m": refusal,
            "x/m": refusal,
        }


def test_one_of_the_regions_is_enough_and_all_of_the_tags_are_needed() -> None:
    both = Only(region=names("us-east-1", "eu-*"), tags=names("zdr", "hipaa"))
    barred = Barring(THREE, tenants={"a": both}).of("a", ("chat",), None)
    assert barred["eu/m"] == Refused(Refusal.TAGS, lacking=("hipaa",))
    assert barred["us/m"] == Refused(Refusal.TAGS, lacking=("hipaa", "zdr"))
    assert barred["x/m"] == Refused(Refusal.REGION, lacking=("eu-*", "us-east-1"))


def test_who_may_be_served_is_asked_first_and_binds_all_others() -> None:
    barring = Barring({"a/m": Place(tenants=names("a"))}, {"chat": Only(residency=names("eu"))})
    assert barring.binds
    assert barring.of("b", ("chat",), None)["a/m"].refusal is Refusal.TENANT
    assert barring.of("a", ("chat",), None)["a/m"].refusal is Refusal.RESIDENCY
    assert barring.of("a", ("other",), None) == {}


def test_a_model_that_stands_in_for_another_is_bound_by_both() -> None:
    models = {"chat": Only(residency=names("eu")), "rest": Only(residency=names("us"))}
    barring = Barring(THREE, models)
    assert barring.of("a", ("chat", "rest"), None).keys() == THREE.keys()
    assert barring.of("a", ("rest",), None).keys() == {"eu/m", "x/m"}


def test_what_is_known_is_bounded_whatever_callers_ask_for() -> None:
    barring = Barring(THREE)
    for number in range(3 * MOST):
        barring.of("a", ("chat",), Only(tags=names(str(number))))
    assert len(barring._known) == MOST
    assert barring.of("a", ("chat",), Only(tags=names("0"))).keys() == THREE.keys()


def test_tenants_of_whom_nothing_is_said_share_what_is_known() -> None:
    barring = Barring(THREE, {"chat": Only(residency=names("eu"))})
    assert barring.of("a", ("chat",), None) is barring.of("b", ("chat",), None)
    assert len(barring._known) == 1


@given(
    places=st.dictionaries(st.sampled_from(["p/a", "p/b", "q/c"]), PLACES),
    models=st.dictionaries(st.sampled_from(["chat", "rest"]), ONLY),
    tenants=st.dictionaries(st.sampled_from(["a", "b"]), ONLY),
    wish=st.none() | ONLY,
    tenant=st.sampled_from(["a", "b", "c"]),
)
def test_each_restriction_only_ever_narrows(
    places: dict[str, Place],
    models: dict[str, Only],
    tenants: dict[str, Only],
    wish: Only | None,
    tenant: str,
) -> None:
    barring = Barring(places, models, tenants)
    barred = barring.of(tenant, ("chat", "rest"), wish)
    assert barring.of(tenant, ("chat",), wish).keys() <= barred.keys()
    assert barring.of(tenant, ("chat", "rest"), None).keys() <= barred.keys()
    said = [models.get("chat"), models.get("rest"), tenants.get(tenant), wish]
    for name, place in places.items():
        own = place.tenants is None or tenant in place.tenants
        meets = all(only is None or only.lack(place) is None for only in said)
        assert (name not in barred) is (own and meets)
    if not barring.binds and wish is None:
        assert barred == {}
