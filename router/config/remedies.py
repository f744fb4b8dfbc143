"""What to write instead, where the mistake itself tells what was meant.

Why: a key in the wrong place is spelt well, and no near name of another place helps who wrote it.
Must not: find a mistake, or know which keys there are.
"""

from __future__ import annotations

from collections.abc import Mapping

_OPTION = "write policy: {name: least_latency, %s}"
_ONLY = "write only: {%s}"
_MODEL = "say it of a model under providers"
_TIERS = "write policy: priority and tiers: [[a], [b]]"
_WEIGHTS = "write them in targets: {a: 90, b: 10}"
_ADDRESS = "write base_url: https://host/v1"
_RETRY = "write retry: {attempts: 3}, in a route or under defaults"
_PRICE = "{input: 0.25, output: 2}, in dollars per million tokens"

OF_ROUTES: Mapping[str, str] = {
    "affinity": _OPTION % "affinity: prefix",
    "price": f"{_OPTION % 'price: 0.3'}, or {_MODEL}",
    "head": "write cascade: {head: 8KiB}",
    "checks": "write cascade: {checks: [empty, finish]}",
    "audit": "write cascade: {audit: {by: exact, share: 2%, bound: 5%}}",
    "region": _ONLY % "region: eu-*",
    "residency": _ONLY % "residency: eu",
    "tags": _ONLY % "tags: [zdr]",
    "weight": _WEIGHTS,
    "weights": _WEIGHTS,
    "limits": _MODEL,
    "service_tier": _MODEL,
    "provisioned": _MODEL,
    "fallback": _TIERS,
    "fallbacks": _TIERS,
    "strategy": "write policy: least_latency",
    "timeout": "write deadline: 60s",
}
"""By keys that stand in a route and belong elsewhere."""
OTHERS: Mapping[str, str] = {
    "api_base": _ADDRESS,
    "endpoint": _ADDRESS,
    "url": _ADDRESS,
    "rpm": "write limits: {requests: 500/min}, for a provider or one of its models",
    "tpm": "write limits: {tokens: 200k/min}, for a provider or one of its models",
    "retries": _RETRY,
    "max_retries": _RETRY,
    "num_retries": _RETRY,
    "max_tokens": "write output: 8k, for one of a provider's models",
    "cost": f"write price: {_PRICE}",
}
"""By what is called so elsewhere, wherever no key has that name: what looks alike means another
thing.
"""
EXAMPLES: Mapping[str, str] = {
    "when_all_fail": "a list of {model: NAME} or {text: …}",
    "checks": "[empty, finish], or cascade: auto for all that ask nobody",
    "only": "{residency: eu, tags: [zdr]}",
    "retry": "{attempts: 2}",
    "price": _PRICE,
    "limits": "{requests: 500/min}",
    "cascade": "auto, or {checks: [empty, finish]}",
}
"""By keys whose value has another shape."""
