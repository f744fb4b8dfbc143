"""What Prometheus reads: checked against the grammar of its text format 0.0.4."""

import re
from pathlib import Path
from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from policies import Engine, Outcome, Report, Request, Route, Send, Target
from router.telemetry.counters import Counters
from router.telemetry.journal import RefusalRecord
from router.telemetry.prometheus import prometheus
from tests.router.running import running, written
from tests.router.telemetry.records import ATTEMPT, REQUEST, changed

SAMPLE = re.compile(r"(?P<name>[a-z_]+)(\{(?P<labels>.*)\})? (?P<value>[0-9.e+-]+|\+Inf|NaN)")
LABEL = re.compile(r'(?P<name>[a-z_]+)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n"}
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


class Series(NamedTuple):
    """What makes a series one of its own."""

    name: str
    labels: tuple[tuple[str, str], ...]


def parsed(page: str) -> dict[Series, float]:
    """Every sample of a page, which is well formed."""
    samples: dict[Series, float] = {}
    families: list[str] = []
    kind = ""
    assert page.endswith("\n")
    lines = iter(page[:-1].split("\n"))
    for line in lines:
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in families, f"{family} is in two places"
            families.append(family)
            _, word, typed, kind = next(lines).split(" ")
            assert (word, typed) == ("TYPE", family)
            assert (kind == "counter") == family.endswith("_total")
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample["name"] in [family + suffix for suffix in SUFFIXES[kind]]
        series = Series(sample["name"], labels_of(sample["labels"] or ""))
        assert series not in samples, f"{series} twice"
        samples[series] = float(sample["value"])
    return samples


def labels_of(text: str) -> tuple[tuple[str, str], ...]:
    labels, at = [], 0
    while at < len(text):
        label = LABEL.match(text, at)
        assert label is not None, text
        value = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], label["value"])
        labels.append((label["name"], value))
        at = label.end()
    assert len(dict(labels)) == len(labels)
    return tuple(labels)


def test_a_page_about_nothing_is_well_formed() -> None:
    assert parsed(prometheus(Counters(), {}, 0, 0)) == {
        Series("pointsman_requests_running", ()): 0,
        Series("pointsman_log_lines_dropped_total", ()): 0,
    }


def test_every_count_is_a_sample() -> None:
    counters = Counters()
    counters.request(changed(REQUEST, attempts=2))
    counters.attempt(ATTEMPT)
    counters.refused(RefusalRecord("req_1", 404, "model_not_found"))
    samples = parsed(prometheus(counters, {}, 3, 4))
    request = (("tenant", "default"), ("model", "chat"), ("status", "200"), ("end", "ok"))
    attempt = (("target", "sim/fast"), ("outcome", "ok"), ("phase", ""))
    assert samples[Series("pointsman_requests_total", request)] == 1
    assert samples[Series("pointsman_attempts_total", attempt)] == 1
    assert samples[Series("pointsman_rescued_total", (("model", "chat"),))] == 1
    refused = (("status", "404"), ("code", "model_not_found"))
    assert samples[Series("pointsman_refused_total", refused)] == 1
    assert samples[Series("pointsman_requests_running", ())] == 3
    assert samples[Series("pointsman_log_lines_dropped_total", ())] == 4


def test_what_was_expected_of_tokens_is_told_beside_what_was_counted() -> None:
    engine = Engine({"m": Route([Target("a/m")])}, rng=Random(1), now=0.0)
    action = engine.start(Request("m", 60.0, 1000), 0.0).next(0.0)
    assert isinstance(action, Send)
    action.attempt.settle(Report(Outcome.OK, input_tokens=1500, output_tokens=300), 1.0)
    samples = parsed(prometheus(Counters(), engine.snapshot(1.0), 0, 0))
    for kind, expected, counted, off in (("input", 1000, 1500, 500), ("output", 256, 300, 44)):
        labels = (("target", "a/m"), ("kind", kind))
        assert samples[Series("pointsman_tokens_expected_total", labels)] == expected
        assert samples[Series("pointsman_tokens_counted_total", labels)] == counted
        assert samples[Series("pointsman_token_estimate_error_total", labels)] == off
    assert samples[Series("pointsman_token_estimate_factor", (("target", "a/m"),))] == 1.25


@given(st.lists(st.floats(0, 200), min_size=1))
def test_a_histograms_buckets_add_up(durations: list[float]) -> None:
    counters = Counters()
    for seconds in durations:
        counters.request(changed(REQUEST, started=0.0, ended=seconds))
    samples = parsed(prometheus(counters, {}, 0, 0))
    buckets = {
        float(dict(series.labels)["le"]): count
        for series, count in samples.items()
        if series.name == "pointsman_request_seconds_bucket"
    }
    assert list(buckets) == sorted(buckets)
    for bound, count in buckets.items():
        assert count == sum(seconds <= bound for seconds in durations)
    model = (("model", "chat"),)
    assert buckets[float("inf")] == samples[Series("pointsman_request_seconds_count", model)]
    total = samples[Series("pointsman_request_seconds_sum", model)]
    assert abs(total - sum(durations)) < 1e-5


@given(st.text(), st.text())
def test_any_name_survives_in_a_label(model: str, tenant: str) -> None:
    counters = Counters()
    counters.request(changed(REQUEST, model=model, tenant=tenant))
    (request,) = [
        dict(series.labels)
        for series in parsed(prometheus(counters, {}, 0, 0))
        if series.name == "pointsman_requests_total"
    ]
    assert (request["model"], request["tenant"]) == (model, tenant)


async def test_a_running_routers_page_is_well_formed_and_typed(tmp_path: Path) -> None:
    models = "chat: {policy: priority, tiers: [[sim/broken], [sim/fast]]}"
    async with running(written(tmp_path, models)) as router:
        await router.chat()
        async with router.streamed() as response:
            await response.read()
        answer = await router.ask_admin("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = parsed(answer.body.decode())
    assert samples[Series("pointsman_rescued_total", (("model", "chat"),))] == 2
    assert samples[Series("pointsman_target_in_flight", (("target", "sim/fast"),))] == 0
    assert samples[Series("pointsman_target_health", (("target", "sim/silent"),))] == 1
    first = Series("pointsman_first_token_seconds_count", (("target", "sim/fast"),))
    assert samples[first] == 1  # of the stream; the other came whole


async def test_what_callers_invent_adds_no_series(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"]}}'
    path = written(tmp_path, server="auth: keys", rest=rest)
    async with running(path, {"KEY": "team-key"}) as router:

        async def invent(name: str) -> None:
            key = {"authorization": "Bearer team-key"}
            assert (await router.chat(name, headers=key)).status == 404
            assert (await router.ask("GET", f"/v1/models/{name}", headers=key)).status == 404
            assert (await router.ask("GET", f"/{name}")).status == 404
            assert (await router.ask(name, "/v1/models")).status == 400
            assert (await router.chat(headers={"authorization": f"Bearer {name}"})).status == 401
            assert (await router.chat(headers=key | {"x-router-policy": name})).status == 403
            assert (await router.chat(headers=key | {"x-router-timeout": name})).status == 400

        async def series() -> set[Series]:
            return set(parsed((await router.ask_admin("GET", "/metrics")).body.decode()))

        await invent("first")
        before = await series()
        for number in range(1000):
            answer = await router.chat(f"model-{number}", {"authorization": "Bearer team-key"})
            assert answer.status == 404
        for number in range(20):
            await invent(f"name-{number}")
        assert await series() == before
