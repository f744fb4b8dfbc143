"""How a provider is shown who asks, as files say it."""

from urllib.parse import urlsplit

import pytest

from router.config import Provider
from router.config import credentials as room
from tests.router.config.samples import loaded, noted, places, said

MODELS = "models: {chat: {targets: [a/m]}}\n"
PAIR = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
SESSION = {**PAIR, "AWS_SESSION_TOKEN": "session"}
BEARER = {"AWS_BEARER_TOKEN_BEDROCK": "bearer"}
BEDROCK = "preset: bedrock, region: eu-west-1"


def file(keys: str, more: str = "") -> str:
    return f"version: 1\nproviders:\n  a: {{{keys}, models: [m]}}\n{more}{MODELS}"


def a(keys: str, environ: dict[str, str]) -> Provider:
    return loaded(file(keys), environ).providers["a"]


def key(provider: Provider) -> str | None:
    return provider.api_key.reveal() if provider.api_key else None


@pytest.mark.parametrize(
    ("keys", "environ", "auth", "held"),
    [
        (BEDROCK, BEARER, "key", "bearer"),
        (BEDROCK, PAIR, "aws", "AKID:secret"),
        (BEDROCK, SESSION, "aws", "AKID:secret:session"),
        (BEDROCK, {**PAIR, **BEARER}, "key", "bearer"),
        (f"{BEDROCK}, auth: aws", {**PAIR, **BEARER}, "aws", "AKID:secret"),
        (f"{BEDROCK}, auth: aws", BEARER, "aws", None),
        (f"{BEDROCK}, auth: key", BEARER, "key", "bearer"),
        (f"{BEDROCK}, api_key: mine", PAIR, "key", "mine"),
        (f'{BEDROCK}, auth: aws, api_key: "${{B}}:x"', {**PAIR, "B": "b"}, "aws", "b:x"),
        ("base_url: http://x, auth: aws, region: r", PAIR, "aws", "AKID:secret"),
        ("preset: gemini, auth: google", {"GEMINI_API_KEY": "key"}, "google", None),
        ("base_url: http://x, auth: azure", {}, "azure", None),
        ("preset: openai", {**PAIR, "OPENAI_API_KEY": "key"}, "key", "key"),
    ],
)
def test_who_asks_is_shown_as_the_file_and_the_environment_say(
    keys: str, environ: dict[str, str], auth: str, held: str | None, monkeypatch
) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: "there")
    provider = a(keys, environ)
    assert (provider.auth, key(provider), provider.enabled) == (auth, held, True)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (f"{BEDROCK}, auth: key", "AWS_BEARER_TOKEN_BEDROCK is not set"),
        (BEDROCK, "AWS_BEARER_TOKEN_BEDROCK is not set"),
        (f'{BEDROCK}, auth: aws, api_key: "${{NO_ID:-}}:${{NO_KEY:-}}"', "NO_ID is not set"),
    ],
)
def test_without_keys_the_provider_is_off(keys: str, why: str) -> None:
    provider = a(keys, {})
    assert provider.off_because == why
    assert any(why in note for note in noted(file(keys)))


def test_a_region_is_part_of_bedrock_s_address() -> None:
    addresses = {
        "bedrock": "https://bedrock-runtime.eu-west-1.amazonaws.com",
        "bedrock-openai": "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1",
        "bedrock-mantle-openai": "https://bedrock-mantle.eu-west-1.api.aws/openai/v1",
    }
    for preset, address in addresses.items():
        provider = a(f"preset: {preset}, region: eu-west-1", BEARER)
        assert provider.base_url == address
        assert provider.dialect == ("bedrock" if preset == "bedrock" else "openai")
        own = a(f"preset: {preset}, region: r, base_url: 'http://127.0.0.1:9'", BEARER)
        assert own.base_url == f"http://127.0.0.1:9{urlsplit(address).path}"


MISTAKES = {
    "no region": (
        file("»preset: bedrock").replace("»", "").replace("  a:", "  »a:"),
        "preset bedrock needs a region",
        "write region: us-east-1",
    ),
    "a region that is no part of an address": (
        file("preset: bedrock, region: »us east"),
        "no address has such a region",
        "write it as us-east-1",
    ),
    "a signature for nowhere": (
        file("base_url: http://x, auth: aws").replace("  a:", "  »a:"),
        "keys of AWS sign for a region",
        "write region: us-east-1",
    ),
    "half of a pair": (
        file(f"{BEDROCK}, auth: aws, »api_key: half"),
        "api_key is no pair of AWS keys",
        "${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}",
    ),
    "a key beside a token": (
        file("base_url: http://x, auth: google, »api_key: key"),
        "auth: google takes no api_key",
        "remove one of them",
    ),
    "no such way": (
        file("base_url: http://x, auth: »gogle"),
        'auth "gogle" is not known here',
        "google",
    ),
    "a simulated provider": (
        file("dialect: simulated, »auth: key"),
        "a simulated provider has no auth",
        "remove it",
    ),
}


@pytest.mark.parametrize(("text", "what", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_where_it_is(text: str, what: str, remedy: str, monkeypatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: "there")
    text, (place,) = places(text)
    found = said(text, PAIR)
    assert len(found) == 1
    assert found[0].startswith(place + what)
    assert remedy in found[0]
    assert "half" not in found[0]


@pytest.mark.parametrize("extra", ["aws", "google", "azure"])
def test_a_package_that_is_missing_is_named_with_its_remedy(extra: str, monkeypatch) -> None:
    def missing(name: str) -> None:
        if "." in name:
            raise ModuleNotFoundError(name)

    monkeypatch.setattr(room, "find_spec", missing)
    text, (place,) = places(file(f"base_url: http://x, region: r, »auth: {extra}"))
    if extra != "aws":
        text = text.replace("region: r, ", "")
        place = f"3:{int(place.split(':')[1]) - len('region: r, ')}: "
    what = f"auth: {extra} needs a package that is not installed"
    assert said(text) == [f"{place}{what}; pip install 'pointsman[{extra}]'"]


def test_keys_of_the_environment_need_no_package(monkeypatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    assert a(f"{BEDROCK}, auth: aws", PAIR).enabled
