from router.telemetry.journal import AttemptRecord, Journal, Reader, RefusalRecord, RequestRecord
from tests.router.telemetry.records import ATTEMPT, REQUEST

REFUSAL = RefusalRecord("req_1", 404, "model_not_found")


class Keeps:
    """A reader that keeps what it reads."""

    def __init__(self) -> None:
        self.read: list[object] = []

    def attempt(self, record: AttemptRecord) -> None:
        self.read.append(record)

    def request(self, record: RequestRecord) -> None:
        self.read.append(record)

    def refused(self, record: RefusalRecord) -> None:
        self.read.append(record)


class Raises(Keeps):
    """A reader that keeps what it reads, and fails at it."""

    def attempt(self, record: AttemptRecord) -> None:
        super().attempt(record)
        raise KeyError("attempt")

    def request(self, record: RequestRecord) -> None:
        super().request(record)
        raise KeyError("request")

    def refused(self, record: RefusalRecord) -> None:
        super().refused(record)
        raise KeyError("refused")


def tell(journal: Journal) -> list[object]:
    """Everything that can be told."""
    journal.attempt(ATTEMPT)
    journal.request(REQUEST)
    journal.refused(REFUSAL)
    return [ATTEMPT, REQUEST, REFUSAL]


def journal_of(*readers: Reader) -> tuple[Journal, list[tuple[str, str]]]:
    """A journal, and what it reports of its readers."""
    reported: list[tuple[str, str]] = []
    return Journal(
        list(readers), lambda reader, error: reported.append((reader, repr(error)))
    ), reported


def test_every_reader_is_told_everything_once_and_in_order() -> None:
    one, two = Keeps(), Keeps()
    journal, reported = journal_of(one, two)
    told = tell(journal)
    assert one.read == two.read == told
    assert reported == []


def test_a_reader_that_raises_is_reported_once_and_left_out_from_then_on() -> None:
    faulty = Raises()
    journal, reported = journal_of(faulty)
    tell(journal)
    tell(journal)
    assert faulty.read == [ATTEMPT]
    assert reported == [("Raises", "KeyError('attempt')")]


def test_the_others_miss_nothing_wherever_they_stand() -> None:
    before, between, after = Keeps(), Keeps(), Keeps()
    journal, reported = journal_of(before, Raises(), between, Raises(), after)
    told = tell(journal)
    assert before.read == between.read == after.read == told
    assert reported == [("Raises", "KeyError('attempt')")] * 2


def test_whatever_it_is_that_a_reader_fails_at_nobody_else_notices() -> None:
    for verb in ("attempt", "request", "refused"):
        kept = Keeps()
        journal, reported = journal_of(Raises(), kept)
        {
            "attempt": lambda journal=journal: journal.attempt(ATTEMPT),
            "request": lambda journal=journal: journal.request(REQUEST),
            "refused": lambda journal=journal: journal.refused(REFUSAL),
        }[verb]()
        assert len(kept.read) == 1
        assert reported == [("Raises", f"KeyError('{verb}')")]


def test_a_journal_without_readers_is_told_in_vain() -> None:
    tell(journal_of()[0])
