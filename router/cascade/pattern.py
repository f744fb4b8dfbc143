"""Regular expressions that cannot take long, whatever they are looked for in.

Why: one that goes back over what it has read can take hours for a text that somebody else wrote,
and nothing else is served meanwhile. Here every character is looked at once, by all ways through
the expression together (Thompson 1968), so that it takes as long as the text is; what has no such
form (references back, looking around) is refused when it is read.
Must not: mean anything else than Python's `re.search(…, re.DOTALL)` for what it takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST = 64 * 1024
"""Characters of a text; in a longer one nothing is looked for."""
MOST_NODES = 1000
"""What an expression may come to, repetitions written out."""
MOST_WORK = 300_000
"""Characters that are compared for one text, at some 0.15 µs each; beyond, it is not known."""
MOST_STATES = 500
"""Sets of ways that are remembered, with where each character leads from there."""
CLASSES = "dDwWsS"
PLAIN = {"n": "\n", "t": "\t", "r": "\r"}
ACCEPT = -1
Ways = frozenset[int]
_Tree = tuple[Any, ...]
"""`("a", atom)`, `("|", branches)`, `("", row)`, `("*", tree, least, most)`, `("^",)`, `("$",)`."""


class BadPattern(ValueError):
    """It is no expression, or none that is taken here; the message says why."""


class TooMuch(Exception):
    """It is not known: the text is too long, or too many ways lead through it."""


class _State:
    """A set of ways, whether one of them is at its end, and where each character leads."""

    __slots__ = ("accepts", "onward", "ways")

    def __init__(self, ways: Ways) -> None:
        self.ways, self.accepts = ways, ACCEPT in ways
        self.onward: dict[str, _State] = {}


class Pattern:
    """One expression. Equal where its text is."""

    def __init__(self, text: str) -> None:
        """Raises `BadPattern`."""
        self.text = text
        self._nodes = _Parser(text)
        self._begin = self._nodes.start
        self._states: dict[Ways, _State] = {}
        self._work = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def found_in(self, text: str) -> bool:
        """Whether it is anywhere in `text`. Raises `TooMuch`."""
        if len(text) > LONGEST:
            raise TooMuch
        self._work = MOST_WORK
        state = self._state(self._closed([self._begin], begin=True))
        for character in text:
            if state.accepts:
                return True
            after = state.onward.get(character)
            state = self._after(state, character) if after is None else after
        return state.accepts or ACCEPT in self._closed(state.ways, begin=not text, end=True)

    def _state(self, ways: Ways) -> _State:
        state = self._states.get(ways)
        if state is None:
            if len(self._states) >= MOST_STATES:
                self._forget()
            state = self._states[ways] = _State(ways)
        return state

    def _forget(self) -> None:
        for state in self._states.values():
            state.onward.clear()
        self._states.clear()

    def _after(self, here: _State, character: str) -> _State:
        self._work -= len(here.ways) + 1
        if self._work < 0:
            raise TooMuch
        atoms, onward = self._nodes.atoms, self._nodes.onward
        ways = [onward[one][0] for one in here.ways if (a := atoms[one]) and a.fullmatch(character)]
        after = self._state(self._closed([*ways, self._begin]))
        if len(here.onward) < MOST_STATES:
            here.onward[character] = after
        return after

    def _closed(self, ways: Iterable[int], *, begin: bool = False, end: bool = False) -> Ways:
        """Where one gets from `ways` without a character; who stands at an end waits for it."""
        found: set[int] = set()
        left = [*ways]
        while left:
            one = left.pop()
            if one in found:
                continue
            found.add(one)
            if one == ACCEPT or self._nodes.atoms[one] is not None:
                continue
            place = self._nodes.places[one]
            if place == "" or (place == "^" and begin) or (place == "$" and end):
                left.extend(self._nodes.onward[one])
        return frozenset(found)


class _Parser:
    """From a text to nodes: each is a character (`atoms`), or a place (`places`: a beginning, an
    end, or a mere fork), and leads `onward`. They are made from behind: what follows is there.
    """

    def __init__(self, text: str) -> None:
        self.atoms: list[re.Pattern[str] | None] = []
        self.places: list[str] = []
        self.onward: list[tuple[int, ...]] = []
        self._flags = re.DOTALL
        if text.startswith("(?i)"):
            self._flags, text = re.DOTALL | re.IGNORECASE, text[4:]
        self._text, self._at = text, 0
        tree = self._either()
        if self._at < len(text):
            raise BadPattern("a bracket is closed that was not opened")
        self.start = self._made(tree, ACCEPT)

    def _either(self) -> _Tree:
        branches = [self._row()]
        while self._takes("|"):
            branches.append(self._row())
        return ("|", branches) if len(branches) > 1 else branches[0]

    def _row(self) -> _Tree:
        row: list[_Tree] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            row.append(self._repeated(self._one()))
        return ("", row)

    def _repeated(self, one: _Tree) -> _Tree:
        bounds = self._bounds()
        if bounds is None:
            return one
        if one[0] in ("^", "$"):
            raise BadPattern("nothing to repeat")
        if self._takes("?"):
            pass  # as few as possible: found is found
        if self._takes("+") or self._bounds() is not None:
            raise BadPattern("a repetition of a repetition: put the inner one in (?:…)")
        least, most = bounds
        return ("*", one, least, most)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._takes(sign):
                return bounds
        found = re.compile(r"\{([0-9]{0,4})(,?)([0-9]{0,4})\}").match(self._text, self._at)
        if found is None or not (found[1] or found[3]):
            return None
        self._at = found.end()
        least = int(found[1] or 0)
        most = least if not found[2] else int(found[3]) if found[3] else None
        if most is not None and most < least:
            raise BadPattern(f"{found[0]} ends before it begins")
        return least, most

    def _one(self) -> _Tree:
        text, at = self._text, self._at
        sign = text[at]
        self._at += 1
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._set()
        if sign == "\\":
            return self._escaped()
        if sign in "^$":
            return (sign,)
        if sign in "*+?":
            raise BadPattern(f"nothing to repeat before {sign}")
        return ("a", re.compile("." if sign == "." else re.escape(sign), self._flags))

    def _group(self) -> _Tree:
        if self._takes("?") and not self._takes(":"):
            raise BadPattern("of groups with (? only (?:…) is known, and (?i) at the beginning")
        inside = self._either()
        if not self._takes(")"):
            raise BadPattern("a bracket is not closed")
        return inside

    def _set(self) -> _Tree:
        begin = self._at - 1
        self._takes("^")
        self._takes("]")
        while not self._takes("]"):
            self._at += 2 if self._text[self._at : self._at + 1] == "\\" else 1
            if self._at >= len(self._text):
                raise BadPattern("a set is not closed: ]")
        written = self._text[begin : self._at]
        if "[" in written[1:].replace("\\[", ""):
            raise BadPattern("a [ inside a set is written \\[")
        try:
            return ("a", re.compile(written, self._flags))
        except re.error as error:
            raise BadPattern(f"{written}: {error}") from None

    def _escaped(self) -> _Tree:
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        if sign and sign in CLASSES:
            return ("a", re.compile(f"\\{sign}", self._flags))
        if not sign or (sign.isalnum() and sign not in PLAIN):
            raise BadPattern(f"\\{sign} is not known here")
        return ("a", re.compile(re.escape(PLAIN.get(sign, sign)), self._flags))

    def _takes(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += len(sign) * taken
        return taken

    def _made(self, tree: _Tree, then: int) -> int:
        """The first node of `tree`, after which it goes on at `then`."""
        match tree:
            case ("a", atom):
                return self._node(atom, "", then)
            case ("|", branches):
                return self._node(None, "", *[self._made(one, then) for one in branches])
            case ("", row):
                for one in reversed(row):
                    then = self._made(one, then)
                return then
            case ("*", one, least, most):
                return self._times(one, least, most, then)
            case _:
                return self._node(None, tree[0], then)

    def _times(self, one: _Tree, least: int, most: int | None, then: int) -> int:
        if most is None:
            fork = self._node(None, "", then)
            self.onward[fork] = (self._made(one, fork), then)
            then = fork
        else:
            end = then
            for _ in range(most - least):
                then = self._node(None, "", self._made(one, then), end)
        for _ in range(least):
            then = self._made(one, then)
        return then

    def _node(self, atom: re.Pattern[str] | None, place: str, *onward: int) -> int:
        if len(self.atoms) >= MOST_NODES:
            raise BadPattern("it is too large, its repetitions written out")
        self.atoms.append(atom)
        self.places.append(place)
        self.onward.append(onward)
        return len(self.atoms) - 1
