"""What an idle router holds in memory."""

import re
import sys
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, serving

MOST = 60  # MB, resident


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_an_idle_router_is_small(tmp_path):
    shipped = (ROOT / "providers.yaml").read_text()
    with serving(tmp_path, shipped.replace("announce: 5s", "announce: 0s")) as router:
        told = Path(f"/proc/{router.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", told)
    assert resident
    assert int(resident[1]) * 1024 <= MOST * 1_000_000
