"""No screen cuts a number, at any width, and none writes to a terminal what an object holds to control it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import pytest
from rich.console import RenderableType

from earlystop.api.conditions import Refusal
from earlystop.api.counts import TALLY_FIELDS
from earlystop.cli.counts import _tables
from earlystop.cli.explain import explanation
from earlystop.cli.overview import line, overview
from earlystop.cli.screen.whole import picture
from earlystop.cli.simulate import _table
from earlystop.cli.terminal import UNLIMITED
from earlystop.controller.cluster import Manifest
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observations
from tests.unit.cli.shown_policies import policy_in, text_of
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

NUMBER = re.compile(r"\d[\d,.]*")
LATER = NOW + 60.0
LONGEST = {
    "qa": "question-answering-with-retrieval-for-the-customer-support-desk",
    "llm": "production-inference-of-the-europe-west-region-team-blue-llms-x",
    "w10": "window-of-ten-tokens-and-patienc",
    "w5": "window-of-five-tokens-and-patien",
    "window": "early-stop-window-of-token-agree",
}
"""Names that are as long as the API server takes them."""
HOSTILE = "\x1b]0;owned\x07\x9b2J\r\u202e"
"""Sets a title, clears the screen, goes back to the start of the line, and turns the direction of writing."""


def numbers(text: str) -> set[str]:
    return {each.rstrip(",.") for each in NUMBER.findall(text)}


def ensure_whole(render: Callable[[int], RenderableType], widths: Sequence[int] = (80, 120)) -> None:
    """Every width shows the numbers of an unlimited one, and no parts of any."""
    whole = numbers(text_of(render(UNLIMITED), UNLIMITED))
    for width in widths:
        text = text_of(render(width), width)
        assert numbers(text) == whole and "…" not in text, text
        assert max(map(len, text.splitlines())) <= width


def with_longest_names(policy: Manifest) -> Manifest:
    text = json.dumps(policy)
    for short, long in LONGEST.items():
        text = text.replace(f'"{short}"', f'"{long}"')
    made: Manifest = json.loads(text)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["observing", "aborted", "promoting by request", "rolled back", "suspended"])
def test_the_longest_names_cut_no_number_in_a_terminal_of_40_columns(name: str) -> None:
    policy = with_longest_names(policy_in(name))
    assert LONGEST["qa"] in text_of(picture(policy, LATER, UNLIMITED), UNLIMITED)
    widths = (40, 80, 120)
    ensure_whole(lambda width: picture(policy, LATER, width), widths)
    ensure_whole(lambda _: overview([policy]), widths)
    ensure_whole(lambda _: overview([policy], wide=True), widths)


@pytest.mark.parametrize(
    ("name", "beneath"),
    [
        ("observing", "Campaign 1 goes on as it began: At step 1 of 3, 5 % of requests, trying window=10"),
        ("suspended", "Campaign 1 stands still: Suspended at step 1 of 3"),
        ("promoted", "Campaign 1 is over: Promoted: window=10"),
    ],
)
def test_both_screens_of_a_refused_edit_say_why_and_what_goes_on_beneath_it(name: str, beneath: str) -> None:
    refused = Observations(refusal=Refusal("TargetTaken", "Policy b has it. Delete one."))
    policy = policy_in(name, refused)
    stated = conditions(REACHED[name], refused, edited=True)
    policy["status"]["conditions"] = merge_conditions((), stated, 2, NOW)
    policy["metadata"]["generation"] = 2
    status = " ".join(text_of(picture(policy, LATER, 120), 120).split())
    explained = " ".join(sentence for sentence, _ in explanation(policy, LATER, None))
    for text in (status, explained):
        assert f"The edit is refused: Policy b has it. Delete one. {beneath}" in text, text


@pytest.mark.parametrize("name", ["suspended", "promoted", "searching, between two trials"])
@pytest.mark.parametrize("change", ["edit", "retry"])
def test_status_explain_and_get_of_a_paused_policy_say_that_an_edit_waits(name: str, change: str) -> None:
    policy = policy_in(name)
    policy["spec"]["suspend"] = True
    shown = said_of(policy)
    assert not any("asks for another campaign" in text for text in shown.values())
    if change == "edit":
        policy["spec"]["objective"]["exactMatch"]["margin"] = "0.015"
    else:
        policy["metadata"]["annotations"] = {"earlystop.dev/retry": "again"}
    stated = conditions(REACHED[name], Observations(), edited=True)
    policy["status"]["conditions"] = merge_conditions((), stated, 2, NOW)
    for text in said_of(policy).values():
        assert "An edit or a retry asks for another campaign: it begins when" in text, text
    assert "EditWaits" in text_of(overview([policy]), UNLIMITED)
    assert line(policy).endswith(", an edit or a retry waits")


def said_of(policy: Manifest) -> dict[str, str]:
    """What the two screens say of a policy."""
    return {
        "status": " ".join(text_of(picture(policy, LATER, UNLIMITED), UNLIMITED).split()),
        "explain": " ".join(sentence for sentence, _ in explanation(policy, LATER, None)),
    }


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_a_status_has_whole_numbers_at_80_and_at_120_columns(name: str) -> None:
    policy = policy_in(name)
    ensure_whole(lambda width: picture(policy, LATER, width))


def _words(text: str) -> set[str]:
    """The words of a text, without what an axis or a bar is drawn with."""
    return {word.strip(";:,.()") for word in text.split() if set(word) - set("[].*|▁▂▃▄▅▆▇█")}


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_a_status_cuts_no_word_and_no_bar_at_40_columns(name: str) -> None:
    policy = policy_in(name)
    narrow = text_of(picture(policy, LATER, 40), 40)
    assert "…" not in narrow and max(map(len, narrow.splitlines())) <= 40, narrow
    whole = text_of(picture(policy, LATER, UNLIMITED), UNLIMITED)
    cut = _words(narrow) - _words(whole)
    assert not cut, (cut, narrow)


@pytest.mark.slow
@pytest.mark.parametrize("length", [2, 60, 200])
def test_a_list_of_policies_has_whole_numbers_however_long_their_names_are(length: int) -> None:
    policies = [policy_in(name) for name in sorted(REACHED)]
    for number, each in enumerate(policies):
        each["metadata"]["name"] = f"q{number}".ljust(length, "a")
    ensure_whole(lambda width: overview(policies) if length < 100 else overview(policies[:1]))


@pytest.mark.slow
@pytest.mark.parametrize("variants", [("baseline", "candidate"), ("baseline", *(f"w{i}" for i in range(9)))])
def test_tables_of_counts_have_whole_numbers_however_many_steps_and_candidates(variants: tuple[str, ...]) -> None:
    arms = {each: {field: 10**15 + index for index, field in enumerate(TALLY_FIELDS)} for each in variants}
    reading = {
        "newest_sample_at": 1_760_000_000.0,
        "series_refused": 12_345,
        "processes": 3,
        "steps": {str(step): arms for step in range(1, 5)},
    }
    ensure_whole(lambda width: _tables("llm/qa, revision 5f3a9c", reading, variants))


def test_a_table_of_simulated_rollouts_has_whole_numbers() -> None:
    percents = {"50": 12_345_678, "90": 123_456_789}
    row = {"verdict": "Inconclusive", "share": 0.123, "share_interval": [0.1, 0.15]}
    ensure_whole(lambda width: _table([{**row, "answers": percents, "seconds": percents}], 100_000))


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a text stands in an object; of a list, in its first item."""
    if isinstance(value, str):
        yield place
    children = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, below in children:
        yield from places(below, (*place, key))


def with_hostile_text(policy: Manifest, place: tuple[Any, ...]) -> Manifest:
    made = deepcopy(policy)
    holder: Any = made
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] += HOSTILE
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["observing", "several, one dropped", "rolled back"])
def test_whatever_text_of_an_object_is_hostile_no_control_reaches_the_terminal(name: str) -> None:
    policy = policy_in(name)
    for place in places(policy):
        made = with_hostile_text(policy, place)
        for show in (lambda made: picture(made, LATER, 120), lambda made: overview([made]), line):
            try:
                text = text_of(show(made), 120)
            except (ValueError, KeyError):
                continue  # what cannot be read is refused, in a sentence that is made printable
            assert all(each.isprintable() for each in text.replace("\n", "")), (place, text)
