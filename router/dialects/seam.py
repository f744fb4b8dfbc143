"""An answer that may break off: what its client has of it, and where another goes on.

Texts are compared in UTF-16, as JSON escapes them and most clients hold them: a stream may be cut
between the two halves of one character. Nothing here knows a wire format.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

MOST_KEPT = 256 * 1024
"""Characters: a longer text is not kept, and so not gone on with."""
LEAST_ECHO = 32
"""Characters that a model does not write once more by chance."""


class Begun:
    """What a client has of a streamed answer.

    `marks` are what the events of it are marked with, in words of the client's dialect; `tokens`
    the pieces that its text came in. `sound`: it is text and nothing else, and all of it is kept.
    `input_spent` and `output_spent` are the tokens of the attempts that it came from, without the
    one under way.
    """

    __slots__ = ("_text", "input_spent", "marks", "output_spent", "size", "sound", "tokens")

    def __init__(self) -> None:
        self._text = StringIO()
        self.size = 0
        self.tokens = 0
        self.marks: dict[str, Any] = {}
        self.sound = True
        self.input_spent = self.output_spent = 0

    @property
    def text(self) -> str:
        """All of it."""
        return self._text.getvalue()

    def add(self, text: str) -> None:
        """The client gets this piece as well."""
        self.size += len(text)
        self.tokens += 1
        if self.size > MOST_KEPT:
            self.spoil()
        elif self.sound:
            self._text.write(text)

    def spoil(self) -> None:
        """There is more in it than text, or more than is kept."""
        self.sound = False
        self._text = StringIO()

    def fork(self) -> Begun:
        """The same, for an attempt that adds to it, or fails to."""
        copy = Begun()
        copy.size = copy._text.write(self.text)
        copy.tokens, copy.sound = self.tokens, self.sound
        copy.marks = self.marks.copy()
        copy.input_spent, copy.output_spent = self.input_spent, self.output_spent
        return copy


class Seam:
    """Joins a new text to one that a client `had`, which is not empty.

    `again`: the new one is the same from its start; else it is the rest, and what it repeats of the
    start is an echo, or chance. `failed`: it is not, or nobody can tell which of the two.
    """

    __slots__ = ("_again", "_at", "_had", "_joined", "failed")

    def __init__(self, had: str, *, again: bool) -> None:
        self._had = units(had)
        self._again = again
        self._at = 0
        self._joined = False
        self.failed = False

    def feed(self, text: str) -> str:
        """The next of the new text; returns what of it the client is to get now."""
        if self._joined or self.failed:
            return "" if self.failed else text
        piece = units(text)
        same = piece[: len(self._had) - self._at]
        if not self._had.startswith(same, self._at):
            return self._parted(piece)
        self._at += len(same)
        if self._at < len(self._had):
            return ""
        return self._repeated(piece[len(same) :])

    def end(self) -> str:
        """The new text is at its end; returns what of it the client is still to get."""
        return "" if self._joined or self.failed else self._parted(b"")

    def _parted(self, piece: bytes) -> str:
        """It is another text from here on, after as much of the old one as has come."""
        if self._again:
            self.failed = True
            return ""
        self._joined = True
        return characters(self._had[: self._at] + piece)

    def _repeated(self, rest: bytes) -> str:
        """All of the old text has come again."""
        if not self._again and not is_echo(characters(self._had)):
            self.failed = True
            return ""
        self._joined = True
        return characters(rest)


class Rest:
    """Joins, as a `Seam` does, the rest of a text that was sent to be gone on with, as `sendable`
    has it: the rest then begins with what was left off, or ends before.
    """

    __slots__ = ("_blank", "_echo")

    def __init__(self, had: str) -> None:
        sent = sendable(had)
        self._echo = Seam(sent, again=False)
        self._blank = Seam(had[len(sent) :], again=True) if len(sent) < len(had) else None

    @property
    def failed(self) -> bool:
        return self._echo.failed or (self._blank is not None and self._blank.failed)

    def feed(self, text: str) -> str:
        return self._after_blank(self._echo.feed(text))

    def end(self) -> str:
        return self._after_blank(self._echo.end())

    def _after_blank(self, text: str) -> str:
        return text if self._blank is None or not text else self._blank.feed(text)


def sendable(text: str) -> str:
    """A text as a model can go on with it: without white space at its end, which many servers cut
    off, and some refuse.
    """
    return text.rstrip()


def is_echo(text: str) -> bool:
    """Whether `text`, come twice, is an echo. What is short may follow itself, and so may what
    repeats itself already.
    """
    return len(text) >= LEAST_ECHO and (text + text).find(text, 1) == len(text)


def units(text: str) -> bytes:
    """A text in UTF-16, also one that has half of a character."""
    return text.encode("utf-16-le", "surrogatepass")


def characters(written: bytes) -> str:
    """The reverse of `units`."""
    return written.decode("utf-16-le", "surrogatepass")
