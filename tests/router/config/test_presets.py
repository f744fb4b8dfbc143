"""A provider is three lines of the file: what they come to."""

from pathlib import Path
from typing import Any

import pytest

from router.building.reach import headers_of
from router.config import Config, ConfigError, load
from router.config.presets import PRESETS
from router.dialects.errors.quirks import QUIRKS as ERRORS
from router.dialects.openai.chat.quirks import QUIRKS

MODELS = "models: {chat: {targets: [p/m]}}\n"
OWN: dict[str, Any] = {"base_url": '"http://gpu.example:8000"'}


def loaded(folder: Path, environ: dict[str, str] | None = None, **keys: Any) -> Config:
    written = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    path = folder / "providers.yaml"
    path.write_text(f"version: 1\nproviders:\n  p:\n{written}    models: [m]\n{MODELS}")
    return load(path, environ or {})


@pytest.mark.parametrize("name", PRESETS)
def test_a_name_a_preset_and_models_are_a_provider(name: str, tmp_path: Path) -> None:
    preset = PRESETS[name]
    own = {"region": "eu-west-1"} if preset.origin else OWN
    environ = {preset.key: "secret"} if preset.key else {}
    provider = loaded(tmp_path, environ, preset=name, **own).providers["p"]
    assert provider.enabled
    assert provider.company == name
    address = (preset.origin or "http://gpu.example:8000") + preset.path
    assert provider.base_url == address.replace("{region}", "eu-west-1")
    assert provider.dialect == preset.dialect
    assert ("secret" in "".join(headers_of(provider).values())) is (preset.key is not None)


def test_quirks_are_of_presets() -> None:
    assert QUIRKS.keys() <= PRESETS.keys()
    assert ERRORS.keys() <= PRESETS.keys()


def test_azures_key_goes_in_its_own_header(tmp_path: Path) -> None:
    environ = {"AZURE_OPENAI_API_KEY": "secret"}
    provider = loaded(tmp_path, environ, preset="azure", **OWN).providers["p"]
    assert headers_of(provider) == {"api-key": "secret"}
    bare = loaded(tmp_path, dialect="azure", api_key="k", base_url="http://a.example/openai/v1")
    assert headers_of(bare.providers["p"]) == {"api-key": "k"}


def test_azures_older_api_has_another_path(tmp_path: Path) -> None:
    environ = {"AZURE_OPENAI_API_KEY": "secret"}
    keys: dict[str, Any] = {"preset": "azure", "api_version": "2024-10-21", **OWN}
    provider = loaded(tmp_path, environ, **keys).providers["p"]
    assert (provider.base_url, provider.api_version) == (
        "http://gpu.example:8000/openai",
        "2024-10-21",
    )


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"preset": "vllm", "api_version": "2024-10-21"}, "api_version is for Azure's API"),
        ({"preset": "azure", "api_version": "newest"}, "is not a version of an API"),
    ],
)
def test_a_version_is_azures_and_a_date(keys: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        loaded(tmp_path, **keys, **OWN)
