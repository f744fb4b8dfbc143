"""What operators are shown, over a real connection to a whole router."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from router.app import App
from tests.router.running import running, written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/other: 1, sim/broken: 0}}
steady: {policy: priority, tiers: [[sim/fast], [sim/other]]}
gpt: {targets: [dear/gpt]}
"""
GUARDED = 'admin_token: "${TOKEN}"'
ENVIRON = {"TOKEN": "open-sesame"}
PAGES = [
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/decisions"),
    ("POST", "/explain"),
]


def question(model: str = "chat", **fields: Any) -> bytes:
    return json.dumps({"model": model, **fields}).encode()


# Who may look.


@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer open-sesam"}, {"authorization": "Basic open-sesame"}]
)
async def test_where_a_token_is_set_every_page_asks_for_it(
    tmp_path: Path, header: dict[str, str]
) -> None:
    async with running(written(tmp_path, server=GUARDED), ENVIRON) as router:
        for method, page in [*PAGES, ("GET", "/none")]:
            answer = await router.ask_admin(method, page, headers=header)
            assert (answer.status, answer.told["title"]) == (401, "invalid_admin_token")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.told.keys() == {"title", "status", "detail"}
            assert "open-sesame" not in answer.body.decode()


async def test_the_token_opens_every_page(tmp_path: Path) -> None:
    header = {"authorization": "Bearer open-sesame"}
    async with running(written(tmp_path, server=GUARDED), ENVIRON) as router:
        for method, page in PAGES:
            body = question() if method == "POST" else None
            assert (await router.ask_admin(method, page, body, header)).status == 200


async def test_without_a_token_in_the_file_none_is_asked_for(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        assert (await router.ask_admin("GET", "/status")).status == 200


async def test_a_clients_key_is_no_admin_token(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"]}}'
    path = written(tmp_path, server=f"auth: keys, {GUARDED}", rest=rest)
    async with running(path, {**ENVIRON, "KEY": "team-key"}) as router:
        header = {"authorization": "Bearer team-key"}
        assert (await router.ask("GET", "/v1/models", headers=header)).status == 200
        assert (await router.ask_admin("GET", "/status", headers=header)).status == 401


async def test_a_web_page_cannot_ask(tmp_path: Path) -> None:
    async with running(written(tmp_path, server='origins: ["https://app.example"]')) as router:
        for header in ({"host": "evil.example"}, {"origin": "https://app.example"}):
            assert (await router.ask_admin("GET", "/status", headers=header)).status == 403


async def test_pages_are_not_on_the_clients_listener_nor_its_paths_here(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        assert (await router.ask("GET", "/status")).status == 404
        answer = await router.ask_admin("GET", "/v1/models")
    assert (answer.status, answer.told["title"]) == (404, "unknown_path")
    assert all(f"{method} {page}" in answer.told["detail"] for method, page in PAGES)


async def test_head_is_answered_without_a_body(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask_admin("HEAD", "/status")
    assert (answer.status, answer.body) == (200, b"")


# Status.


async def test_status_shows_what_runs_and_why_something_does_not(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        status = (await router.ask_admin("GET", "/status")).told
    assert (status["ready"], status["running"], status["log_lines_dropped"]) == (True, 0, 0)
    assert status["uptime_s"] >= status["config"]["loaded_s_ago"] >= 0
    assert status["config"]["path"] == "providers.yaml"
    assert status["config"]["errors"] == []
    assert any("DEAR_KEY is not set" in note for note in status["config"]["notes"])
    assert status["models"] == {
        "chat": {
            "policy": "weighted_round_robin",
            "tiers": [{"sim/fast": 3.0, "sim/other": 1.0, "sim/broken": 0.0}],
            "off": None,
        },
        "steady": {
            "policy": "priority",
            "tiers": [{"sim/fast": 1.0}, {"sim/other": 1.0}],
            "off": None,
        },
        "gpt": {
            "policy": "least_latency",
            "tiers": [{"dear/gpt": 1.0}],
            "off": "dear: DEAR_KEY is not set",
        },
    }
    assert "sim/silent" in status["targets"]  # declared, in no route
    assert "dear/gpt" not in status["targets"]
    assert status["requests"] == status["attempts"] == []


async def test_what_nothing_bounds_is_null(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    limited = "other: {limits: {requests: 10/min, tokens: 1k/min, concurrent: 2}, "
    path.write_text(path.read_text().replace("other: {", limited))
    async with running(path) as router:
        targets = (await router.ask_admin("GET", "/status")).told["targets"]
    left = ("requests_left", "tokens_left", "places_left")
    assert [targets["sim/fast"][room] for room in left] == [None, None, None]
    assert [targets["sim/other"][room] for room in left] == [10, 1000, 2]
    assert targets["sim/fast"]["first_token_s"] is None
    assert (targets["sim/fast"]["state"], targets["sim/fast"]["cause"]) == ("healthy", "")
    assert targets["sim/fast"]["health"] == 1.0


async def test_status_counts_requests_and_attempts(tmp_path: Path) -> None:
    models = "chat: {policy: priority, tiers: [[sim/broken], [sim/fast]]}"
    async with running(written(tmp_path, models)) as router:
        await router.chat()
        status = (await router.ask_admin("GET", "/status")).told
    assert status["requests"] == [
        {"tenant": "default", "model": "chat", "status": 200, "end": "ok", "count": 1}
    ]
    ended = {(row["target"], row["outcome"], row["phase"]) for row in status["attempts"]}
    assert ended == {("sim/broken", "failed", "head"), ("sim/fast", "ok", "")}
    assert status["targets"]["sim/broken"]["health"] < 1
    unknown = {"factor": 1.0, "input_error": None, "output_error": None}
    assert status["targets"]["sim/broken"]["estimates"] == unknown
    counted = status["targets"]["sim/fast"]["estimates"]
    assert 0 <= counted["input_error"] < 1
    assert counted["output_error"] is not None


# Explain.


async def test_explain_says_of_each_target_whether_and_how_often(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        told = (await router.ask_admin("POST", "/explain", question(model="chat"))).told
    fast, other, broken = told["targets"]
    assert told["model"] == "chat"
    assert [fast["target"], other["target"], broken["target"]] == [
        "sim/fast",
        "sim/other",
        "sim/broken",
    ]
    assert (fast["odds"], other["odds"], broken["odds"]) == (0.75, 0.25, 0.0)
    assert fast["refused"] is None
    assert broken["refused"] == "its weight is 0"
    assert broken["refused_for_s"] is None  # until somebody writes another


async def test_explain_says_it_in_words(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        told = (await router.ask_admin("POST", "/explain", question(model="chat"))).told
    assert [target["words"] for target in told["targets"]] == [
        "not measured yet; gets 75 % of such requests",
        "not measured yet; gets 25 % of such requests",
        "its weight is 0",
    ]


async def test_explain_tells_what_a_route_falls_back_on_as_far_as_it_is_on(tmp_path: Path) -> None:
    rungs = "[{model: gpt}, {model: steady}, {text: sorry}]"
    models = f"{MODELS}sure: {{targets: [sim/fast], when_all_fail: {rungs}}}"
    async with running(written(tmp_path, models)) as router:
        told = (await router.ask_admin("POST", "/explain", question(model="sure"))).told
        named = (await router.ask_admin("POST", "/explain", question(model="sim/fast"))).told
    assert told["when_all_fail"] == [{"model": "steady"}, {"text": "sorry"}]
    assert named["when_all_fail"] == []


async def test_explain_counts_tiers_from_one(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        told = (await router.ask_admin("POST", "/explain", question(model="steady"))).told
    assert [target["tier"] for target in told["targets"]] == [1, 2]
    assert [target["odds"] for target in told["targets"]] == [1.0, 0.0]


async def test_explain_takes_a_targets_full_name_and_confines_to_one(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        named = await router.ask_admin("POST", "/explain", b'{"model": "sim/other"}')
        confined = await router.ask_admin(
            "POST", "/explain", b'{"model": "chat", "target": "sim/other"}'
        )
    assert [target["target"] for target in named.told["targets"]] == ["sim/other"]
    odds = {target["target"]: target["odds"] for target in confined.told["targets"]}
    assert odds == {"sim/fast": 0.0, "sim/other": 1.0, "sim/broken": 0.0}


async def test_explaining_takes_nothing_and_changes_nothing(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        first, second = [
            (await router.ask_admin("POST", "/explain", question(model="chat"))).told
            for _ in range(2)
        ]
        status = (await router.ask_admin("GET", "/status")).told
    assert first == second
    assert status["requests"] == status["attempts"] == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("caht", "did you mean 'chat'"),
        ("gpt", "DEAR_KEY is not set"),
        ("dear/gpt", "does not exist"),
    ],
)
async def test_explain_of_a_model_that_cannot_serve_is_404_and_says_why(
    tmp_path: Path, model: str, words: str
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        answer = await router.ask_admin("POST", "/explain", question(model=model))
    assert (answer.status, answer.told["title"]) == (404, "model_not_found")
    assert words in answer.told["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"model": 7}',
        b'{"model": ""}',
        b'{"model": "\xff"}',
        b"[" * 100_000,
    ],
)
async def test_a_question_that_is_none_is_400(tmp_path: Path, body: bytes) -> None:
    async with running(written(tmp_path)) as router:
        answer = await router.ask_admin("POST", "/explain", body)
    assert (answer.status, answer.told["title"]) == (400, "invalid_question")
    assert "model" in answer.told["detail"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tool": True}, 'unknown field "tool"; did you mean "tools"?'),
        ({"tools": [{}]}, "tools is neither true nor false; write true or false"),
        ({"input_tokens": "many"}, 'input_tokens "many" is not a count; write it as 64, '),
        (
            {"target": "sim/fats"},
            'target "sim/fats" is none of the model\'s; did you mean "sim/fast"',
        ),
        (
            {"target": "dear/gpt"},
            'target "dear/gpt" is none of the model\'s; use one of: sim/broken',
        ),
        ({"tenant": "team"}, 'tenant "team" is nobody who can ask; use one of: default'),
    ],
)
async def test_a_field_that_is_wrong_is_400_and_named_with_its_remedy(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    async with running(written(tmp_path, MODELS)) as router:
        answer = await router.ask_admin("POST", "/explain", question(**fields))
    assert (answer.status, answer.told["title"]) == (400, "invalid_question")
    assert words in answer.told["detail"]


RULES = """
smart:
  policy: cost_tiers
  tiers: [[sim/fast], [sim/other]]
  start: [{if: %s, tier: 2}]
"""


@pytest.mark.parametrize(
    ("rule", "holds", "fails"),
    [
        ("{input_tokens: '>8k'}", {"input_tokens": 8001}, {"input_tokens": "8k"}),
        ("{output_tokens: '<=1k'}", {"output_tokens": "1k"}, {}),
        ("{stream: true}", {"stream": True}, {}),
        ("{tools: true}", {"tools": True}, {"images": True}),
        ("{tools: false}", {}, {"tools": True}),
        ("{schema: true}", {"schema": True}, {"schema": False}),
        ("{images: true, tools: true}", {"images": True, "tools": True}, {"images": True}),
    ],
)
async def test_what_a_start_rule_asks_can_be_asked_about(
    tmp_path: Path, rule: str, holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    async with running(written(tmp_path, RULES % rule)) as router:
        for fields, odds in ((holds, [0.0, 1.0]), (fails, [1.0, 0.0])):
            answer = await router.ask_admin("POST", "/explain", question("smart", **fields))
            assert [target["odds"] for target in answer.told["targets"]] == odds


async def test_a_request_goes_where_it_was_explained_to_go(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look_up"}}
    async with running(written(tmp_path, RULES % "{tools: true}")) as router:
        for tools in ([], [tool]):
            asked = question("smart", tools=bool(tools))
            told = (await router.ask_admin("POST", "/explain", asked)).told
            [chosen] = [one["target"] for one in told["targets"] if one["odds"] == 1.0]
            answer = await router.chat("smart", tools=tools)
            assert answer.headers["x-router-target"] == chosen


async def test_explain_knows_that_a_patient_request_would_wait_in_its_tier(tmp_path: Path) -> None:
    models = "steady: {policy: priority, tiers: [[sim/fast], [sim/other]], patience: 2m}"
    path = written(tmp_path, models)
    limited = "fast: {limits: {requests: 1/min}, "
    path.write_text(path.read_text().replace("fast: {", limited, 1))
    async with running(path) as router:
        await router.chat("steady")
        told = (await router.ask_admin("POST", "/explain", question("steady"))).told
    limit, tier = [target["refused"] for target in told["targets"]]
    assert limit == "its rate limit has no room for the request now"
    assert tier == "its tier is not open to the request"


async def test_explain_tells_a_policy_of_ones_own_who_asks_and_how_urgently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "polite.py").write_text(
        "class Polite:\n"
        "    needs = frozenset()\n"
        "    def fresh(self): return None\n"
        "    def choose(self, request, candidates, *_):\n"
        "        return candidates[request.band if request.tenant == 'team' else 0]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    path = written(
        tmp_path,
        'chat: {policy: "polite:Polite", targets: [sim/fast, sim/other, sim/silent]}',
        "plugins: [polite], auth: keys",
        'tenants: {team: {keys: ["${KEY}"]}}',
    )
    async with running(path, {"KEY": "team-key"}) as router:
        for fields, odds in (
            ({"priority": "sheddable"}, [1.0, 0.0, 0.0]),
            ({"tenant": "team"}, [0.0, 1.0, 0.0]),
            ({"tenant": "team", "priority": "critical"}, [1.0, 0.0, 0.0]),
            ({"tenant": "team", "priority": "sheddable"}, [0.0, 0.0, 1.0]),
        ):
            answer = await router.ask_admin("POST", "/explain", question(**fields))
            assert [target["odds"] for target in answer.told["targets"]] == odds
    del sys.modules["polite"]


async def test_explain_for_a_tenant_without_room_says_that_it_is_refused(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"], limits: {requests: 1/min}}}'
    path = written(tmp_path, MODELS, server="auth: keys", rest=rest)
    async with running(path, {"KEY": "team-key"}) as router:
        asked = question("chat", tenant="team")
        assert (await router.ask_admin("POST", "/explain", asked)).told["tenant"] is None
        await router.chat(headers={"authorization": "Bearer team-key"})
        told = (await router.ask_admin("POST", "/explain", asked)).told["tenant"]
        assert told.startswith("the tenant 'team' may have 1 requests in any minute; 0 are left")
        other = (await router.ask_admin("POST", "/explain", question("chat"))).told["tenant"]
        assert other is None


async def test_explain_for_a_tenant_knows_the_models_that_it_sees(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"], models: [chat]}}'
    path = written(tmp_path, MODELS, server="auth: keys", rest=rest)
    async with running(path, {"KEY": "team-key"}) as router:
        for model, status in (("chat", 200), ("steady", 404), ("sim/fast", 404)):
            asked = question(model, tenant="team")
            assert (await router.ask_admin("POST", "/explain", asked)).status == status


# What no page holds.


async def test_no_page_holds_a_credential(tmp_path: Path) -> None:
    rest = 'tenants: {team: {keys: ["${KEY}"]}}'
    path = written(tmp_path, MODELS, server=f"auth: keys, {GUARDED}", rest=rest)
    secrets = {**ENVIRON, "KEY": "team-key", "DEAR_KEY": "dear-key"}
    header = {"authorization": "Bearer open-sesame"}
    async with running(path, secrets) as router:
        await router.chat(headers={"authorization": "Bearer team-key"})
        for method, page in PAGES:
            body = question() if method == "POST" else None
            answer = await router.ask_admin(method, page, body, header)
            assert answer.status == 200
            assert not [secret for secret in secrets.values() if secret in answer.body.decode()]
        assert_hides(router.app, secrets)


def assert_hides(app: App, secrets: dict[str, str]) -> None:
    """What a debugger or a traceback would print of the router's values shows none either."""
    shown = repr(app.state.config) + repr(app.state.runtime)
    assert not [secret for secret in secrets.values() if secret in shown]
