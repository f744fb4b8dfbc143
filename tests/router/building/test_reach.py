"""How a provider is shown who asks: by a header of every request, or by a credential."""

import asyncio
from pathlib import Path

from router.building.reach import credential_of, headers_of
from router.config import Provider, load
from router.upstream.credential import Bearer, Renewals, Signed

FILE = """\
version: 1
providers:
  p: {{{keys}, models: [m]}}
models: {{chat: {{targets: [p/m]}}}}
"""
PAIR = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "s"}
KEYS = {"OPENAI_API_KEY": "key", "AZURE_OPENAI_API_KEY": "key", "AWS_BEARER_TOKEN_BEDROCK": "key"}


def provider(folder: Path, keys: str, environ: dict[str, str] = KEYS) -> Provider:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(keys=keys))
    return load(path, environ).providers["p"]


async def test_a_key_is_a_header_and_needs_no_credential(tmp_path: Path) -> None:
    renewals = Renewals(asyncio.get_running_loop())
    for keys in ("preset: openai", "preset: bedrock, region: eu-west-1"):
        told = provider(tmp_path, keys)
        assert headers_of(told)["authorization"] == "Bearer key"
        assert credential_of(told, renewals) is None


async def test_a_pair_of_aws_keys_signs_for_the_preset_s_service(tmp_path: Path) -> None:
    renewals = Renewals(asyncio.get_running_loop())
    for preset, service in (("bedrock", "bedrock"), ("bedrock-mantle-openai", "bedrock-mantle")):
        told = provider(tmp_path, f"preset: {preset}, region: eu-west-1", PAIR)
        credential = credential_of(told, renewals)
        assert isinstance(credential, Signed)
        shown = credential.headers("POST", "/x", {"host": "h"}, b"{}")
        assert f"/eu-west-1/{service}/aws4_request" in shown["authorization"]
        assert shown["x-amz-security-token"] == "s"
        assert "authorization" not in headers_of(told)
        assert "secret" not in repr(credential)


async def test_a_token_of_one_cloud_serves_all_providers_that_show_it(tmp_path: Path) -> None:
    renewals = Renewals(asyncio.get_running_loop())
    told = provider(tmp_path, "base_url: http://x, auth: google")
    first, second = credential_of(told, renewals), credential_of(told, renewals)
    assert isinstance(first, Bearer)
    assert isinstance(second, Bearer)
    assert first.when_ready == second.when_ready
    assert headers_of(told) == {}
