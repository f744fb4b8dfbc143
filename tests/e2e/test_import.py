"""Coming from another gateway as a user does: import, check, serve, and ask by the old name."""

import json
from pathlib import Path

import pytest
from openai import OpenAI

from router.testing import Answer, Provider, Status
from tests.e2e.running import ROOT, run, serving

LITELLM = """\
model_list:
  - model_name: gpt-4
    litellm_params: {{model: openai/first-model, api_base: "{first}", api_key: os.environ/FIRST}}
  - model_name: spare
    litellm_params: {{model: openai/other-model, api_base: "{second}", api_key: sk-in-the-file}}
router_settings:
  fallbacks: [{{gpt-4: [spare]}}]
  num_retries: 1
general_settings:
  master_key: sk-master
"""


def ask(url: str, key: str, model: str) -> str | None:
    with OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        messages = [{"role": "user", "content": "Which way?"}]
        told = client.chat.completions.create(model=model, messages=messages)  # type: ignore[arg-type]
    return told.choices[0].message.content


def test_a_proxy_of_litellm_s_is_replaced_and_clients_notice_nothing(tmp_path: Path) -> None:
    old, new = tmp_path / "config.yaml", tmp_path / "new.yaml"
    with Provider(Status(503)) as first, Provider(Answer("That way.")) as second:
        old.write_text(LITELLM.format(first=first.url, second=second.url))
        ended = run("import", "litellm", str(old))
        assert ended.returncode == 0
        assert "comments to read" in ended.stderr
        new.write_text(ended.stdout)
        environ = {"FIRST": "sk-first", "SERVER_2_API_KEY": "sk-in-the-file"}
        checked = run("check", str(new), **environ)
        assert (checked.returncode, checked.stderr) == (0, "")
        with serving(tmp_path, new.read_text(), environ) as router:
            assert ask(router.base_url, "sk-master", "gpt-4") == "That way."
        assert first.requests[0].header("authorization") == ["Bearer sk-first"]
        assert first.requests[0].fields["model"] == "first-model"
        assert second.requests[0].header("authorization") == ["Bearer sk-in-the-file"]
        assert second.requests[0].fields["model"] == "other-model"


def test_a_config_of_portkey_s_is_replaced(tmp_path: Path) -> None:
    old, new = tmp_path / "config.json", tmp_path / "new.yaml"
    with Provider(Answer("That way.")) as provider:
        target = {"provider": "openai", "custom_host": provider.url, "api_key": "sk-x"}
        old.write_text(json.dumps({"strategy": {"mode": "fallback"}, "targets": [target]}))
        ended = run("import", "portkey", str(old), "--model", "gpt-4o", "-o", str(new))
        assert (ended.returncode, ended.stdout) == (0, "")
        with serving(tmp_path, new.read_text(), {"SERVER_API_KEY": "sk-x"}) as router:
            assert ask(router.base_url, "any", "gpt-4o") == "That way."
        assert provider.requests[0].fields["model"] == "gpt-4o"


def test_what_cannot_be_imported_is_named_with_its_place(tmp_path: Path) -> None:
    old = tmp_path / "config.yaml"
    old.write_text("model_list:\n  - model_name: m\n    litellm_params: {rpm: many}\n")
    ended = run("import", "litellm", str(old))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{old}:")
    assert "Traceback" not in ended.stderr
    missing = run("import", "litellm", str(tmp_path / "none.yaml"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "there is no such file" in missing.stderr


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    new = tmp_path / "providers.yaml"
    new.write_text("mine")
    golden = ROOT / "tests/router/importing/golden/litellm.yaml"
    ended = run("import", "litellm", str(golden), "-o", str(new))
    assert ended.returncode == 1
    assert new.read_text() == "mine"
    assert f"{new}: File exists" in ended.stderr


@pytest.mark.parametrize("kind", ["litellm", "portkey"])
def test_help_says_what_it_takes(kind: str) -> None:
    assert kind in run("import", "--help").stdout
