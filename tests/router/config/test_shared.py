"""What `shared` says, and what is wrong with it."""

from pathlib import Path

import pytest

from router.config import ConfigError, load

REST = """
providers: {sim: {dialect: simulated, models: [fast]}}
models: {chat: {targets: [sim/fast]}}
"""


def written(folder: Path, redis: str) -> Path:
    path = folder / "providers.yaml"
    path.write_text(f'version: 1\nshared: {{redis: "{redis}"}}\n{REST}')
    return path


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "rediss://user:pw@host:7000/1?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock",
        "redis+cluster://one,two:7000/",
        "rediss+sentinel://one,two/main",
    ],
)
def test_a_server_is_named_in_each_of_its_forms(url: str, tmp_path: Path):
    redis = load(written(tmp_path, url), {}).shared.redis
    assert redis is not None
    assert redis.reveal() == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("host:6379", "is not the address of a Redis server: write it as redis://host:6379"),
        ("redis://:hunter2@host?timeout=3", "says timeout: remove it"),
        ("redis+sentinel://:hunter2@host", "names no service"),
    ],
)
def test_a_wrong_address_is_an_error_with_its_line_and_without_its_password(
    url: str, told: str, tmp_path: Path
):
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, url), {})
    assert "providers.yaml:2:" in str(raised.value)
    assert told.partition(":")[0] in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("shared", ["{fleet: shop}", "{when_down: {tenant_limits: fail_closed}}"])
def test_a_fleet_without_a_server_is_noted(shared: str, tmp_path: Path):
    path = tmp_path / "providers.yaml"
    path.write_text(f"version: 1\nshared: {shared}\n{REST}")
    (note,) = load(path, {}).notes
    assert str(note).startswith("providers.yaml:2:10: shared names no server: ") or str(
        path
    ) in str(note)
    assert "stands alone" in str(note)
