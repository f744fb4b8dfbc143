"""What the clouds' own libraries find, as they find it on a machine of theirs."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from router.testing import Body, Provider, Status
from router.upstream.chains import AwsChain, GoogleChain
from router.upstream.credential import Lent, Unavailable
from router.upstream.sigv4 import AwsKeys


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine that knows no cloud."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return monkeypatch


def lent(key: str, good: timedelta) -> Body:
    """What a container of AWS's is told of its role."""
    until = (datetime.now(UTC) + good).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Body(
        {"AccessKeyId": key, "SecretAccessKey": "s", "Token": "session", "Expiration": until}
    )


def test_keys_of_a_role_are_lent_and_fetched_anew_only_when_they_run_out(bare) -> None:
    script = [lent("first", timedelta(hours=1)), lent("second", timedelta(hours=1))]
    with Provider(script) as role:
        bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{role.origin}/creds")
        chain = AwsChain()
        first, again = chain(), chain()
        assert len(role.requests) == 1
    assert first == again == Lent(AwsKeys("first", "s", "session"), 600)


def test_a_role_that_cannot_be_had_is_told(bare) -> None:
    with Provider(Status(403)) as role:
        bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{role.origin}/creds")
        bare.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
        with pytest.raises(Unavailable, match="AWS: "):
            AwsChain()()


def test_a_machine_that_knows_nothing_of_aws_is_told(bare) -> None:
    with pytest.raises(Unavailable, match="neither keys nor a profile nor a role"):
        AwsChain()()


def account(folder: Path, origin: str) -> Path:
    """A service account's file, whose tokens come from `origin`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "account.json"
    told = {
        "type": "service_account",
        "client_email": "a@b.example",
        "token_uri": f"{origin}/token",
        "private_key": pem.decode(),
        "private_key_id": "1",
        "project_id": "p",
    }
    path.write_text(json.dumps(told))
    return path


def test_a_token_of_google_s_is_good_as_long_as_it_says(monkeypatch, tmp_path: Path) -> None:
    tokens = [
        Body({"access_token": f"token-{n}", "expires_in": 3600, "token_type": "Bearer"})
        for n in (1, 2)
    ]
    with Provider(tokens) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(tmp_path, google.origin)))
        chain = GoogleChain()
        first, second = chain(), chain()
    assert (first.value, second.value) == ("token-1", "token-2")
    assert 3500 < first.good <= 3600
    assert b"cloud-platform" not in google.requests[0].body  # it is inside the signed assertion


def test_a_token_that_google_refuses_is_told_without_a_secret(monkeypatch, tmp_path: Path) -> None:
    refused = Body({"error": "invalid_grant", "error_description": "Invalid JWT"}, 400)
    with Provider(refused) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(tmp_path, google.origin)))
        with pytest.raises(Unavailable, match=r"Google: .*invalid_grant") as told:
            GoogleChain()()
    assert "PRIVATE" not in str(told.value)


def test_a_file_of_google_s_that_is_not_there_is_told(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(Unavailable, match=r"Google: .*none\.json"):
        GoogleChain()()
