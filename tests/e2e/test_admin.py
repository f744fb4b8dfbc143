"""What the router tells of itself to its operator: true, and readable by machines."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.running import Router, ask, serving

CONFIG = """\
version: 1
server: {{admin_token: "{token}", drain: {{announce: 0s, wait: 1s}}}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {{first_token: 1ms, tokens_per_second: 1000, output_tokens: 3}}
      broken: {{first_token: 1ms, error_rate: 1}}
models:
  fast: {{targets: [sim/fast]}}
  rescued: {{policy: priority, tiers: [[sim/broken], [sim/fast]]}}
"""
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
TOLD = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
Samples = dict[tuple[str, frozenset[str]], float]


@pytest.fixture
def router(tmp_path) -> Iterator[Router]:
    with serving(tmp_path, CONFIG.format(token="")) as running:
        yield running


def samples(page: str) -> Samples:
    """Every sample of a page, each line of which must be one or tell of one."""
    assert page.endswith("\n")
    found: Samples = {}
    types: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("#"):
            told = TOLD.fullmatch(line)
            assert told, line
            if told[1] == "TYPE":
                assert told[2] not in types, line
                types[told[2]] = told[3]
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        family = sample[1] if sample[1] in types else re.sub("_(bucket|sum|count)$", "", sample[1])
        assert types[family] in ("counter", "gauge", "histogram"), line
        key = sample[1], frozenset(re.findall(LABEL, sample[2] or ""))
        assert key not in found, line
        found[key] = float(sample[3])
    return found


def value(found: Samples, name: str, **labels: str) -> float:
    wanted = frozenset(f'{label}="{text}"' for label, text in labels.items())
    return found[f"pointsman_{name}", wanted]


def test_metrics_parse_and_count_what_was_asked(router):
    for _ in range(3):
        assert router.chat("fast").status == 200
    assert router.chat("fast", stream=True).status == 200
    assert router.chat("rescued").status == 200
    assert router.chat("nothing").status == 404
    assert ask(router.listen, "GET", "/nowhere").status == 404
    page = ask(router.admin, "GET", "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(page.text)
    ok = {"tenant": "default", "status": "200", "end": "ok"}
    assert value(found, "requests_total", model="fast", **ok) == 4
    assert value(found, "requests_total", model="rescued", **ok) == 1
    assert value(found, "rescued_total", model="rescued") == 1
    assert value(found, "attempts_total", target="sim/fast", outcome="ok", phase="") == 5
    assert value(found, "refused_total", status="404", code="model_not_found") == 1
    assert value(found, "refused_total", status="404", code="unknown_path") == 1
    assert value(found, "tokens_total", target="sim/fast", kind="output") == 15
    assert value(found, "requests_running") == 0
    assert value(found, "target_in_flight", target="sim/fast") == 0
    assert value(found, "request_seconds_count", model="fast") == 4
    assert value(found, "request_seconds_bucket", model="fast", le="+Inf") == 4
    assert value(found, "first_token_seconds_count", target="sim/fast") == 1


def test_counts_agree_between_metrics_and_status(router):
    for model in ("fast", "rescued", "rescued"):
        router.chat(model)
    found = samples(ask(router.admin, "GET", "/metrics").text)
    counted = [row["count"] for row in router.status()["attempts"]]
    total = sum(count for (name, _), count in found.items() if name == "pointsman_attempts_total")
    assert total == sum(counted) >= 5


def test_a_callers_own_words_are_no_label(router):
    for word in ('a"b', "c\nd", "e" * 300):
        assert router.chat(word).status == 404
    page = ask(router.admin, "GET", "/metrics").text
    assert samples(page)
    assert "e" * 20 not in page


def test_status_shows_health_as_its_factors(router):
    for _ in range(5):
        router.chat("rescued")
    targets = router.status()["targets"]
    broken = targets["sim/broken"]
    assert broken["health"] == pytest.approx(
        broken["availability"] * broken["latency"] * broken["ramp"], abs=0.002
    )
    assert broken["health"] < targets["sim/fast"]["health"] == 1.0
    assert broken["state"] == "ejected"


def test_the_admin_listener_asks_for_its_token(tmp_path):
    with serving(tmp_path, CONFIG.format(token="${ADMIN}"), {"ADMIN": "hush"}) as router:
        for path in ("/status", "/metrics"):
            assert ask(router.admin, "GET", path).status == 401
            wrong = {"Authorization": "Bearer hus"}
            assert ask(router.admin, "GET", path, wrong).status == 401
            right = {"Authorization": "Bearer hush"}
            assert ask(router.admin, "GET", path, right).status == 200
        assert "hush" not in router.said


def test_the_admin_listener_answers_no_page_of_the_web(router):
    for headers in ({"Host": "rebound.example"}, {"Origin": "https://page.example"}):
        assert ask(router.admin, "GET", "/status", headers).status == 403


def test_clients_do_not_reach_the_admin_pages(router):
    for path in ("/status", "/metrics", "/explain"):
        assert ask(router.listen, "GET", path).status == 404


def test_a_prompt_is_not_in_the_log(router):
    router.chat("fast", messages=[{"role": "user", "content": "a secret wish"}])
    assert "secret wish" not in router.said
