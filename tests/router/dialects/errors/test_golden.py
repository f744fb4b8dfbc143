"""What each provider says when it refuses, and what that means: the table beside this file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import Outcome, Phase, Report
from router.building.speaks import FOREIGN
from router.config.presets import PRESETS
from router.dialects.errors.quirks import EVERYBODY, QUIRKS, TABLES
from router.dialects.errors.said import said
from router.dialects.openai.dialect import OPENAI, SPOKEN_BY

WALL = datetime(2026, 8, 22, 2, 26, tzinfo=UTC).timestamp()
CALL = OPENAI.parse(b'{"model":"m","messages":[]}')
STREAM = OPENAI.parse(b'{"model":"m","messages":[],"stream":true}')
GOLDEN = yaml.safe_load(Path(__file__).with_name("golden.yaml").read_text())
ROWS = [
    pytest.param(provider, *row, id=f"{provider} {number} {row[0]}")
    for provider, rows in GOLDEN.items()
    for number, row in enumerate(rows)
]


def shown(report: Report) -> str:
    rest = "" if report.rest is None else f" {report.rest:.12g}"
    marks = " sick" * report.overloaded + " unclassified" * (report.unclassified is not None)
    return f"{report.outcome.value} {report.scope.value}{rest}{marks}"


def written(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@pytest.mark.parametrize(("provider", "status", "headers", "body", "meaning"), ROWS)
def test_an_error_means_what_its_provider_is_known_to_mean(
    provider: str, status: int, headers: dict[str, str], body: Any, meaning: str
) -> None:
    dialect = SPOKEN_BY.get(provider, OPENAI)
    if status == 200:
        report = dialect.whole(CALL, written(body))[0]
    elif provider in FOREIGN:
        report = FOREIGN[provider].refusal(status, headers, written(body), WALL)
    else:
        report = dialect.refusal(CALL, status, headers, written(body), WALL)
    assert shown(report) == meaning
    assert report.phase is (Phase.BODY if status == 200 else Phase.HEAD)
    assert report.detail.startswith(str(status))


@pytest.mark.parametrize(
    ("provider", "status", "headers", "body", "meaning"),
    [row for row in ROWS if row.values[1] == 200],
)
def test_an_error_in_a_stream_means_the_same(
    provider: str, status: int, headers: dict[str, str], body: Any, meaning: str
) -> None:
    wrapped = body[0] if isinstance(body, list) else body
    streams = [
        b"data: " + written(wrapped) + b"\n\n",
        b"event: error\ndata: " + written(wrapped) + b"\n\n",
        written(body) + b"\n",
    ]
    if isinstance(wrapped["error"], dict) and "status_code" not in wrapped:
        bare = written(wrapped["error"])
        streams += [b"event: error\ndata: " + bare + b"\n\n", b"error: " + bare + b"\n\n"]
    for data in streams:
        reader = SPOKEN_BY.get(provider, OPENAI).reader(STREAM)
        assert reader.feed(data) + reader.finish() == b""
        assert reader.failure is not None
        assert shown(reader.failure) == meaning
        assert reader.failure.phase is Phase.FIRST_TOKEN


def test_every_preset_has_golden_rows_and_only_presets_have_quirks() -> None:
    assert PRESETS.keys() <= GOLDEN.keys()
    assert QUIRKS.keys() <= PRESETS.keys()


def test_every_line_of_every_table_is_the_meaning_of_some_row() -> None:
    used = set()
    for provider, rows in GOLDEN.items():
        table = TABLES.get(provider, EVERYBODY)
        for status, headers, body, _ in rows:
            parsed = None if isinstance(body, str) else body
            used.add(id(table.find(said(status, headers, parsed), usual=True)))
    lines = [line for table in (EVERYBODY, *TABLES.values()) for line in table.lines]
    assert [line for line in lines if id(line) not in used and not line.unusual] == []


def test_every_outcome_that_is_not_good_has_rows() -> None:
    outcomes = {meaning.split()[0] for rows in GOLDEN.values() for *_, meaning in rows}
    assert outcomes == {outcome.value for outcome in Outcome} - {"ok", "abandoned"}
