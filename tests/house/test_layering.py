"""Who may know whom. An arrow that points the other way fails here, not in a year."""

import sys

import pytest

from tests.house.source import modules, within

ABOVE = ("router.pipeline", "router.passage", "router.app", "router.building.build", "router.cli")
"""Where a request's life is, and where everything is wired together."""
NETWORK = ("aiohttp", "httptools", "uvloop", "socket", "ssl", "http.client", "urllib.request")

FORBIDDEN = {
    "router.config": (*ABOVE, *NETWORK, "policies", "router.front", "router.upstream"),
    "router.dialects": (*ABOVE, *NETWORK, "asyncio", "time", "router.front", "router.upstream"),
    "router.tenants": (
        *ABOVE,
        *NETWORK,
        "asyncio",
        "router.front",
        "router.upstream",
        "router.config",
        "router.admin",
        "router.redis",
        "router.fleet",
        "router.quota.shared",
        "router.quota.sharing",
        "router.quota.together",
    ),
    "router.quota": (
        *ABOVE,
        *NETWORK,
        "router.front",
        "router.admin",
        "router.workers",
        "router.tenants",
        "router.idempotency",
        "router.stored",
        "router.upstream.http",
    ),
    "router.idempotency": (
        *ABOVE,
        *NETWORK,
        "router.front",
        "router.upstream",
        "router.config",
        "router.admin",
    ),
    "router.redis": (
        *ABOVE,
        "router.front",
        "router.upstream",
        "router.config",
        "router.admin",
        "router.quota",
        "router.fleet",
        "router.tenants",
        "router.idempotency",
        "policies",
    ),
    "router.kept": (
        *ABOVE,
        *NETWORK,
        "policies",
        "router.front",
        "router.upstream",
        "router.config",
        "router.admin",
        "router.quota",
        "router.tenants",
    ),
    "router.overrides": (*ABOVE, *NETWORK, "policies", "router.upstream", "router.admin"),
    "router.shifts": (
        *ABOVE,
        *NETWORK,
        "router.upstream",
        "router.admin",
        "router.quota",
        "router.fleet",
        "router.overrides",
    ),
    "router.stored": (*ABOVE, *NETWORK, "router.front", "router.config", "router.admin"),
    "router.fleet": (
        *ABOVE,
        *NETWORK,
        "router.front",
        "router.upstream",
        "router.config",
        "router.admin",
        "router.quota",
        "router.tenants",
        "router.idempotency",
    ),
    "router.planning": (
        *NETWORK,
        "os",
        "time",
        "router.admin",
        "router.app",
        "router.cli",
        "router.fleet",
        "router.force",
        "router.front",
        "router.passage",
        "router.pipeline",
        "router.quota",
        "router.redis",
        "router.runtime",
        "router.upstream",
    ),
    "router.importing": (
        *ABOVE,
        *NETWORK,
        "os",
        "pathlib",
        "policies",
        "router.admin",
        "router.dialects",
        "router.front",
        "router.upstream",
    ),
    "router.shadow": (
        *ABOVE,
        *NETWORK,
        "router.copying",
        "router.front",
        "router.upstream",
        "router.admin",
        "router.quota",
        "router.fleet",
    ),
    "router.telemetry": (*ABOVE, *NETWORK, "asyncio", "router.front", "router.upstream"),
    "router.upstream": (*ABOVE, "router.front", "router.config", "router.admin"),
    "router.front": (*ABOVE, "router.upstream", "router.config", "router.admin"),
    "router.admin": (*ABOVE, *NETWORK, "router.upstream"),
    "router.workers": (*ABOVE, "router.upstream", "router.dialects", "policies"),
    "router.pipeline": (*NETWORK, "router.front", "router.config", "router.admin", "router.app"),
    "router.passage": (*NETWORK, "router.front", "router.config", "router.admin", "router.app"),
}


def test_policies_import_the_standard_library_and_themselves():
    for module in modules("policies"):
        for line, name in module.imports:
            root = name.partition(".")[0]
            assert root in sys.stdlib_module_names or root == "policies", f"{module.file}:{line}"


ENGINE = {
    "learning": ("learning", "refusal", "standing"),
    "limits": ("limits", "learning", "outcome", "pool", "refusal", "route", "standing"),
    "waiting": ("waiting", "learning", "limits", "outcome", "refusal", "standing", "pool"),
}
"""What the arithmetic of the engine may know of it, by room: no course, and nobody who decides."""


@pytest.mark.parametrize("room", ENGINE)
def test_the_arithmetic_of_the_engine_knows_no_course(room):
    inside = [m for m in modules("policies") if within(m.name, f"policies.engine.{room}")]
    allowed = [f"policies.engine.{name}" for name in ENGINE[room]]
    assert inside
    for module in inside:
        for line, name in module.imports:
            if within(name, "policies.engine"):
                assert within(name, *allowed), f"{module.file}:{line}"


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_does_not_know_what_is_above_it_or_beside_it(room):
    inside = [module for module in modules("router") if within(module.name, room)]
    assert inside
    found = [
        f"{module.file}:{line} imports {name}"
        for module in inside
        for line, name in module.imports
        if within(name, *FORBIDDEN[room])
    ]
    assert not found


@pytest.mark.parametrize(
    ("known", "by"),
    [
        ("router.app", ["router.cli"]),
        (
            "router.building.build",
            ["router.building", "router.force", "router.cli", "router.planning"],
        ),
        ("router.planning", ["router.cli", "router.planning"]),
        ("router.cli", ["router.cli", "router.__main__"]),
        ("aiohttp", []),
        ("httptools", ["router.front", "router.upstream"]),
        ("uvloop", ["router.cli"]),
        ("hiredis", ["router.redis"]),
        ("redis", []),
        ("azure", ["router.upstream.chains"]),
        ("botocore", ["router.upstream.chains"]),
        ("google", ["router.upstream.chains"]),
        ("pydantic", ["router.config"]),
        ("yaml", ["router.config"]),
        ("router.testing", ["router.testing"]),
        ("trustme", ["router.testing.certificates"]),
        ("tiktoken", ["router.tokenizers.opening"]),
        ("typer", ["router.cli"]),
        ("rich", ["router.cli"]),
    ],
)
def test_what_only_a_few_may_know_is_known_by_no_other(known, by):
    found = [
        f"{module.file}:{line}"
        for module in modules("router")
        for line, name in module.imports
        if within(name, known) and not within(module.name, *by)
    ]
    assert not found


def test_the_seam_between_handlers_and_the_wire_knows_no_http_library():
    for name in ("router.front.exchange", "router.front.guard", "router.sink"):
        (module,) = [module for module in modules("router") if module.name == name]
        assert not [told for _, told in module.imports if within(told, *NETWORK)]
