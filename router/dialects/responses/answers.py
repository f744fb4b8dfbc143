"""What a response in one piece means that came with a status of success.

It is believed only as far as it shows: one that failed inside a 200 is a failure, and one that is
still under way is an answer only to who asked for it to be done in the background.
"""

from __future__ import annotations

from typing import Any

import msgspec

from policies import Outcome, Phase, Report
from router.dialects.common.outside import UNREADABLE, decoded
from router.dialects.contract import Call
from router.dialects.errors.judge import NO_ANSWER, failed, good
from router.dialects.errors.table import Table
from router.dialects.responses.stream import remember, usage_of


class _Item(msgspec.Struct):
    id: Any = None


class _Answer(msgspec.Struct):
    id: Any = None
    status: Any = None
    error: Any = None
    output: list[_Item] | None = None
    usage: Any = None
    conversation: Any = None
    service_tier: Any = None


_answer = msgspec.json.Decoder(_Answer)
UNDER_WAY = frozenset({"queued", "in_progress"})
WHOLE = frozenset({"completed", "incomplete", None})


def response(body: bytes, call: Call | None, errors: Table, account: str = "") -> Report:
    """The outcome of a response to `call`, made by `account`; without a call nothing is kept."""
    try:
        answer = _answer.decode(body)
    except UNREADABLE:
        told = decoded(body)
        wrapped = isinstance(told, list | dict) and told
        return failed(errors, told, Phase.BODY) if wrapped and _names_error(told) else NO_ANSWER
    if answer.error or answer.status == "failed":
        error = answer.error if isinstance(answer.error, dict | str) else None
        return failed(errors, {"error": error or {"code": "server_error"}}, Phase.BODY)
    expected = WHOLE | UNDER_WAY if call is not None and call.stays else WHOLE
    if answer.status not in expected:
        return Report(Outcome.FAILED, detail=f"200 with status {str(answer.status)[:40]}")
    if answer.output is None and answer.status not in UNDER_WAY:
        return NO_ANSWER
    _remember(answer, call, account)
    return good(usage_of(answer.usage, answer.service_tier))


def _names_error(told: Any) -> bool:
    inner = told[0] if isinstance(told, list) else told
    return isinstance(inner, dict) and bool(inner.get("error"))


def _remember(answer: _Answer, call: Call | None, account: str) -> None:
    remember(call, account, answer.id, answer.conversation)
    if call is not None and call.keep is not None:
        for item in answer.output or ():
            if isinstance(item.id, str) and item.id:
                call.keep(account, item.id)
