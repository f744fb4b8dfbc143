"""How a provider counts a request against its limits: what is reserved before it is sent, and what
that is settled to when it has been answered.

Providers differ in what they take for a token: some charge the longest answer that the caller
allows before a word of it is written, some give back what was not written, some do not count what
they read from a cache. Who counts otherwise than the provider runs into refusals, or leaves a part
of what was paid for unused. The rules are values, and which of them is whose stands with whoever
knows the providers: nothing here names one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from policies.engine.limits.windows import HALF, MICROSECONDS, Note

if TYPE_CHECKING:
    from policies.engine.outcome import Report


Need = tuple[int, int, int]
"""What a request takes of limits on tokens, on those of its input and on those of its output."""


class Charge(Enum):
    """How the answer counts in limits on tokens. The bound is the most that the caller lets the
    model write.
    """

    WRITTEN = "written"
    """What it is expected to have is reserved, and settled to what was written."""
    BOUND = "bound"
    """The whole bound is reserved, and settled to what was written."""
    WHOLE = "whole"
    """The whole bound is charged, whatever is written."""
    LARGER = "larger"
    """The larger of the bound and the input is charged for both, whatever is written."""
    NOTHING = "nothing"
    """It does not count: the input alone does."""


WRITTEN, BOUND, LARGER, NOTHING = Charge.WRITTEN, Charge.BOUND, Charge.LARGER, Charge.NOTHING
"""To name a member through its class is slow."""


@dataclass(frozen=True, slots=True)
class Counting:
    """How a target's provider counts.

    `charge` is how answers count; without a bound, `unbounded` tokens stand for it (None: as many
    as are expected, but where the larger counts, the input alone does). `cached`: input that is
    read from a cache counts as well. Where an answer is settled to what was written, each token of
    it counts `times`.
    """

    charge: Charge = Charge.WRITTEN
    cached: bool = True
    times: int = 1
    unbounded: int | None = None

    def reserved(self, input_: int, output: int, bound: int | None) -> Need:
        """What is taken before a request is sent that is expected to have so many tokens of input
        and of output; `bound` is the most that its caller lets the model write, None: any number.
        """
        charge = self.charge
        if charge is WRITTEN:
            return input_ + output, input_, output
        if charge is NOTHING:
            return input_, input_, output
        if charge is LARGER:
            return max(input_, bound or 0), input_, output
        whole = bound if bound is not None else self.unbounded
        if whole is None:
            whole = output
        return input_ + whole, input_, whole

    def settled(self, taken: Note, report: Report, now: float) -> Note:
        """What settles a reservation when what was sent has come to `report`: the request itself
        stays counted, and so does what nobody has counted.
        """
        since, _, _, tokens, input_, output = taken
        at = int(now * MICROSECONDS + HALF)
        read, written = report.input_tokens, report.output_tokens
        if read is None:
            if written is None:
                return since, at, 0, 0, 0, 0
            read = 0
        if written is None:
            written = 0
        if not self.cached:
            read -= min(read, report.cached_tokens)
        charge, more = self.charge, 0
        if charge is WRITTEN or charge is BOUND:
            more = read + self.times * written - tokens
        elif charge is NOTHING:
            more = read - tokens
        return since, at, 0, more, read - input_, written - output


AS_WRITTEN = Counting()
"""As is counted where nothing else is known: all that was read and written."""
