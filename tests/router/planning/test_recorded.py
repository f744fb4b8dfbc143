"""What records say of requests, and of those who answered them."""

from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from policies import Band
from router.planning.faults import BadInput
from router.planning.recorded import LEAST, MOST_WAITS, UNKNOWN_LENGTH, measured, read, thinned
from router.telemetry.lines.line import Line
from tests.router.telemetry.lines.made import LINE, NOBODY

NONE = msgspec.structs.replace(NOBODY, request="req_0")


def made(number: int, **fields: Any) -> Line:
    return msgspec.structs.replace(LINE, request=f"req_{number}", at=LINE.at + number, **fields)


def attempt(**fields: Any) -> Any:
    assert LINE.attempt is not None
    return msgspec.structs.replace(LINE.attempt, **fields)


def written(folder: Path, *lines: Line) -> Path:
    path = folder / "decisions.jsonl"
    path.write_bytes(msgspec.json.Encoder().encode_lines(lines))
    return path


def test_a_request_comes_again_as_it_was_asked(tmp_path: Path) -> None:
    line = made(
        1, share=1.0, tenant="team", band="critical", most_tokens=9, requires=("images",),
        only=("sim/fast",), features={"tools": True}, acts=True, counted={"o200k_base": 11},
        input_tokens=13, output_tokens=7, stream=False,
    )  # fmt: skip
    [arrival], notes, _ = read(written(tmp_path, line), Random(1))
    assert (arrival.input_tokens, arrival.output_tokens, arrival.stream) == (13, 7, False)
    assert (arrival.model, arrival.tenant, arrival.band) == ("chat", "team", Band.CRITICAL)
    request = arrival.like
    assert request is not None
    assert (request.input_tokens, request.output_tokens) == (line.expected_tokens, 9)
    assert request.requires == frozenset({"images"})
    assert request.only == frozenset({"sim/fast"})
    assert (request.features, request.acts) == ({"tools": True}, True)
    assert (request.counted, notes) == ({"o200k_base": 11}, [])


def test_the_lines_of_one_request_are_one_request(tmp_path: Path) -> None:
    twice = [made(1, share=1.0, attempts=2, attempt=attempt(number=n)) for n in (1, 2)]
    arrivals, _, _ = read(written(tmp_path, *twice, made(2, share=1.0)), Random(1))
    assert len(arrivals) == 2


def test_a_record_that_stands_for_several_requests_is_played_as_several(tmp_path: Path) -> None:
    lines = [made(number, share=0.3) for number in range(300)]
    arrivals, notes, _ = read(written(tmp_path, *lines), Random(1))
    assert len(arrivals) == pytest.approx(1000, rel=0.05)
    assert notes == ["requests that were recorded for several are played as several"]


def test_a_request_that_nobody_answered_would_have_had_an_answer_of_usual_length(
    tmp_path: Path,
) -> None:
    lines = [made(1, share=1.0), made(2, share=1.0, output_tokens=32), NONE]
    arrivals, _, _ = read(written(tmp_path, *lines), Random(1))
    assert [each.output_tokens for each in arrivals] == [64, 32, 48]
    alone, _, _ = read(written(tmp_path, NONE), Random(1))
    assert alone[0].output_tokens == UNKNOWN_LENGTH


def test_a_target_is_measured_by_its_answers_and_what_failed(tmp_path: Path) -> None:
    waits = [0.1 * (1 + number % 3) for number in range(60)]
    good = [
        made(number, attempt=attempt(first_s=wait, total_s=wait + 1.0, output_tokens=11))
        for number, wait in enumerate(waits)
    ]
    bad = [made(100 + n, attempt=attempt(outcome="failed", first_s=None)) for n in range(20)]
    busy = [made(200 + n, attempt=attempt(outcome="throttled", first_s=None)) for n in range(20)]
    _, _, targets = read(written(tmp_path, *good, *bad, *busy), Random(1))
    told = targets["sim/fast"]
    assert told.waits[0] == pytest.approx(0.1)
    assert told.waits[-1] == pytest.approx(0.3)
    assert told.per_token == pytest.approx(0.1)
    assert (told.errors, told.throttled, told.attempts) == (0.25, 0.2, 100)


def test_of_answers_in_one_piece_start_and_pace_are_told_apart_by_their_lengths() -> None:
    rng = Random(1)
    lengths = [rng.randint(10, 500) for _ in range(200)]
    told = measured([(None, 0.4 + 0.02 * tokens, tokens) for tokens in lengths], {"ok": 200})
    assert told.per_token == pytest.approx(0.02)
    assert told.waits[100] == pytest.approx(0.4)
    alike = measured([(None, 1.0, 64)] * 50, {"ok": 50})
    assert (alike.per_token, alike.waits[0]) == (0.0, 1.0)


def test_few_answers_are_no_measurement(tmp_path: Path) -> None:
    few = [made(number) for number in range(LEAST - 1)]
    assert not read(written(tmp_path, *few), Random(1))[2]
    assert read(written(tmp_path, *few, made(LEAST)), Random(1))[2]


def test_many_waits_are_thinned_and_keep_their_ends() -> None:
    waits = [float(number) for number in range(100_000)]
    kept = thinned(waits)
    assert (len(kept), kept[0], kept[-1]) == (MOST_WAITS, 0.0, 99_999.0)
    assert list(kept) == sorted(kept)


def test_lines_that_are_none_are_counted_and_a_file_of_them_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, made(1, share=1.0))
    path.write_bytes(path.read_bytes() + b'{"v":1,"requ')
    assert read(path, Random(1))[1] == ["1 lines that are no records were passed over"]
    path.write_text("arrival\n1,2,3\n")
    with pytest.raises(BadInput, match=r"none of its lines is a record of a decision, and it is"):
        read(path, Random(1))
