"""To whom a request is confined by what it refers to."""

from collections.abc import Iterable
from typing import Any

import pytest

from router.bell import Bell
from router.dialects.contract import Call, ClientError
from router.stored.accounts import Account, Accounts, confined_by
from router.stored.owners import Owners
from router.upstream.transport import UNOPENED, Exchange


class Nobody:
    def ask(self, method: str, path: str, headers: Any, bell: Bell) -> Exchange:
        return UNOPENED


def accounts(*names: str) -> Accounts:
    targets = {name: frozenset({f"{name}/m", f"{name}/n"}) for name in names}
    return {name: Account(name, those, Nobody()) for name, those in targets.items()}


def call(bound: Iterable[str] = (), traces: Iterable[str] = (), *, stays: bool = False) -> Call:
    asked = Call("responses", "m", False, {}, 1, None, 1, True)
    asked.bound, asked.traces, asked.stays = tuple(bound), tuple(traces), stays
    return asked


BOTH = accounts("a", "b")
TARGETS = frozenset({"a/m", "b/m", "sim/m"})


@pytest.fixture
def owners() -> Owners:
    owners = Owners(lambda: 0.0)
    owners.keep("t", "a", "of_a")
    owners.keep("t", "b", "of_b")
    owners.keep("other", "a", "of_another")
    return owners


def test_what_refers_to_nothing_is_not_confined(owners: Owners) -> None:
    assert confined_by(call(), TARGETS, BOTH, owners, "t", alone=True) is None


def test_who_made_it_is_asked_at_those_of_its_targets_that_the_model_has(owners: Owners) -> None:
    assert confined_by(call(["of_b"]), TARGETS, BOTH, owners, "t", alone=True) == frozenset({"b/m"})


@pytest.mark.parametrize(
    ("id_", "told"), [("unknown", "which account"), ("of_another", "'of_another'")]
)
def test_what_nobody_knows_and_what_is_another_tenant_s_is_not_there(
    id_: str, told: str, owners: Owners
) -> None:
    with pytest.raises(ClientError, match=told) as caught:
        confined_by(call([id_]), TARGETS, BOTH, owners, "t", alone=True)
    assert caught.value.status == 404


def test_where_only_one_account_keeps_nothing_need_be_known(owners: Owners) -> None:
    one = accounts("a")
    assert confined_by(call(["unknown"]), TARGETS, one, owners, "t", alone=True) == frozenset(
        {"a/m"}
    )
    wished = frozenset({"b/m"})
    assert confined_by(call(["unknown"]), wished, BOTH, owners, "t", alone=True) == wished
    with pytest.raises(ClientError):
        confined_by(call(["of_another"]), TARGETS, one, owners, "t", alone=True)


def test_where_it_may_be_another_tenant_s_it_is_nobody_s_unless_it_is_known(
    owners: Owners,
) -> None:
    for targets, known in ((TARGETS, accounts("a")), (frozenset({"b/m"}), BOTH)):
        with pytest.raises(ClientError, match="and for whom, is not known") as caught:
            confined_by(call(["unknown"]), targets, known, owners, "t", alone=False)
        assert (caught.value.status, caught.value.code) == (404, "not_found")
        with pytest.raises(ClientError, match="and for whom, is not known") as another:
            confined_by(call(["of_another"]), targets, known, owners, "t", alone=False)
        assert another.value.message.replace("of_another", "unknown") == caught.value.message
    only_a = frozenset({"a/m"})
    assert confined_by(call(["of_a"]), TARGETS, BOTH, owners, "t", alone=False) == only_a


def test_the_reason_is_told_where_nobody_can(owners: Owners) -> None:
    with pytest.raises(ClientError, match="send the whole input") as caught:
        confined_by(call(["unknown"]), frozenset({"sim/m"}), BOTH, owners, "t", alone=True)
    assert caught.value.status == 404
    with pytest.raises(ClientError, match="serves no target of this model"):
        confined_by(call(["of_a"]), frozenset({"b/m"}), BOTH, owners, "t", alone=True)
    with pytest.raises(ClientError, match="different accounts") as caught:
        confined_by(call(["of_a", "of_b"]), TARGETS, BOTH, owners, "t", alone=True)
    assert caught.value.status == 400


def test_what_runs_in_the_background_goes_to_those_who_keep_it(owners: Owners) -> None:
    assert confined_by(call(stays=True), TARGETS, BOTH, owners, "t", alone=True) == frozenset(
        {"a/m", "b/m"}
    )
    with pytest.raises(ClientError, match="background") as caught:
        confined_by(call(stays=True), frozenset({"sim/m"}), BOTH, owners, "t", alone=True)
    assert (caught.value.status, caught.value.param) == (400, "background")


def test_who_thought_last_thinks_on_and_else_anybody(owners: Owners) -> None:
    assert confined_by(
        call([], ["of_a", "of_b"]), TARGETS, BOTH, owners, "t", alone=True
    ) == frozenset({"b/m"})
    for ids in (["unknown"], ["of_another"]):
        assert confined_by(call([], ids), TARGETS, BOTH, owners, "t", alone=True) is None
