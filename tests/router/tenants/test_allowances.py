"""What tenants may ask for in a while: never more, never less, all of it or nothing."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Limits, Outcome, Phase, Rate, Report, Request
from policies.engine.limits.quota import Quota
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.contract import ClientDialect, ClientError, Operation
from router.dialects.openai.dialect import OPENAI
from router.dialects.relayed.dialect import RELAYED
from router.dialects.responses.dialect import RESPONSES
from router.tenants import scope
from router.tenants.allowance import NOTHING, Allowance
from router.tenants.allowances import Allowances, TenantLimits

MINUTE = 60.0


def limits(
    requests: int | None = None, tokens: int | None = None, concurrent: int | None = None
) -> Limits:
    return Limits(
        (Rate(requests, MINUTE),) if requests else (),
        (Rate(tokens, MINUTE),) if tokens else (),
        concurrent,
    )


def wanted(tokens: int) -> Request:
    """One that is expected to use so many."""
    return Request("m", 60.0, tokens, 0)


class Place:
    """The allowances of one tenant."""

    def __init__(self, fleet: str | None = None, **given: Any) -> None:
        self.allowances = Allowances("team", TenantLimits(**given), fleet)

    def ask(
        self,
        now: float,
        *,
        user: str | None = None,
        model: str = "chat",
        operation: Operation = "chat",
        tokens: int = 10,
    ) -> Allowance:
        fields: dict[str, Any] = {"model": model, "messages": [], "input": "x"}
        if user is not None:
            fields["user"] = user
        call = OPENAI.parse(json.dumps(fields).encode(), operation)
        allowance = self.allowances.admit(call, OPENAI, wanted(tokens), now)
        assert allowance is not None
        return allowance

    def refused(self, now: float, **asked: Any) -> ClientError:
        with pytest.raises(ClientError) as error:
            self.ask(now, **asked)
        return error.value

    def left(self, now: float) -> dict[str, int]:
        """Of the limits that the file names, by scope and what they count."""
        return {
            f"{one.kind} {one.level.counts}": one.level.left
            for scope in self.allowances.scopes()
            for one in scope.standings(NOTHING, now)
        }


def answered(read: int = 6, written: int = 4) -> Report:
    return Report(Outcome.OK, input_tokens=read, output_tokens=written)


def done(allowance: Allowance, now: float, *reports: Report) -> None:
    for report in reports or (answered(),):
        allowance.spent(report)
    allowance.settle(now)


def test_the_last_request_of_a_minute_is_let_through_and_the_next_is_not() -> None:
    place = Place(tenant=limits(requests=3))
    for _ in range(3):
        done(place.ask(0.0), 0.0)
    error = place.refused(0.0)
    assert (error.status, error.kind, error.code) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
    )


def test_the_time_to_come_back_is_true_to_the_second() -> None:
    place = Place(tenant=limits(requests=3))
    for now in (0.0, 20.0, 40.0):
        done(place.ask(now), now)
    wait = place.refused(45.0).retry_after or 0.0
    assert wait == pytest.approx(16.0)
    place.refused(45.0 + wait - 0.001)
    place.ask(45.0 + wait)


def test_a_boundary_of_two_minutes_lets_no_burst_through() -> None:
    place = Place(tenant=limits(requests=10))
    for now in [59.9] * 10:
        place.ask(now)
    for now in (60.0, 60.1, 90.0, 119.0):
        place.refused(now)


def test_what_one_scope_refuses_takes_nothing_of_the_others() -> None:
    place = Place(
        tenant=limits(requests=10, tokens=1000, concurrent=5),
        models={"chat": limits(tokens=50)},
        endpoints={"chat": limits(requests=10)},
    )
    first = place.ask(0.0, tokens=40)
    before = place.left(0.0)
    assert before == {
        "tenant requests": 9, "tenant tokens": 960, "tenant concurrent": 4,
        "model tokens": 10, "endpoint requests": 9,
    }  # fmt: skip
    error = place.refused(0.0, tokens=20)
    assert place.left(0.0) == before
    assert "of this model" in error.message
    assert "10 are left and this request needs about 20" in error.message
    done(first, 0.0)


def test_other_models_and_endpoints_are_not_bound_by_what_is_not_theirs() -> None:
    place = Place(models={"chat": limits(requests=1)}, endpoints={"embeddings": limits(requests=1)})
    place.ask(0.0)
    place.ask(0.0, model="other", operation="embeddings")
    place.refused(0.0)
    place.refused(0.0, model="other", operation="embeddings")
    call = OPENAI.parse(b'{"model": "other", "messages": []}')
    assert place.allowances.admit(call, OPENAI, wanted(10), 0.0) is None


def test_each_user_has_their_own_and_those_without_a_name_share_one() -> None:
    place = Place(user=limits(requests=1))
    for user in ("ada", "bob", None):
        place.ask(0.0, user=user)
        assert "one user of the tenant 'team'" in place.refused(0.0, user=user).message
    assert len(place.allowances.users or ()) == 3


def test_the_user_is_read_where_each_dialect_names_one() -> None:
    def user(dialect: ClientDialect, operation: Operation, **fields: Any) -> str:
        body = {"model": "m", "messages": [], "input": "x", "max_tokens": 5, **fields}
        return dialect.user(dialect.parse(json.dumps(body).encode(), operation))

    assert user(OPENAI, "chat", user="ada") == "ada"
    assert user(OPENAI, "embeddings", user="ada") == "ada"
    assert user(OPENAI, "chat", user="ada", safety_identifier="hash") == "hash"
    assert user(RESPONSES, "responses", safety_identifier="hash") == "hash"
    assert user(ANTHROPIC, "messages", metadata={"user_id": "ada"}) == "ada"
    assert user(RELAYED, "images/generations", user="ada") == "ada"
    odd: Any
    for odd in (None, 7, [], {}, ""):
        assert user(OPENAI, "chat", user=odd) == ""
        assert user(ANTHROPIC, "messages", metadata=odd) == ""
        assert user(ANTHROPIC, "messages", metadata={"user_id": odd}) == ""
    form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--x\r\n'
    form += b'Content-Disposition: form-data; name="user"\r\n\r\nada\r\n--x--\r\n'
    assert RELAYED.user(RELAYED.parse(form, "images/edits")) == "ada"


def test_the_users_that_are_known_are_bounded_and_the_oldest_idle_one_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scope, "MOST_USERS", 3)
    place = Place(user=limits(requests=1))
    busy = place.ask(0.0, user="busy")
    for user in ("one", "two", "three", "four", "five"):
        done(place.ask(0.0, user=user), 0.0)
        assert len(place.allowances.users or ()) <= 3
    place.refused(0.0, user="busy")  # it has something under way, so it is not forgotten
    place.refused(0.0, user="five")
    place.ask(0.0, user="one")
    done(busy, 0.0)


def test_a_user_may_be_anything_and_little_of_it_is_kept() -> None:
    place = Place(fleet="f", user=limits(requests=1))
    for user in ("x" * 1_000_000, "\u20ac", "a:b{c}", "\n"):
        (bound,) = [bound for bound, _ in place.ask(0.0, user=user).needs]
        assert len(bound.key) < 100
        assert bound.key.startswith("{pm:f}:tenant:team:user:")
        place.refused(0.0, user=user)


def test_tokens_are_reserved_by_estimate_and_settled_to_what_was_used() -> None:
    place = Place(tenant=limits(tokens=100))
    allowance = place.ask(0.0, tokens=80)
    place.refused(0.0, tokens=30)
    done(allowance, 1.0, answered(6, 4))
    assert place.left(1.0) == {"tenant tokens": 90}


def test_every_attempt_counts_also_those_of_which_no_answer_came() -> None:
    place = Place(tenant=limits(requests=5, tokens=100))
    broke_off = Report(Outcome.FAILED, Phase.BODY, input_tokens=10, output_tokens=7)
    beaten = Report(Outcome.ABANDONED, Phase.BODY, input_tokens=10, output_tokens=3)
    refused = Report(Outcome.THROTTLED, Phase.HEAD)
    unsent = Report(Outcome.FAILED, Phase.CONNECT)
    done(place.ask(0.0, tokens=50), 1.0, unsent, refused, broke_off, beaten, answered(10, 5))
    assert place.left(1.0) == {"tenant requests": 4, "tenant tokens": 100 - 45}


def test_a_good_answer_that_nobody_counted_used_what_was_reserved() -> None:
    place = Place(tenant=limits(tokens=100))
    done(place.ask(0.0, tokens=30), 1.0, Report(Outcome.OK))
    assert place.left(1.0) == {"tenant tokens": 70}


@pytest.mark.parametrize("reports", [(), (Report(Outcome.FAILED, Phase.CONNECT),)])
def test_a_request_of_which_nothing_was_ever_sent_gives_everything_back(
    reports: tuple[Report, ...],
) -> None:
    place = Place(tenant=limits(2, 100, 1))
    allowance = place.ask(0.0, tokens=80)
    for report in reports:
        allowance.spent(report)
    allowance.settle(1.0)
    allowance.settle(1.0)  # only the first time counts
    assert place.left(1.0) == {"tenant requests": 2, "tenant tokens": 100, "tenant concurrent": 1}


def test_places_are_held_until_the_end_and_nobody_knows_when_that_is() -> None:
    place = Place(tenant=limits(concurrent=2))
    first, _ = place.ask(0.0), place.ask(0.0)
    error = place.refused(100.0)
    assert error.retry_after == 1.0
    assert "2 requests under way at once" in error.message
    done(first, 100.0)
    place.ask(100.0)


def test_what_is_refused_for_two_reasons_is_told_the_later_time() -> None:
    place = Place(tenant=limits(requests=1, concurrent=1))
    place.ask(0.0)
    error = place.refused(10.0)
    assert error.retry_after == pytest.approx(51.0)
    assert "1 requests in any minute" in error.message


def test_a_request_larger_than_the_limit_passes_when_nothing_else_was_taken() -> None:
    place = Place(tenant=limits(tokens=100))
    done(place.ask(0.0, tokens=500), 1.0, answered(400, 100))
    assert place.refused(1.0, tokens=1).retry_after == pytest.approx(60.0)
    place.ask(61.0, tokens=500)


def test_counting_tokens_and_asking_for_what_is_kept_take_requests_only() -> None:
    place = Place(
        tenant=limits(10, 100),
        user=limits(requests=1),
        endpoints={"responses": limits(requests=1)},
    )
    body = b'{"model": "m", "messages": [], "metadata": {"user_id": "ada"}}'
    call = ANTHROPIC.parse(body, "count_tokens")
    counting = place.allowances.admit(call, ANTHROPIC, wanted(5000), 0.0)
    assert counting is not None
    done(counting, 0.0, answered(5000, 0))
    asking = place.allowances.admit_question(0.0)
    assert asking is not None
    asking.sent = True
    asking.settle(0.0)
    assert place.left(0.0) == {
        "tenant requests": 8, "tenant tokens": 100, "endpoint requests": 0
    }  # fmt: skip
    with pytest.raises(ClientError):
        place.allowances.admit_question(0.0)


def test_refusals_are_counted_by_scope_and_limit_and_by_nothing_a_caller_invents() -> None:
    place = Place(tenant=limits(tokens=10), user=limits(requests=1))
    for user in ("ada", "bob"):
        place.ask(0.0, user=user, tokens=1)
        place.refused(0.0, user=user, tokens=1)
    place.refused(0.0, user="eve", tokens=10)
    assert place.allowances.refusals == {("user", "requests"): 2, ("tenant", "tokens"): 1}


def test_a_file_that_is_loaded_again_changes_limits_and_keeps_what_was_counted() -> None:
    old = Place(
        tenant=limits(3, 100, 2),
        user=limits(requests=1),
        models={"chat": limits(requests=2)},
    )
    running = old.ask(0.0, user="ada", tokens=60)
    old.refused(0.0, user="ada")
    new = Place(
        tenant=Limits((Rate(2, MINUTE),), (Rate(200, MINUTE), Rate(1000, 3600.0)), 1),
        user=limits(requests=2),
        models={"other": limits(requests=1)},
    )
    new.allowances.take_over(old.allowances)
    assert new.left(0.0) == {
        "tenant requests": 1, "tenant tokens": 1000, "tenant concurrent": 0, "model requests": 1,
    }  # fmt: skip
    assert new.allowances.refusals == {("user", "requests"): 1}
    done(running, 1.0)
    new.ask(1.0, user="ada")  # the second of two now
    new.refused(1.0, user="bob")  # the third of two


def test_what_confines_the_limits_holds_for_whoever_comes_and_after_a_reload() -> None:
    def part(of: int) -> Any:
        def confine(name: str, quota: Quota) -> None:
            names.append(name)
            quota.ceiling = of

        return confine

    names: list[str] = []
    place = Place(
        tenant=limits(concurrent=9), user=limits(concurrent=9), models={"m": limits(requests=1)}
    )
    known = place.ask(0.0, user="ada")
    place.allowances.confine(part(1))
    place.refused(0.0, user="ada")
    done(known, 0.0)
    done(place.ask(0.0, user="bob"), 0.0)
    assert names[:2] == ["tenant:team", "tenant:team:model:m"]
    assert names[2].startswith("tenant:team:user:")
    again = Place(tenant=limits(concurrent=8), user=limits(concurrent=9))
    again.allowances.take_over(place.allowances)
    known = again.ask(0.0, user="ada")
    again.refused(0.0, user="eve")
    again.allowances.confine(part(9))
    done(again.ask(0.0, user="eve"), 0.0)
    done(again.ask(0.0, user="ada"), 0.0)
    done(known, 0.0)


@pytest.mark.parametrize("concurrent", [None, 4])
def test_where_nothing_at_all_is_allowed_that_is_said(concurrent: int | None) -> None:
    place = Place(tenant=limits(requests=5, concurrent=concurrent))
    place.allowances.confine(lambda _, quota: setattr(quota, "ceiling", 0))
    error = place.refused(0.0)
    assert (error.status, error.retry_after) == (429, 1.0)
    assert "cannot be reached now" in error.message
    assert error.headers()["x-ratelimit-remaining-requests"] == "0"
    assert place.allowances.refusals == {("tenant", "all"): 1}


class Naive:
    """Everything that was taken, with its instant: what a window of a minute holds is summed up."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, str, int]] = []

    def used(self, what: str, now: float, span: float = MINUTE) -> int:
        return sum(n for at, of, n in self.taken if of == what and now - span < at <= now)


ASKED = st.tuples(
    st.floats(0.0, 15.0), st.sampled_from(["ada", "bob"]), st.sampled_from(["chat", "other"]),
    st.integers(1, 60), st.integers(0, 60), st.booleans(),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(ASKED, max_size=60), st.integers(1, 8), st.integers(40, 120), st.integers(1, 4))
def test_no_minute_ever_holds_more_than_a_limit_and_what_is_refused_takes_nothing(
    asked: list[tuple[float, str, str, int, int, bool]], requests: int, tokens: int, places: int
) -> None:
    place = Place(
        tenant=limits(requests, tokens, places),
        user=limits(requests=max(1, requests // 2)),
        models={"chat": limits(requests=requests, tokens=tokens // 2)},
    )
    naive, now = Naive(), 0.0
    running: list[Allowance] = []
    for pause, user, model, need, used, ends in asked:
        now += pause
        if ends and running:
            done(running.pop(0), now, answered(0, 0))
        before = place.left(now)
        wait, allowance = 0.0, None
        try:
            allowance = place.ask(now, user=user, model=model, tokens=need)
        except ClientError as error:
            wait = error.retry_after or 0.0
        if allowance is None:
            assert place.left(now) == before
            assert 0 < wait <= 61.0
            continue
        running.append(allowance)
        # What was spent is spent, and never more than was reserved here.
        spent = min(need, used)
        allowance.spent(answered(spent, 0))
        for what in ("tenant", f"user {user}", f"model {model}"):
            naive.taken.append((now, what, 1))
        naive.taken.append((now, "tokens", spent))
        assert len(running) <= places
        assert naive.used("tenant", now) <= requests
        assert naive.used(f"user {user}", now) <= max(1, requests // 2)
        if model == "chat":
            assert naive.used("model chat", now) <= requests
        alone = naive.used("tenant", now) == 1
        assert naive.used("tokens", now) <= tokens or alone
    for allowance in running:
        allowance.settle(now)
    assert all(one.quota.in_flight == 0 for one in place.allowances.scopes())


@given(st.integers(1, 20), st.floats(0.0, 1000.0))
def test_a_limit_that_nobody_else_takes_of_is_given_out_whole(requests: int, start: float) -> None:
    place = Place(tenant=limits(requests=requests))
    for _ in range(requests):
        place.ask(start)
    wait = place.refused(start).retry_after
    assert wait is not None
    assert 59.0 < wait <= 61.0
    for _ in range(requests):
        place.ask(start + wait)


def test_what_the_fleet_said_outlives_a_file_that_brings_other_limits() -> None:
    old = Place(fleet="f", tenant=limits(requests=5, concurrent=3))
    had, waits = old.ask(0.0), old.ask(0.0)
    needs, others = had.needs, waits.needs
    new = Place(fleet="f", tenant=limits(requests=9, tokens=100))
    new.allowances.take_over(old.allowances)
    had.granted(needs, 1, [2, 1])
    told = had.headers(0.0)
    assert told["x-ratelimit-remaining-requests"] == "2"
    assert told["x-ratelimit-remaining-tokens"] == "100"
    error = waits.refused(others, [7.0, None], [0, 0], 0.0)
    assert error.retry_after == 7.0
    assert [(one.bound.what, one.units) for one in had.settled()] == [
        ("requests", -1), ("places", -1),
    ]  # fmt: skip
