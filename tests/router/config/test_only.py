"""Where targets are, whom they serve, and where requests may go, as the file says it."""

from __future__ import annotations

import pytest

from router.config import Config, Only, Place, words
from router.config.place import ANYWHERE, NOWHERE
from tests.router.config.samples import loaded, places, said

FILE = """version: 1
providers:
  eu:
    dialect: simulated
    region: eu-west-1
    residency: [de, eu]
    tags: zdr
    models: {small: , big: {tags: [], tenants: team-a}}
  us:
    dialect: simulated
    region: us-east-1
    residency: us
    tenants: [team-a, default]
    models: [small]
  more: {like: us, residency: [uk], models: {small: , own: {tenants: [team-b]}}}
models:
  chat: {targets: [eu/small, us/small]}
  kept: {targets: [eu/small, us/small], only: {region: eu-*, residency: [eu, uk], tags: zdr}}
tenants:
  team-a: {only: {residency: eu}}
  team-b: {only: {tags: [zdr]}}
"""


def place(config: Config, name: str) -> Place:
    return config.target(name)[1].place


def names(*all_of_them: str) -> frozenset[str]:
    return frozenset(all_of_them)


def test_a_model_is_where_its_provider_is_unless_it_says_otherwise() -> None:
    config = loaded(FILE)
    assert place(config, "eu/small") == Place("eu-west-1", names("de", "eu"), names("zdr"))
    assert place(config, "eu/big") == Place(
        "eu-west-1", names("de", "eu"), frozenset(), names("team-a")
    )


def test_whoever_is_like_another_is_where_that_is_unless_it_says_otherwise() -> None:
    config = loaded(FILE)
    both = names("team-a", "default")
    assert place(config, "more/small") == Place("us-east-1", names("uk"), frozenset(), both)
    assert place(config, "more/own") == Place(
        "us-east-1", names("uk"), frozenset(), names("team-b")
    )


def test_one_word_is_a_list_of_one() -> None:
    config = loaded(FILE)
    assert config.models["kept"].only == Only(names("eu-*"), names("eu", "uk"), names("zdr"))
    assert config.tenants["team-a"].only == Only(residency=names("eu"))


def test_a_file_that_says_nothing_of_it_restricts_nothing() -> None:
    config = loaded(
        "version: 1\nproviders: {sim: {dialect: simulated, models: [m]}}\n"
        "models: {chat: {targets: [sim/m]}}\ntenants: {a: {}}"
    )
    assert place(config, "sim/m") == NOWHERE
    assert config.models["chat"].only == config.tenants["a"].only == ANYWHERE
    assert not ANYWHERE
    assert config.notes == ()


MISTAKES = {
    "a tenant that there is not": (
        FILE.replace("tenants: team-a}", "tenants: »team-x}"),
        'there is no tenant "team-x"',
        'did you mean "team-b"?',
    ),
    "nobody": (
        FILE.replace("tenants: team-a}", "»tenants: []}"),
        "tenants names nobody, so nobody would be served",
        "name those who are, or remove the key",
    ),
    "a tag that nobody has": (
        FILE.replace("tags: [zdr]}}", "tags: [»zrd]}}"),
        'no provider has the tag "zrd"',
        'did you mean "zdr"?',
    ),
    "a residency that nobody has": (
        FILE.replace("only: {residency: eu}", "only: {residency: »fr}"),
        'no provider has the residency "fr"',
        "use one of: de, eu, uk, us",
    ),
    "a region that nobody has": (
        FILE.replace("region: eu-*", "region: »ap-*"),
        'no provider has the region "ap-*"',
        "use one of: eu-west-1, us-east-1",
    ),
    "no region": (
        FILE.replace("region: eu-*", "region: »'*'"),
        'region "*" is no region',
        "write it as eu-west-1, or as eu-* for all that begin so",
    ),
    "only without anything": (
        FILE.replace("only: {residency: eu}", "»only: {}"),
        "only asks for nothing",
        "write it as {residency: eu, tags: [zdr]}, or remove it",
    ),
    "only without a value": (
        FILE.replace("only: {residency: eu}", "»only: "),
        "only asks for nothing",
        "write it as {residency: eu, tags: [zdr]}, or remove it",
    ),
    "none of them": (
        FILE.replace("only: {residency: eu}", "only: {»residency: []}"),
        "only: residency names nothing",
        "or remove it",
    ),
    "an unknown key": (
        FILE.replace("only: {residency: eu}", "only: {»residence: eu}"),
        'unknown key "residence"',
        'did you mean "residency"?',
    ),
    "a tag with a space": (
        FILE.replace("tags: zdr\n", "tags: »zero data\n"),
        'tags "zero data" cannot be a name',
        "use letters, digits, - _ and .",
    ),
}


@pytest.mark.parametrize(("text", "what", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_what_leads_nowhere_is_said_in_its_place(text: str, what: str, remedy: str) -> None:
    text, (place,) = places(text)
    line = next(line for line in said(text) if line.startswith(place))
    said_what, _, said_remedy = line.removeprefix(place).partition("; ")
    assert what in said_what
    assert remedy in said_remedy


def test_a_word_from_the_environment_is_compared_and_never_shown() -> None:
    text = FILE.replace("tags: zdr\n", 'tags: "${TAG}"\n').replace("tags: zdr}", "tags: none}")
    lines = said(text, {"TAG": "hunter2"})
    assert lines
    assert not any("hunter2" in line for line in lines)


def notes(text: str) -> list[str]:
    return [note.what for note in loaded(text).notes]


def test_who_is_left_with_nobody_to_be_served_by_is_noted() -> None:
    assert notes(
        FILE.replace("team-b: {only: {tags: [zdr]}}", "team-b: {only: {residency: us}}")
    ) == ['tenant "team-b" is served by no target of chat, kept']
    assert notes(
        FILE.replace("tags: zdr}", "residency: uk}").replace("residency: [eu, uk], ", "")
    ) == ['`only` leaves route "kept" no target']


def test_a_likeness_in_another_region_with_the_residency_of_the_first_is_noted() -> None:
    what = '"more" has the residency of another region'
    own = FILE.replace("{like: us, ", "{like: us, region: eu-west-2, ")
    for text, expected in (
        (own, []),
        (own.replace("residency: [uk], ", ""), [what]),
        (own.replace("residency: [uk], ", "residency: [], "), []),
        (own.replace("residency: [uk], ", "").replace("eu-west-2", "us-east-1"), []),
        (FILE.replace("residency: [uk], ", ""), []),
        (own.replace("residency: [uk], ", "").replace("    region: us-east-1\n", ""), []),
    ):
        assert notes(text.replace("residency: [eu, uk]", "residency: [eu]")) == expected
    models = own.replace("models: [small]\n  more", "models: {m: {residency: us}}\n  more")
    models = models.replace(", models: {small: , own: {tenants: [team-b]}}", "")
    models = models.replace("us/small", "us/m")
    assert notes(models) == [what], "what a model says itself it takes with it"


def test_a_shadow_and_a_shift_outside_are_noted() -> None:
    shadow = FILE.replace("tags: zdr}}", "tags: zdr}, shadow: {to: us/small, spend: none}}")
    assert notes(shadow) == ['nothing of "kept" is copied: its shadow is not as `only` asks']
    shift = FILE.replace("tags: zdr}}", "tags: zdr}, shift: {to: [us/small]}}")
    assert notes(shift) == ['`only` leaves route "kept" no target, or none once it has moved']


def test_a_reload_says_what_it_changes_of_it() -> None:
    edits = (
        ("tags: zdr\n", "tags: [zdr, hipaa]\n"),
        ("tenants: [team-b]", "tenants: [team-a]"),
        ("residency: [eu, uk], tags: zdr", "residency: eu"),
        ("team-a: {only: {residency: eu}}", "team-a: {}"),
    )
    new = FILE
    for before, after in edits:
        new = new.replace(before, after)
    assert words(loaded(FILE), loaded(new)) == [
        "provider eu: small: tags zdr → hipaa, zdr",
        "provider more: own: tenants team-b → team-a",
        "kept: only region eu-*, residency eu+uk, tags zdr → region eu-*, residency eu",
        "tenant team-a: only residency eu → none",
    ]
