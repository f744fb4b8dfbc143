"""How a provider is reached, as the file says it: TLS, proxy, connections."""

import os
from pathlib import Path

import pytest

from router.building.reach import Unreachable, proxy_for, tls_of
from router.config import ConfigError, Provider, Secret, Tls, load, words
from router.upstream.proxy import Proxy

FILE = """version: 1
providers:
  p:
    base_url: {url}
    {keys}
    models: [m]
models: {{chat: {{targets: [p/m]}}}}
"""
PEM = "-----BEGIN CERTIFICATE-----\n"
PROXY = "http://me:hunter2@squid:3128"


def written(folder: Path, *keys: str, url: str = "https://api.example/v1") -> Path:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(url=url, keys="\n    ".join(keys)))
    return path


def loaded(folder: Path, *keys: str, url: str = "https://api.example/v1") -> Provider:
    return load(written(folder, *keys, url=url), {}).providers["p"]


def mistake(folder: Path, *keys: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, *keys), {})
    return str(caught.value)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.pem").write_text(PEM)
    (tmp_path / "own.pem").write_text(PEM)
    provider = loaded(tmp_path, "tls: {ca: certs/ca.pem, cert: own.pem}")
    assert provider.tls == Tls(ca=tmp_path / "certs" / "ca.pem", cert=tmp_path / "own.pem")


def test_a_file_that_was_replaced_makes_another_context(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    provider = loaded(tmp_path, "tls: {ca: ca.pem}")
    before = tls_of(provider.tls)
    assert before == tls_of(provider.tls)
    newer = (tmp_path / "ca.pem").stat().st_mtime_ns + 1_000_000_000
    os.utime(tmp_path / "ca.pem", ns=(newer, newer))
    assert tls_of(provider.tls) != before


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("tls: {ca: absent.pem}", "cannot be read (No such file or directory)"),
        ("tls: {cert: notes.txt}", "holds no PEM"),
        ("tls: {key: own.pem}", "tls has a key and no cert"),
        ("tls: {verify: false}", 'unknown key "verify"'),
        ("connections: 0", "connections"),
        ("proxy: squid:3128", "proxy is not the address of an HTTP proxy"),
        ("proxy: socks5://squid:1080", "write it as http://host:port, or none"),
        ("proxy: http://squid/path", "write it as http://host:port, or none"),
    ],
)
def test_what_leads_nowhere_is_an_error_with_its_line(keys: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    (tmp_path / "own.pem").write_text(PEM)
    text = mistake(tmp_path, keys)
    assert told in text
    assert "providers.yaml:5:" in text


def test_a_proxys_password_is_shown_nowhere(tmp_path: Path) -> None:
    old = load(written(tmp_path, "connections: 8"), {})
    new = load(written(tmp_path, f"proxy: {PROXY}"), {})
    assert words(old, new) == [
        "provider p: another proxy",
        "provider p: connections 8 → none",
    ]
    assert "hunter2" not in repr(new)
    assert "hunter2" not in mistake(tmp_path, f"proxy: {PROXY}/path")
    assert "hunter2" not in repr(proxy_for(new.providers["p"], {}))


def test_the_file_is_asked_before_the_environment(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://everybodys:1"}
    assert proxy_for(loaded(tmp_path), environ) == Proxy("everybodys", 1)
    assert proxy_for(loaded(tmp_path), {}) is None
    assert proxy_for(loaded(tmp_path, "proxy: none"), environ) is None
    assert loaded(tmp_path, "proxy: none").proxy == Secret("")
    assert proxy_for(loaded(tmp_path, "proxy: http://squid:3128"), environ) == Proxy("squid", 3128)
    assert proxy_for(loaded(tmp_path, url="http://127.0.0.1:9/v1"), environ) is None


def test_a_proxy_of_the_environment_that_cannot_be_used_is_said_with_its_remedy(
    tmp_path: Path,
) -> None:
    with pytest.raises(Unreachable, match="write `proxy: none`") as caught:
        proxy_for(loaded(tmp_path), {"ALL_PROXY": "socks5://me:hunter2@squid"})
    assert "hunter2" not in str(caught.value)
