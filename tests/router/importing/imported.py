"""An import as a user has it: the text that is made, and what the router reads in it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from router.config import Config, load
from router.config import credentials as room
from router.importing import convert

SET = {"REDIS_HOST": "redis.internal", "REDIS_PORT": "6379", "REDIS_URL": "redis://r.internal"}
"""Variables that must have a form."""


def variables(text: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """A value for each variable of our file; an address for those that are one."""
    names = re.findall(r"\$\{(\w+)", text)
    addresses = set(re.findall(r'base_url: "\$\{(\w+)', text))
    found = {
        name: f"https://{name.lower().replace('_', '-')}.example.com"
        if name in addresses or re.search("_(BASE|URL)$", name)
        else "2024-10-21"
        if name.endswith("_VERSION")
        else f"value-{number}"
        for number, name in enumerate(dict.fromkeys(names))
    }
    return {
        **found,
        **{key: value for key, value in SET.items() if key in found},
        **(environ or {}),
    }


def loaded(text: str, environ: Mapping[str, str] | None = None) -> Config:
    """What our own loader makes of the text, with its variables set and every extra installed."""
    with TemporaryDirectory() as folder, extras():
        path = Path(folder) / "providers.yaml"
        path.write_text(text)
        return load(path, variables(text, environ))


def imported(kind: str, text: str, *asked: str) -> tuple[str, Config]:
    """Our file, and what it means."""
    made, _ = convert(kind, text, f"{kind}.yaml", asked)
    return made, loaded(made)


def shares(config: Config, model: str) -> list[dict[str, float]]:
    """A route's tiers: its targets with their weights."""
    return [{one.name: one.weight for one in tier} for tier in config.models[model].tiers]


@contextmanager
def extras() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "find_spec", lambda _: "there")
        yield
