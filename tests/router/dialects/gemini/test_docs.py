"""What the page of dialects says of Gemini is what there is."""

from pathlib import Path

from router.dialects.common.prompt import SETTINGS
from router.dialects.gemini.bodies import CARRIES
from router.dialects.gemini.reasoning import ASKED_BY

PAGE = Path(__file__).parents[4] / "docs/dialects.md"


def test_the_page_shows_every_setting_that_is_carried():
    said = {**CARRIES, **dict.fromkeys(ASKED_BY, "thinkingConfig"), "service_tier": "serviceTier"}
    rows = ["| setting | is said as |", "|---|---|"]
    rows += [f"| `{name}` | `{there}` |" for name, there in said.items()]
    assert "\n".join(["<!-- settings of gemini: kept true by a test -->", *rows, "", "All"]) in (
        PAGE.read_text(encoding="utf-8")
    )
    assert said.keys() <= SETTINGS.keys()
