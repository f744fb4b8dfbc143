"""A route over a dead provider and a real model, to be tried by hand: `make demo`.

Nothing leaves this machine: the model is a small one, served by llama.cpp in a process of its own.
"""

import signal
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.llama import MODEL, llama_server
from tests.e2e.running import Router, serving, unused_port

CONFIG = """\
version: 1
server: {{drain: {{announce: 0s, wait: 2s}}}}
providers:
  dead: {{base_url: "http://127.0.0.1:{port}/v1", models: [{model}]}}
  real: {{base_url: "{url}", models: [{model}]}}
models:
  chat:
    policy: priority
    tiers: [[dead/{model}], [real/{model}]]
"""
GUIDE = """\
The model {model} is served at {url}.
The router listens at http://{listen}/v1, its operator's pages are at http://{admin}.
The route `chat` asks dead/{model} first, where nobody answers, then real/{model}.

A whole answer; its headers say who gave it, at which attempt:

curl -si http://{listen}/v1/chat/completions -H 'Content-Type: application/json' -d '{whole}'

A stream; its last comment says the same:

curl -sN http://{listen}/v1/chat/completions -H 'Content-Type: application/json' -d '{stream}'

After some requests the dead provider is ejected, and answers need one attempt:

curl -s http://{admin}/status

What the router says of each request:

tail -f {log}

Ctrl-C ends it all."""
WHOLE = (
    '{"model": "chat", "max_tokens": 32, '
    '"messages": [{"role": "user", "content": "Name three colours."}]}'
)
STREAM = WHOLE.replace('"max_tokens"', '"stream": true, "max_tokens"')


def main() -> None:
    """Run it until it is interrupted or terminated."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        TemporaryDirectory() as folder,
        llama_server() as url,
        serving(Path(folder), CONFIG.format(url=url, port=unused_port(), model=MODEL)) as router,
        suppress(KeyboardInterrupt),  # inside, so that the router may leave in order
    ):
        print(guide(router, url), flush=True)
        while router.process.poll() is None:
            time.sleep(0.2)


def guide(router: Router, url: str) -> str:
    """What to try, ready to be pasted."""
    return GUIDE.format(
        model=MODEL,
        url=url,
        listen=router.listen,
        admin=router.admin,
        whole=WHOLE,
        stream=STREAM,
        log=router.log,
    )


if __name__ == "__main__":
    main()
