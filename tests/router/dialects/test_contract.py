import pytest

from router.dialects.contract import ClientError


@pytest.mark.parametrize(
    ("seconds", "header"), [(0, "1"), (0.2, "1"), (1, "1"), (1.01, "2"), (30, "30"), (59.5, "60")]
)
def test_a_time_to_come_back_is_never_too_early(seconds: float, header: str) -> None:
    error = ClientError(429, "rate_limit_error", "no_capacity", "", retry_after=seconds)
    assert error.headers() == {"retry-after": header}


def test_only_what_cannot_help_says_so_and_never_beside_a_time() -> None:
    assert ClientError(400, "", "", "", hopeless=True).headers() == {"x-should-retry": "false"}
    both = ClientError(503, "", "", "", retry_after=1, hopeless=True)
    assert both.headers() == {"retry-after": "1"}
    assert ClientError(502, "", "", "").headers() == {}
