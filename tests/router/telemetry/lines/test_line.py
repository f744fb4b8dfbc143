"""What a line says is published, and a line that is written fits it."""

import json
import subprocess
import sys

import jsonschema_rs
import msgspec

from router.telemetry.lines.line import Line, json_schema
from tests.house.source import ROOT
from tests.router.telemetry.lines.made import LINE, NOBODY

VALIDATOR = jsonschema_rs.Draft202012Validator(json_schema())


def test_the_command_prints_the_schema_that_is_shipped():
    printed = subprocess.run(
        [sys.executable, "-m", "router", "schema", "--records"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    shipped = (ROOT / "records.schema.json").read_text()
    assert printed == shipped, "make it anew: pointsman schema --records > records.schema.json"
    jsonschema_rs.meta.validate(json.loads(shipped))


def test_a_line_fits_the_schema_and_is_read_as_it_was_written():
    for line in (LINE, NOBODY):
        written = msgspec.json.encode(line)
        assert VALIDATOR.is_valid(json.loads(written))
        assert msgspec.json.decode(written, type=Line) == line


def test_what_is_usual_is_left_out_and_unknown_money_is_null():
    told = json.loads(msgspec.json.encode(LINE))
    assert "end" in told
    assert "status" not in told
    assert "refused" not in told["attempt"]["candidates"][0]
    assert told["attempt"]["money"] is None


def test_every_field_says_what_it_means():
    kinds = json_schema()["$defs"]
    silent = [
        f"{kind}.{name}"
        for kind, schema in kinds.items()
        for name, field in schema["properties"].items()
        if "description" not in field
    ]
    assert set(kinds) == {"Line", "Attempt", "Candidate"}
    assert silent == []
