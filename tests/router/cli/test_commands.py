"""What is typed, and what comes of it: exit codes and words, in this process."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli.commands import app
from tests.router.running import written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/other: 1}}
gpt: {targets: [dear/gpt]}
"""


def pointsman(*arguments: str | Path, **environ: str | None) -> Result:
    """Run a command; variables that are None are not set."""
    return CliRunner().invoke(app, [str(word) for word in arguments], env=environ)


def test_help_names_every_command_and_no_command_is_a_question_for_help() -> None:
    for result, code in ((pointsman("--help"), 0), (pointsman(), 2)):
        assert result.exit_code == code
        commands = ("serve", "check", "explain", "status", "drain", "pin", "overrides", "lift")
        for command in (*commands, "shadow"):
            assert command in result.output


@pytest.mark.parametrize(
    "arguments", [["sevre"], ["check", "--stirct"], ["explain"], ["check", "a", "b"]]
)
def test_what_cannot_be_understood_is_exit_code_2(arguments: list[str]) -> None:
    assert pointsman(*arguments).exit_code == 2


# check


def test_check_of_a_good_file_is_0_and_says_what_can_serve(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    result = pointsman("check", path, DEAR_KEY="dear-key")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{path}: 2 of 2 models can serve, on 6 targets\n"


def test_check_prints_notes_and_strict_makes_them_errors(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    loose = pointsman("check", path, DEAR_KEY=None)
    strict = pointsman("check", "--strict", path, DEAR_KEY=None)
    assert loose.exit_code == 0
    assert f"note: {path}:" in loose.stdout
    assert "DEAR_KEY is not set" in loose.stdout
    assert loose.stdout.endswith(f"{path}: 1 of 2 models can serve, on 5 targets\n")
    assert strict.exit_code == 1
    assert f"error: {path}:" in strict.stdout
    assert "can serve, on" not in strict.stdout
    assert pointsman("check", "--strict", path, DEAR_KEY="dear-key").exit_code == 0


def test_check_names_every_mistake_with_its_place_and_is_1(tmp_path: Path) -> None:
    path = written(tmp_path, "a: {targets: [sim/none]}\nb: {polizei: x, targets: [sim/fast]}")
    result = pointsman("check", path)
    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{path}:") for line in lines)


def test_check_says_that_a_judge_cannot_be_had(tmp_path: Path) -> None:
    shadow = "{to: sim/other, spend: none, judge: nowhere:best}"
    path = written(tmp_path, f"a: {{targets: [sim/fast], shadow: {shadow}}}", "plugins: [nowhere]")
    result = pointsman("check", path)
    assert result.exit_code == 1
    assert "the judge 'nowhere:best' cannot be had: ModuleNotFoundError" in result.stderr


@pytest.mark.parametrize("command", ["check", "serve", "status", "explain"])
def test_a_file_that_is_not_there_is_said_by_every_command(tmp_path: Path, command: str) -> None:
    path = tmp_path / "none.yaml"
    options = {"check": (), "explain": ("-m", "chat", "-c")}.get(command, ("-c",))
    result = pointsman(command, *options, path)
    assert result.stderr.startswith(f"{path}:1:1: there is no such file")
    if "all the same" not in result.stderr:  # or it asks whoever runs where routers do unless told
        assert result.exit_code == (2 if command == "serve" else 1)


def test_check_makes_the_policies_that_the_file_names(tmp_path: Path) -> None:
    models = 'chat: {policy: "no_such_module:Best", targets: [sim/fast]}'
    path = written(tmp_path, models, "plugins: [no_such_module]")
    result = pointsman("check", path)
    assert result.exit_code == 1
    place, _, told = result.stderr.partition(": ")
    line, column = map(int, place.removeprefix(f"{path}:").split(":"))
    assert path.read_text().splitlines()[line - 1][column - 1 :].startswith('"no_such_module:Best"')
    assert told.startswith("the policy 'no_such_module:Best' cannot be made")
    assert "put no_such_module.py beside the file" in told


def test_check_shows_no_variables_value(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS, rest='tenants: {t: {keys: ["${KEY}"], nonsense: "${KEY}"}}')
    result = pointsman("check", path, KEY="marked-key", DEAR_KEY="marked-key")
    assert result.exit_code == 1
    assert "marked-key" not in result.output


# explain and status, with nobody running


def test_explain_says_that_it_answers_from_a_cold_start(tmp_path: Path) -> None:
    result = pointsman("explain", "--model", "chat", "-c", written(tmp_path, MODELS))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "cold start (no router answers at 127.0.0.1:0)" in result.stdout
    fast, other = (line for line in result.stdout.splitlines() if line.startswith("sim/"))
    assert fast.split()[:4] == ["sim/fast", "1", "3", "75%"]
    assert other.split()[:4] == ["sim/other", "1", "1", "25%"]
    assert "unseen" in fast


def test_explain_as_json_says_so_too(tmp_path: Path) -> None:
    result = pointsman("explain", "-m", "chat", "-c", written(tmp_path, MODELS), "--json")
    told = json.loads(result.stdout)
    assert told["source"].startswith("a cold start")
    assert [target["odds"] for target in told["targets"]] == [0.75, 0.25]


def test_explain_is_told_where_a_request_may_go(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    path.write_text(path.read_text().replace("fast: {", "fast: {residency: eu, "))
    asked = ("explain", "-m", "chat", "-c", path)
    told = pointsman(*asked, "--only", "residency=eu").stdout
    assert "sim/other: what it is sent does not stay where the request must: eu" in told
    result = pointsman(*asked, "--only", "eu")
    assert result.exit_code == 2
    assert "only" in result.stderr
    assert "write it as region=eu-*" in result.stderr


def test_explain_takes_tokens_and_a_targets_full_name(tmp_path: Path) -> None:
    path = written(tmp_path, MODELS)
    path.write_text(path.read_text().replace("fast: {", "fast: {context: 1000, "))
    arguments = ("explain", "-m", "sim/fast", "-c", path, "--stream", "--tokens")
    assert "longer than its context" not in pointsman(*arguments, "2001").stdout
    assert "longer than its context" in pointsman(*arguments, "2002").stdout


@pytest.mark.parametrize(
    ("model", "words"),
    [("gpt", "is off: dear: DEAR_KEY is not set"), ("caht", "did you mean 'chat'?")],
)
def test_explain_of_what_cannot_serve_is_1_and_says_why(
    tmp_path: Path, model: str, words: str
) -> None:
    result = pointsman("explain", "-m", model, "-c", written(tmp_path, MODELS), DEAR_KEY=None)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"the model '{model}'" in result.stderr
    assert words in result.stderr


@pytest.mark.parametrize(
    ("rule", "option"),
    [
        ("input_tokens: '>8k'", ["--tokens", "9k"]),
        ("input_tokens: '>8k'", ["--input-tokens", "8001"]),
        ("output_tokens: '>=1k'", ["--output-tokens", "1k"]),
        ("stream: true", ["--stream"]),
        ("tools: true", ["--tools"]),
        ("schema: true", ["--schema"]),
        ("images: true", ["--images"]),
    ],
)
def test_explain_takes_what_a_start_rule_can_ask(
    tmp_path: Path, rule: str, option: list[str]
) -> None:
    tiers = "tiers: [[sim/fast], [sim/other]]"
    models = f"smart: {{policy: cost_tiers, {tiers}, start: [{{if: {{{rule}}}, tier: 2}}]}}"
    asked = ("explain", "-m", "smart", "-c", written(tmp_path, models), "--json")
    for options, odds in (([], [1.0, 0.0]), (option, [0.0, 1.0])):
        told = json.loads(pointsman(*asked, *options).stdout)
        assert [target["odds"] for target in told["targets"]] == odds


@pytest.mark.parametrize(
    ("model", "code"), [("chat", 0), ("more", 1), ("sim/fast", 0), ("sim/silent", 1)]
)
def test_explain_for_a_tenant_knows_what_it_may_ask_for(
    tmp_path: Path, model: str, code: int
) -> None:
    team = 'tenants: {team: {keys: ["${KEY}"], models: [chat], may: [target]}}'
    models = MODELS + "more: {targets: [sim/silent]}"
    path = written(tmp_path, models, "auth: keys", team)
    result = pointsman("explain", "-m", model, "--tenant", "team", "-c", path, KEY="team-key")
    assert result.exit_code == code
    said = 'tenant "team" may not ask for it; use one of: chat'
    assert (said in result.stderr) is (code == 1)


@pytest.mark.parametrize(
    ("option", "value", "words", "code"),
    [
        ("--tokens", "9q", '--tokens "9q" is not a count; write it as', 2),
        ("--output-tokens", "-1", '--output-tokens "-1" is not a count; write it as', 2),
        ("--priority", "urgent", '--priority "urgent" is not known here; use one of: critical', 2),
        ("--tenant", "team", '--tenant "team" is nobody who can ask; use one of: default', 1),
    ],
)
def test_explain_names_what_was_asked_wrongly_and_its_remedy(
    tmp_path: Path, option: str, value: str, words: str, code: int
) -> None:
    result = pointsman("explain", "-m", "chat", "-c", written(tmp_path, MODELS), option, value)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_status_without_a_router_is_1_and_asks_whether_one_runs(tmp_path: Path) -> None:
    result = pointsman("status", "-c", written(tmp_path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "no router answers at 127.0.0.1:0: is `pointsman serve` running? If it listens elsewhere, "
        "say --admin\n"
    )


# serve, as far as it does not get to serve


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--listen", "nonsense", "--listen nonsense: write host:port"),
        ("--admin", "127.0.0.1:port", "--admin 127.0.0.1:port: write host:port"),
        ("--listen", "0.0.0.0:0", "auth is open"),
        ("--admin", "0.0.0.0:0", "has no admin_token"),
    ],
)
def test_serve_refuses_an_address_that_is_none_or_that_nothing_guards(
    tmp_path: Path, option: str, value: str, words: str
) -> None:
    result = pointsman("serve", "-c", written(tmp_path), option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_serve_says_which_policy_cannot_be_made(tmp_path: Path) -> None:
    models = 'chat: {policy: "no_such_module:Best", targets: [sim/fast]}'
    path = written(tmp_path, models, "plugins: [no_such_module]")
    result = pointsman("serve", "-c", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{path}:14:18: the policy 'no_such_module:Best' cannot be made" in result.stderr


def test_explain_reads_a_body_from_a_file_or_stdin_as_a_client_would_send_it(
    tmp_path: Path,
) -> None:
    path, body = written(tmp_path, MODELS), tmp_path / "body.json"
    told = '{"model": "chat", "max_tokens": 9, "stream": true, "messages": []}'
    body.write_text(told)
    result = pointsman("explain", "--body", body, "-c", path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "chat by weighted_round_robin" in result.stdout
    assert "tokens in, 9 out at most, streamed\n" in result.stdout
    words = ["explain", "--body", "-", "-c", str(path), "--path", "/v1/messages", "--json"]
    piped = CliRunner().invoke(app, words, input=told)
    assert json.loads(piped.stdout)["request"]["output_tokens"] == 9


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--body", "-"], 1, "the model 'caht' does not exist; did you mean 'chat'?"),
        (["--body", "-", "--stream"], 2, "stream stands in the body"),
        (["--body", "-", "--path", "/v2"], 2, 'path "/v2" is not known here'),
        (["--body", "/no/such/file"], 2, "no such file or directory"),
        (["--model", "chat", "--body", "-"], 2, "name a --model, or give a --body"),
    ],
)
def test_explain_of_a_wrong_body_says_so(
    words: list[str], code: int, told: str, tmp_path: Path
) -> None:
    whole = ["explain", *words, "-c", str(written(tmp_path, MODELS))]
    result = CliRunner().invoke(app, whole, input='{"model": "caht", "messages": []}')
    assert result.exit_code == code
    assert told in result.output
