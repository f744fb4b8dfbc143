"""The messages of a prompt as Converse wants a conversation: turns of two, begun by the user, with
the system's words before all of it.
"""

from __future__ import annotations

from router.dialects.bedrock import blocks
from router.dialects.bedrock.blocks import Block, Fetched
from router.dialects.common.prompt import (
    File,
    Message,
    Part,
    Prompt,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from router.dialects.contract import Unfit, Wanting

NOTHING_SAID = "."
"""The user's turn before an assistant's that would be the first."""


class Turns:
    """`system` and `messages` of a body, and what is left out of them, in `dropped`. `caches`: the
    model knows points of a cache; `claude`: it keeps some for an hour, and takes its thoughts back.
    """

    def __init__(self, prompt: Prompt, *, caches: bool, claude: bool) -> None:
        """Raises `Unfit`, or `Wanting` with all that is wanted."""
        self.system: list[Block] = []
        self.messages: list[Block] = []
        self.dropped: list[str] = []
        self._fetched: Fetched = prompt.fetched
        self._caches = caches
        self._claude = claude
        self._wanted: list[str] = []
        self._names: set[str] = set()
        for message in prompt.messages:
            self._add(message)
        if self._wanted:
            raise Wanting(tuple(dict.fromkeys(self._wanted)))
        self._complete()

    @property
    def begun(self) -> bool:
        """Whether the answer has been begun for the assistant."""
        return str(self.messages[-1]["role"]) == "assistant"

    @property
    def calls(self) -> list[str]:
        """The names of the tools that were called, once each."""
        used = (block for turn in self.messages for block in turn["content"])
        return list(dict.fromkeys(b["toolUse"]["name"] for b in used if "toolUse" in b))

    @property
    def calls_without_thinking(self) -> bool:
        """Whether the assistant's last turn called tools, and what it thought is not there: then it
        cannot be made to think from here on.
        """
        last = next((m for m in reversed(self.messages) if m["role"] == "assistant"), None)
        if last is None:
            return False
        content = last["content"]
        return any("toolUse" in block for block in content) and "reasoningContent" not in content[0]

    def point(self, cache: str | None) -> list[Block]:
        """The point of a cache where there is to be one, and may be."""
        if cache is not None and (not self._caches or (cache == "1h" and not self._claude)):
            self.dropped.append("cache_control")
        return blocks.cached(cache, longer=self._claude) if self._caches else []

    def _add(self, message: Message) -> None:
        if message.name:
            self.dropped.append("message_names")
        said = [block for part in message.parts for block in self._blocks(part)]
        if message.role == "system":
            if any(block.keys().isdisjoint({"text", "cachePoint"}) for block in said):
                raise Unfit("a system message that is more than text")
            self.system += said
        elif said and self.messages and self.messages[-1]["role"] == message.role:
            self.messages[-1]["content"] += said
        elif said:
            self.messages.append({"role": message.role, "content": said})

    def _blocks(self, part: Part) -> list[Block]:
        match part:
            case Text():
                return self._text(part)
            case File():
                block = self._file(part)
                return [block, *self.point(part.cache)] if block is not None else []
            case ToolCall():
                return [blocks.tool_call(part), *self.point(part.cache)]
            case ToolResult():
                return [self._result(part), *self.point(part.cache)]
            case Refusal():
                return self._text(Text(part.text))
            case Thinking():
                kept = blocks.thinking(part) if self._claude else None
                if kept is None:
                    self.dropped.append("thinking")
                return [kept] if kept is not None else []

    def _text(self, part: Text) -> list[Block]:
        """Nothing for what is blank: such blocks are refused."""
        return [{"text": part.text}, *self.point(part.cache)] if part.text.strip() else []

    def _file(self, part: File) -> Block | None:
        try:
            block = blocks.file(part, self._fetched)
        except Wanting as wanting:
            self._wanted += wanting.urls
            return None
        if part.kind == "document":
            # Two of one name are refused.
            name, number = block["document"]["name"], 1
            while block["document"]["name"] in self._names:
                number += 1
                block["document"]["name"] = f"{name[:190]} {number}"
            self._names.add(block["document"]["name"])
        return block

    def _result(self, part: ToolResult) -> Block:
        content: list[Block] = []
        for one in part.parts:
            if isinstance(one, File):
                block = self._file(one)
                content += [block] if block is not None else []
            elif one.text.strip():
                content.append({"text": one.text})
        result: Block = {"toolUseId": blocks.id_of(part.id), "content": content}
        if part.failed:
            result["status"] = "error"
        return {"toolResult": result}

    def _complete(self) -> None:
        messages = self.messages
        if not messages and self.system:
            messages.append({"role": "user", "content": self.system})
            self.system = []
        elif not messages or messages[0]["role"] != "user":
            messages.insert(0, {"role": "user", "content": [{"text": NOTHING_SAID}]})
        for turn in messages:
            if turn["role"] == "user":
                turn["content"] = _ordered(turn["content"])
        if self.begun and "text" in (last := messages[-1]["content"][-1]):
            messages[-1]["content"][-1] = {"text": last["text"].rstrip()}


def _ordered(content: list[Block]) -> list[Block]:
    """Results stand before everything else that answers the turn which called, each with its point
    of the cache; and no document goes without a text.
    """
    groups: list[list[Block]] = []
    for block in content:
        if "cachePoint" in block and groups:
            groups[-1].append(block)
        else:
            groups.append([block])
    groups.sort(key=lambda group: "toolResult" not in group[0])
    ordered = [block for group in groups for block in group]
    names = [block["document"]["name"] for block in ordered if "document" in block]
    if names and not any("text" in block for block in ordered):
        ordered.append({"text": ", ".join(names)})
    return ordered
