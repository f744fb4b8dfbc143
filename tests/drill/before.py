"""What a provider does wrong before any content: none of it reaches the client."""

from router.testing import ERROR_EVENT, Body, HangUp, Raw, Reset, Silence, Status
from tests.drill.fault import GOOD, PATIENCE, QUICK, Expected, Fault
from tests.drill.seen import Way

STREAM: tuple[Way, ...] = ("stream",)
ELSEWHERE = Expected(by=("second",))
LATE = Expected(by=("second",), within=PATIENCE + QUICK)
"""From elsewhere, once the silence is evidence."""
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
PAGE = Body("<html>Bad gateway</html>", 502)

BEFORE = [
    Fault("refuses with 500", Status(500), ELSEWHERE),
    Fault("refuses with 503", Status(503, retry_after=1), ELSEWHERE),
    Fault("is overloaded (529)", Status(529, type="overloaded_error"), ELSEWHERE),
    Fault("refuses connections", GOOD, ELSEWHERE, gone=True),
    Fault("has a certificate that expired", GOOD, ELSEWHERE, tls="expired"),
    Fault("has a stranger's certificate", GOOD, ELSEWHERE, tls="of an unknown authority"),
    Fault("has another's certificate", GOOD, ELSEWHERE, tls="for another name"),
    Fault("resets", Reset(), ELSEWHERE),
    Fault("hangs up", HangUp(), ELSEWHERE),
    Fault("says nothing", Silence(), LATE),
    Fault("speaks no HTTP", Raw([b"\x16\x03\x01 what?\r\n\r\n"]), ELSEWHERE),
    Fault("says half a head", Raw([b"HTTP/1.1 200 OK\r\nContent-Ty"]), LATE),
    Fault(
        "sends endless headers",
        Raw([b"HTTP/1.1 200 OK\r\n" + b"X-Pad: 0123456789\r\n" * 20_000]),
        ELSEWHERE,
    ),
    Fault("dribbles its head", GOOD.slow_head(0.05), LATE),
    Fault("breaks off in its head", GOOD.cut(after_bytes=10), ELSEWHERE),
    Fault("resets in its body", GOOD.reset(after_bytes=150), ELSEWHERE),
    Fault("stalls in its body", GOOD.stalled(after_bytes=150), LATE),
    Fault("shows a page", Body("<html>Bad gateway</html>"), ELSEWHERE),
    Fault("shows a page under a stream's type", Body("<p>", kind="text/event-stream"), ELSEWHERE),
    Fault("shows a page as an error", PAGE, ELSEWHERE),
    Fault("shows a firewall's page (403)", Body("<html>Forbidden</html>", 403), ELSEWHERE),
    Fault("is empty", Body(b"", kind="application/json"), ELSEWHERE),
    Fault("is no JSON", Body(b"{", kind="application/json"), ELSEWHERE),
    Fault("errs inside a 200", Status(200), ELSEWHERE),
    Fault("errs in an array", Body([{"error": {"message": "no", "code": 500}}], 500), ELSEWHERE),
    Fault("switches protocols", Raw([UPGRADE]), ELSEWHERE),
    Fault("ends before content", GOOD.cut(after=1), ELSEWHERE, ways=STREAM),
    Fault("resets before content", GOOD.reset(after=1), ELSEWHERE, ways=STREAM),
    Fault("stalls before content", GOOD.stalled(after=1), LATE, ways=STREAM),
    Fault("errs before content", GOOD.inserting(ERROR_EVENT, after=1), ELSEWHERE, ways=STREAM),
    Fault("ends without anything", Raw([EMPTY]), ELSEWHERE, ways=STREAM),
    Fault(
        "fails after 15 s, behind a kept-alive head",
        GOOD.stalled(after=1, seconds=15.5).reset(after=1),
        Expected(within=16 + QUICK),
        keys="timeouts: {first_token: 18s}",
        ways=STREAM,
        long=True,
    ),
]
