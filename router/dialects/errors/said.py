"""What an error says of itself, in whatever shape: objects, texts, lists, nested reasons.

Everything here comes from outside and may be anything: what is not of the expected kind is not
there, and nothing is kept that is longer than an error needs to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from router.dialects.common.outside import first_of, object_of
from router.dialects.contract import Headers

LONGEST_CODE, LONGEST_MESSAGE, MOST_DETAILS = 64, 2000, 16
NO_HEADERS: Headers = {}
SIGNS = ("message", "Message", "__type", "detail", "statusCode", "error_type")
"""What a body without `error` has at its top if it is one all the same: `{"detail": …}` of a web
framework, `{"object": "error", "message": …}` of older servers, `{"message": …}` of AWS.
"""
NAMED = "x-amzn-errortype"
"""The header in which AWS names an error: `ThrottlingException:http://…`."""

UNIFIED = "anthropic-ratelimit-unified-"
"""How Anthropic tells of the windows of a subscription, of hours and days: each one's `-status`,
`-utilization` and `-reset`, and `status` and `reset` of the one that decides. It is in no document
of theirs, but in their own client, and in what many have seen on the wire.
"""
USED_UP = "unified_rejected"
"""The code of an error that says so of that one."""


class Said(NamedTuple):
    """`status` is the answer's; inside a success it is what the error names, else 200. `codes` are
    its words, the most telling first, and `message` its text, both in lower case. `told`: it is an
    error and no page. `delay` is what the body names as the time to wait, as it is written;
    `headers` hold also those that the body passes on.
    """

    status: int
    codes: tuple[str, ...] = ()
    message: str = ""
    told: bool = False
    delay: str = ""
    headers: Headers = NO_HEADERS

    @property
    def dated(self) -> bool:
        """Whether it names a time to come back, limits' resets apart."""
        return bool(self.delay or "retry-after" in self.headers or "retry-after-ms" in self.headers)


def said(status: int, headers: Headers, body: Any) -> Said:
    """What `body`, decoded, says; None is none that could be."""
    body = first_of(body)
    named = _named(headers)
    error = error_of(body) if isinstance(body, dict) else None
    if error is None or not isinstance(body, dict):
        return Said(status, named, told=bool(named), headers=headers)
    if 200 <= status < 300:
        status = _number(error, body) or status
    details = _details(error)
    words = (word.lower() for word in _codes(error, body, details))
    codes = tuple(dict.fromkeys((*named, *words)))
    quotas = " ".join(_quotas(details))
    message = f"{message_of(error)} {quotas}".strip()[:LONGEST_MESSAGE].lower()
    delays = (detail.get("retryDelay") for detail in details)
    delay = next((told for told in delays if isinstance(told, str)), "")
    return Said(status, codes, message, told=True, delay=delay, headers=_passed_on(error, headers))


def _named(headers: Headers) -> tuple[str, ...]:
    if used_up(headers):
        return (USED_UP,)
    name = headers.get(NAMED, "").partition(":")[0].strip()[:LONGEST_CODE].lower()
    return (name,) if name and name.isprintable() else ()


def used_up(headers: Headers) -> bool:
    """Whether a window of a subscription of Anthropic's is what refuses."""
    return headers.get(f"{UNIFIED}status") == "rejected"


def error_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The error of a body: what stands under `error`, or the body itself; None: it is none."""
    error = body.get("error")
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {**body, "message": error}
    return body if body.get("object") == "error" or any(sign in body for sign in SIGNS) else None


def message_of(error: Mapping[str, Any]) -> str:
    """The text of an error; empty: it has none."""
    for name in ("message", "Message", "detail", "msg"):
        told = error.get(name)
        if isinstance(told, list) and told and isinstance(told[0], dict):
            told = told[0].get("msg")
        if isinstance(told, dict):
            told = message_of({"detail": told.get("detail")})
        if isinstance(told, str) and told:
            return told[:LONGEST_MESSAGE]
    return ""


def told(body: Any) -> str:
    """The message of an error as people are to read it; empty: `body`, decoded, is none."""
    inner = first_of(body)
    error = error_of(inner) if isinstance(inner, dict) else None
    return message_of(error) if error is not None else ""


def _codes(
    error: Mapping[str, Any], body: Mapping[str, Any], details: list[dict[str, Any]]
) -> Iterator[str]:
    """Every word that names the error, the most telling first."""
    metadata = object_of(error.get("metadata"))
    if metadata.get("reasons"):
        yield "moderation"
    told = [detail.get("reason") for detail in details]
    told += [object_of(error.get("details")).get("error_code")]
    told += [object_of(error.get("innererror")).get("code"), metadata.get("error_type")]
    told += [error.get(name) for name in ("error_type", "code", "type", "status")]
    told += [text.rpartition("#")[2] for text in (error.get("__type"),) if isinstance(text, str)]
    if error is not body:
        told += [body.get(name) for name in ("code", "type")]
    for word in told:
        named = str(word) if isinstance(word, int) and not isinstance(word, bool) else word
        if isinstance(named, str) and named and named.isprintable() and not _is_status(named):
            yield named[:LONGEST_CODE]


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    if not isinstance(details, list):
        return []
    return [detail for detail in details[:MOST_DETAILS] if isinstance(detail, dict)]


def _quotas(details: list[dict[str, Any]]) -> Iterator[str]:
    """The names of the quotas that are spent (Google: `GenerateRequestsPerDayPer…`)."""
    for detail in details:
        violations = detail.get("violations")
        for violation in violations[:MOST_DETAILS] if isinstance(violations, list) else ():
            quota = object_of(violation).get("quotaId")
            if isinstance(quota, str):
                yield quota[:LONGEST_CODE]


def _passed_on(error: Mapping[str, Any], headers: Headers) -> Headers:
    """The answer's headers, over those that the error brings from behind it (OpenRouter)."""
    told = object_of(object_of(error.get("metadata")).get("headers"))
    passed = {name.lower(): value for name, value in told.items() if isinstance(value, str)}
    return {**passed, **headers} if passed else headers


def _number(error: Mapping[str, Any], body: Mapping[str, Any]) -> int | None:
    """The status that an error names inside a success."""
    told = [error.get(name) for name in ("code", "status", "status_code")]
    told += [body.get(name) for name in ("status_code", "statusCode", "code")]
    named = (str(one) for one in told if isinstance(one, int | str))
    return next((int(one) for one in named if _is_status(one)), None)


def _is_status(word: str) -> bool:
    return len(word) == 3 and word.isascii() and word.isdigit() and "400" <= word <= "599"
