"""Several files that are one: nothing is said twice, and every mistake has its place."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from router.config import Config, ConfigError, load

PROVIDERS = "providers: {sim: {dialect: simulated, models: [fast, slow]}}\n"
MODELS = "models: {chat: {targets: [sim/fast]}}\n"


def made(folder: Path, **files: str) -> Path:
    """Files by their names; `main` is the first."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "main.yaml"


def loaded(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    return load(path, environ or {})


def said(path: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong, without the folder that all files are in."""
    with pytest.raises(ConfigError) as error:
        loaded(path, environ)
    return [str(problem).replace(f"{path.parent}/", "") for problem in error.value.problems]


def test_what_stands_in_another_file_is_as_if_it_stood_in_this_one(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        main="version: 1\ninclude: [sim.yaml, more.yaml]\n" + MODELS,
        sim=PROVIDERS,
        more="version: 1\ndefaults: {deadline: 7s}\nmodels: {quick: {targets: [sim/slow]}}\n",
    )
    config = loaded(path)
    assert list(config.providers) == ["sim"]
    assert list(config.models) == ["chat", "quick"]
    assert config.models["quick"].deadline == 7


def test_a_folder_is_all_its_yaml_files_by_their_names(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        main="version: 1\ninclude: parts\n" + PROVIDERS,
        parts__b="models: {b: {targets: [sim/fast]}}",
        parts__a="models: {a: {targets: [sim/fast]}}",
    )
    (tmp_path / "parts" / "c.yml").write_text("models: {c: {targets: [sim/fast]}}")
    (tmp_path / "parts" / ".swap.yaml").write_text("no: [")
    (tmp_path / "parts" / "notes.txt").write_text("no: [")
    assert list(loaded(path).models) == ["a", "b", "c"]


def test_files_include_others_relative_to_themselves(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        main="version: 1\ninclude: parts/one.yaml\n" + MODELS,
        parts__one="include: two.yaml",
        parts__two=PROVIDERS,
    )
    config = loaded(path)
    assert list(config.providers) == ["sim"]
    assert set(config.files) == {path, *(tmp_path / "parts" / f"{n}.yaml" for n in ("one", "two"))}


def test_paths_of_certificates_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    provider = "{base_url: https://a.example, tls: {ca: ca.pem}, models: [m]}"
    path = made(
        tmp_path,
        main="version: 1\ninclude: parts\n"
        "providers: {b: {like: a}}\nmodels: {chat: {targets: [a/m]}}",
        parts__one=f"providers: {{a: {provider}}}",
    )
    (tmp_path / "parts" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    config = loaded(path)
    assert config.providers["a"].tls.ca == tmp_path / "parts" / "ca.pem"
    assert config.providers["b"].tls == config.providers["a"].tls
    assert tmp_path / "parts" / "ca.pem" in config.files


def test_what_is_said_twice_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        main="version: 1\ninclude: [one.yaml, two.yaml]\n" + PROVIDERS + MODELS,
        one="models:\n  chat: {targets: [sim/slow]}\n",
        two="providers:\n  new: {dialect: simulated, models: [x]}\n  sim: {}\n"
        "defaults: {deadline: 1s}\nserver: {}\n",
    )
    (tmp_path / "one.yaml").write_text("defaults: {}\n" + (tmp_path / "one.yaml").read_text())
    assert [each.replace(f"{tmp_path}/", "") for each in said(path)] == [
        'one.yaml:3:3: model "chat" stands at main.yaml:4:10 already; remove one of the two',
        'two.yaml:3:3: provider "sim" stands at main.yaml:3:13 already; remove one of the two',
        'two.yaml:4:1: "defaults" stands at one.yaml:1:1 already; remove one of the two',
    ]


def test_a_mistake_in_an_included_file_has_its_line_there(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        main="version: 1\ninclude: [one.yaml, two.yaml, three.yaml]\n" + PROVIDERS + MODELS,
        one="models:\n  other:\n    targets: [sim/fsat]\n    polizei: x\n",
        two="models: [\n",
        three="",
    )
    assert [each.partition(";")[0] for each in said(path)] == [
        'one.yaml:3:15: provider "sim" declares no such model: "sim/fsat"',
        'one.yaml:4:5: unknown key "polizei"',
        "three.yaml:1:1: the file is empty",
        "two.yaml:2:1: a value is missing here",
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"main": "version: 1\ninclude: main.yaml\n"},
            (
                'main.yaml:2:10: "main.yaml" goes round in a circle: it includes this file itself; '
                "remove one `include`"
            ),
        ),
        (
            {"main": "version: 1\ninclude: [one.yaml]\n", "one": "include: [two.yaml]\n"}
            | {"two": "\ninclude: main.yaml\n"},
            (
                'two.yaml:2:10: "main.yaml" goes round in a circle: it includes this file, '
                "which is read for main.yaml:2:11; remove one `include`"
            ),
        ),
        (
            {"main": "version: 1\ninclude: [one.yaml, ./one.yaml]\n", "one": ""},
            (
                'main.yaml:2:21: "./one.yaml" includes "one.yaml", which is included at '
                "main.yaml:2:11 already; remove one of the two"
            ),
        ),
        (
            {"main": "version: 1\ninclude: [none.yaml]\n"},
            (
                'main.yaml:2:11: "none.yaml" is not there; '
                "paths are relative to the file that names them"
            ),
        ),
        (
            {"main": "version: 1\ninclude: {a: b}\n"},
            "main.yaml:2:10: include names files and folders; write it as [models.yaml, tenants.d]",
        ),
        (
            {"main": "version: 1\ninclude: [1]\n"},
            "main.yaml:2:11: include names files and folders; write it as [models.yaml, tenants.d]",
        ),
        (
            {"main": "version: 1\ninclude: one.yaml\n", "one": "version: 2\n"},
            "one.yaml:1:1: another version stands at main.yaml:1:1 already; remove one of the two",
        ),
    ],
)
def test_what_cannot_be_included_is_named_with_both_places(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    files["main"] += PROVIDERS + MODELS
    assert expected in [each.replace(f"{tmp_path}/", "") for each in said(made(tmp_path, **files))]


def test_files_inside_one_another_are_bounded(tmp_path: Path) -> None:
    chain = {f"f{n}": f"include: f{n + 1}.yaml\n" for n in range(40)}
    (error,) = said(
        made(tmp_path, main="version: 1\ninclude: f0.yaml\n" + PROVIDERS + MODELS, **chain)
    )
    assert error.startswith("f14.yaml:1:10: files that include one another are more than 16 deep")


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    path = made(tmp_path, main="version: 1\ninclude: [a.yaml, b.yaml]\n" + MODELS, a=PROVIDERS)
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    (error,) = said(path)
    assert "already" in error


def test_an_empty_include_and_an_empty_folder_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    path = made(tmp_path, main="version: 1\ninclude: [parts]\n" + PROVIDERS + MODELS)
    assert list(loaded(path).models) == ["chat"]
    path.write_text("version: 1\ninclude:\n" + PROVIDERS + MODELS)
    assert list(loaded(path).models) == ["chat"]


def test_the_revision_is_that_of_all_files(tmp_path: Path) -> None:
    path = made(tmp_path, main="version: 1\ninclude: one.yaml\n" + PROVIDERS, one=MODELS)
    before = loaded(path).revision
    (tmp_path / "one.yaml").write_text(MODELS + "# more")
    assert loaded(path).revision != before


KEYED = """\
version: 1
providers: {a: {base_url: "https://a.example", api_key: %s, models: [m]}}
models: {chat: {targets: [a/m]}}
tenants: {t: {keys: ["${file:team}"]}}
"""


def keyed(folder: Path, written: str = '"${file:secrets/a}"', content: bytes = b"key-a\n") -> Path:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "a").write_bytes(content)
    (folder / "team").write_text("key-of-the-team")
    return made(folder, main=KEYED % written)


def test_a_secret_is_read_from_its_file_without_the_end_of_its_line(tmp_path: Path) -> None:
    config = loaded(keyed(tmp_path))
    key = config.providers["a"].api_key
    assert key is not None
    assert key.reveal() == "key-a"
    assert len(config.tenants["t"].keys) == 1
    assert [note.what for note in config.notes if "stands in the file" in note.what] == []
    assert tmp_path / "secrets" / "a" in config.files


@pytest.mark.parametrize(
    ("written", "content", "expected"),
    [
        ('"${file:none}"', b"", 'the file "none" is not there; put the value there, or write'),
        ('"${file:secrets}"', b"", 'the file "secrets" cannot be read: Is a directory'),
        ('"${file:secrets/a}"', b"\xff", 'the file "secrets/a" is not UTF-8 text'),
        ('"${file:secrets/a}"', b"x" * 70_000, 'the file "secrets/a" is larger than 64 KiB'),
        ('"${file:}"', b"", "this is not a variable, though it begins like one"),
    ],
)
def test_a_secret_that_cannot_be_read_is_an_error_where_it_is_written(
    tmp_path: Path, written: str, content: bytes, expected: str
) -> None:
    (error,) = said(keyed(tmp_path, written, content))
    assert error.startswith(f"main.yaml:2:57: {expected}")


def test_a_secret_that_may_be_missing_turns_its_provider_off(tmp_path: Path) -> None:
    config = loaded(keyed(tmp_path, '"${file:none:-}"'))
    assert config.providers["a"].off_because == "file:none is not set"
    assert tmp_path / "none" in config.files


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    path = keyed(tmp_path, content=b"very secret\n\x07")
    assert not any("secret\n" in each or "very" in each for each in said(path))
