"""How every kind of value is written, as JSON Schema has it: beside each function that reads one,
the form of what it takes.

Why: an editor that knows the forms says what is wrong before the file is saved.
Must not: be stricter than what reads the value. It may be less strict, where a form cannot tell:
that a count is whole after its unit, that a URL's host is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.config import extents, shares, texts, units

Form = dict[str, Any]

VARIABLE: Form = {
    "type": "string",
    "pattern": r"\$\{(?:file:[^{}]+?|[A-Za-z_][A-Za-z0-9_]*)(?::-[^{}]*)?\}",
}
"""A variable, or text with one: what it stands for is not known here."""
VISIBLE = r"^[^\u0000-\u001f\u007f]+$"
WORD = r"^[^\u0000-\u0020\u007f]+$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

_QUANTITY = r"(?:[0-9]_?){0,17}[0-9](?:\.[0-9]{1,20})?"
_PORT = r"(?:[0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_MODULE = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_MOST = 10**18 - 1


def _text(pattern: str) -> Form:
    return {"type": "string", "pattern": pattern}


def _with_unit(*names: str, more: str = "") -> str:
    return rf"\s*{_QUANTITY}\s*(?:{'|'.join(names)}){more}\s*"


def _more_than_0(pattern: str) -> Form:
    return {**_text(pattern), "not": {"pattern": r"^[\s0_.]*[A-Za-z]*\s*(?:/.*)?$"}}


def _either(*forms: Form) -> Form:
    return {"anyOf": [*forms]}


_DURATION = _with_unit(*units.DURATIONS)
_COUNT = rf"^{_with_unit(*units.COUNTS)}$"
_EACH = _with_unit(*units.COUNTS)
_NUMBER = rf"^\s*{_QUANTITY}\s*$"
_RATE = _more_than_0(rf"^{_with_unit(*units.COUNTS)}/\s*(?:{'|'.join(units.PERIODS)})\s*$")

FORMS: Mapping[Callable[..., object], Form] = {
    units.duration: _either({"const": 0}, _text(rf"^(?:0|{_DURATION})$")),
    units.span: _more_than_0(rf"^{_DURATION}$"),
    units.size: _either(
        {"type": "integer", "minimum": 1, "maximum": _MOST},
        _more_than_0(rf"^{_with_unit('', *units.SIZES)}$"),
    ),
    units.count: _either({"type": "integer", "minimum": 0, "maximum": _MOST}, _text(_COUNT)),
    units.positive: _either(
        {"type": "integer", "minimum": 1, "maximum": _MOST}, _more_than_0(_COUNT)
    ),
    extents.extent: _text(rf"^(?:{_EACH}\.\.(?:{_EACH})?|\s*\.\.{_EACH})$"),
    units.rate: _RATE,
    units.rate_or_all: _either({"const": "all"}, _RATE),
    units.price: _either({"type": "number", "minimum": 0, "maximum": _MOST}, _text(_NUMBER)),
    units.weight: _either({"type": "number", "minimum": 0, "maximum": _MOST}, _text(_NUMBER)),
    units.exponent: _either(
        {"type": "number", "minimum": 0, "maximum": units.MOST_EXPONENT}, _text(_NUMBER)
    ),
    units.speed: _either(
        {"type": "number", "exclusiveMinimum": 0, "maximum": _MOST}, _more_than_0(_NUMBER)
    ),
    units.share: _either(
        {"type": "number", "minimum": 0, "maximum": 1},
        _text(r"^\s*(?:0+(?:\.[0-9]{1,20})?|0*1(?:\.0{1,20})?)\s*$"),
    ),
    units.part: _either(
        {"enum": ["all", "none"]},
        _text(r"^\s*0*(?:100(?:\.0{1,20})?|[0-9]{1,2}(?:\.[0-9]{1,20})?)\s*%\s*$"),
    ),
    units.spend: _either(
        {"const": "none"}, _text(rf"^\s*\$\s*{_QUANTITY}\s*/\s*(?:{'|'.join(units.PERIODS)})\s*$")
    ),
    units.hedge: _either(
        {"type": "number", "minimum": 0, "maximum": 0.2},
        _text(r"^\s*0+(?:\.(?:[01][0-9]{0,19}|20{0,19}))?\s*$"),
    ),
    shares.percent: _either(
        {"type": "number", "exclusiveMinimum": 0, "maximum": 100}, _more_than_0(_NUMBER)
    ),
    shares.points: _more_than_0(rf"^\s*\+\s*{_QUANTITY}\s*%\s*$"),
    shares.ratio: _more_than_0(rf"^\s*{_QUANTITY}\s*x\s*$"),
    units.score: _either(
        {"type": "number", "minimum": -1, "maximum": 1, "not": {"const": 0}},
        _text(r"^\s*[+-]?(?=.*[1-9])(?:0*(?:\.[0-9]{1,20})?|0{0,2}1(?:\.0{1,20})?)\s*$"),
    ),
    units.threshold: _text(rf"^\s*(?:>=|<=|>|<){_with_unit(*units.COUNTS)}$"),
    texts.text: _text(VISIBLE),
    texts.words: {"type": "string", "minLength": 1},
    texts.label: _text(WORD),
    texts.address: _text(rf"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):{_PORT}$"),
    texts.base_url: {
        **_text(r"^$|^https?://[^\s/@?#]+(?:/[^\s?#]*)?$"),
        "not": {"pattern": r"/(?:completions|embeddings|models)/*$"},
    },
    texts.proxy: _text(r"^none$|^http://[^\s/?#]+/?$"),
    texts.redis: _text(r"^$|^(?:rediss?(?:\+cluster|\+sentinel)?|unix)://"),
    texts.file: _text(r"^[^\u0000-\u001f\u007f]*$"),
    texts.named: _text(NAME),
    texts.regions: _text(r"^[A-Za-z0-9][A-Za-z0-9._-]*\*?$"),
    texts.credential: _text(r"^\s*[!-~]*\s*$"),
    texts.host: _text(r"^(?:[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?)$"),
    texts.authority: _text(r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$"),
    texts.origin: _text(r"^[Hh][Tt][Tt][Pp][Ss]?://[\w.:\[\]-]+$"),
    texts.version: _text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-preview)?$"),
    texts.module: _text(rf"^{_MODULE}$"),
    texts.pattern: {"type": "string", "minLength": 1},
    texts.imported: _text(rf"^{_MODULE}:[A-Za-z_][A-Za-z0-9_]*$"),
    texts.policy: _text(rf"^(?:{_MODULE}:[A-Za-z_][A-Za-z0-9_]*|[^\u0000-\u001f:]+)$"),
}
FLAG: Form = {"type": "boolean"}
"""A variable holds text, and so no truth value."""


def form(read: Callable[..., object]) -> Form:
    """How a value is written that `read` takes, or a variable in its place."""
    if read is units.boolean:
        return FLAG
    own = {"enum": [*read.words]} if isinstance(read, texts.Choice) else FORMS[read]
    return _either(*own.get("anyOf", [own]), VARIABLE)
