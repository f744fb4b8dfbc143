"""A shift on the terminal."""

from typing import Any

from router.cli.moved import lines


def told(requests: int) -> dict[str, Any]:
    arms = {"control": {"requests": requests}, "canary": {"requests": 0}}
    return {
        "to": {"b/m": 1.0},
        "share": 0.1,
        "words": "running for 3s",
        "write": None,
        "step": arms,
        "did": {"control": "some", "canary": "no requests"},
        "guards": [{"words": "errors 0 %"}],
    }


def test_the_guards_are_told_once_there_is_a_request_to_judge() -> None:
    first = "chat → b/m 1: 10 % of the requests, running for 3s"
    assert lines("chat", told(0)) == [first]
    assert lines("chat", told(1)) == [
        first,
        "  control: some",
        "  canary: no requests",
        "  errors 0 %",
    ]
