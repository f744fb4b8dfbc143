"""What a line says: one attempt of one request, and how it was decided; its published schema.

Why: files outlive the process that wrote them, and are read by others than us. So every field says
what it means, and what is read is what was written (`reading`).
Must not: hold a text, a key, or what a caller wrote into a header. What is usual is left out of a
line: it has the value that stands here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

ZERO, ONE = 0.0, 1.0
"""These very numbers are left out of a line, as defaults: an equal one is written, since they are
not compared, but known.
"""


class Candidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A target of the model, as it stood the moment before somebody was chosen."""

    target: Annotated[str, Meta(description="Its full name, `provider/upstream-model`.")]
    refused: Annotated[
        str, Meta(description="Why it could not serve the request; empty: it could.")
    ] = ""
    tier: Annotated[int, Meta(description="The tier it stands in, from 1.")] = 1
    weight: Annotated[float, Meta(description="As it is written for this model.")] = ONE
    health: Annotated[float, Meta(description="S = A · L · R, in [0, 1].")] = ONE
    availability: Annotated[float, Meta(description="A: how likely it is to answer.")] = ONE
    latency: Annotated[float, Meta(description="L: its usual wait over the present one.")] = ONE
    ramp: Annotated[float, Meta(description="R: its share while it comes back.")] = ONE
    predicted_s: Annotated[
        float | None,
        Meta(description="Seconds the request would take there, with no load; null: never seen."),
    ] = None
    load: Annotated[float, Meta(description="Times that, for what is open there.")] = ONE
    cost: Annotated[
        float | None,
        Meta(description="Seconds, weighed: predicted_s · load / (weight · availability)."),
    ] = None
    money: Annotated[
        int | None,
        Meta(description="Nano-dollars the request is expected to cost; null: no price is known."),
    ] = None
    in_flight: Annotated[int, Meta(description="Attempts open on it.")] = 0


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try on one target, from its choice to its end."""

    number: Annotated[int, Meta(description="Which of the request's attempts it is, from 1.")]
    target: Annotated[str, Meta(description="Who was asked.")]
    model: Annotated[
        str,
        Meta(description="The model by whose targets it was chosen; empty: the one asked for."),
    ] = ""
    kind: Annotated[
        str,
        Meta(
            description="first: the request's first; next: after others failed; again: a target "
            "that had it before; beside: while another is open, whichever answers first; climb: "
            "after an answer that did not pass the checks; rest: for the rest of an answer that "
            "broke off; probe: to see whether an ejected target is well; look: to measure one "
            "that was idle."
        ),
    ] = "first"
    policy: Annotated[str, Meta(description="Who chose.")] = ""
    propensity: Annotated[
        float | None,
        Meta(
            description="How likely it was to be chosen then: for first, next, beside, climb and "
            "rest among those that could be sent to, by the policy's odds (weighted_round_robin: "
            "its share). null: it was not drawn (again, probe, look, instead_of), or the policy "
            "has no odds."
        ),
    ] = None
    instead_of: Annotated[
        str, Meta(description="Who was chosen and had no room by the fleet's count; empty: nobody.")
    ] = ""
    candidates: Annotated[
        tuple[Candidate, ...], Meta(description="All targets of the model, in its order.")
    ] = ()
    after_s: Annotated[float, Meta(description="When it was sent, after the arrival.")] = ZERO
    first_s: Annotated[
        float | None,
        Meta(description="From then to its first content; null: none, or not a stream."),
    ] = None
    total_s: Annotated[float, Meta(description="From then to its end.")]
    outcome: Annotated[str, Meta(description="How it ended: ok, failed, throttled, denied, …")]
    phase: Annotated[
        str, Meta(description="How far it had come then: connect, head, first_token, body.")
    ] = "body"
    input_tokens: Annotated[int | None, Meta(description="Tokens read; null: unknown.")] = None
    output_tokens: Annotated[int | None, Meta(description="Tokens written; null: unknown.")] = None
    cached_tokens: Annotated[
        int, Meta(description="Of the input, those that its provider had in a cache.")
    ] = 0
    stored_tokens: Annotated[
        int, Meta(description="Of the input, those that its provider wrote to a cache.")
    ] = 0
    service_tier: Annotated[
        str, Meta(description="In which its provider says that it served it; empty: it said none.")
    ] = ""
    estimated: Annotated[
        bool, Meta(description="Its tokens are the router's estimate, and so is the money.")
    ] = False
    money: Annotated[
        int | None,
        Meta(
            description="Nano-dollars by the target's price: that of the service tier in which "
            "it was served, and of caches read and written. null: the price or the tokens are "
            "unknown. 0: nothing reached the provider, or it is free."
        ),
    ]


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt of one request; a request for which nobody was asked has one line without one.

    The lines of a request stand together, written when it ended, each with all that is said of it.
    """

    v: Annotated[Literal[1], Meta(description="The version of this schema.")]
    request: Annotated[str, Meta(description="Its `x-request-id`.")]
    at: Annotated[float, Meta(description="When it came: Unix time in seconds, to 0.1 ms.")]
    instance: Annotated[str, Meta(description="The process: another name after each start.")]
    revision: Annotated[str, Meta(description="The configuration in force then.")]
    share: Annotated[
        float,
        Meta(description="How likely such a request was to be recorded: it stands for 1/share."),
    ] = ONE
    model: Annotated[str, Meta(description="What was asked for.")]
    tenant: Annotated[str, Meta(description="Who asked.")]
    operation: Annotated[str, Meta(description="By the end of its path: chat, messages, …")] = (
        "chat"
    )
    stream: Annotated[bool, Meta(description="Whether its answer was to be streamed.")] = False
    expected_tokens: Annotated[int, Meta(description="Of its input, as estimated when it came.")]
    counted: Annotated[
        dict[str, int], Meta(description="The same as counted then, by tokenizer.")
    ] = {}
    most_tokens: Annotated[
        int | None, Meta(description="The most it lets be written; null: it set no bound.")
    ] = None
    requires: Annotated[
        tuple[str, ...], Meta(description="What it takes that some targets of the model lack.")
    ] = ()
    only: Annotated[
        tuple[str, ...] | None, Meta(description="The targets it is confined to; null: it is not.")
    ] = None
    wished: Annotated[str, Meta(description="The policy that its caller asked for.")] = ""
    features: Annotated[
        dict[str, bool], Meta(description="What the policy asked to know: tools, schema, …")
    ] = {}
    band: Annotated[
        str, Meta(description="Who goes first where requests wait: critical, standard, sheddable.")
    ] = "standard"
    acts: Annotated[bool, Meta(description="It must not be served twice.")] = False
    deadline_s: Annotated[float, Meta(description="How long its answer could take.")]
    end: Annotated[str, Meta(description="ok, error, interrupted, gone, slow, drained, …")]
    cause: Annotated[str, Meta(description="Why it failed; empty where it did not.")] = ""
    status: Annotated[int, Meta(description="What the client was sent; 0: it left before.")] = 200
    degraded: Annotated[
        str, Meta(description="How far down its ladder it came: `model=NAME`, `text`.")
    ] = ""
    target: Annotated[
        str, Meta(description="Who answered, or failed last; empty: nobody was asked.")
    ] = ""
    input_tokens: Annotated[int | None, Meta(description="Of the answer it got.")] = None
    output_tokens: Annotated[int | None, Meta(description="The same, written.")] = None
    estimated: Annotated[bool, Meta(description="Whether these are estimates.")] = False
    first_s: Annotated[
        float | None, Meta(description="From its coming to its first content; null: there was none")
    ] = None
    total_s: Annotated[float, Meta(description="From its coming to its end.")]
    client_s: Annotated[
        float, Meta(description="Of these, how long its client took too little.")
    ] = ZERO
    attempts: Annotated[int, Meta(description="How many there were: so many lines it has.")]
    attempt: Annotated[Attempt | None, Meta(description="This line's; null: nobody was asked.")] = (
        None
    )
    refused: Annotated[
        dict[str, str], Meta(description="Where nobody was asked, why each target was not.")
    ] = {}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of Pointsman's records of decisions",
        **msgspec.json.schema(Line),
    }
