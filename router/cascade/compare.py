"""Whether an accepted answer should not have been, beside what a dearer tier says to the same.

Must not: do any I/O. Pure; both sides may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.dialects.common.outside import decoded
from router.dialects.common.prompt import Prompt
from router.shadow.judged import Said
from router.shadow.validity import fits_form, fits_tools

Wrong = Callable[[Prompt | None, Said, Said], bool | None]
"""Whether the first answer should not have been accepted, by the second; None: that says nothing
of it."""


def by_words(_: Prompt | None, cheap: Said, dear: Said) -> bool | None:
    """They are not the same: the same words but for blanks, or JSON of the same value, and the
    same calls of tools.
    """
    if len(cheap.calls) != len(dear.calls):
        return True
    if any(
        name != other or not _same(arguments, its)
        for (name, arguments), (other, its) in zip(cheap.calls, dear.calls, strict=True)
    ):
        return True
    return not cheap.calls and not _same(cheap.text, dear.text)


def by_form(asked: Prompt | None, cheap: Said, dear: Said) -> bool | None:
    """The dear one is of the form that was asked for, or calls tools as they are, and the cheap
    one is not, or does not.
    """
    if asked is None or (asked.form is None and not asked.tools):
        return None
    return _is_right(asked, dear) and (
        not _is_right(asked, cheap) or bool(cheap.calls) != bool(dear.calls)
    )


WAYS: Mapping[str, Wrong] = {"exact": by_words, "schema": by_form}


def _is_right(asked: Prompt, said: Said) -> bool:
    if said.calls:
        return fits_tools(said, asked.tools)
    return asked.form is None or fits_form(said, asked.form)


def _same(one: str, other: str) -> bool:
    if one.split() == other.split():
        return True
    value: Any = decoded(one.encode(errors="replace"))
    return value is not None and bool(value == decoded(other.encode(errors="replace")))
