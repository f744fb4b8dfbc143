"""One line per request, and a line per event, as text or JSON. Never a prompt, never a key.

Lines are written by a thread of their own from a bounded queue, so that a full pipe or a slow disk
blocks nobody; what does not fit is dropped and counted.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal, TextIO

import msgspec

from policies import Outcome
from router.telemetry.journal import AttemptRecord, RefusalRecord, RequestRecord

MOST_WAITING = 10_000
LAST_LINES = 1.0
"""Seconds for a stream that takes nothing to begin to, when the log is closed."""
Format = Literal["text", "json", "off"]


def where(error: BaseException) -> str:
    """Where an error comes from, and not what it says: that may quote a body, or a key."""
    frames = extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


class Log:
    """A `Reader` that writes lines to `stream`. `wall` is the wall clock, for people; `worker` is
    which of several processes this is, whose lines stand among each other.
    """

    def __init__(
        self,
        stream: TextIO,
        form: Format,
        wall: Callable[[], float] = time.time,
        worker: int | None = None,
    ) -> None:
        self.dropped = 0
        self._place: dict[str, object] = {} if worker is None else {"worker": worker}
        self._stream = stream
        self._form = form
        self._wall = wall
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def event(self, message: str, **details: object) -> None:
        """Something happened that an operator should know: a reload, a drain, a fault."""
        details |= self._place
        if self._form == "json":
            self._line(
                msgspec.json.encode({"time": self._stamp(), "event": message, **details}).decode()
            )
        else:
            more = "".join(f" {name}={value}" for name, value in details.items())
            self._line(f"{self._stamp()} {message}{more}")

    def attempt(self, record: AttemptRecord) -> None:
        """A line for an attempt that failed, or that we had no room for; those that answered are in
        the request's, and to spill is no fault.
        """
        report = record.report
        if record.noticed:
            self.event("limits differ:", target=record.target, noticed=record.noticed)
        left = report.outcome is Outcome.ABANDONED and not report.detail
        quiet = report.outcome is Outcome.OK or report.outcome is Outcome.SPILLED
        if self._form == "off" or quiet or left:
            return
        line = {
            "time": self._stamp(),
            "request": record.request_id,
            "model": record.model,
            "target": record.target,
            "attempt": record.number,
            "outcome": report.outcome.word,
            "phase": report.phase.value,
            "detail": report.detail,
            "after_ms": round((record.ended - record.started) * 1000),
        }
        if record.shadow:
            line["shadow"] = True
        self._line(msgspec.json.encode(line).decode() if self._form == "json" else _attempt(line))

    def refused(self, record: RefusalRecord) -> None:
        if self._form == "json":
            line = {"time": self._stamp(), **msgspec.structs.asdict(record)}
            if not record.tenant:
                del line["tenant"]
            self._line(msgspec.json.encode(line).decode())
        elif self._form == "text":
            who = f"{record.tenant} {record.request_id}".lstrip()
            told = f"{record.status} {record.code} [{who}]"
            self._line(f"{self._stamp()} refused: {told}")

    def request(self, record: RequestRecord) -> None:
        if self._form == "off":
            return
        line = {
            "time": self._stamp(),
            "request": record.request_id,
            "tenant": record.tenant,
            "model": record.model,
            "operation": record.operation,
            "target": record.target,
            "status": record.status,
            "end": record.end,
            "cause": record.cause,
            "degraded": record.degraded,
            "attempts": record.attempts,
            "first_ms": round((record.first - record.started) * 1000)
            if record.stream and record.first is not None
            else None,
            "total_ms": round((record.ended - record.started) * 1000),
            "client_ms": round(record.client_seconds * 1000),
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
        }
        if record.shadow:
            line["shadow"] = True
        if record.dropped:
            line["dropped"] = record.dropped
        if record.climbed:
            line["climbed"] = [{"from": name, "failed": check} for name, check in record.climbed]
        if record.resumed:
            line["resumed"] = [{"from": name, "at_tokens": n} for name, n in record.resumed]
        self._line(msgspec.json.encode(line).decode() if self._form == "json" else _text(line))

    def close(self) -> None:
        """Write what waits, then stop; at most twice `LAST_LINES` are spent on it."""
        try:
            self._lines.put(None, timeout=LAST_LINES)
        except queue.Full:
            return
        self._thread.join(timeout=LAST_LINES)

    def _line(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1

    def _stamp(self) -> str:
        now = self._wall()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"


def _attempt(line: dict[str, Any]) -> str:
    detail = f": {line['detail']}" if line["detail"] else ""
    return (
        f"{line['time']} {line['model']} → {line['target']}: attempt {line['attempt']} "
        f"{line['outcome']} ({line['phase']}){detail}, {line['after_ms']} ms [{line['request']}]"
    )


def _text(line: dict[str, Any]) -> str:
    why = "; ".join(filter(None, (line["cause"], line["degraded"])))
    cause = f" ({why})" if why else ""
    tries = "1 attempt" if line["attempts"] == 1 else f"{line['attempts']} attempts"
    first = f", first {line['first_ms']} ms" if line["first_ms"] is not None else ""
    tokens = (
        f", {line['input_tokens']} → {line['output_tokens']} tokens"
        if line["output_tokens"] is not None
        else ""
    )
    client = f" ({line['client_ms']} of the client's)" if line["client_ms"] else ""
    broken = "".join(
        f", gone on with after {one['from']} at {one['at_tokens']} tokens"
        for one in line.get("resumed", ())
    )
    broken += "".join(
        f", climbed from {one['from']} ({one['failed']})" for one in line.get("climbed", ())
    )
    asked = (
        line["model"] if line["operation"] == "chat" else f"{line['model']} ({line['operation']})"
    )
    dropped = f", without {line['dropped']}" if "dropped" in line else ""
    return (
        f"{line['time']} {asked} → {line['target'] or '–'}: {line['status']} {line['end']}"
        f"{cause}, {tries}{first}, {line['total_ms']} ms{client}{tokens}{broken}{dropped}"
        f" [{line['tenant']} {line['request']}]"
    )
