"""What is known about providers, as data: a new one is a line here, never a branch elsewhere.

Why: `preset: groq` should be all that anyone has to know about Groq to use it.
Must not: hold behaviour, or a credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from router.config.counts import AS_WRITTEN, BEDROCK, Counts

Dialect = Literal["openai", "anthropic", "azure", "bedrock", "gemini", "vertex", "simulated"]
"""How a provider is spoken to."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of provider.

    `origin` is None where everyone has their own; `path` is what follows the host in its API;
    `key` names the environment variable of its credential, None where it needs none; `headers` go
    with every request. `origin` may hold `{region}`; `service` is AWS's name of it, where requests
    may be signed by AWS keys instead. `asks_usage` is False where streams report their usage
    unasked, and an unknown field may be refused. `native` are kinds of calls that it understands
    besides those of its dialect, with their paths below the base URL; `keeps`: it keeps what it
    made as responses, and can be asked for it later; `counts` is how it counts what it is sent.
    """

    origin: str | None
    path: str
    key: str | None
    dialect: Dialect = "openai"
    asks_usage: bool = True
    service: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    native: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    keeps: bool = False
    counts: Counts = AS_WRITTEN

    @property
    def base_url(self) -> str | None:
        """Where its API is, if that is the same for everyone."""
        return self.origin and self.origin + self.path

    def completed(self, base_url: str) -> str:
        """`base_url`, with this API's path if it names only a host."""
        return base_url if urlsplit(base_url).path else base_url + self.path


MESSAGES: Mapping[str, str] = {"messages": "/messages"}
"""Anthropic's endpoint, beside OpenAI's."""
RESPONSES: Mapping[str, str] = {"responses": "/responses"}
"""Those of OpenAI's Responses."""
BOTH = MappingProxyType({**MESSAGES, **RESPONSES})
COUNTED = MappingProxyType({**MESSAGES, "count_tokens": "/messages/count_tokens"})
BEDROCK_KEY = "AWS_BEARER_TOKEN_BEDROCK"
PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        "https://api.openai.com",
        "/v1",
        "OPENAI_API_KEY",
        native=RESPONSES,
        keeps=True,
        counts=Counts("larger"),
    ),
    "anthropic": Preset(
        "https://api.anthropic.com",
        "/v1",
        "ANTHROPIC_API_KEY",
        dialect="anthropic",
        counts=Counts(cached=False),
    ),
    # The same models at Azure, where everyone has an address of their own, and at AWS.
    "foundry": Preset(None, "/anthropic/v1", "ANTHROPIC_FOUNDRY_API_KEY", dialect="anthropic"),
    "bedrock-mantle": Preset(
        "https://bedrock-mantle.{region}.api.aws",
        "/anthropic/v1",
        BEDROCK_KEY,
        dialect="anthropic",
        service="bedrock-mantle",
    ),
    "gemini": Preset(
        "https://generativelanguage.googleapis.com",
        "/v1beta",
        "GEMINI_API_KEY",
        dialect="gemini",
        counts=Counts("nothing", midnight="America/Los_Angeles"),
    ),
    "groq": Preset(
        "https://api.groq.com",
        "/openai/v1",
        "GROQ_API_KEY",
        native=RESPONSES,
        counts=Counts(cached=False),
    ),
    "mistral": Preset("https://api.mistral.ai", "/v1", "MISTRAL_API_KEY", asks_usage=False),
    "deepseek": Preset(
        "https://api.deepseek.com",
        "",
        "DEEPSEEK_API_KEY",
        native=MappingProxyType({"messages": "/anthropic/v1/messages"}),
    ),
    "openrouter": Preset(
        "https://openrouter.ai",
        "/api/v1",
        "OPENROUTER_API_KEY",
        native=BOTH,
    ),
    "together": Preset("https://api.together.ai", "/v1", "TOGETHER_API_KEY"),
    "fireworks": Preset(
        "https://api.fireworks.ai",
        "/inference/v1",
        "FIREWORKS_API_KEY",
        native=RESPONSES,
        keeps=True,
    ),
    "xai": Preset("https://api.x.ai", "/v1", "XAI_API_KEY", native=RESPONSES, keeps=True),
    # Every chunk has the usage so far.
    "perplexity": Preset("https://api.perplexity.ai", "", "PERPLEXITY_API_KEY", asks_usage=False),
    "cerebras": Preset(
        "https://api.cerebras.ai", "/v1", "CEREBRAS_API_KEY", counts=Counts("bound")
    ),
    "cohere": Preset("https://api.cohere.ai", "/compatibility/v1", "CO_API_KEY"),
    # A resource of one's own; a model is a deployment's name.
    "azure": Preset(
        None,
        "/openai/v1",
        "AZURE_OPENAI_API_KEY",
        dialect="azure",
        native=RESPONSES,
        keeps=True,
        counts=Counts("whole", slice=1.0),
    ),
    "bedrock": Preset(
        "https://bedrock-runtime.{region}.amazonaws.com",
        "",
        BEDROCK_KEY,
        dialect="bedrock",
        service="bedrock",
        counts=BEDROCK,
    ),
    # As OpenAI speaks, for the models that Bedrock serves so: at its old endpoint, at its new.
    "bedrock-openai": Preset(
        "https://bedrock-runtime.{region}.amazonaws.com",
        "/openai/v1",
        BEDROCK_KEY,
        service="bedrock",
        counts=BEDROCK,
    ),
    "bedrock-mantle-openai": Preset(
        "https://bedrock-mantle.{region}.api.aws",
        "/openai/v1",
        BEDROCK_KEY,
        service="bedrock-mantle",
    ),
    # Servers of one's own: no account, but an address.
    "ollama": Preset(None, "/v1", None, native=BOTH),
    "vllm": Preset(None, "/v1", None, native=BOTH),
    "sglang": Preset(None, "/v1", None),
    "llamacpp": Preset(None, "/v1", None, native=COUNTED),
    "lmstudio": Preset(None, "/v1", None),
}
