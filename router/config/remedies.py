"""What to write instead, where the mistake itself tells what was meant.

Why: a key in the wrong place is spelt well, and no near name of another place helps who wrote it.
Must not: find a mistake, or know which keys there are.
"""

from __future__ import annotations

from collections.abc import Mapping

_OPTION = "write policy: {name: least_latency, %s}"
_ONLY = "write only: {%s}"
_MODEL = "say it of a model under providers"

OF_ROUTES: Mapping[str, str] = {
    "affinity": _OPTION % "affinity: prefix",
    "price": f"{_OPTION % 'price: 0.3'}, or {_MODEL}",
    "head": "write cascade: {head: 8KiB}",
    "checks": "write cascade: {checks: [empty, finish]}",
    "audit": "write cascade: {audit: {by: exact, share: 2%, bound: 5%}}",
    "region": _ONLY % "region: eu-*",
    "residency": _ONLY % "residency: eu",
    "tags": _ONLY % "tags: [zdr]",
    "weights": "write them in targets: {a: 90, b: 10}",
    "limits": _MODEL,
    "service_tier": _MODEL,
    "provisioned": _MODEL,
    "retries": "write retry: {attempts: 2}",
    "timeout": "write deadline: 120s",
    "timeouts": f"{_MODEL}; a request's is deadline: 120s",
    "fallbacks": "write policy: priority and tiers: [[a], [b]]",
}
"""By keys that stand in a route and belong elsewhere."""
EXAMPLES: Mapping[str, str] = {
    "when_all_fail": "a list of {model: NAME} or {text: …}",
    "checks": "[empty, finish], or cascade: auto for all that ask nobody",
    "only": "{residency: eu, tags: [zdr]}",
    "retry": "{attempts: 2}",
    "drain": "{announce: 5s, wait: 120s}",
    "climb": "[failure, throttled], or [] for neither",
    "price": "{input: 0.25, output: 2}, in dollars per million tokens",
    "limits": "{requests: 500/min}",
    "cascade": "auto, or {checks: [empty, finish]}",
}
"""By keys whose value has another shape."""
