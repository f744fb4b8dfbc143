"""What Google's errors mean where its own dialect is spoken: the same rows as for its other one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.dialects.gemini.foreign import GEMINI, VERTEX
from tests.router.dialects.errors.test_golden import WALL, shown, written

GOLDEN = Path(__file__).parents[1] / "errors" / "golden.yaml"
ROWS = yaml.safe_load(GOLDEN.read_text())["gemini"]


@pytest.mark.parametrize(("status", "headers", "body", "meaning"), ROWS)
def test_an_error_means_the_same_in_its_own_dialect(
    status: int, headers: dict[str, str], body: Any, meaning: str
) -> None:
    data = written(body)
    for dialect in (GEMINI, VERTEX):
        assert shown(dialect.refusal(status, headers, data, WALL)) == meaning
        inner = body[0] if isinstance(body, list) else body
        assert dialect.told(data) == inner["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"candidates":[]}'])
def test_what_is_no_error_of_its_says_nothing(body: bytes) -> None:
    assert GEMINI.told(body) == ""
