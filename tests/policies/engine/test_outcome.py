import pytest

from policies import Effect, Health, Next, Outcome, Report, Rest

GOOD, BAD, SILENT = Health.GOOD, Health.BAD, Health.SILENT

TABLE = {
    Outcome.OK: (GOOD, Rest.NONE, Next.DONE),
    Outcome.FAILED: (BAD, Rest.NONE, Next.OTHER),
    Outcome.THROTTLED: (SILENT, Rest.RESET, Next.ANOTHER_OR_SAME),
    Outcome.SPILLED: (SILENT, Rest.RESET, Next.ANOTHER_OR_SAME),
    Outcome.DENIED: (SILENT, Rest.DOUBLING, Next.OTHER),
    Outcome.UNFIT: (SILENT, Rest.NONE, Next.FITTING),
    Outcome.REJECTED: (SILENT, Rest.NONE, Next.CLIENT),
    Outcome.FILTERED: (SILENT, Rest.NONE, Next.CLIENT),
    Outcome.ABANDONED: (SILENT, Rest.NONE, Next.DONE),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_the_table_says_what_follows_from_every_outcome(outcome: Outcome) -> None:
    assert outcome.effect == Effect(*TABLE[outcome])


def test_only_an_answer_and_a_failure_are_evidence_of_health() -> None:
    evidence = {outcome for outcome in Outcome if outcome.effect.health is not SILENT}
    assert evidence == {Outcome.OK, Outcome.FAILED}


def test_an_outcome_is_its_word() -> None:
    assert [outcome.value for outcome in Outcome] == [outcome.name.lower() for outcome in Outcome]


def test_a_report_needs_no_more_than_its_outcome() -> None:
    report = Report(Outcome.OK)
    assert report.rest is None
    assert not report.overloaded
    assert report.output_tokens is None
