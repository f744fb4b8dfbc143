"""What `docs/openapi.yaml` says of the router's HTTP, asked of one that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import (
    CheckFunction,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.running import ROOT, Router, serving

FILE = """\
version: 1
providers:
  sim:
    dialect: simulated
    models: {fast: {first_token: 1ms, tokens_per_second: 100000, output_tokens: 4}}
models:
  chat: {targets: [sim/fast]}
"""
CHECKS: list[CheckFunction] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
described = schemathesis.openapi.from_path(ROOT / "docs" / "openapi.yaml")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with serving(tmp_path_factory.mktemp("openapi"), FILE) as running:
        yield running


@described.parametrize()
@hypothesis.settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_the_router_does_what_its_description_says(
    case: schemathesis.Case[Any], router: Router
) -> None:
    if isinstance(case.body, dict) and case.body.get("model"):
        case.body["model"] = "chat"
    response = case.call(base_url=f"http://{router.listen}")
    case.validate_response(response, checks=CHECKS)
    assert response.status_code != 500  # 504 is honest where a timeout of no time is asked for
