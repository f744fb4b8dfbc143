"""Bytes for parsers: what is right, changed at random, and in whatever pieces."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st


@st.composite
def mangled(draw: st.DrawFn, corpus: Sequence[bytes], most: int = 1) -> bytes:
    """Up to `most` of a corpus, cut, with bytes changed, put in and left out."""
    drawn = draw(st.lists(st.sampled_from(corpus), min_size=1, max_size=most))
    data = bytearray(b"".join(drawn))
    for _ in range(draw(st.integers(0, 3))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["change", "insert", "leave out", "cut"])):
            case "change":
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.binary(max_size=9) | st.sampled_from(corpus))
            case "leave out":
                del data[at : at + draw(st.integers(1, 9))]
            case _:
                del data[at:]
    return bytes(data)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]
