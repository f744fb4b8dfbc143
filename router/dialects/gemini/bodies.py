"""A prompt in Google's words: the body of a call.

What a setting is called stands in a table; what is left out of a prompt is named, and what must not
be left out makes the target unfit.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from router.dialects.common.prompt import Hosted, Prompt, Tool, ToolChoice, is_usual
from router.dialects.contract import Unfit, Wanting
from router.dialects.gemini.reasoning import ASKED_BY, LEVELS, thinking, version_of
from router.dialects.gemini.turns import Told, Turns

CARRIES: Mapping[str, str] = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "seed": "seed",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
"""Settings, and what they are called in `generationConfig`. Those in `ASKED_BY` are said there as
`thinkingConfig`, and `service_tier` beside it.
"""
TIERS: Mapping[str, str] = {
    "default": "standard",
    "standard": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
}
MOST_STOPS = 5
MOST_ANSWERS = 8
JSON = "application/json"
MODES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}

_encode = msgspec.json.encode


def body_of(prompt: Prompt, model: str, *, stream: bool) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what it leaves out. Raises `Unfit`, or `Wanting`."""
    turns = Turns(version_of(model), prompt.fetched)
    for message in prompt.messages:
        turns.add(message)
    if turns.wanted:
        raise Wanting(tuple(dict.fromkeys(turns.wanted)))
    turns.sign()
    config, dropped = configuration(prompt, model, stream=stream)
    body: Told = {"contents": turns.contents}
    if not turns.contents:
        body["contents"] = [{"role": "user", "parts": turns.system}]  # somebody has to begin
    elif turns.system:
        body["systemInstruction"] = {"parts": turns.system}
    if prompt.tools:
        body["tools"] = tools(prompt, turns.dropped)
        if prompt.choice is not None:
            body["toolConfig"] = {"functionCallingConfig": chosen(prompt.choice)}
    if config:
        body["generationConfig"] = config
    if (tier := TIERS.get(str(prompt.settings.get("service_tier")))) is not None:
        body["serviceTier"] = tier
    return _encode(body), (*sorted(turns.dropped), *dropped)


def configuration(prompt: Prompt, model: str, *, stream: bool) -> tuple[Told, list[str]]:
    """`generationConfig`, and which settings are not said. Raises `Unfit`."""
    settings = {name: value for name, value in prompt.settings.items() if not is_usual(name, value)}
    number = settings.get("n", 1)
    if number > MOST_ANSWERS:
        raise Unfit(f"it gives at most {MOST_ANSWERS} answers (n)")
    if number > 1 and stream:
        raise Unfit("it streams one answer, not several (n)")
    config = {CARRIES[name]: value for name, value in settings.items() if name in CARRIES}
    thought, dropped = thinking(settings, model)
    if thought:
        config["thinkingConfig"] = thought
    stops = config.get("stopSequences", ())
    if len(stops) > MOST_STOPS:
        config["stopSequences"] = stops[:MOST_STOPS]
        dropped.append("stop")
    for name, value in settings.items():
        tier = name == "service_tier" and str(value) in TIERS
        if not (name in CARRIES or name in ASKED_BY or tier):
            dropped.append(name)
    return config | form(prompt, model), dropped


def form(prompt: Prompt, model: str) -> Told:
    """The form that the answer must have. Raises `Unfit`: older models cannot both call a tool and
    keep to a form.
    """
    if prompt.form is None:
        return {}
    calls = prompt.tools and (prompt.choice is None or prompt.choice.mode != "none")
    if calls and version_of(model) < LEVELS:
        raise Unfit("this model takes no response format beside tools")
    if prompt.form.schema is None:
        return {"responseMimeType": JSON}
    return {"responseMimeType": JSON, "responseJsonSchema": prompt.form.schema}


def tools(prompt: Prompt, dropped: set[str]) -> list[Told]:
    """What may be called. Raises `Unfit` for what only others have."""
    declared = []
    for tool in prompt.tools:
        if isinstance(tool, Hosted):
            raise Unfit(f"the tool {tool.kind!r} runs at another provider")
        if tool.custom:
            raise Unfit(f"the tool {tool.name!r} takes a free text, which it cannot write")
        if tool.cache is not None:
            dropped.add("cache_control")
        declared.append(declaration(tool))
    return [{"functionDeclarations": declared}]


def declaration(tool: Tool) -> Told:
    """One tool."""
    told: Told = {"name": tool.name}
    if tool.description:
        told["description"] = tool.description
    if tool.schema:
        told["parametersJsonSchema"] = tool.schema
    return told


def chosen(choice: ToolChoice) -> Told:
    """Whether a tool is to be called, and which. Names may only be given where the mode is not the
    plain `AUTO`.
    """
    mode = MODES[choice.mode]
    names = [choice.name] if choice.mode == "named" else list(choice.allowed)
    if not names or mode == "NONE":
        return {"mode": mode}
    return {"mode": "VALIDATED" if mode == "AUTO" else mode, "allowedFunctionNames": names}
