"""What is said of a shift, to people: in the log, on pages, on the terminal.

Pure. Every step is told with what both arms did on it.
"""

from __future__ import annotations

from policies.engine.showing.amounts import duration
from policies.shifting import Evidence, Progress, State
from policies.shifting.guarding import FIRST_TOKEN
from policies.shifting.verdicts import measured
from router.config.units import show_duration
from router.shifts.moving import Moving

UNREADABLE = "what is kept of a shift cannot be read, nobody is served by its canary:"
UNCOUNTED = "what this instance sees of a shift does not count, too many have seen something of it:"


def unreadable(moving: Moving) -> dict[str, str]:
    """Details of the first."""
    then = f"a later release can read it, or `pointsman shift resume {moving.model}` begins anew"
    return {"model": moving.model, "then": then}


def percent(share: float) -> str:
    """A share, for people."""
    return f"{100 * share:.3g} %"


def did(evidence: Evidence) -> str:
    """What an arm did."""
    if not evidence.requests:
        return "no requests"
    late, cost = measured(FIRST_TOKEN, evidence), measured("cost", evidence)
    told = [
        f"{evidence.requests:,} requests",
        f"{evidence.failures:,} failed ({percent(evidence.failures / evidence.requests)})",
    ]
    if late is not None:
        told.append(f"first token p95 {duration(late)}")
    if cost is not None:
        told.append(f"${cost / 1e9:.3g} each")
    return ", ".join(told)


def event(moving: Moving, before: Progress | None, after: Progress) -> tuple[str, dict[str, str]]:
    """What has happened between the two, as a line of the log: text and details."""
    model, arms = {"model": moving.model}, _arms(before, after)
    was, share = percent(before.share if before is not None else 0.0), percent(after.share)
    match after.state:
        case State.BACK:
            then = {"why": after.cause, **arms, "then": again(moving, after)}
            text = "TRAFFIC IS TAKEN BACK, the canary is worse than the control:"
            return text, {**model, "share": f"{was} → {share}", **then}
        case State.DONE:
            text = "a shift is done, write this into the file instead of `targets` and `shift`:"
            return text, {**model, "write": moving.line, **arms}
        case State.ABORTED:
            then = {"then": f"`pointsman shift resume {moving.model}` begins anew"}
            return "a shift is aborted:", {**model, "share": f"{was} → {share}", **arms, **then}
        case State.PAUSED:
            return "a shift is paused:", {**model, "share": share, **arms}
    to = {**model, "share": share, "to": ", ".join(moving.to)}
    if before is not None and not before.share:
        return "a shift begins anew:", to
    if before is None and after.counted == after.began:
        return "a shift begins:", to
    if before is None or before.share == after.share:
        return "a shift goes on:", to
    return "traffic shifts:", {**model, "share": f"{was} → {share}", **arms}


def again(moving: Moving, back: Progress) -> str:
    """When traffic that was taken back is tried again."""
    if back.until is None:
        return f"not again, until `pointsman shift resume {moving.model}`"
    return f"again in {show_duration(round(back.until - back.since))}"


def _arms(before: Progress | None, after: Progress) -> dict[str, str]:
    """What both did on the step that is over, or goes on."""
    if before is None or not after.counted.holds(before.began):
        return {}
    step = after.counted.since(before.began)
    return {"canary": did(step.canary), "control": did(step.control)}
