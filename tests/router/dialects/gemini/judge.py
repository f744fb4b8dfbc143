"""Google's own SDK as the judge of what is sent to a Gemini, and of what a scripted one says."""

import json
from typing import Any

from google.genai import types

KINDS: dict[str, Any] = {
    "systemInstruction": types.Content,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
    "serviceTier": types.ServiceTier,
}


def judged(body: bytes) -> dict[str, Any]:
    """The body of a request, once every part of it has passed for one of the SDK's types, which
    take no field that they do not know.
    """
    told: dict[str, Any] = json.loads(body)
    assert told["contents"]
    for name, value in told.items():
        if name == "contents":
            for turn in value:
                assert types.Content.model_validate(turn).parts
        elif name == "tools":
            for tool in value:
                types.Tool.model_validate(tool)
        elif name == "serviceTier":
            types.ServiceTier(value)
        else:
            KINDS[name].model_validate(value)
    return told


def read_by_sdk(answer: Any) -> types.GenerateContentResponse:
    """What the SDK makes of a chunk, or of an answer."""
    return types.GenerateContentResponse.model_validate(answer)
