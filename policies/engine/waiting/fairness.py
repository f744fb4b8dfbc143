"""Whose turn it is among those who wait in one band: tenants by what they were served, and what
a band is owed while higher ones go first.

Turns by requests would favour whoever asks for long answers, so tokens are counted, as in the
Virtual Token Counter (Sheng et al., Fairness in Serving Large Language Models, OSDI 2024): next is
the tenant with the least tokens served, those written twice as dear as those read; whoever begins
to wait is lifted to the least of those that wait, so that nobody saves turns up by being away. The
difference between two tenants that wait all the while stays below what two requests and the
answers under way amount to. Counters live only while somebody waits.
"""

from __future__ import annotations

from typing import Final

from policies.engine.outcome import Outcome, Phase, Report

OUTPUT_WEIGHT: Final = 2.0
OTHERS: Final = 9
"""What is served to higher bands for each one of a band that waits: it gets a tenth of all."""
MOST_TENANTS: Final = 1000
"""Accounts kept of tenants that do not wait now."""
KEPT: Final = frozenset({Outcome.OK, Outcome.ABANDONED})
"""Outcomes that stand at the estimate when no usage came: the others served nobody, nor did what
never reached a provider."""


def cost(input_tokens: float, output_tokens: float) -> float:
    """What a request counts; at least 1, so that every turn moves the counter."""
    return max(1.0, input_tokens + OUTPUT_WEIGHT * output_tokens)


class Account:
    """What one tenant was served while somebody waited, and how many of its requests wait."""

    __slots__ = ("served", "waiting")

    def __init__(self, served: float) -> None:
        self.served = served
        self.waiting = 0


class Charge:
    """What was charged for one attempt when it was sent: an estimate until it settles."""

    __slots__ = ("_account", "_estimate")

    def __init__(self, account: Account, estimate: float) -> None:
        self._account = account
        self._estimate = estimate

    def settle(self, report: Report) -> None:
        """Charge what was really used."""
        read, written = report.input_tokens, report.output_tokens
        if read is not None or written is not None:
            self._account.served += cost(read or 0, written or 0) - self._estimate
        elif report.outcome not in KEPT or report.phase is Phase.CONNECT:
            self.cancel()

    def cancel(self) -> None:
        """Charge nothing."""
        self._account.served -= self._estimate


class Turns:
    """The tenants of one band, and what was served to higher ones while it waited and was not
    served itself; that grows while it does not pay for the largest of its needs.
    """

    __slots__ = ("_accounts", "_credit", "_most", "_waiting")

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._waiting = 0
        self._most = 0.0
        self._credit = 0.0

    def is_owed(self, need: float) -> bool:
        """Whether a request that costs `need` may go before the higher bands."""
        return self._credit >= OTHERS * need

    def level(self, tenant: str) -> float:
        """Where `tenant` stands, or would stand if it began to wait now."""
        account = self._accounts.get(tenant)
        if account is not None and account.waiting:
            return account.served
        least = min((one.served for one in self._accounts.values() if one.waiting), default=0.0)
        return least if account is None or account.served < least else account.served

    def enter(self, tenant: str, need: float) -> Account:
        """One more request of `tenant` waits, that will cost `need`."""
        level = self.level(tenant)
        if len(self._accounts) >= 2 * MOST_TENANTS:
            self._accounts = {name: one for name, one in self._accounts.items() if one.waiting}
        account = self._accounts.setdefault(tenant, Account(level))
        account.served = level
        account.waiting += 1
        self._waiting += 1
        self._most = max(self._most, need)
        return account

    def leave(self, account: Account) -> None:
        """One of its requests waits no longer; with the last of the band all is forgotten."""
        account.waiting -= 1
        self._waiting -= 1
        if not self._waiting:
            self._accounts = {}
            self._most = self._credit = 0.0

    def charge(self, tenant: str, need: float) -> Charge | None:
        """A request of the band is sent; None if its tenant has not waited of late."""
        self._credit = max(0.0, self._credit - OTHERS * need)
        account = self._accounts.get(tenant)
        if account is None:
            return None
        account.served += need
        return Charge(account, need)

    def owe(self, need: float) -> None:
        """A request of a higher band is sent, maybe while this one waits."""
        if self._credit < OTHERS * self._most:
            self._credit += need
