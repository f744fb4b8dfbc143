"""The benchmark of faults measures what it says it does, on a small scale."""

import re

import pytest
import uvloop

from benchmarks.faults import __main__ as faults
from benchmarks.faults import router


def test_it_tells_times_cpu_and_what_a_storm_does(monkeypatch, capsys):
    for fault in router.FRESH:
        monkeypatch.setitem(router.FRESH, fault, 60)
    monkeypatch.setattr(faults, "PROBES", 5)
    monkeypatch.setattr(faults, "ROUNDS", 1)
    monkeypatch.setattr(faults, "STORM", 0.1)
    small = [case._replace(requests=8) for case in faults.CASES]
    monkeypatch.setattr(faults, "CASES", small)
    uvloop.run(faults.measure())
    told = capsys.readouterr().out
    assert len(re.findall(r"95 % +-?[\d.]+ \(≤", told)) == 4
    assert len(re.findall(r"[\d.]+ × \(≤ 3\)", told)) == len(faults.CASES) - 2
    assert len(re.findall(r"/healthz [\d.]+ ms", told)) == 3


@pytest.mark.parametrize("fault", router.FRESH)
def test_no_account_is_asked_more_often_than_it_may_fail(fault):
    routes = list(faults.fresh(fault))
    assert max(map(routes.count, routes)) == faults.TIMES
