"""Whether an accepted answer should not have been, beside a dear one."""

from __future__ import annotations

import pytest

from router.cascade.compare import by_form, by_words
from router.dialects.common.prompt import Form, Prompt, Tool
from router.shadow.judged import Said

WEATHER = Tool("weather", schema={"type": "object", "required": ["place"]})
FORM = Form({"type": "object", "required": ["name"]})


def call(arguments: str, name: str = "weather") -> Said:
    return Said("", ((name, arguments),))


@pytest.mark.parametrize(
    ("cheap", "dear", "wrong"),
    [
        (Said("yes"), Said(" yes\n"), False),
        (Said("yes"), Said("no"), True),
        (Said('{"a": 1, "b": 2}'), Said('{"b":2,"a":1}'), False),
        (Said('{"a": 1}'), Said('{"a": 2}'), True),
        (Said("[1,"), Said("[1"), True),
        (call('{"place": "Bern"}'), call('{ "place":"Bern"}'), False),
        (call('{"place": "Bern"}'), call('{"place": "Basel"}'), True),
        (call("{}"), call("{}", "tides"), True),
        (Said("rain"), call("{}"), True),
    ],
)
def test_by_words_it_is_wrong_that_is_not_the_same(cheap: Said, dear: Said, wrong: bool) -> None:
    assert by_words(None, cheap, dear) is wrong


@pytest.mark.parametrize(
    ("asked", "cheap", "dear", "wrong"),
    [
        (Prompt([], form=FORM), Said('{"name": 1}'), Said('{"name": 2}'), False),
        (Prompt([], form=FORM), Said("Ann"), Said('{"name": 2}'), True),
        (Prompt([], form=FORM), Said("Ann"), Said("Ann"), False),
        (Prompt([], tools=[WEATHER]), call("{}"), call('{"place": 1}'), True),
        (Prompt([], tools=[WEATHER]), Said("rain"), call('{"place": 1}'), True),
        (Prompt([], tools=[WEATHER]), Said("rain"), Said("sun"), False),
        (Prompt([]), Said("rain"), Said("sun"), None),
        (None, Said("rain"), Said("sun"), None),
    ],
)
def test_by_form_it_is_wrong_that_only_the_dear_one_has_right(
    asked: Prompt | None, cheap: Said, dear: Said, wrong: bool | None
) -> None:
    assert by_form(asked, cheap, dear) is wrong
