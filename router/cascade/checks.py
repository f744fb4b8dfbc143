"""Whether an answer is good enough, as far as that can be told from the answer and its request.

Why: a wrong "good enough" costs trust, and a wrong "not good enough" costs money; so each check
says one thing, and can be measured alone. What is not asked of an answer is met. Of an answer that
has only begun a check fails what it would fail however it goes on, and nothing else.
Must not: do any I/O, or take long. Pure; both sides may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from router.cascade.pattern import Pattern, TooMuch
from router.dialects.common.prompt import Prompt, Tool
from router.shadow.judged import Said
from router.shadow.validity import fits_form, fits_tools

OPENING = 240
"""Characters at an answer's beginning in which a refusal is looked for."""
FINISHED = frozenset({"stop", "tool_calls", ""})
"""Ends of an answer that is whole; the last is of those who do not say."""
REFUSALS = re.compile(
    r"\bi(?: am|'m) (?:sorry,? (?:but )?)?(?:unable|not able) to\b"
    r"|\bi(?: can not|cannot|can't|won't| will not|'m not going to| cannot| can't| won't)"
    r" (?:help|assist|provide|answer|comply|fulfill|do that|create|generate|write|discuss|process)"
    r"|\bas an ai\b|\bi (?:do not|don't) know\b"
    r"|\bi (?:do not|don't) have (?:enough|access|the (?:ability|information))"
    r"|\bi must decline\b|\bnot something i can\b"
)
"""Ways to say that one will not, or cannot; in small letters. Fixed words: it takes no time."""
MOST_BLANK = 100
"""Blanks with which an answer may begin that is to say something."""
JSON_BEGINS = '{["-0123456789tfn'
BEGINS = MappingProxyType({"object": "{", "array": "["})
"""With what JSON begins, by its schema's type."""

Holds = Callable[[Prompt | None, Said], bool]


class Check(NamedTuple):
    """One that needs nothing but what was said, and what was asked (None: nobody read it). `begins`
    is what the beginning of an answer must meet (None: that says nothing).
    """

    name: str
    holds: Holds
    begins: Holds | None = None


def first_failed(checks: Sequence[Check], asked: Prompt | None, said: Said) -> int | None:
    """Which check an answer fails first; None: it passes."""
    failed = (index for index, one in enumerate(checks) if not one.holds(asked, said))
    return next(failed, None)


def failed_at_once(checks: Sequence[Check], asked: Prompt | None, said: Said) -> str:
    """The check that an answer has failed by its beginning; empty: none."""
    failed = (one.name for one in checks if one.begins and not one.begins(asked, said))
    return next(failed, "")


def says_something(_: Prompt | None, said: Said) -> bool:
    """It has words, or calls a tool, or says why not."""
    return bool(said.text.strip() or said.calls or said.refused)


def is_finished(_: Prompt | None, said: Said) -> bool:
    """It was not cut off."""
    return said.stopped in FINISHED


def is_no_refusal(_: Prompt | None, said: Said) -> bool:
    """It does not begin by saying that it will not, or cannot."""
    opening = " ".join(said.text[: 2 * OPENING].split()).lower().replace("’", "'")
    return not said.refused and REFUSALS.search(opening[:OPENING]) is None


def is_of_the_form(asked: Prompt | None, said: Said) -> bool:
    """It is the JSON that was asked for."""
    if asked is None or asked.form is None or said.calls:
        return True
    return fits_form(said, asked.form)


def calls_what_there_is(asked: Prompt | None, said: Said) -> bool:
    """It calls only tools that were offered, with arguments of their form; and one, if it must."""
    if asked is None:
        return True
    if asked.choice is not None and not said.calls:
        return asked.choice.mode not in ("required", "named")
    return fits_tools(said, _offered(asked))


def begins_to_speak(asked: Prompt | None, said: Said) -> bool:
    """It is not blank after blank: words may follow a thought, or a few."""
    return says_something(asked, said) or len(said.text) < MOST_BLANK


def begins_without_refusal(asked: Prompt | None, said: Said) -> bool:
    """See `is_no_refusal`. Its last word may not be whole."""
    return is_no_refusal(asked, replace(said, text=said.text.rpartition(" ")[0]))


def begins_as_the_form(asked: Prompt | None, said: Said) -> bool:
    """Its text begins as the JSON does that was asked for, unless it may still call a tool."""
    if asked is None or asked.form is None or asked.tools:
        return True
    schema = {"type": "object"} if asked.form.schema is None else asked.form.schema
    kind = "" if schema.get("nullable") else schema.get("type")
    begins = BEGINS.get(kind, JSON_BEGINS) if isinstance(kind, str) else JSON_BEGINS
    return said.text.lstrip(" \t\r\n")[:1] in begins  # nothing is in everything


def begins_to_call(asked: Prompt | None, said: Said) -> bool:
    """The tools that it has begun to call were offered; a name may not be whole."""
    if asked is None:
        return True
    names = [tool.name for tool in _offered(asked)]
    return all(any(name.startswith(called) for name in names) for called, _ in said.calls)


def _offered(asked: Prompt) -> list[Tool]:
    """The tools that may be called, of which a choice may leave one, some, or none."""
    tools, choice = [tool for tool in asked.tools if isinstance(tool, Tool)], asked.choice
    if choice is None or (choice.mode in ("auto", "required") and not choice.allowed):
        return tools
    names = {"none": (), "named": (choice.name,)}.get(choice.mode, choice.allowed)
    return [tool for tool in tools if tool.name in names]


BUILT_IN = {
    "empty": says_something,
    "finish": is_finished,
    "refusal": is_no_refusal,
    "schema": is_of_the_form,
    "tools": calls_what_there_is,
}
BEGINNINGS = {
    "empty": begins_to_speak,
    "refusal": begins_without_refusal,
    "schema": begins_as_the_form,
    "tools": begins_to_call,
}
"""What the beginning of an answer must meet that is to pass the check of that name."""
READ_FOR = frozenset({"schema", "tools"})
"""Checks for which the request is read."""


def of_length(least: int, most: int | None) -> Holds:
    """Its text has so many characters (`most` None: any number); calls of tools have none."""

    def holds(_: Prompt | None, said: Said) -> bool:
        size = len(said.text.strip())
        return bool(said.calls) or (least <= size and (most is None or size <= most))

    return holds


def matching(pattern: Pattern) -> Holds:
    """The expression is found in its text, from the first character that is no blank to the last;
    where that cannot be told, it is not.
    """

    def holds(_: Prompt | None, said: Said) -> bool:
        if said.calls and not said.text.strip():
            return True
        try:
            return pattern.found_in(said.text.strip())
        except TooMuch:
            return False

    return holds
