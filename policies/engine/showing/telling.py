"""A record in words."""

from __future__ import annotations

from policies.engine.actions import Fail, Wait
from policies.engine.showing import words
from policies.engine.showing.amounts import count, duration
from policies.engine.showing.record import Choice, Record, Step, Stopped, Verb


def told(record: Record) -> list[str]:
    """A record in words, a sentence for each step that says something."""
    began = record.steps[0].at if record.steps else 0.0
    targets: dict[int, str] = {}
    sent: dict[int, float] = {}
    sentences = []
    for step in record.steps:
        if isinstance(step.said, Choice):
            targets[len(targets) + 1] = step.said.target
        elif step.verb is Verb.SENT:
            sent[step.attempt] = step.at
        elif step.verb is Verb.SWITCH:
            targets[step.attempt] = step.target
        target = targets.get(step.attempt, "")
        if sentence := _sentence(record, step, target, sent.get(step.attempt, step.at)):
            sentences.append(f"+{duration(step.at - began)}: {sentence}")
        if step.verb is Verb.START:
            sentences += record.start[:1]
    if record.left_out:
        sentences.append(f"{count(record.left_out, 'more step')}, not kept")
    return sentences


def _sentence(record: Record, step: Step, target: str, sent: float) -> str:
    """`step` in words; empty where it says nothing that the step before did not."""
    match step.verb:
        case Verb.START if record.request is not None:
            return words.of_request(record.request, step.at)
        case Verb.NEXT | Verb.GO_ON | Verb.CLIMB:
            return _answer(step)
        case Verb.FIRST_TOKEN:
            return f"first content from {target} after {duration(step.at - sent)}"
        case Verb.SETTLE if step.report is not None:
            return words.of_report(target, step.report, step.at - sent)
        case Verb.GIVE_BACK:
            return f"nothing was sent to {target}, whose place is given back"
        case Verb.SWITCH:
            return f"{target} is asked instead"
        case Verb.CLOSE:
            return "over"
        case _:
            return ""


def _answer(step: Step) -> str:
    """What the course said, or was told to do, in words."""
    now = step.at
    match step.said:
        case Choice(target, policy, _, probe, _, views):
            return words.of_choice(target, policy, views, now, probe=probe)
        case Wait(until, cause):
            return words.of_wait(cause, until, now)
        case Stopped(attempt, outcome):
            return f"gives up send {attempt}: {outcome.word}"
        case Fail(cause, refusals, retry_at):
            return words.of_failure(cause, refusals, retry_at, now)
        case None if step.tier:
            return words.of_climbing(step.tier)
        case _:
            return words.of_going_on(step.among) if step.among else ""
