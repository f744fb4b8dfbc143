"""Bands, and tenants within a band, as requests that wait meet them."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from statistics import mean

import pytest

from policies import Band, Cause, Fail, Outcome, Phase, Report
from policies.engine.waiting.fairness import MOST_TENANTS, Charge, Turns, cost
from policies.engine.waiting.queue import MOST_WAITING
from tests.policies.crowd import Caller, Crowd, crowd, waiting
from tests.policies.driver import FAILED, limited

ONE = {"a/m": limited(concurrent=1)}
FOUR = {"a/m": limited(concurrent=4)}
USED = Report(Outcome.OK, input_tokens=100, output_tokens=100)


def served(here: Crowd, inside: Caller) -> Iterator[Caller]:
    """Who is served next, and next, as the one place comes free."""
    while True:
        inside.settle(USED)
        here.look()
        sent = [caller for caller in here.callers if caller.send is not None]
        if not sent:
            return
        (inside,) = sent
        yield inside


class TestTenants:
    def test_they_take_turns_whatever_they_ask_for(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside = here.come(tenant="a")
        for _ in range(4):
            here.come(tenant="a")
        for _ in range(2):
            here.come(tenant="b")
        tenants = [caller.course.request.tenant for caller in served(here, inside)]
        assert tenants == ["a", "b", "a", "b", "a", "a"]
        here.close()

    def test_within_a_tenant_who_comes_first_is_served_first(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside = here.come(tenant="a")
        callers = [here.come(tenant=tenant) for tenant in "aabab"]
        order = [callers.index(caller) for caller in served(here, inside)]
        assert [index for index in order if index in (0, 1, 3)] == [0, 1, 3]
        assert [index for index in order if index in (2, 4)] == [2, 4]
        here.close()

    def test_turns_are_counted_in_tokens(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside = here.come()
        for _ in range(2):
            here.come(tenant="long", input_tokens=3000, output_tokens=0)
        for _ in range(6):
            here.come(tenant="short", input_tokens=1000, output_tokens=0)
        tenants: list[str] = []
        while len(tenants) < 8:
            inside.settle(Report(Outcome.OK))
            here.look()
            (inside,) = (caller for caller in here.callers if caller.send is not None)
            tenants.append(inside.course.request.tenant)
        assert tenants == ["long", *["short"] * 3, "long", *["short"] * 3]
        inside.settle()
        here.close()

    def test_who_comes_late_is_owed_nothing_for_the_time_before(self) -> None:
        here = crowd("a/m", facts=ONE)
        turns = served(here, here.come(tenant="a"))
        for _ in range(12):
            here.come(tenant="a")
        for _ in range(6):
            next(turns)
        for _ in range(4):
            here.come(tenant="b")
        tenants = [caller.course.request.tenant for caller in turns]
        assert tenants[:8] in (["a", "b"] * 4, ["b", "a"] * 4)
        here.close()

    def test_what_was_used_counts_not_what_was_expected(self) -> None:
        turns = Turns()
        for tenant in ("a", "b"):
            turns.enter(tenant, 500.0)
        charge = turns.charge("a", 500.0)
        assert charge is not None
        charge.settle(Report(Outcome.OK, input_tokens=100, output_tokens=2000))
        assert turns.level("a") == cost(100, 2000) == 4100.0

    @pytest.mark.parametrize(
        ("report", "counts"),
        [
            (Report(Outcome.OK), 500.0),
            (Report(Outcome.ABANDONED), 500.0),
            (Report(Outcome.ABANDONED, Phase.CONNECT), 0.0),
            (FAILED, 0.0),
            (Report(Outcome.THROTTLED, Phase.HEAD), 0.0),
            (Report(Outcome.FAILED, input_tokens=10, output_tokens=20), 50.0),
        ],
    )
    def test_who_was_not_served_is_not_charged(self, report: Report, counts: float) -> None:
        turns = Turns()
        turns.enter("a", 500.0)
        charge = turns.charge("a", 500.0)
        assert isinstance(charge, Charge)
        charge.settle(report)
        assert turns.level("a") == counts

    def test_what_is_given_back_is_not_charged(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside, other = here.come(tenant="b"), here.come(tenant="b")
        here.come(tenant="a")
        here.come(tenant="a")
        inside.settle()
        here.look()
        assert other.send is not None
        turns = waiting(here)._bands[Band.STANDARD]
        other.send.attempt.give_back(here.world.now)
        assert turns.level("b") == turns.level("a") == 0.0
        here.close()

    def test_nothing_is_kept_when_nobody_waits(self) -> None:
        turns = Turns()
        account = turns.enter("a", 500.0)
        turns.charge("a", 500.0)
        turns.owe(9000.0)
        turns.leave(account)
        assert turns.level("a") == 0.0
        assert not turns.is_owed(1.0)

    def test_accounts_of_those_who_are_gone_are_bounded(self) -> None:
        turns = Turns()
        turns.enter("stays", 1.0)
        for number in range(5 * MOST_TENANTS):
            turns.leave(turns.enter(f"t{number}", 1.0))
        assert len(turns._accounts) <= 2 * MOST_TENANTS
        assert "stays" in turns._accounts


class TestBands:
    def test_a_higher_band_goes_first(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside = here.come()
        bands = [Band.SHEDDABLE, Band.STANDARD, Band.CRITICAL, Band.STANDARD, Band.CRITICAL]
        for band in bands:
            here.come(band=band)
        assert [caller.course.request.band for caller in served(here, inside)] == sorted(bands)
        here.close()

    def test_a_newcomer_of_a_higher_band_takes_a_place_that_is_free(self) -> None:
        here = crowd("a/m", facts=ONE)
        inside, waits = here.come(), here.come()
        inside.settle()
        critical = here.come(band=Band.CRITICAL)  # before the other has looked
        assert critical.send is not None
        here.look()
        assert waits.waits
        here.close()

    def test_one_that_waits_for_one_target_does_not_keep_the_others_from_lower_bands(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        assert here.come(only=frozenset({"a/m"}), band=Band.CRITICAL).waits
        assert here.come(band=Band.SHEDDABLE).send is not None
        here.close()

    @pytest.mark.parametrize("needs", [{}, {Band.SHEDDABLE: 4000}, {Band.CRITICAL: 4000}])
    def test_a_lower_band_keeps_a_tenth_of_what_is_served(self, needs: dict[Band, int]) -> None:
        here = crowd("a/m", facts=ONE)
        tokens: Counter[Band] = Counter()

        def ask(band: Band) -> None:
            here.come(band=band, input_tokens=needs.get(band, 1000), output_tokens=0)

        inside = here.come()
        for band in (Band.CRITICAL, Band.SHEDDABLE) * 2:
            ask(band)
        for _ in range(400):
            inside.settle(Report(Outcome.OK))
            here.look()
            (inside,) = (caller for caller in here.callers if caller.send is not None)
            request = inside.course.request
            tokens[request.band] += request.input_tokens
            here.callers = [one for one in here.callers if one.send or one.waits]
            ask(request.band)
        share = tokens[Band.SHEDDABLE] / tokens.total()
        assert share == pytest.approx(0.1, abs=0.011)
        here.close()

    def test_what_a_band_is_owed_grows_until_it_pays_for_its_largest_need(self) -> None:
        turns = Turns()
        turns.owe(9000.0)
        assert not turns.is_owed(1.0)
        turns.enter("a", 700.0)
        for _ in range(1000):
            turns.owe(900.0)
        assert turns.is_owed(700.0)
        assert not turns.is_owed(701.0)


class TestFull:
    def test_a_higher_band_takes_the_place_of_the_newest_of_the_lowest(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        sheddable = [here.come(band=Band.SHEDDABLE) for _ in range(2)]
        for _ in range(MOST_WAITING - 2):
            here.come()
        assert here.come(band=Band.CRITICAL).waits
        here.look()
        assert isinstance(sheddable[1].action, Fail)
        assert sheddable[1].action.cause is Cause.QUEUE_FULL
        assert sheddable[0].waits
        assert here.come().waits
        here.look()
        assert isinstance(sheddable[0].action, Fail)
        assert len(waiting(here)) == MOST_WAITING
        refused = here.come().action
        assert isinstance(refused, Fail)
        assert refused.cause is Cause.QUEUE_FULL
        here.close()


class Flood:
    """Tenants that ask at these rates for answers of these lengths, at four places and 100 tokens
    a second. `waits` of those that were sent; `gaps` between what "a" and "b" were served since
    both began to wait.
    """

    def __init__(self, rates: dict[str, float], outputs: dict[str, int], seconds: float) -> None:
        self.here = crowd("a/m", facts=FOUR)
        self.rng = Random(1)
        self.rates = rates
        self.outputs = outputs
        self.waits: dict[str, list[float]] = {tenant: [] for tenant in rates}
        self.gaps: list[float] = []
        self.failed: Counter[str] = Counter()
        self.causes: Counter[Cause] = Counter()
        self._used: Counter[str] = Counter()
        self._base: int | None = None
        self._came: dict[Caller, float] = {}
        self._ends: dict[Caller, float] = {}
        for _ in range(int(seconds * 20)):
            self.here.world.now += 0.05
            self.end()
            self.come()
            self.here.look()
            self.note()
        self.here.close()

    def end(self) -> None:
        for caller, end in list(self._ends.items()):
            if end <= self.here.world.now:
                del self._ends[caller]
                tenant = caller.course.request.tenant
                tokens = self.outputs[tenant]
                self._used[tenant] += int(cost(100, tokens))
                caller.settle(Report(Outcome.OK, input_tokens=100, output_tokens=tokens))

    def come(self) -> None:
        for tenant, rate in self.rates.items():
            if self.rng.random() < rate * 0.05:
                caller = self.here.come(tenant=tenant, input_tokens=100)
                self._came[caller] = self.here.world.now

    def note(self) -> None:
        now, left = self.here.world.now, []
        for caller in self.here.callers:
            tenant = caller.course.request.tenant
            if caller.send is not None and caller not in self._ends:
                self._ends[caller] = now + self.outputs[tenant] / 100
                self.waits[tenant].append(now - self._came[caller])
            if isinstance(caller.action, Fail):
                self.failed[tenant] += 1
                self.causes[caller.action.cause] += 1
            if caller.send is not None or caller.waits:
                left.append(caller)
        self.here.callers = left
        if {line.tenant for line in waiting(self.here)._lines.values()} == set(self.rates):
            gap = self._used["a"] - self._used["b"]
            self._base = gap if self._base is None else self._base
            self.gaps.append(gap - self._base)
        else:
            self._base = None


def test_a_flood_of_one_tenant_does_not_make_another_wait() -> None:
    """Four places of a second each; A asks for 20 a second, B for one."""
    flood = Flood({"a": 20.0, "b": 1.0}, {"a": 100, "b": 100}, 120.0)
    assert flood.failed["b"] == 0
    assert flood.failed["a"] > 1000
    assert flood.causes[Cause.WAIT] >= 0.9 * flood.failed["a"], "refused at once"
    assert len(flood.waits["b"]) > 80
    assert max(flood.waits["b"]) <= 3.0
    assert mean(flood.waits["b"]) <= 1.0
    assert mean(flood.waits["a"]) >= 7.0


@pytest.mark.parametrize("lengths", [{"a": 100, "b": 100}, {"a": 400, "b": 50}], ids=str)
def test_what_two_tenants_are_served_stays_close_while_both_wait(lengths: dict[str, int]) -> None:
    flood = Flood({"a": 19.0, "b": 19.0}, lengths, 90.0)
    assert len(flood.gaps) > 1500
    # Two of the longest requests, and what four places hold under way.
    assert max(abs(gap) for gap in flood.gaps) <= (2 + 4) * cost(100, max(lengths.values()))
    assert abs(flood.gaps[-1]) < 0.1 * 90 * 4 * 100


def test_without_a_flood_nobody_waits() -> None:
    flood = Flood({"a": 1.0, "b": 1.0}, {"a": 50, "b": 50}, 60.0)
    assert max(flood.waits["a"] + flood.waits["b"]) <= 0.2
