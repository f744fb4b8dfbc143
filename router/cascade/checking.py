"""Checks answers: first by what needs nothing but the answer, then by asking somebody.

A check that cannot be made, since its budget is spent, its function hangs or its judge says
neither yes nor no, has not been passed: trust is not given for want of somebody to refuse it.
"""

from __future__ import annotations

from asyncio import Semaphore, timeout
from typing import NamedTuple

import msgspec

from router.aside import Aside, Asked
from router.caller import Caller
from router.cascade.checks import failed_at_once, first_failed
from router.cascade.lane import Lane
from router.cascade.terms import Answered, ModelCheck, OwnCheck, Terms
from router.dialects.common.outside import decoded, object_of
from router.dialects.common.prompt import Message, Text
from router.dialects.contract import Call, ClientError
from router.dialects.openai.dialect import OPENAI
from router.pipeline import admit
from router.runtime import Runtime
from router.shadow.judged import Said
from router.shadow.judging import MOST_THREADS, Judging, NoScore
from router.shadow.overheard import Overheard
from router.shadow.said import begun_of, prompt_of, said_of
from router.shadow.sinks import Heard, Memory
from router.stored.owners import Owners
from router.telemetry.journal import AttemptRecord, Reader
from router.tenants.identity import Tenant

PATIENCE = 10.0
"""Seconds that a check may take which asks somebody: a client waits for it."""
SHARE_OF_TIME = 0.5
"""Of the time that is left, which it may take at most: the next tier needs some as well."""
MOST_ANSWER = 1024 * 1024
"""Bytes of an answer that is checked; in a longer one nothing can be told."""
MOST_SHOWN = 16_000
"""Characters of a request, its last, and of an answer, its first, that a judge is shown."""
MOST_SAID = 1000
"""Tokens that a judge may write: for one word, and for what some think before it."""
MOST_JUDGES = 16
"""Judges that are asked at once; others wait for their turn, as long as they may take."""
MOST_HEADS = 64 * 1024 * 1024
"""Bytes that are held back of all streams: 8,000 heads of 8 KiB, 256 of the largest. What does not
fit is judged by what there is of it, and goes out."""
BYTES_PER_TOKEN = 3
NAMED = ".judge"
"""What follows a request's id in that of a judge's question."""


class Checked(NamedTuple):
    """Which check an answer `failed` (empty: none), how many it passed, and what they cost."""

    failed: str = ""
    passed: int = 0
    cost: int = 0
    said: Said | None = None


class Checking:
    """Has answers checked; `owners` as the pipeline has them. `heads` is what is held of streams by
    all requests.
    """

    def __init__(self, aside: Aside, owners: Owners) -> None:
        self._aside, self._owners, self._loop = aside, owners, aside.loop
        self._judging = Judging(aside.loop, PATIENCE)
        self._turns = {OwnCheck: Semaphore(MOST_THREADS), ModelCheck: Semaphore(MOST_JUDGES)}
        self._memory, self.heads = Memory(), Memory(MOST_HEADS)

    async def check(
        self, lane: Lane, call: Call, caller: Caller, body: bytes, until: float, *, free: bool
    ) -> Checked:
        """An answer to `call`, by the checks of `lane`, before the instant `until`; with `free`
        nobody is asked.
        """
        terms = lane.terms
        said = await said_of(call, body) if len(body) <= MOST_ANSWER else None
        if said is None:
            return Checked("unreadable")
        asked = prompt_of(call) if terms.reads and _asks(caller, call) else None
        failed = first_failed(terms.checks, asked, said)
        if failed is not None:
            return Checked(terms.checks[failed].name, failed, said=said)
        passed, cost = len(terms.checks), 0
        for one in () if free else terms.others:
            patience = min(PATIENCE, (until - self._loop.time()) * SHARE_OF_TIME)
            bill = Bill(self._aside.journal, terms)
            try:
                async with timeout(patience), self._turns[type(one)]:
                    if isinstance(one, OwnCheck):
                        good = await self._own(one, terms, call, said, patience)
                    else:
                        good = await self._judge(one, lane, call, caller, said, patience, bill)
            except NoScore as error:
                lane.trouble, good = f"{one.name}: {error}", False
            except TimeoutError:
                lane.trouble, good = f"{one.name}: it did not answer within {patience:g} s", False
            cost += bill.cost
            if not good:
                return Checked(one.name, passed, cost, said)
            passed += 1
        return Checked("", passed, cost, said)

    async def begun(self, terms: Terms, call: Call, caller: Caller, data: bytes) -> str:
        """The check that a streamed answer to `call` has failed which begins with `data`; empty:
        none. Nobody is asked.
        """
        said = await begun_of(call, data)
        if said is None:
            return "unreadable"
        asked = prompt_of(call) if terms.reads and _asks(caller, call) else None
        return failed_at_once(terms.checks, asked, said)

    async def _own(
        self, one: OwnCheck, terms: Terms, call: Call, said: Said, patience: float
    ) -> bool:
        answered = Answered(terms.model, object_of(decoded(call.body)), said)
        told = await self._judging.ask(one.holds, answered, patience)
        if not isinstance(told, bool):
            raise NoScore(f"it said a {type(told).__name__}, which is neither true nor false")
        return told

    async def _judge(
        self, one: ModelCheck, lane: Lane, call: Call, caller: Caller, said: Said,
        patience: float, bill: Bill,
    ) -> bool:  # fmt: skip
        runtime, now, purse = self._aside.runtime(), self._loop.time(), lane.budget(one)
        asked = self._question(one, lane.terms, call, caller, said, runtime, now + patience)
        need = _at_most(lane.terms, runtime, one.model, asked.call)
        if need is None and purse.bounded:
            raise NoScore("its budget cannot be kept: no price of it is known")
        reserved = purse.take(need or 0, now)
        if reserved is None:
            raise NoScore("its budget is spent")
        heard = Heard(self._memory)
        try:
            await self._aside.ask(asked, runtime, bill, heard, (), waits=True)
            answer = heard.read()
        finally:
            heard.drop()
            purse.settle(reserved, bill.cost, self._loop.time())
        told = await said_of(asked.call, answer) if answer is not None else None
        word = told.text.strip().lower() if told is not None else ""
        if not word.startswith(("yes", "no")):
            within = f"it said neither yes nor no in {MOST_SAID:,} tokens"
            raise NoScore("it did not answer" if told is None else within)
        return word.startswith("yes")

    def _question(
        self, one: ModelCheck, terms: Terms, call: Call, caller: Caller, said: Said,
        runtime: Runtime, until: float,
    ) -> Asked:  # fmt: skip
        messages = [
            {"role": "system", "content": one.ask},
            {"role": "user", "content": f"{_shown(call)}\n\n<answer>\n{_words(said)}\n</answer>"},
        ]
        body = msgspec.json.encode({"model": one.model, "messages": messages})
        tenant = Tenant(caller.tenant.name)
        judge = Caller(f"{caller.request_id}{NAMED}", tenant, OPENAI, {})
        try:
            asked = OPENAI.parse(body, "chat")
            asked.most = asked.output_tokens = MOST_SAID
            request = admit(asked, judge, runtime, self._loop.time(), self._owners)
        except ClientError as error:
            raise NoScore(error.message) from None
        # What a judge reads is what the client sent: it goes nowhere where that may not.
        barred = runtime.barred(caller, terms.model, one.model)
        until = min(request.deadline, until)
        return Asked(asked, judge, request._replace(deadline=until, barred=barred))


class Bill(Overheard):
    """The journal of what is asked aside. `cost` is what all its attempts came to, `written` are
    the tokens of the last answer.
    """

    def __init__(self, journal: Reader, terms: Terms) -> None:
        super().__init__(journal)
        self._terms = terms
        self.cost = 0
        self.written: int | None = None

    def attempt(self, record: AttemptRecord) -> None:
        """See `Reader.attempt`."""
        super().attempt(record)
        report = record.report
        told = self._terms.cost(record.target, report.input_tokens, report.output_tokens or 0)
        self.cost += told or 0
        self.written = report.output_tokens


def _asks(caller: Caller, call: Call) -> bool:
    """Whether the call asks for a form, or brings tools: only then is it read."""
    names = caller.dialect.FEATURES & {"schema", "tools"}
    return any(caller.dialect.features(call, names).values())


def _at_most(terms: Terms, runtime: Runtime, model: str, call: Call) -> int | None:
    """What a judge's question may cost, by the dearest of its targets; None: nobody knows."""
    names = runtime.targets.get(model, frozenset({model}))
    read = len(call.body) // BYTES_PER_TOKEN
    costs = [terms.cost(name, read, MOST_SAID) for name in names]
    known = [cost for cost in costs if cost is not None]
    return max(known, default=0) if len(known) == len(costs) else None


def _shown(call: Call) -> str:
    prompt = prompt_of(call)
    lines = [] if prompt is None else [_line(message) for message in prompt.messages]
    return f"<request>\n{''.join(lines)[-MOST_SHOWN:]}</request>"


def _line(message: Message) -> str:
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    return f"{message.role}: {' '.join(texts)}\n"


def _words(said: Said) -> str:
    calls = [f"calls {name}({arguments})" for name, arguments in said.calls]
    return "\n".join([said.text, *calls])[:MOST_SHOWN]
