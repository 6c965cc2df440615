"""Screens at 80 columns and 24 lines as text, kept to be looked at: `python -m tests.unit.cli.expected_screens` writes
them anew after a change that was meant, and into the pages that show some of them."""

from __future__ import annotations

import re
from pathlib import Path

from earlystop.api.conditions import ConditionStatus
from earlystop.cli.screen.whole import picture
from earlystop.controller.cluster import Manifest
from earlystop.rollout.observations import Observation, Observations
from tests.unit.cli.shown_policies import moment_of, policy_in, recorded, screen, text_of

FOLDER = Path(__file__).parent / "screens"
DOCS = Path(__file__).parents[3] / "operator" / "docs"
STATES = (
    "pending",
    "second campaign at a later step",
    "observing a broken split",
    "rolled back",
    "promoted",
    "several, one dropped",
    "a search is over",
    "suspended",
)
RECORDED = ("canary-midway", "cohort-midway", "shadow-several-midway")
IN_PAGES = (
    "waiting for an approval",
    "waiting for a gate",
    "promoted and guarded",
    "rolled back by its guard",
    "searching beside an incumbent",
    "searching, between two trials",
)
"""Those of states of a policy whose counts and traffic are in order, without events."""
IN_ORDER = Observations(
    traffic=Observation(ConditionStatus.TRUE, "InForce", "Weights are in force."),
    metrics=Observation(ConditionStatus.TRUE, "Readable", "Counts can be read."),
)
WIDTH, HEIGHT = 80, 24
MARKED = re.compile(r"<!-- screen: ([a-z-]+) -->\n```\n(.*?)```", re.DOTALL)
"""A screen in a page, and the name of its file."""


def drawn() -> dict[str, str]:
    """The text of each screen, by the name of its file."""
    policies = {each: policy_in(each) for each in STATES} | {each: recorded(each) for each in RECORDED}
    screens = {each: screen(policy, WIDTH, HEIGHT, forecast=True) for each, policy in policies.items()}
    screens |= {each: _in_order(policy_in(each, IN_ORDER)) for each in IN_PAGES}
    return {
        f"{name.replace(', ', '-').replace(' ', '-')}.txt": "".join(f"{line.rstrip()}\n" for line in lines)
        for name, lines in screens.items()
    }


def _in_order(policy: Manifest) -> list[str]:
    return text_of(picture(policy, moment_of(policy), WIDTH, height=HEIGHT), WIDTH).splitlines()


def pages() -> list[Path]:
    """The pages that show any of them."""
    return [each for each in sorted(DOCS.glob("*.md")) if MARKED.search(each.read_text())]


def with_screens(page: str, screens: dict[str, str]) -> str:
    """The page with its screens as they are drawn now. Raises KeyError for a name that no screen has."""
    return MARKED.sub(lambda found: f"<!-- screen: {found[1]} -->\n```\n{screens[f'{found[1]}.txt']}```", page)


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in drawn().items():
        (FOLDER / name).write_text(text)
    for page in pages():
        page.write_text(with_screens(page.read_text(), drawn()))


if __name__ == "__main__":
    main()
