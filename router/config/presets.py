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


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of provider.

    `origin` is None where everyone has their own; `path` is what follows the host in its API;
    `key` names the environment variable of its credential, None where it needs none; `headers` go
    with every request. `asks_usage` is False where streams report their usage unasked, and an
    unknown field may be refused. `native` are kinds of calls that it understands as well in another
    dialect than its own, with their paths below the base URL.
    """

    origin: str | None
    path: str
    key: str | None
    dialect: Literal["openai", "anthropic"] = "openai"
    asks_usage: bool = True
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    native: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def base_url(self) -> str | None:
        """Where its API is, if that is the same for everyone."""
        return self.origin and self.origin + self.path

    def completed(self, base_url: str) -> str:
        """`base_url`, with this API's path if it names only a host."""
        return base_url if urlsplit(base_url).path else base_url + self.path


MESSAGES: Mapping[str, str] = MappingProxyType({"messages": "/messages"})
"""Anthropic's endpoint, beside OpenAI's."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "openai": Preset("https://api.openai.com", "/v1", "OPENAI_API_KEY"),
        "anthropic": Preset(
            "https://api.anthropic.com", "/v1", "ANTHROPIC_API_KEY", dialect="anthropic"
        ),
        # The same at others: everyone has an address, with the name of a resource or a region.
        "foundry": Preset(None, "/anthropic/v1", "ANTHROPIC_FOUNDRY_API_KEY", dialect="anthropic"),
        "bedrock-mantle": Preset(
            None, "/anthropic/v1", "AWS_BEARER_TOKEN_BEDROCK", dialect="anthropic"
        ),
        # As above: the same key, another path than its own dialect has.
        "gemini": Preset(
            "https://generativelanguage.googleapis.com", "/v1beta/openai", "GEMINI_API_KEY"
        ),
        "groq": Preset("https://api.groq.com", "/openai/v1", "GROQ_API_KEY"),
        "mistral": Preset("https://api.mistral.ai", "/v1", "MISTRAL_API_KEY", asks_usage=False),
        "deepseek": Preset(
            "https://api.deepseek.com",
            "",
            "DEEPSEEK_API_KEY",
            native=MappingProxyType({"messages": "/anthropic/v1/messages"}),
        ),
        "openrouter": Preset(
            "https://openrouter.ai", "/api/v1", "OPENROUTER_API_KEY", native=MESSAGES
        ),
        # Servers of one's own: no account, but an address.
        "ollama": Preset(None, "/v1", None, native=MESSAGES),
        "vllm": Preset(None, "/v1", None, native=MESSAGES),
        "llama.cpp": Preset(
            None,
            "/v1",
            None,
            native=MappingProxyType({**MESSAGES, "count_tokens": "/messages/count_tokens"}),
        ),
    }
)
