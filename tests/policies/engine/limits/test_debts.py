"""What was taken is corrected when an answer ends, maybe long after, in any order: a window beside
a ledger that keeps every unit with the instant at which it counts.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.limits.windows import TOKENS, Note, Window
from tests.policies.engine.limits.test_windows import CELL, SPAN, Ledger

STEPS = st.lists(
    st.tuples(
        st.integers(0, SPAN // 3) | st.integers(SPAN, 2 * SPAN),
        st.integers(1, 25),
        st.sampled_from(["take", "force", "back", "part", "more"]),
        st.integers(0, 20),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-5 * SPAN, 10**15), STEPS)
def test_corrections_count_as_in_the_ledger(
    start: int, steps: list[tuple[int, int, str, int]]
) -> None:
    window, ledger, now = Window(10, 6.0), Ledger(10), start
    taken: list[tuple[int, int]] = []
    for elapsed, units, step, which in steps:
        now += elapsed
        if step == "force" or (step == "take" and window.fits(units, now)):
            window.take(units, now)
            ledger.taken.append((now, units))
            taken.append((now, units))
        elif step != "take" and taken:
            at, earlier = taken.pop(which % len(taken))
            change = {"back": -earlier, "part": -(earlier // 2), "more": units}[step]
            window.correct(change, at, now)
            gone = now // CELL - at // CELL > 60
            if change > 0 or not gone:
                ledger.taken.append((now if gone else at, change))
        assert window.spare(now) == 10 - ledger.used(now)
        assert window.fits(units, now) == ledger.fits(units, now)
        assert window.wait(units, now) == ledger.wait(units, now)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-5 * SPAN, 10**15), STEPS, st.integers(1, 20))
def test_many_notes_at_once_count_as_each_alone(
    start: int, steps: list[tuple[int, int, str, int]], many: int
) -> None:
    single, whole, now = Window(10, 6.0), Window(10, 6.0), start
    taken: list[tuple[int, int]] = []
    notes: list[Note] = []
    for elapsed, units, step, which in steps:
        now += elapsed
        if step in {"take", "force"} or not taken:
            note = now, now, 0, units, 0, 0
            taken.append((now, units))
        else:
            at, earlier = taken.pop(which % len(taken))
            change = {"back": -earlier, "part": -(earlier // 2), "more": units}[step]
            note = at, now, 0, change, 0, 0
        single.read([note], TOKENS)
        notes.append(note)
        if len(notes) >= many:
            whole.read(notes, TOKENS)
            notes.clear()
            assert whole.spare(now) == single.spare(now)
            assert whole.wait(units, now) == single.wait(units, now)
