"""The messages of a prompt in the words of chat completions.

Results of tools are messages of their own, and hold text alone: files among them follow in a user's
message. What a server lacks is left out and named, or makes it unfit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from router.dialects.common.files import data_url, text_in
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
from router.dialects.openai.chat.quirks import Quirks
from router.dialects.openai.chat.traces import detail_of, extra_of

FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}
"""Formats of sounds, by their media types."""
KINDS = {"image": "images", "document": "documents", "audio": "audio", "video": "videos"}
BETWEEN = "\n\n"
"""What stands between texts that are put together as one."""
A_FILE = "(a file, which follows)"
FAILED = "Error: "
"""Stands before the result of a call that failed, for which there is no other word here."""
NO_THOUGHT = " "
"""Stands for reasoning that is gone, where a server insists on some."""

Written = dict[str, Any]


class Content:
    """Writes the messages of one `prompt`. `dropped` names what was left out so far."""

    def __init__(self, prompt: Prompt, quirks: Quirks) -> None:
        self._prompt = prompt
        self._quirks = quirks
        self._lacks = quirks.lacks
        self._wanted: list[str] = []
        self.dropped: dict[str, None] = {}

    def messages(self) -> list[Written]:
        """All of them. Raises `Unfit`, and `Wanting` for what is to be fetched first."""
        written = [told for message in self._prompt.messages for told in self._message(message)]
        if self._wanted:
            raise Wanting(tuple(dict.fromkeys(self._wanted)))
        last = self._prompt.messages[-1] if self._prompt.messages else None
        if last is not None and last.role == "assistant" and self._quirks.prefix:
            written[-1][self._quirks.prefix] = True
        return written

    def _message(self, message: Message) -> Iterable[Written]:
        name = {} if message.name is None else self._named(message.name)
        parts = message.parts
        if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].cache is None:
            return [{"role": message.role, "content": parts[0].text, **name}]
        if message.role == "assistant":
            return [{**self._answer(parts), **name}]
        results = [part for part in parts if isinstance(part, ToolResult)]
        others = [part for part in parts if isinstance(part, Text | File)]
        files = [file for result in results for file in result.parts if isinstance(file, File)]
        written = [self._result(result) for result in results]
        if files or others or not results:
            content = self._content([*files, *others])
            written.append({"role": message.role, "content": content, **name})
        return written

    def _named(self, name: str) -> Written:
        if "message_names" not in self._lacks:
            return {"name": name}
        self.dropped["message_names"] = None
        return {}

    def _result(self, result: ToolResult) -> Written:
        texts = [part for part in result.parts if isinstance(part, Text)]
        content = self._content(texts)
        if not content:
            content = A_FILE if result.parts else ""
        if result.failed and isinstance(content, str):
            content = FAILED + content
        name = {} if result.name is None else self._named(result.name)
        if result.cache is not None:
            self._uncached()
        return {"role": "tool", "tool_call_id": self._id(result.id), "content": content, **name}

    def _content(self, parts: Sequence[Text | File]) -> str | list[Written]:
        """Text alone where it is, which every server takes."""
        cached = any(part.cache is not None for part in parts)
        if cached and "cache_control" in self._lacks:
            self._uncached()
            cached = False
        texts = [part.text for part in parts if isinstance(part, Text)]
        if len(texts) == len(parts) and not cached:
            if len(texts) == 1 or "text_parts" in self._lacks:
                return BETWEEN.join(texts)
            if not texts:
                return ""
        return [self._part(part, cached=cached) for part in parts]

    def _part(self, part: Text | File, *, cached: bool) -> Written:
        mark: Written = {}
        if cached and part.cache is not None:
            mark = {"cache_control": {"type": "ephemeral"}}
            if part.cache != "5m":
                mark["cache_control"]["ttl"] = part.cache
        told = {"type": "text", "text": part.text} if isinstance(part, Text) else self._file(part)
        return {**told, **mark}

    def _file(self, file: File) -> Written:
        text = _text_of(file)
        if text is not None:
            return {"type": "text", "text": text}
        if (kind := KINDS[file.kind]) in self._lacks or file.kind == "video":
            raise Unfit(f"{kind} cannot be sent there")
        data, media = file.data, file.media_type
        if data is None and file.url is not None and self._as_bytes(file):
            media, data = self._prompt.fetched.get(file.url, ("", ""))
            if not data:
                self._wanted.append(file.url)
        if file.kind == "image":
            return self._image(file, media, data)
        if file.kind == "audio":
            if data is None or (form := FORMATS.get(media, media.removeprefix("audio/"))) == "":
                raise Unfit("a sound cannot be sent there but as bytes of a known format")
            return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        told = {"file_data": data_url(media or "application/pdf", data)} if data else {}
        if file.id is not None:
            told = {"file_id": file.id}
        if file.name is not None or data:
            told["filename"] = file.name or "document"
        return {"type": "file", "file": told}

    def _as_bytes(self, file: File) -> bool:
        return file.kind != "image" or self._quirks.fetched

    def _image(self, file: File, media: str, data: str | None) -> Written:
        url = data_url(media or "image/png", data) if data is not None else file.url
        if url is None:
            raise Unfit("an image cannot be named there by its id")
        detail = {} if file.detail is None else {"detail": file.detail}
        return {"type": "image_url", "image_url": {"url": url, **detail}}

    def _answer(self, parts: list[Part]) -> Written:
        texts: list[Text] = []
        refusals: list[str] = []
        calls: list[Written] = []
        thinking: list[Thinking] = []
        for part in parts:
            if isinstance(part, Text):
                texts.append(part)
            elif isinstance(part, ToolCall):
                calls.append(self._call(part))
            elif isinstance(part, Thinking):
                thinking.append(part)
            elif not isinstance(part, Refusal):
                raise Unfit("an earlier answer with files cannot be said there")
            elif "refusals" in self._lacks:
                texts.append(Text(part.text))
            else:
                refusals.append(part.text)
        # A call needs no words beside it; without either, empty ones are the safest.
        content = self._content(texts) or (None if calls or refusals else "")
        told: Written = {"role": "assistant", "content": content}
        if refusals:
            told["refusal"] = "".join(refusals)
        if calls:
            told["tool_calls"] = calls
        return told | self._thinking(thinking, with_calls=bool(calls))

    def _call(self, call: ToolCall) -> Written:
        called = {"id": self._id(call.id)}
        if call.cache is not None:
            self._uncached()
        if call.custom:
            if "custom_tools" in self._lacks:
                raise Unfit("custom tools cannot be called there")
            custom = {"name": call.name, "input": call.arguments}
            return {**called, "type": "custom", "custom": custom}
        function = {"name": call.name, "arguments": call.arguments}
        extra = extra_of(call.signature, call.maker)
        return {**called, "type": "function", "function": function, **extra}

    def _thinking(self, parts: list[Thinking], *, with_calls: bool) -> Written:
        quirks = self._quirks
        if quirks.details:
            details = [detail_of(part, number) for number, part in enumerate(parts)]
            return {"reasoning_details": details} if details else {}
        text = "".join(part.text for part in parts)
        if quirks.echo:
            text = text or (NO_THOUGHT if with_calls else "")
            return {quirks.echo: text} if text else {}
        if "thinking" in self._lacks:
            if parts:
                self.dropped["thinking"] = None
            return {}
        return {"reasoning_content": text} if text else {}

    def _id(self, given: str) -> str:
        """An id of a call that the server takes: the same for the call and what came of it."""
        if self._quirks.ids.fullmatch(given):
            return given
        return blake2b(given.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()[:9]

    def _uncached(self) -> None:
        self.dropped["cache_control"] = None


def _text_of(file: File) -> str | None:
    """The text of a document that is just text."""
    if file.kind != "document" or file.data is None or not file.media_type.startswith("text/"):
        return None
    return text_in(file.data)
