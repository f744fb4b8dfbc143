"""The fields of a form with files (`multipart/form-data`, RFC 7578), as far as routing reads them.

A form is found by its own first line, which is the delimiter of its parts. Files are neither copied
nor looked into; a field's place is known, so that its value can be replaced and everything else
stays as it came.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_PARTS = 256
MOST_HEAD = 4096
"""Bytes of what stands before a part's content."""
LONGEST_VALUE = 1000
"""Bytes of a field that is read: beyond that it is a file, or a prompt."""

_NAME = re.compile(rb'\bname="((?:[^"\\\r\n]|\\.)*)"|\bname=([^\s;"]+)')
_FILE = re.compile(rb"\bfilename\*?=")


class BadForm(ValueError):
    """The body is no form."""


class Field(NamedTuple):
    """A short field: its name, and where its value begins and ends in the body."""

    name: str
    begin: int
    end: int


def is_form(body: bytes) -> bool:
    """Whether the body begins as a form does; no JSON does."""
    return body.startswith(b"--")


def fields_of(body: bytes) -> list[Field]:
    """The short fields that are no files, in their order. Raises `BadForm`."""
    line = body.find(b"\r\n", 0, 200)
    if not is_form(body) or line < 3:
        raise BadForm("a form begins with its delimiter on a line of its own")
    delimiter = b"\r\n" + body[:line]
    found: list[Field] = []
    at = line
    for _ in range(MOST_PARTS):
        if body[at : at + 2] == b"--":
            return found
        head = body.find(b"\r\n\r\n", at, at + MOST_HEAD)
        end = body.find(delimiter, at if head < 0 else head)
        if head < 0 or end < 0:
            raise BadForm("a part of the form has no end")
        field = _field(body[at:head], head + 4, end)
        if field is not None:
            found.append(field)
        at = end + len(delimiter)
    raise BadForm(f"a form has at most {MOST_PARTS} parts")


def _field(head: bytes, begin: int, end: int) -> Field | None:
    named = _NAME.search(head)
    if named is None or _FILE.search(head) or not 0 <= end - begin <= LONGEST_VALUE:
        return None
    name = named[1] if named[1] is not None else named[2]
    return Field(name.decode("utf-8", "replace"), begin, end)
