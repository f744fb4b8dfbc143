"""A server that does not serve, in one sentence for the log and the status.

Apart from everything else, so that whoever only catches it loads no client.
"""

from __future__ import annotations

from typing import Self

NOT_ASKED = "it has not been asked yet"


class Down(Exception):
    """The server does not answer, or not as it must; nothing was done, as far as is known. Its text
    says what happened, with no credential in it.
    """

    def __init__(self, what: str = NOT_ASKED) -> None:
        super().__init__(what)

    def anew(self) -> Self:
        """The same, to be raised once more: an error drags along where it was raised before."""
        return type(self)(str(self))


class Refused(Down):
    """It answers, and will not serve us as it is configured, or as we are: time does not heal it,
    somebody has to.
    """
