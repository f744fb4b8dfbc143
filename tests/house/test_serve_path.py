"""What `serve` loads before it serves: nothing that only some other command, or nobody, needs."""

import subprocess
import sys

from tests.house.source import ROOT

HEAVY = {
    "aiohttp", "alembic", "asyncpg", "azure", "boto3", "botocore", "cryptography", "google", "grpc",
    "httpx", "hypothesis",
    "numpy", "onnxruntime", "openai", "opentelemetry", "pygments", "pytest", "redis", "requests",
    "rich", "sqlalchemy", "tiktoken", "trustme", "watchfiles",
}  # fmt: skip
TELL = "import sys, router.cli, router.cli.serving; print(*sys.modules)"


def test_no_heavy_package_is_loaded():
    loaded = subprocess.run(
        [sys.executable, "-W", "error", "-c", TELL], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    assert not {"router.testing", "router.importing", "router.planning", "policies.simulate"} & {
        *loaded.split()
    }
    packages = {name.partition(".")[0] for name in loaded.split()}
    assert {"httptools", "router", "policies"} <= packages
    assert packages & HEAVY == set()
