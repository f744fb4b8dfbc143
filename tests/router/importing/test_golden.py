"""Two whole files, read as a person reads them: what is made, and that nothing secret is in it."""

import re
from pathlib import Path

import pytest

from router.importing import convert
from tests.router.importing.imported import loaded

FOLDER = Path(__file__).parent / "golden"
FILES = {"litellm": "litellm.yaml", "portkey": "portkey.json"}


@pytest.mark.parametrize("kind", FILES)
def test_a_whole_file_becomes_this_one(kind: str) -> None:
    old = (FOLDER / FILES[kind]).read_text()
    made, _ = convert(kind, old, FILES[kind])
    assert made == (FOLDER / f"from_{kind}.yaml").read_text()
    assert loaded(made).models


@pytest.mark.parametrize("kind", FILES)
def test_no_credential_of_it_is_in_the_file_that_is_made(kind: str) -> None:
    old = (FOLDER / FILES[kind]).read_text()
    made, _ = convert(kind, old, FILES[kind])
    secrets = re.findall(r"(?:openai-)?plain-[a-z-]+", old)
    assert len(secrets) > 2
    assert not [secret for secret in secrets if secret in made]
    assert "langfuse" not in made


@pytest.mark.parametrize("kind", FILES)
def test_no_line_is_longer_than_a_screen_is_wide(kind: str) -> None:
    made, _ = convert(kind, (FOLDER / FILES[kind]).read_text(), FILES[kind])
    assert max(map(len, made.splitlines())) <= 100
