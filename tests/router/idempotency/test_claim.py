"""Which keys a client may send, and what makes two of them the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.contract import ClientError
from router.idempotency.claim import LONGEST, claim_of, key_of

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1)


def test_without_the_header_there_is_no_key() -> None:
    assert key_of({"x-request-id": "k"}) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ("two words", "two words"),
        ('"', '"'),
        ('half"', 'half"'),
        ("k" * LONGEST, "k" * LONGEST),
        (f'"{"k" * LONGEST}"', "k" * LONGEST),
    ],
)
def test_a_key_is_the_same_quoted_and_bare(text: str, key: str) -> None:
    assert key_of({"idempotency-key": text}) == key


@pytest.mark.parametrize(
    "text", ["", '""', "k" * (LONGEST + 1), "a\tb", "a\x00b", "a\x7f", "schlüssel", "a\udcffb"]
)
def test_a_malformed_key_is_400_and_says_the_bound(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        key_of({"idempotency-key": text})
    error = caught.value
    assert (error.status, error.code, error.param) == (400, "invalid_header", "idempotency-key")
    assert error.message == "idempotency-key: 1 to 255 printable ASCII characters"
    assert error.hopeless


@given(PRINTABLE.filter(lambda text: len(text) <= LONGEST and '"' not in text))
def test_every_printable_key_is_taken_as_it_is(text: str) -> None:
    assert key_of({"idempotency-key": text}) == key_of({"idempotency-key": f'"{text}"'}) == text


@given(st.text())
def test_whatever_is_sent_is_a_key_or_an_error(text: str) -> None:
    try:
        key = key_of({"idempotency-key": text})
    except ClientError:
        return
    assert key
    assert len(key) <= LONGEST
    assert key.isprintable()


def test_tenants_endpoints_and_keys_do_not_meet_and_bodies_do_by_their_digest() -> None:
    claims = [
        claim_of(tenant, endpoint, key, b"body")
        for tenant in ("a", "ab")
        for endpoint in ("/v1/completions", "/v1/embeddings")
        for key in ("bc", "c")
    ]
    assert len({claim.name for claim in claims}) == len(claims)
    assert len({claim.digest for claim in claims}) == 1
    assert len(claims[0].digest) == 32
    assert claim_of("a", "/", "k", b"body ").digest != claims[0].digest
