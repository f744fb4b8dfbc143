"""A policy, an estimator and a check of our own, for Pointsman."""

from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from policies import LeastLatency


@dataclass(frozen=True)
class Home:
    """Every tenant has a target of its own, and leaves it only while another is far quicker."""

    times: float = 2.0
    needs: ClassVar[frozenset[str]] = frozenset()
    rule: ClassVar[str] = "the home of who asks, unless another target is far quicker"

    def fresh(self):
        return None

    def choose(self, request, candidates, memory, now, rng):
        costs = LeastLatency().costs(request, candidates, now)
        far = self.times * min(costs)
        near = [one for one, cost in zip(candidates, costs, strict=True) if cost <= far]
        return max(near, key=lambda one: sha256(f"{request.tenant} {one.name}".encode()).digest())


class Figures:
    """The more figures a question has, the harder it is for the small model."""

    def __init__(self, many=6):
        self.many = many

    def score(self, task):
        figures = sum(word[0].isdigit() for word in task.text.split())
        return min(1.0, figures / self.many)


async def numbered(answered):
    """A question for a number is answered with one."""
    asked = str(answered.request["messages"][-1]["content"]).lower()
    return "how many" not in asked or any(letter.isdigit() for letter in answered.said.text)
