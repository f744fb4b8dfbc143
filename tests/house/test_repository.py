"""What a stranger clones names no machine and no index, and pins what it installs."""

import re

import pytest

from tests.house.source import ROOT, tracked

MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|home|Users)/\w"  # somebody's folders
    r"|py[p]i\.org|python[h]osted\.org"  # an index, spelt so that this line is none
)
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PINNED = re.compile(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+( ; .+)?( \\)?")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
NOTE = re.compile(r"\s+# .*")


def test_no_file_names_a_machine_or_an_index():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert not found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_versions_with_hashes_and_names_no_address(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        pinned = PINNED.fullmatch(line)
        assert pinned or HASH.fullmatch(line) or NOTE.fullmatch(line), f"{name}:{number}"
        if pinned:
            assert HASH.fullmatch(lines[number]), f"{name}:{number} has no hash"


def test_what_serving_needs_is_locked_alike_for_serving_and_for_testing():
    serving, testing = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS
    )
    assert serving <= testing
