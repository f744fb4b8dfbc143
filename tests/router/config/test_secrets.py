"""A credential is in no message, no note, no representation and no diff."""

import hashlib
import traceback
from copy import deepcopy

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import Config, ConfigError, Secret, words
from tests.router.config.samples import SHIPPED, loaded, noted, said

SECRET = "hunter2-5ad1b0"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
GUARDED = """
version: 1
server: {auth: keys, admin_token: "${SECRET}", plugins: [mine]}
providers:
  p: {base_url: http://127.0.0.1, api_key: "${SECRET}", models: [m]}
models:
  chat: {targets: [p/m], policy: {name: "mine:Own", token: "${SECRET}"}}
tenants:
  a: {keys: ["${SECRET}", "sha256:<digest>"]}
""".replace("<digest>", "b" * 64)


def guarded(secret: str = SECRET) -> Config:
    return loaded(GUARDED, {"SECRET": secret})


def test_a_configuration_does_not_show_its_credentials():
    config = guarded()
    for shown in (repr(config), str(config), f"{config}", repr(config.providers["p"].api_key)):
        assert SECRET not in shown
        assert DIGEST not in shown
    assert config.models["chat"].policy.options["token"] == SECRET


def test_a_secret_shows_itself_only_when_it_is_asked_to():
    secret = Secret(SECRET)
    assert (repr(secret), str(secret), f"{secret}") == ("Secret(…)",) * 3
    assert secret.reveal() == SECRET
    assert secret == Secret(SECRET) != Secret("other")
    assert not Secret("")


def test_a_reload_says_that_a_credential_changed_but_not_to_what():
    lines = words(guarded(), guarded("other-5ad1b0"))
    assert lines == [
        "server.admin_token changed: it needs a restart",
        "provider p: another api_key",
        "chat: other options for policy mine:Own",
        "tenant a: other keys (2 → 2)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        GUARDED.replace("server: {auth", 'server: {listen: "${SECRET}", auth'),
        GUARDED.replace("[p/m]", '["${SECRET}"]'),
        GUARDED.replace('"mine:Own"', '"${SECRET}"'),
        GUARDED.replace("[mine]", '["${SECRET}"]'),
        GUARDED.replace("http://127.0.0.1", '"http://u:${SECRET}@127.0.0.1"'),
        GUARDED.replace("models: [m]", 'like: "${SECRET}"'),
        GUARDED.replace('"sha256:', '"sha256:${SECRET}'),
        GUARDED.replace("keys: [", f"keys: [{SECRET}, "),
        GUARDED.replace('api_key: "${SECRET}"', f"api_key: [{SECRET}]"),
        GUARDED.replace('api_key: "${SECRET}"', f"{{api_key:{SECRET}}}"),
        GUARDED.replace('api_key: "${SECRET}"', f"api_key:{SECRET}"),
        GUARDED.replace('api_key: "${SECRET}"', f"api_key: *{SECRET}"),
        GUARDED.replace('api_key: "${SECRET}"', f"api_key: !{SECRET}"),
        GUARDED.replace('api_key: "${SECRET}"', f'api_key: "${{{SECRET}}}"'),
        GUARDED.replace('api_key: "${SECRET}"', f'api_key: "{SECRET} {SECRET}"'),
    ],
)
def test_a_mistake_with_a_credential_does_not_show_it(text):
    with pytest.raises(ConfigError) as raised:
        loaded(text, {"SECRET": SECRET})
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.problems)
    assert SECRET not in shown


def leaves(node: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in leaves(value, (*path, key))]
    if isinstance(node, list):
        return [leaf for i, value in enumerate(node) for leaf in leaves(value, (*path, i))]
    return [path]


FILE = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
LEAVES = leaves(FILE)


@settings(deadline=None)
@given(st.sampled_from(LEAVES), st.sampled_from(["", "!", " ", "\n", "/", "s", "/min"]))
def test_wherever_a_variable_stands_its_value_is_in_no_message(path, after):
    file = deepcopy(FILE)
    node = file
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = "${SECRET}"
    text = yaml.safe_dump(file, sort_keys=False)
    environ = {"SECRET": SECRET + after}
    lines = said(text, environ) or noted(text, environ)
    assert SECRET not in "\n".join(lines)


def test_a_name_from_a_variable_is_not_suggested_either():
    text = GUARDED.replace("[m]", '["${SECRET}"]').replace("[p/m]", "[p/hunter3-5ad1b0]")
    (line,) = said(text, {"SECRET": SECRET})
    assert line.endswith('"p/hunter3-5ad1b0"; declare it under providers.p.models')
