import sys
from pathlib import Path

import pytest

from router.building.choosing import BuildFault
from router.config import Config, load
from router.tokenizers.opening import CL100K, O200K, tokenizers_of
from tests.router.tokenizers.letters import cached, plug_in

FILE = """\
version: 1
providers:
  one:
    base_url: http://127.0.0.1:9/v1
    models: {{a: {{tokenizer: {}}}, b: {{tokenizer: letters}}, c: }}
  idle: {{preset: openai, models: {{d: {{tokenizer: of-nobody}}}}}}
models:
  counted: {{targets: [one/a, one/b, idle/d]}}
  other: {{targets: [one/c]}}
"""


def naming(folder: Path, name: str) -> Config:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(name))
    return load(path, {})


def fault(folder: Path, name: str) -> str:
    with pytest.raises(BuildFault) as raised:
        tokenizers_of(naming(folder, name))
    return str(raised.value)


def test_whom_a_model_asks_and_who_asks_for_a_target_is_counted_by_its_tokenizers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    found = tokenizers_of(naming(tmp_path, "letters"))
    names = {name: [one.name for one in counted] for name, counted in found.items()}
    assert names == {"counted": ["letters"], "one/a": ["letters"], "one/b": ["letters"]}


def test_a_file_that_names_none_needs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    path = tmp_path / "providers.yaml"
    path.write_text(
        "version: 1\nproviders: {s: {dialect: simulated, models: [m]}}\n"
        "models: {chat: {targets: [s/m]}}\n"
    )
    assert tokenizers_of(load(path, {})) == {}


def test_without_the_package_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert fault(tmp_path, "o200k_base") == (
        "target one/a: tokenizer o200k_base: tiktoken is not installed: "
        "pip install 'pointsman[tokens]'"
    )


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    known = "cl100k_base, letters, o200k_base, o200k_harmony"
    assert fault(tmp_path, "gpt2").endswith(f"gpt2: there is none of this name; known: {known}")


def test_a_vocabulary_is_never_downloaded_whatever_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    place = tmp_path / cached(O200K.url)
    told = fault(tmp_path, "o200k_harmony")
    assert told.endswith(
        "o200k_harmony: its vocabulary is missing, and it is not downloaded: "
        f"store {O200K.url} as {place}"
    )
    place.write_bytes(b"IQ== 0\n")
    told = fault(tmp_path, "o200k_base")
    assert "what should be its vocabulary is another file" in told
    assert place.read_bytes() == b"IQ== 0\n"  # tiktoken would have removed it
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    assert "set TIKTOKEN_CACHE_DIR to a folder" in fault(tmp_path, "o200k_base")


def test_a_vocabulary_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    (file,) = (path for path in tmp_path.iterdir() if path.suffix == "")
    file.write_bytes(b"not a vocabulary\n")
    assert "Error parsing line" in fault(tmp_path, "letters")


def test_what_is_expected_of_vocabularies_is_what_tiktoken_expects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tiktoken_ext import openai_public

    asked = []

    def load_tiktoken_bpe(url: str, expected_hash: str) -> dict[bytes, int]:
        asked.append((url, expected_hash))
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", load_tiktoken_bpe)
    for name in ("cl100k_base", "o200k_base", "o200k_harmony"):
        openai_public.ENCODING_CONSTRUCTORS[name]()
    assert asked == [(one.url, one.digest) for one in (CL100K, O200K, O200K)]
