"""The page that a plan becomes: well-formed, whatever things are called, and on its own."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planning import drawing
from router.planning.comparing import CURVE, FIGURES, Comparison, Group
from router.planning.interval import Change
from router.planning.page import page
from router.planning.plan import Asked, Plan, plan
from router.planning.thresholds import judge, parse
from router.planning.traffic import Traffic
from tests.router.running import written

SVG = "{http://www.w3.org/2000/svg}svg"
names = st.text(max_size=20) | st.sampled_from(
    ['<script>alert("x")</script>', "a&b", "]]>", "\x00"]
)
numbers = st.floats(0.0, 1e6)
changes = st.builds(Change, numbers, numbers, numbers)
curves = st.lists(numbers, min_size=CURVE, max_size=CURVE).map(sorted).map(tuple) | st.just(())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan of one file beside itself."""
    path = written(tmp_path_factory.mktemp("plan"), "chat: {targets: [sim/fast, sim/other]}")
    return plan(Asked(path, path, most=100), {})


class Texts(HTMLParser):
    """What a reader of HTML sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def texts(markup: str) -> str:
    parser = Texts()
    parser.feed(markup)
    return " ".join(parser.found)


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - it is our own


def test_a_page_is_well_formed_and_has_its_plots(made: Plan) -> None:
    told = page(made, [judge(parse("errors>+1%"), made.comparison)])
    tree = parsed(told)
    assert len(list(tree.iter(SVG))) == 3
    assert "errors>+1%: kept" in texts(told)


def test_a_page_loads_nothing_and_runs_nothing(made: Plan) -> None:
    told = page(made, []).lower()
    for word in ("<script", "<link", "<img", "<iframe", "src=", "href=", "@import", "url("):
        assert word not in told
    assert "default-src 'none'" in told


def renamed(plan: Plan, name: str, change: Change, curve: tuple[float, ...]) -> Plan:
    """The same with this name wherever there is one, and these figures."""
    group = Group(7, dict.fromkeys(FIGURES, change), {name: change}, (name,), (curve, curve))
    return Plan(
        plan.old, plan.new, (name,), Traffic(name, plan.traffic.arrivals, (name,)), 1,
        Comparison(group, {name: group}, {name: group, "other": group}),
    )  # fmt: skip


@given(name=names, change=changes, curve=curves)
def test_whatever_a_model_or_a_target_is_called_a_page_is_well_formed(
    made: Plan, name: str, change: Change, curve: tuple[float, ...]
) -> None:
    told = page(renamed(made, name, change, curve), [])
    parsed(told)
    assert "<script" not in told


def test_a_name_is_shown_as_it_is(made: Plan) -> None:
    name = '<b onclick="x()">&amp;'
    told = page(renamed(made, name, Change(1.0, 2.0, 0.1), ()), [])
    assert texts(told).count(name) >= 5


def test_a_bar_is_as_wide_as_its_share() -> None:
    shares = {"a/m": Change(0.75, 0.5, 0.0), "b/m": Change(0.25, 0.5, 0.0)}
    tree = parsed(drawing.shares(shares, drawing.colours(["a/m", "b/m"])))
    boxes = tree.iter("{http://www.w3.org/2000/svg}rect")
    widths = [float(box.attrib["width"]) for box in boxes]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert widths[2] == pytest.approx(widths[3], rel=0.01)


def test_what_has_no_values_has_no_plot() -> None:
    assert drawing.waits((), ()) == ""
    assert drawing.changes({"errors": Change(0.0, 0.0, 0.0)}) == ""
