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
    with every request. `origin` may hold `{region}`; `service` is AWS's name of it, where requests
    may be signed by AWS keys instead. `asks_usage` is False where streams report their usage
    unasked, and an unknown field may be refused.
    """

    origin: str | None
    path: str
    key: str | None
    dialect: Literal["openai", "azure", "bedrock"] = "openai"
    asks_usage: bool = True
    service: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def base_url(self) -> str | None:
        """Where its API is, if that is the same for everyone."""
        return self.origin and self.origin + self.path

    def completed(self, base_url: str) -> str:
        """`base_url`, with this API's path if it names only a host."""
        return base_url if urlsplit(base_url).path else base_url + self.path


BEDROCK_KEY = "AWS_BEARER_TOKEN_BEDROCK"
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "openai": Preset("https://api.openai.com", "/v1", "OPENAI_API_KEY"),
        # Its endpoint that speaks OpenAI's dialect, and ignores response_format and penalties.
        "anthropic": Preset("https://api.anthropic.com", "/v1", "ANTHROPIC_API_KEY"),
        # As above: the same key, another path than its own dialect has.
        "gemini": Preset(
            "https://generativelanguage.googleapis.com", "/v1beta/openai", "GEMINI_API_KEY"
        ),
        "groq": Preset("https://api.groq.com", "/openai/v1", "GROQ_API_KEY"),
        "mistral": Preset("https://api.mistral.ai", "/v1", "MISTRAL_API_KEY", asks_usage=False),
        "deepseek": Preset("https://api.deepseek.com", "", "DEEPSEEK_API_KEY"),
        "openrouter": Preset("https://openrouter.ai", "/api/v1", "OPENROUTER_API_KEY"),
        "together": Preset("https://api.together.ai", "/v1", "TOGETHER_API_KEY"),
        "fireworks": Preset("https://api.fireworks.ai", "/inference/v1", "FIREWORKS_API_KEY"),
        "xai": Preset("https://api.x.ai", "/v1", "XAI_API_KEY"),
        # Every chunk has the usage so far.
        "perplexity": Preset(
            "https://api.perplexity.ai", "", "PERPLEXITY_API_KEY", asks_usage=False
        ),
        "cerebras": Preset("https://api.cerebras.ai", "/v1", "CEREBRAS_API_KEY"),
        "cohere": Preset("https://api.cohere.ai", "/compatibility/v1", "CO_API_KEY"),
        # A resource of one's own; a model is a deployment's name.
        "azure": Preset(None, "/openai/v1", "AZURE_OPENAI_API_KEY", dialect="azure"),
        "bedrock": Preset(
            "https://bedrock-runtime.{region}.amazonaws.com",
            "",
            BEDROCK_KEY,
            dialect="bedrock",
            service="bedrock",
        ),
        # As OpenAI speaks, for the models that Bedrock serves so: at its old endpoint, at its new.
        "bedrock-openai": Preset(
            "https://bedrock-runtime.{region}.amazonaws.com",
            "/openai/v1",
            BEDROCK_KEY,
            service="bedrock",
        ),
        "bedrock-mantle-openai": Preset(
            "https://bedrock-mantle.{region}.api.aws",
            "/openai/v1",
            BEDROCK_KEY,
            service="bedrock-mantle",
        ),
        # Servers of one's own: no account, but an address.
        "ollama": Preset(None, "/v1", None),
        "vllm": Preset(None, "/v1", None),
        "sglang": Preset(None, "/v1", None),
        "llamacpp": Preset(None, "/v1", None),
        "lmstudio": Preset(None, "/v1", None),
    }
)
