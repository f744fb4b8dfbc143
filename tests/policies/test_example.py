"""The library as its contract shows it, line by line; only placeholders are filled in."""

from random import Random
from time import monotonic as clock

from policies import (
    Engine,
    Facts,
    Fail,
    Headroom,
    LeastLatency,
    Limits,
    Measurement,
    News,
    Outcome,
    Rate,
    Report,
    Request,
    Route,
    Send,
    Stop,
    Target,
    Wait,
)


def made() -> Engine:
    return Engine(
        {
            "chat": Route(
                [Target("openai/gpt-5-mini", weight=9), Target("groq/llama-3.3-70b")],
                LeastLatency(),
            )
        },
        facts={
            "openai/gpt-5-mini": Facts(
                limits=Limits([Rate(500, 60)], [Rate(200_000, 60)], 64),
                context=400_000,
                groups=("openai",),
            )
        },
        rng=Random(7),
        now=clock(),
    )


def drive(engine: Engine, request: Request, *outcomes: Outcome) -> list[str]:
    """What a driver does; the world ends attempts like this, one after another."""
    script, told = list(outcomes), []
    course = engine.start(request, now=clock(), wake=None)
    try:
        while script:
            match course.next(now=clock()):
                case Send(attempt, target, limits):
                    assert clock() < limits.head <= limits.deadline == request.deadline
                    told.append(target)
                    attempt.sent(clock())
                    if script[0] is Outcome.OK:
                        attempt.first_token(clock())
                    attempt.settle(Report(script.pop(0)), clock())
                case Stop(attempt, outcome):
                    attempt.settle(Report(outcome), clock())
                case Wait(until, cause):
                    raise AssertionError(f"nothing to wait for until {until}: {cause}")
                case Fail(cause, refusals, retry_at):
                    assert retry_at is not None
                    assert retry_at <= clock()  # both could serve a request sent anew
                    return [*told, cause.name, *refusals]
    finally:
        course.close(now=clock())
    return told


def test_the_library_works_as_its_contract_shows_it() -> None:
    engine = made()
    request = Request(model="chat", input_tokens=900, deadline=clock() + 60)
    (first,) = drive(engine, request, Outcome.OK)
    assert first in ("openai/gpt-5-mini", "groq/llama-3.3-70b")
    assert len(drive(engine, request, Outcome.FAILED, Outcome.OK)) == 2
    assert drive(engine, request, Outcome.REJECTED, Outcome.OK)[1] == "CALLER"

    explained = engine.explain(request, clock())
    assert [target.target for target in explained.targets] == [
        "openai/gpt-5-mini",
        "groq/llama-3.3-70b",
    ]
    said = Measurement((Headroom("requests", left=100, limit=500, reset=48.0),))
    engine.observe("openai/gpt-5-mini", said, sent=clock(), now=clock())
    engine.advise("groq/llama-3.3-70b", News.SICK, clock())
    assert engine.snapshot(clock())["openai/gpt-5-mini"].requests_left == 100
    engine.replace({"chat": Route([Target("groq/llama-3.3-70b")])}, {}, clock())
    assert drive(engine, request, Outcome.OK) == ["groq/llama-3.3-70b"]


def test_what_an_attempt_does_not_send_it_gives_back() -> None:
    engine = made()
    course = engine.start(Request(model="chat", deadline=clock() + 60), now=clock())
    match course.next(now=clock()):
        case Send(attempt, target, _):
            attempt.give_back(clock(), until=None)
            assert engine.snapshot(clock())[target].in_flight == 0
        case other:
            raise AssertionError(other)
    course.close(now=clock())
