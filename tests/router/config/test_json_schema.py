"""The schema that editors read and the loader that serves have the same verdict on a file."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import ConfigError, load, texts, units
from router.config.forms import FORMS, form
from router.config.json_schema import json_schema
from router.config.place_written import WrittenPlace
from router.config.problems import Report
from router.config.reading import read
from router.config.tree import plain
from tests.router.config.test_round_trip import files

ROOT = Path(__file__).parents[3]
SCHEMA = json_schema()
VALIDATOR = jsonschema_rs.Draft7Validator(SCHEMA)
BASE = """\
version: 1
providers: {sim: {dialect: simulated, models: [fast, slow]}}
models: {chat: {targets: [sim/fast]}}
"""
REAL = """\
version: 1
providers: {p: {base_url: "http://127.0.0.1:9/v1", models: {m: }, %s}}
models: {chat: {targets: [p/m]}}
"""
MODEL = "version: 1\nproviders: {sim: {dialect: simulated, models: {m: {%s}}}}\n"
ROUTE = "version: 1\nproviders: {sim: {dialect: simulated, models: [a, b]}}\nmodels: {chat: {%s}}"

RIGHT = [
    BASE,
    BASE + "server:\ndefaults: {timeouts: , retry: }\ntenants:\ninclude:\n",
    BASE + "server: {listen: '[::1]:0', admin: localhost:8081, max_body: 10kB, workers: 1}",
    BASE + "server: {drain: {announce: 0, wait: 1.5m}, decisions: {keep: 2k, rate: all}}",
    BASE + "server: {decisions: {file: {path: '${NONE:-a}.jsonl', rotate: 64MB, keep: 30}}}",
    ROUTE % "targets: [sim/a], decisions: 2.5%",
    ROUTE % "targets: [sim/a], decisions: none",
    BASE
    + "server: {hosts: [Router.example], origins: ['HTTPS://App.example:8443'], reload: signal}",
    BASE + "server: {fetch: {hosts: ['10.0.0.7:8000']}, plugins: [mine.policies]}",
    BASE + "server: {admin_token: '${TOKEN}'}",
    BASE + "shared: {redis: '', fleet: a-b, when_down: {tenant_limits: fail_closed}}",
    BASE + "shared: {redis: 'redis+cluster://a,b:7000/'}",
    BASE + "defaults: {deadline: 1h, retry: {attempts: 5, budget: 1, hedge: '0.05'}}",
    BASE + "defaults: {deadline: '${NONE:-3s}', timeouts: {client_write: 250ms}}",
    BASE + "tenants: {t: {keys: ['${TOKEN}'], may: [policy], models: [chat], per_model: {chat: }}}",
    BASE + "tenants: {t: {limits: {requests: [1/s, 10k/day], tokens: 1.5M/hour, concurrent: 3}}}",
    REAL % 'api_key: "${TOKEN}", limits: {input_tokens: 20_000/min}, connections: 4',
    REAL % "timeouts: {connect: 1s}, proxy: none",
    REAL % "proxy: 'http://u:p@proxy.example:3128'",
    ROUTE % "targets: {sim/a: 90, sim/b: {weight: 0.5}}, policy: {name: weighted_round_robin}",
    ROUTE % "policy: priority, within: least_latency, tiers: [[sim/a], {sim/b: 2}], climb: []",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], patience: 0, "
    "start: [{if: {input_tokens: '>8k', tools: true}, tier: 2}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], start: auto, tiers_at: .4",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], tiers_at: [0.4], start: "
    "[auto, {if: {says: why, tenant: default, metadata: {a: b}}, score: +.4}, "
    "{if: {code: true, says: [a, b c], turns: '>1'}, score: '-1'}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], cascade: auto",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], cascade: {audit: schema, checks: "
    "[empty, {length: 2..3k}, {match: '^a'}, {length: ..5}, {judge: chat, budget: $1/day}]}",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], cascade: {audit: {share: 1%}}",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], cascade: {head: 8KiB}",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, share: 12.5%, spend: none, concurrent: 2}",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, share: all, rate: 5/s, spend: 'none'}",
    ROUTE % "targets: ['sim/${NONE:-a}'], when_all_fail: [{text: 'We are busy.'}], deadline: 9s",
    (MODEL % "price: {input: 0.25, output: '2.00'}, context: 1.05M, lacks: [tools]")
    + "models: {c: {targets: [sim/m]}}",
    (MODEL % "first_token: 0.5s, tokens_per_second: 0.5, jitter: 1, error_rate: 0, seed: 0")
    + "models: {c: {targets: [sim/m]}}",
]
WRONG = [
    "version: 2\n" + BASE.partition("\n")[2],
    "version: '1'\n" + BASE.partition("\n")[2],
    BASE.partition("\n")[2],
    "version: 1\nproviders: {}\nmodels: {}\n",
    "version: 1\n",
    BASE + "severs: {}",
    BASE + "server: []",
    BASE + "server: {liste: 'a:1'}",
    BASE + "server: {listen: '127.0.0.1'}",
    BASE + "server: {listen: '127.0.0.1:65536'}",
    BASE + "server: {auth: closed}",
    BASE + "server: {max_body: 0}",
    BASE + "server: {max_body: 32MB!}",
    BASE + "server: {workers: 0}",
    BASE + "server: {workers: two}",
    BASE + "server: {reload: never}",
    BASE + "server: {plugins: ['mine.']}",
    BASE + "server: {origins: [app.example]}",
    BASE + "server: {drain: 5s}",
    BASE + "server: {decisions: {rate: 5}}",
    BASE + "server: {decisions: {file: 3}}",
    BASE + "server: {decisions: {file: }}",
    BASE + "server: {decisions: {file: {rotate: 1MiB}}}",
    BASE + "server: {decisions: {file: {path: a.jsonl, keep: 0}}}",
    BASE + "shared: {redis: 'http://a'}",
    BASE + "shared: {fleet: 'a b'}",
    BASE + "defaults: {deadline: 90}",
    BASE + "defaults: {deadline: 0s}",
    BASE + "defaults: {deadline: }",
    BASE + "defaults: {retry: {attempts: 0}}",
    BASE + "defaults: {retry: {attempts: -1}}",
    BASE + "defaults: {retry: {budget: 1.1}}",
    BASE + "defaults: {retry: {hedge: 0.3}}",
    BASE + "defaults: {timeouts: {client_wright: 1s}}",
    BASE + "include: {a: b}",
    BASE + "include: [1]",
    BASE + "tenants: {'a b': {}}",
    BASE + "tenants: {t: {may: [everything]}}",
    BASE + "tenants: {t: {keys: secret}}",
    BASE + "tenants: {t: {limits: {requests: 10}}}",
    BASE + "tenants: {t: {limits: {requests: 0/min}}}",
    BASE + "tenants: {t: {limits: {requests: 10/week}}}",
    BASE + "tenants: {t: {limits: {concurrent: many}}}",
    REAL % "dialekt: openai",
    REAL % "dialect: klingon",
    REAL % "auth: magic",
    REAL % "api_key: 12",
    REAL % "connections: 1.5",
    REAL % "timeouts: {client_write: 1s}",
    REAL % "proxy: 'socks5://a:1'",
    REAL.replace("http:", "ftp:") % "",
    REAL.replace("9/v1", "9/v1/chat/completions") % "",
    REAL.replace('base_url: "http://127.0.0.1:9/v1", ', "") % "",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], start: automatic",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], start: [{if: {code: true}}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], "
    "start: [{if: {code: true}, tier: 1, score: 0.1}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], "
    "start: [{if: {code: true}, score: '+.0'}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], start: [{if: {code: 1}, score: 0.1}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a], [sim/b]], start: auto, tiers_at: 2",
    ROUTE % "targets: sim/a",
    ROUTE % "targets: []",
    ROUTE % "targets: [sim/a, sim/a]",
    ROUTE % "targets: {sim/a: heavy}",
    ROUTE % "targets: {sim/a: -1}",
    ROUTE % "targets: {sim/a: }",
    ROUTE % "targets: {sim/a: {wait: 1}}",
    ROUTE % "policy: least_latency",
    ROUTE % "targets: [sim/a], tiers: [[sim/b]]",
    ROUTE % "targets: [sim/a], policy: ",
    ROUTE % "targets: [sim/a], policy: {options: 1}",
    ROUTE % "targets: [sim/a], embeddings: both",
    ROUTE % "targets: [sim/a], shadow: {share: 5%}",
    ROUTE % "targets: [sim/a], shadow: sim/b",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, share: 101%, spend: none}",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, share: some, spend: none}",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, spend: 5/day}",
    ROUTE % "targets: [sim/a], shadow: {to: sim/b, spend: none, judge: best}",
    ROUTE % "targets: [sim/a], when_all_fail: [{}]",
    ROUTE % "targets: [sim/a], when_all_fail: [{model: chat, text: b}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a]], start: [{tier: 1}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a]], start: [{if: {tools: 1}, tier: 1}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a]], start: [{if: {input_tokens: 8}, tier: 1}]",
    ROUTE % "policy: cost_tiers, tiers: [[sim/a]], climb: [boredom]",
    (MODEL % "jitter: 2") + "models: {c: {targets: [sim/m]}}",
    (MODEL % "tokens_per_second: 0") + "models: {c: {targets: [sim/m]}}",
    (MODEL % "price: 3") + "models: {c: {targets: [sim/m]}}",
    (MODEL % "price: {input: -1}") + "models: {c: {targets: [sim/m]}}",
    (MODEL % "context: lots") + "models: {c: {targets: [sim/m]}}",
    (MODEL % "lacks: [legs]") + "models: {c: {targets: [sim/m]}}",
    ROUTE % "targets: [sim/a], decisions: 0.1",
    ROUTE % "targets: [sim/a], decisions: most",
    ROUTE % "targets: [sim/a], decisions: 150%",
]


def loads(folder: Path, text: str) -> bool:
    path = folder / "providers.yaml"
    path.write_text(text)
    try:
        load(path, {"TOKEN": "t"})
    except ConfigError:
        return False
    return True


def fits(folder: Path, text: str) -> bool:
    path = folder / "providers.yaml"
    path.write_text(text)
    tree = read(path, Report(str(path)))
    assert tree is not None
    return VALIDATOR.is_valid(plain(tree))


def test_it_is_a_schema():
    jsonschema_rs.meta.validate(SCHEMA)


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_right_to_both(tmp_path: Path, text: str) -> None:
    assert loads(tmp_path, text)
    assert fits(tmp_path, text)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_its_form_is_wrong_to_both(tmp_path: Path, text: str) -> None:
    assert not loads(tmp_path, text)
    assert not fits(tmp_path, text)


@settings(deadline=None, max_examples=50)
@given(files())
def test_whatever_loads_fits(file):
    assert VALIDATOR.is_valid(json.loads(json.dumps(file[0])))


NUMBERS = st.one_of(
    st.integers(-3, 10**19),
    st.floats(-1, 10**6).map(lambda number: round(number, 6) + 0.0),
    st.sampled_from([0, 1, 0.2]),
)
PIECES = st.lists(
    st.sampled_from(
        [*"0129._ ->=/:@?", "ms", "s", "m", "h", "k", "M", "G", "B", "kB", "MiB", "min", "day",
         "all", "none", "http", "https", "redis", "://", "a", "example", "chat/completions",
         "2024-10-21", "-preview", "é", "\n", "[", "]"]
    ),
    max_size=8,
).map("".join)  # fmt: skip
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, NUMBERS.map(str), PIECES, st.just([]))
FITS = {reader: jsonschema_rs.Draft7Validator(form).is_valid for reader, form in FORMS.items()}
EXACT = {
    units.duration, units.span, units.weight, units.speed, units.share, units.hedge, texts.named,
    texts.version, texts.module, texts.host,
}  # fmt: skip
"""What is read by its form alone. Others look at more: that a count is whole, that a URL is one."""


@pytest.mark.parametrize("reader", FORMS, ids=lambda reader: reader.__name__)
@settings(deadline=None, max_examples=150)
@given(value=VALUES)
def test_a_form_takes_whatever_its_reader_takes(reader: Callable[[object], object], value: Any):
    try:
        reader(value)
    except units.Unreadable:
        taken = False
    else:
        taken = True
    fitting = FITS[reader](value)
    assert fitting or not taken
    if reader in EXACT:
        assert taken or not fitting


@pytest.mark.parametrize("text", ["${A}", "x${A:-b}y", "${file:/run/secrets/a}", "${file:a:-}"])
def test_a_variable_fits_wherever_a_value_does(text):
    assert all(jsonschema_rs.is_valid(form(reader), text) for reader in FORMS)
    assert jsonschema_rs.is_valid(form(texts.choice("a")), text)
    assert not jsonschema_rs.is_valid(form(units.boolean), text)


def test_every_key_is_described_and_nothing_else_is():
    told = yaml.safe_load((ROOT / "router/config/described.yaml").read_text())
    keys = {name: set(table["properties"]) for name, table in SCHEMA["definitions"].items()}
    keys["File"] = set(SCHEMA["properties"])
    keys["DefaultTimeouts"] -= keys["Timeouts"]
    keys["Place"] = set(WrittenPlace.model_fields)
    for heir in ("Provider", "Model"):
        keys[heir] -= keys["Place"]
    assert {name: set(table) for name, table in told.items()} == keys


def test_every_default_fits_where_it_stands():
    for table in SCHEMA["definitions"].values():
        for key, one in table["properties"].items():
            if "default" in one:
                assert jsonschema_rs.is_valid(one, one["default"]), key


def test_the_command_prints_the_schema_that_is_shipped_and_the_shipped_file_names_it(tmp_path):
    shipped = (ROOT / "providers.schema.json").read_text()
    printed = subprocess.run(
        [sys.executable, "-m", "router", "schema"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    assert printed == shipped, "make it anew: pointsman schema > providers.schema.json"
    assert json.loads(shipped) == SCHEMA
    text = (ROOT / "providers.yaml").read_text()
    assert "# yaml-language-server: $schema=providers.schema.json" in text.splitlines()
    assert fits(tmp_path, text)
