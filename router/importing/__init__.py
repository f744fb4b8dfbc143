"""Files of other gateways as a `providers.yaml` of ours: text in, text out.

Why: whoever has such a file should not have to write it again.
Must not: read or write files, reach the network, or let a credential into a text or an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from router.config.problems import Report
from router.importing.draft import Draft
from router.importing.litellm import litellm
from router.importing.portkey import portkey
from router.importing.write import write

READERS: Mapping[str, Callable[[str, str, tuple[str, ...], Report], Draft]] = {
    "litellm": litellm,
    "portkey": portkey,
}
"""By what their files are called on the command line."""


def convert(kind: str, text: str, source: str, asked: tuple[str, ...] = ()) -> tuple[str, int]:
    """Our file for a `text` of that kind, and how many remarks are in it for a person to read.

    `source` names the text in errors and in the first line; `asked` are models that clients ask for
    and that the text itself does not name. Raises `ConfigError`, with every place that cannot be
    read.
    """
    report = Report(source)
    draft = READERS[kind](text, source, asked, report)
    if report.failed():
        raise report.error()
    return write(draft), sum(len(block.remarks) for block in draft.blocks())
