"""The messages of a prompt as Anthropic wants a conversation: turns of two, begun by the user, with
the system's words before all of it.
"""

from __future__ import annotations

from router.dialects.anthropic import blocks
from router.dialects.anthropic.blocks import Block
from router.dialects.anthropic.models import Kind
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
from router.dialects.contract import Unfit

NOTHING_SAID = {"type": "text", "text": "."}
"""The user's turn before an assistant's that would be the first."""


class Turns:
    """`system` and `messages` of a body, and what is left out of them, in `dropped`."""

    def __init__(self, prompt: Prompt, kind: Kind) -> None:
        """Raises `Unfit`, or `Wanting`."""
        self.system: list[Block] = []
        self.messages: list[Block] = []
        self.dropped: list[str] = []
        self._prompt = prompt
        self._kind = kind
        last = len(prompt.messages) - 1
        for at, message in enumerate(prompt.messages):
            if message.name:
                self.dropped.append("message_names")
            if message.role == "system":
                followed = at == last or prompt.messages[at + 1].role == "assistant"
                self._instruct(message, followed=followed)
            else:
                self._say(message)
        self._complete()

    @property
    def begun(self) -> bool:
        """Whether the answer has been begun for the assistant."""
        return bool(self.messages) and self.messages[-1]["role"] == "assistant"

    @property
    def calls_without_thinking(self) -> bool:
        """Whether the assistant's last turn called tools, and what it thought is not there: then it
        cannot be made to think from here on.
        """
        last = next((m for m in reversed(self.messages) if m["role"] == "assistant"), None)
        if last is None:
            return False
        kinds = [block["type"] for block in last["content"]]
        return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")

    def _instruct(self, message: Message, *, followed: bool) -> None:
        """The system's words: in their place where the model takes them there, which is after a
        user's turn and before an assistant's; else before all turns.
        """
        said = self._blocks(message)
        if not said:
            return
        if any(block["type"] != "text" for block in said):
            raise Unfit("a system message that is more than text")
        within = self._kind.system and followed and self.messages
        if within and self.messages[-1]["role"] == "user":
            self.messages.append({"role": "system", "content": said})
        else:
            self.system += said

    def _say(self, message: Message) -> None:
        said = self._blocks(message)
        if not said:
            return
        if self.messages and self.messages[-1]["role"] == message.role:
            self.messages[-1]["content"] += said
        else:
            self.messages.append({"role": message.role, "content": said})

    def _blocks(self, message: Message) -> list[Block]:
        made = (self._block(part) for part in message.parts)
        return [block for block in made if block is not None]

    def _block(self, part: Part) -> Block | None:
        match part:
            case Text():
                return blocks.text(part)
            case File():
                return blocks.file(part, self._prompt)
            case ToolCall():
                return blocks.tool_call(part)
            case ToolResult():
                return blocks.result(part, self._prompt)
            case Refusal():
                return blocks.text(Text(part.text))
            case Thinking():
                kept = blocks.thinking(part)
                if kept is None:
                    self.dropped.append("thinking")
                return kept

    def _complete(self) -> None:
        messages = self.messages
        if not messages and self.system:
            messages.append({"role": "user", "content": self.system})
            self.system = []
        elif messages and messages[0]["role"] != "user":
            messages.insert(0, {"role": "user", "content": [NOTHING_SAID]})
        for message in messages:
            if message["role"] == "user":
                # Results stand before everything else that answers the turn which called.
                message["content"].sort(key=lambda block: block["type"] != "tool_result")
        if self.begun:
            self._end_begun(messages[-1]["content"])

    def _end_begun(self, content: list[Block]) -> None:
        if not self._kind.prefill:
            raise Unfit("the beginning of an answer that the model is to go on with")
        if content[-1]["type"] == "text":
            content[-1] = {**content[-1], "text": content[-1]["text"].rstrip()}
