"""What may be copied, and what the copy is: the same question, of which nobody keeps anything."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from router.caller import Caller
from router.dialects.contract import Call
from router.dialects.openai.splice import spliced
from router.shadow.said import READ_BY
from router.tenants.identity import Tenant

MOST_BODY = 1024 * 1024
"""Bytes of a request: what is longer is rare, and dear."""
NAMED = ".shadow"
"""What follows a request's id in that of its copy."""
TRACED = "traceparent"
NOT_KEPT = b"false"


def hindered(call: Call, *, acts: bool) -> str:
    """Why `call` cannot be copied, in a word; empty: it can. One that `acts` would do in the world
    a second time what it does; one that is kept, or refers to what is, belongs to its account.
    """
    if call.operation not in READ_BY:
        return "kind"
    if acts:
        return "acts"
    if call.bound or call.traces or call.stays:
        return "bound"
    return "size" if len(call.body) > MOST_BODY else ""


def copied(call: Call, model: str, named: str = NAMED) -> Call:
    """The same call for `model`, the copies' own. Where its answer would be kept by its provider,
    it is asked not to.
    """
    copy = replace(call, model=model, keep=None, id=f"{call.id}{named}")
    if call.operation == "responses" or "store" in call.fields:
        copy.body = spliced(call.body, call.fields, {"store": NOT_KEPT})
        copy.fields, copy.common = {**call.fields, "store": Raw(NOT_KEPT)}, None
    return copy


def copier(caller: Caller, named: str = NAMED) -> Caller:
    """Who asks for the copy: nobody's limits are touched, and no trace of the caller's goes on."""
    headers = {name: value for name, value in caller.headers.items() if name != TRACED}
    tenant = Tenant(caller.tenant.name)
    return Caller(f"{caller.request_id}{named}", tenant, caller.dialect, headers)
