"""Every fault of the drill, by what a client sees of it."""

from router.testing import (
    ERROR_EVENT,
    Answer,
    Raw,
    Reset,
    Status,
    event,
    stale,
)
from tests.drill import scenes
from tests.drill.before import BEFORE, ELSEWHERE, STREAM
from tests.drill.fault import GOOD, PATIENCE, QUICK, TEXT, Expected, Fault, Theme
from tests.drill.resumed import BROKEN_OFF, PACE, RESUMED

HERE = Expected(by=("first",))
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
EVENTS = event(choices=[{"index": 0, "delta": {"content": "one two"}}])
UNFIT = Status(400, code="context_length_exceeded")
BROKE = Status(429, code="insufficient_quota", type="insufficient_quota")
DENIED = Status(401, code="invalid_api_key")
ONLY = (1, 0)
NOBODY = (0, 0)

RESTS = [
    Fault(
        "429 with Retry-After, three requests",
        Status(429, retry_after=5),
        ELSEWHERE,
        attempts=(1, 3),
        times=3,
    ),
    Fault(
        "429 with a Retry-After of a day",
        Status(429, retry_after=86_400),
        ELSEWHERE,
        attempts=(1, 3),
        times=3,
    ),
    Fault(
        "429 everywhere for a second",
        [Status(429, retry_after=1), GOOD],
        Expected(within=1.2 + QUICK),
        attempts=(2, 1),
        second=[Status(429, retry_after=2), GOOD],
    ),
]
DENIES = [
    Fault("a bad key, three requests", DENIED, ELSEWHERE, attempts=(1, 3), times=3),
    Fault(
        "a bill (402), three requests",
        Status(402, type="billing_error"),
        ELSEWHERE,
        attempts=(1, 3),
        times=3,
    ),
    Fault("an empty purse, three requests", BROKE, ELSEWHERE, attempts=(1, 3), times=3),
    Fault(
        "a model that is missing, three requests",
        Status(404, code="model_not_found"),
        ELSEWHERE,
        attempts=(1, 3),
        times=3,
    ),
]
ASKS_WRONGLY = [
    Fault(
        "a parameter that is wrong",
        Status(400, code="invalid_value"),
        Expected(error="BadRequestError", code=("invalid_value",)),
        attempts=ONLY,
    ),
    Fault(
        "a text that is filtered",
        Status(400, code="content_filter"),
        Expected(error="BadRequestError", code=("content_filter",)),
        attempts=ONLY,
    ),
]
TOO_LONG = [
    Fault("too long for the first", UNFIT, ELSEWHERE),
    Fault("a parameter it does not know", Status(400, code="unsupported_parameter"), ELSEWHERE),
    Fault("too long as configured", GOOD, ELSEWHERE, attempts=(0, 1), serves="context: 1"),
    Fault(
        "too long for both",
        UNFIT,
        Expected(error="BadRequestError", code=("context_length_exceeded",)),
        second=UNFIT,
    ),
]
AFTER = [
    Fault("ends after content", GOOD.cut(after=3).paced(PACE), BROKEN_OFF, ONLY, ways=STREAM),
    Fault("resets after content", GOOD.reset(after=3).paced(PACE), BROKEN_OFF, ONLY, ways=STREAM),
    Fault(
        "stalls after content",
        GOOD.stalled(after=3).paced(PACE),
        Expected(
            error="APIError",
            code=("stream_interrupted",),
            broken_off=True,
            within=PATIENCE + QUICK,
        ),
        ONLY,
        ways=STREAM,
    ),
    Fault(
        "errs after content",
        GOOD.inserting(ERROR_EVENT, after=3).paced(PACE),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
    ),
    Fault(
        "tears an event with words in it",
        GOOD.inserting(EVENTS[:-9] + b"\n\n", after=3).paced(PACE),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
    ),
    Fault(
        "sends many malformed events",
        GOOD.inserting(4 * b"data: what?\n\n", after=3).paced(PACE),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
    ),
    Fault(
        "breaks its chunks after content",
        Raw([CHUNKED, b"%x\r\n%b\r\n" % (len(EVENTS), EVENTS), 0.02, b"zz\r\n"]),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
    ),
    Fault(
        "ends without a reason to finish",
        Answer(TEXT, finish=None, done=False).paced(PACE),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
    ),
]
ODD = [
    Fault("TLS of an authority of one's own", GOOD, HERE, (3, 0), times=3, tls="right"),
    Fault("no [DONE]", Answer(TEXT, done=False), HERE, ONLY, ways=STREAM),
    Fault("no usage", Answer(TEXT, usage=False), HERE, ONLY),
    Fault("a malformed event before content", GOOD.malformed(after=1), HERE, ONLY, ways=STREAM),
    Fault(
        "a malformed event within content",
        GOOD.malformed(after=3).paced(PACE),
        HERE,
        ONLY,
        ways=STREAM,
    ),
    Fault("connections closed as they are used again", stale(GOOD), HERE, (4, 0), times=4),
    Fault("a head that is announced (103)", GOOD.preceded(103), HERE, ONLY),
    Fault(
        "chunks with extensions and trailers",
        GOOD.chunked(extension=b";a=b", trailers={"x-sum": "1"}),
        HERE,
        ONLY,
    ),
    Fault("a connection that closes each time", GOOD.closing(), HERE, (3, 0), times=3),
    Fault("an end by closing", GOOD.until_close(), HERE, ONLY),
    Fault("one byte at a time", GOOD.dribbled(), HERE, ONLY),
]
NOBODY_LEFT = [
    Fault(
        "500 everywhere",
        Status(500),
        Expected(error="InternalServerError", code=("upstream_failed",)),
        attempts=(1, 2),
        second=Status(500),
    ),
    Fault(
        "429 everywhere for 30 s",
        Status(429, retry_after=30),
        Expected(error="RateLimitError", code=("no_capacity",), retry_after=(29, 30)),
        second=Status(429, retry_after=30),
    ),
    Fault(
        "bad keys everywhere",
        DENIED,
        Expected(error="InternalServerError", code=("no_target",), retry_after=(1, 60)),
        second=DENIED,
    ),
    Fault(
        "everybody gone, back when told to come",
        GOOD,
        attempts=None,
        long=True,
        scene=scenes.gone_and_back,
    ),
]
FALLS_BACK = [
    Fault("500 everywhere in the route", Status(500), ELSEWHERE, attempts=(2, 1), ladder=True),
    Fault("a bad key for all of the route", DENIED, ELSEWHERE, ladder=True),
    Fault(
        "500 everywhere, also there",
        Status(500),
        Expected(by=("",)),
        attempts=(2, 2),
        second=Status(500),
        ladder=True,
    ),
    Fault(
        "ends before content, also there",
        GOOD.cut(after=1),
        Expected(by=("",)),
        attempts=(2, 2),
        second=GOOD.cut(after=1),
        ways=STREAM,
        ladder=True,
    ),
    Fault(
        "ends after content, all the same",
        GOOD.cut(after=3).paced(PACE),
        BROKEN_OFF,
        ONLY,
        ways=STREAM,
        ladder=True,
    ),
    Fault(
        "a value that is wrong, all the same",
        Status(400, code="invalid_value"),
        Expected(error="BadRequestError", code=("invalid_value",)),
        ONLY,
        ladder=True,
    ),
]
SEARCHES: dict[str, object] = {"web_search_options": {}}
MAY_HAVE_ACTED = Expected(error="InternalServerError", code=("may_have_acted",))
ACTS = [
    Fault("refuses connections to a search", GOOD, ELSEWHERE, gone=True, asks=SEARCHES),
    Fault("429 to a search", Status(429, retry_after=5), ELSEWHERE, asks=SEARCHES),
    Fault("500 to a search", Status(500), MAY_HAVE_ACTED, ONLY, asks=SEARCHES),
    Fault("resets a search", Reset(), MAY_HAVE_ACTED, ONLY, asks=SEARCHES),
    Fault(
        "ends a search before content",
        GOOD.cut(after=1),
        MAY_HAVE_ACTED,
        ONLY,
        ways=STREAM,
        asks=SEARCHES,
    ),
]
CLIENTS = [
    Fault("the client leaves", GOOD, attempts=ONLY, scene=scenes.client_leaves),
    Fault(
        "the client takes nothing",
        GOOD,
        attempts=ONLY,
        ways=STREAM,
        keys="timeouts: {first_token: 5s, between_tokens: 5s}",
        scene=scenes.client_takes_nothing,
    ),
]
KEYS = [
    Fault("again, when it was answered", GOOD, attempts=ONLY, scene=scenes.key_again),
    Fault("again, while it runs", GOOD, attempts=ONLY, scene=scenes.key_in_use),
    Fault("with another body", GOOD, attempts=ONLY, scene=scenes.key_of_another),
]
LEAVING = [
    Fault(
        "SIGTERM within a stream",
        GOOD.paced(0.25),
        attempts=None,
        ways=STREAM,
        keys="timeouts: {first_token: 3s, between_tokens: 3s}",
        scene=scenes.router_leaves,
        last=True,
    ),
]
THEMES = [
    Theme(
        "a provider fails before any content: an error, a reset, silence, a page, bad TLS",
        "the answer, from elsewhere",
        BEFORE,
    ),
    Theme(
        "it asks to be left alone (429)",
        "the answer, from elsewhere; it gets nothing until its rest is over",
        RESTS,
    ),
    Theme(
        "it refuses us: a bad key, an empty purse, a missing model",
        "the answer, from elsewhere; never its 401 as your own",
        DENIES,
    ),
    Theme(
        "a request is wrong, or its text is filtered",
        "the provider's own error, at once; nobody else is asked",
        ASKS_WRONGLY,
    ),
    Theme(
        "a request is too long for it, or asks what it does not do",
        "the answer of a target that takes it, else that error",
        TOO_LONG,
    ),
    Theme(
        "a stream breaks after content",
        "an error that SDKs raise; never a part that looks whole",
        AFTER,
    ),
    Theme(
        "a stream breaks after content, and its route says `interrupted: resume`",
        "the rest of the answer, from elsewhere; else that error",
        RESUMED,
    ),
    Theme(
        "an answer is odd, but all there",
        "that answer, whole",
        ODD,
    ),
    Theme(
        "nobody is left",
        "429, 502 or 503; where it says `Retry-After`, coming back then helps",
        NOBODY_LEFT,
    ),
    Theme(
        "nobody is left, and the route says what then (`when_all_fail`)",
        "another model's answer, or your text; each says so (`x-router-degraded`)",
        FALLS_BACK,
    ),
    Theme(
        "a provider fails a request with tools that it runs itself (a search, code)",
        "the answer, from elsewhere, if nothing was begun; else an error that SDKs do not retry",
        ACTS,
    ),
    Theme(
        "a client leaves, or takes nothing",
        "its provider's side is ended: within 100 ms, or after `client_write`",
        CLIENTS,
    ),
    Theme(
        "an `Idempotency-Key` is sent again",
        "the same answer; 409 while it runs; 422 with another body",
        KEYS,
    ),
    Theme(
        "the router is told to leave",
        "the whole answer; new clients go elsewhere (`/readyz` says 503)",
        LEAVING,
    ),
]
