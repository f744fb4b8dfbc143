"""Who made what, remembered within bounds."""

from router.stored.owners import KEPT_FOR, LONGEST, Owner, Owners


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_id_leads_to_the_account_that_made_it() -> None:
    owners = Owners(Clock())
    owners.keeper("t")("a", "resp_1")
    assert owners.of("resp_1") == Owner("t", "a", 0.0)
    assert owners.of("resp_2") is None
    owners.forget("resp_1")
    owners.forget("resp_1")
    assert owners.of("resp_1") is None


def test_whose_an_id_is_does_not_change() -> None:
    owners = Owners(Clock())
    owners.keep("t", "a", "conv_1")
    owners.keep("u", "b", "conv_1")
    assert owners.of("conv_1") == Owner("t", "a", 0.0)


def test_the_oldest_is_forgotten_for_the_newest() -> None:
    owners = Owners(Clock(), most=3)
    for number in range(5):
        owners.keep("t", "a", str(number))
    assert [id_ for id_ in "01234" if owners.of(id_)] == ["2", "3", "4"]


def test_what_nobody_keeps_any_more_is_forgotten() -> None:
    clock = Clock()
    owners = Owners(clock)
    owners.keep("t", "a", "x")
    clock.now = KEPT_FOR
    assert owners.of("x") is not None
    clock.now += 1
    assert owners.of("x") is None
    assert len(owners) == 0


def test_what_is_longer_than_an_id_is_none() -> None:
    owners = Owners(Clock())
    owners.keep("t", "a", "x" * (LONGEST + 1))
    assert len(owners) == 0
