"""Who is meant by the words of other gateways, as data: a company more is a line here.

Why: a prefix there is a preset here, with the variable in which its key has been until now.
Must not: hold behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Company:
    """Where a deployment is. `preset` is ours, empty where there is none; `key` and `base` the
    variables that are read where the file says nothing; `base_url` where it is then.
    """

    name: str
    preset: str = ""
    key: str = ""
    base: str = ""
    base_url: str = ""


OPENAI = Company("openai", "openai", "OPENAI_API_KEY")
AZURE = Company("azure", "azure", "AZURE_API_KEY", "AZURE_API_BASE")
FOUNDRY = Company("foundry", "foundry", "AZURE_AI_API_KEY", "AZURE_AI_API_BASE")
ANTHROPIC = Company("anthropic", "anthropic", "ANTHROPIC_API_KEY")
BEDROCK = Company("bedrock", "bedrock")
GEMINI = Company("gemini", "gemini", "GEMINI_API_KEY")
VERTEX = Company("vertex")
COHERE = Company("cohere", "cohere", "COHERE_API_KEY")
TOGETHER = Company("together", "together", "TOGETHERAI_API_KEY")
FIREWORKS = Company("fireworks", "fireworks", "FIREWORKS_API_KEY")
MISTRAL = Company("mistral", "mistral", "MISTRAL_API_KEY")
PERPLEXITY = Company("perplexity", "perplexity", "PERPLEXITYAI_API_KEY")
XAI = Company("xai", "xai", "XAI_API_KEY")
OLLAMA = Company("ollama", "ollama", base_url="http://localhost:11434")
VLLM = Company("vllm", "vllm", base="HOSTED_VLLM_API_BASE")
LM_STUDIO = Company("lmstudio", "lmstudio", base="LM_STUDIO_API_BASE")
LLAMAFILE = Company("llamacpp", "llamacpp", base="LLAMAFILE_API_BASE")
DEEPINFRA = Company(
    "deepinfra", "", "DEEPINFRA_API_KEY", base_url="https://api.deepinfra.com/v1/openai"
)
NVIDIA = Company("nvidia", "", "NVIDIA_NIM_API_KEY", base_url="https://integrate.api.nvidia.com/v1")
SAMBANOVA = Company("sambanova", "", "SAMBANOVA_API_KEY", base_url="https://api.sambanova.ai/v1")
MOONSHOT = Company("moonshot", "", "MOONSHOT_API_KEY", base_url="https://api.moonshot.ai/v1")
ANY = Company("server")
"""Whoever speaks OpenAI's dialect at an address that the file says."""

_SAME = {
    name: Company(name, name, f"{name.upper()}_API_KEY")
    for name in ("groq", "deepseek", "openrouter", "cerebras")
}
LITELLM: Mapping[str, Company] = {
        **_SAME,
        "openai": OPENAI, "text-completion-openai": OPENAI, "azure": AZURE, "azure_text": AZURE,
        "azure_ai": FOUNDRY, "anthropic": ANTHROPIC, "bedrock": BEDROCK,
        "bedrock_converse": BEDROCK, "gemini": GEMINI, "vertex_ai": VERTEX,
        "vertex_ai_beta": VERTEX, "cohere": COHERE, "cohere_chat": COHERE,
        "together_ai": TOGETHER, "fireworks_ai": FIREWORKS, "mistral": MISTRAL,
        "perplexity": PERPLEXITY, "xai": XAI, "ollama": OLLAMA, "ollama_chat": OLLAMA,
        "hosted_vllm": VLLM, "vllm": VLLM, "lm_studio": LM_STUDIO, "llamafile": LLAMAFILE,
        "deepinfra": DEEPINFRA, "nvidia_nim": NVIDIA, "sambanova": SAMBANOVA,
        "moonshot": MOONSHOT, "openai_like": ANY, "custom_openai": ANY, "litellm_proxy": ANY,
    }  # fmt: skip
"""By the prefix of `model`, or `custom_llm_provider`."""
PORTKEY: Mapping[str, Company] = {
        **_SAME,
        "openai": OPENAI, "azure-openai": AZURE, "azure-ai": FOUNDRY, "azure-foundry": FOUNDRY,
        "anthropic": ANTHROPIC, "bedrock": BEDROCK, "google": GEMINI, "gemini": GEMINI,
        "vertex-ai": VERTEX, "cohere": COHERE, "together-ai": TOGETHER,
        "fireworks-ai": FIREWORKS, "mistral-ai": MISTRAL, "perplexity-ai": PERPLEXITY,
        "x-ai": XAI, "ollama": OLLAMA, "deepinfra": DEEPINFRA, "sambanova": SAMBANOVA,
        "moonshot": MOONSHOT,
    }  # fmt: skip
"""By `provider`."""
FAMILIES: tuple[tuple[str, Company], ...] = (
    *((word, OPENAI) for word in ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-3",
                                  "text-embedding-ada", "dall-e", "whisper-", "tts-",
                                  "omni-moderation", "text-moderation", "davinci-", "babbage-")),
    ("claude-", ANTHROPIC),
    ("gemini-", VERTEX),
    ("command-", COHERE),
)  # fmt: skip
"""Whose a model is by how its name begins, where nothing else says it."""
NO_KEYS = frozenset(
    {"none", "empty", "dummy", "anything", "any", "na", "n/a", "null", "fake", "fake-key",
     "not-needed", "not-used", "no-key", "sk-no-key-required"}
)  # fmt: skip
"""What is written where a server of one's own asks for no key, in lower case."""


def family(model: str) -> Company | None:
    """Whose `model` is by its name."""
    return next((company for word, company in FAMILIES if model.startswith(word)), None)
