"""Providers for tests: real servers on loopback that do what a script says, faults and all.

Public: whoever builds on the router, or writes a policy, tests with what the router is tested
with. Nothing that serves requests imports it.
"""

from router.testing.certificates import Authority
from router.testing.chaos import Chaos
from router.testing.openai import ERROR_EVENT, Answer, Embeddings, Status, event
from router.testing.provider import Provider
from router.testing.replies import Body, HangUp, Raw, Reset, Silence, Stream
from router.testing.reply import Reply, Said, Saying
from router.testing.request import MalformedRequest, Request
from router.testing.script import Script, flapping, stale
from router.testing.steps import Then

__all__ = [
    "ERROR_EVENT",
    "Answer",
    "Authority",
    "Body",
    "Chaos",
    "Embeddings",
    "HangUp",
    "MalformedRequest",
    "Provider",
    "Raw",
    "Reply",
    "Request",
    "Reset",
    "Said",
    "Saying",
    "Script",
    "Silence",
    "Status",
    "Stream",
    "Then",
    "event",
    "flapping",
    "stale",
]
