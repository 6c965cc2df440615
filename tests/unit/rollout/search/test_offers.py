"""Each proposal is told what became of it in a sentence, and only those that may be tried wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.search.external import External, WaitingOffer
from earlystop.rollout.search.offers import (
    MOST_WAITING,
    REFUSED,
    Fate,
    FateReason,
    Offer,
    SearchView,
    fates,
    refused_by_all,
    waiting_in,
)
from earlystop.rollout.search.trial import Setting, TrialEnd, TrialOutcome
from tests.unit.rollout.policies import examples
from tests.unit.rollout.search.made_up import TERMS

BASELINE = {"window": "40", "agree": "1"}
SETTINGS = [
    Setting(f"window-{window}", (("window", window), ("agree", "1")), (index / 4,))
    for index, window in enumerate(["20", "10", "5", "2", "1"])
]
VIEW = SearchView(SETTINGS, BASELINE, (), failure_budget=2)


def offer(second: int, window: str, proposer: str = "ana", parameter: str = "window") -> Offer:
    return Offer(f"2026-01-01T00:00:{second:02}Z", f"p{second}", proposer, ((parameter, window),))


def outcome(window: str, end: TrialEnd, proposer: str = "ana") -> TrialOutcome:
    index = next(number for number, each in enumerate(SETTINGS) if each.values[0][1] == window)
    return TrialOutcome(index, end, 0.01, None, None, 4000, proposer)


def told(*offers: Offer, view: SearchView = VIEW) -> list[tuple[str, FateReason]]:
    return [(each.offer.name, each.reason) for each in fates(offers, view)]


def test_offers_wait_in_the_order_of_arrival_whatever_the_order_in_which_they_are_read() -> None:
    offers = [offer(3, "5"), offer(1, "10"), offer(2, "20", "ben")]
    waiting = waiting_in(fates(offers, VIEW))
    assert waiting == (WaitingOffer(1, "ana", "p1"), WaitingOffer(0, "ben", "p2"), WaitingOffer(2, "ana", "p3"))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            offer(1, "41"),
            "window 41 is none of the values that the policy's search may try. Write one of 20, 10, 5, 2, 1.",
        ),
        (offer(1, "low", parameter="effort"), "does not try the parameter effort. Remove it from values."),
        (offer(1, "40"), "window 40 is none of the values"),
    ],
)
def test_a_value_outside_the_bounds_is_refused_with_what_to_write(asked: Offer, sentence: str) -> None:
    (fate,) = fates([asked], VIEW)
    assert fate.reason is FateReason.NO_SUCH_SETTING and sentence in fate.message and fate.setting is None


def test_a_setting_is_tried_once_and_its_proposer_is_told_what_came_of_it() -> None:
    view = replace(VIEW, outcomes=(outcome("10", TrialEnd.HARMFUL),))
    offers = offer(1, "10"), offer(2, "10", "ben"), offer(3, "10")
    assert told(*offers, view=view) == [
        ("p1", FateReason.HARMFUL),
        ("p2", FateReason.ALREADY_TRIED),
        ("p3", FateReason.ALREADY_TRIED),
    ]


def test_the_one_under_trial_is_told_so_and_an_equal_one_of_another_proposer_is_refused() -> None:
    view = replace(VIEW, trying=WaitingOffer(1, "ana", "p1"))
    assert told(offer(1, "10"), offer(2, "10", "ben"), view=view) == [
        ("p1", FateReason.UNDER_TRIAL),
        ("p2", FateReason.ALREADY_TRIED),
    ]


def test_who_proposes_first_keeps_no_other_proposer_from_waiting_with_the_same_setting() -> None:
    assert told(offer(1, "10", "eve"), offer(2, "10"), offer(3, "10")) == [
        ("p1", FateReason.WAITING),
        ("p2", FateReason.WAITING),
        ("p3", FateReason.ALREADY_PROPOSED),
    ]


def test_failures_spend_their_proposers_share_and_no_others() -> None:
    view = replace(VIEW, outcomes=(outcome("1", TrialEnd.HARMFUL, "eve"), outcome("2", TrialEnd.INCONCLUSIVE, "eve")))
    assert told(offer(1, "5", "eve"), offer(2, "5"), view=view) == [
        ("p1", FateReason.SHARE_SPENT),
        ("p2", FateReason.WAITING),
    ]


def test_a_flood_of_one_proposer_fills_its_own_queue_alone() -> None:
    many = [Setting(f"window-{number}", (("window", str(number)), ("agree", "1")), (0.5,)) for number in range(200)]
    view = replace(VIEW, settings=many)
    flood = [Offer("2026-01-01T00:00:00Z", f"f{number:03}", "eve", (("window", str(number)),)) for number in range(150)]
    found = fates([*flood, offer(1, "7")], view)
    assert sum(each.reason is FateReason.WAITING for each in found) == MOST_WAITING + 1
    assert next(each.offer.name for each in found if each.reason is FateReason.QUEUE_FULL) == "f100"
    assert found[-1].reason is FateReason.WAITING


def test_a_policy_that_takes_no_proposals_refuses_all_with_its_sentence() -> None:
    (fate,) = refused_by_all([offer(1, "10")], "The policy searches by itself. Write search.strategy External.")
    assert fate == Fate(
        offer(1, "10"), FateReason.TAKES_NONE, "The policy searches by itself. Write search.strategy External."
    )


drawn = st.lists(
    st.tuples(st.sampled_from(["40", "20", "10", "5", "2", "1"]), st.sampled_from(["ana", "ben", "eve"])), max_size=12
)
ended = st.lists(
    st.tuples(st.sampled_from(["20", "10", "5"]), st.sampled_from(list(TrialEnd)), st.sampled_from(["ana", "eve"])),
    max_size=4,
    unique_by=lambda row: row[0],
)


@pytest.mark.slow
@examples
@given(drawn, ended)
def test_each_offer_has_one_fate_and_only_what_waits_is_ever_proposed(
    offers: list[tuple[str, str]], over: list[tuple[str, TrialEnd, str]]
) -> None:
    view = replace(VIEW, outcomes=tuple(outcome(*each) for each in over))
    written = [offer(second, *each) for second, each in enumerate(offers)]
    found = fates(written, view)
    assert [each.offer for each in found] == sorted(written)
    assert all(each.message.endswith(".") and len(each.message) < 400 for each in found)
    waiting = waiting_in(found)
    assert len({(each.setting, each.proposer) for each in waiting}) == len(waiting)
    terms = replace(TERMS, failure_budget=view.failure_budget)
    proposal = External(waiting).propose(SETTINGS, view.outcomes, terms, None, 1)
    assert (proposal is not None) == bool(waiting)
    if proposal is not None:
        assert proposal.setting not in {each.setting for each in view.outcomes}
    refused = [each for each in found if each.reason in REFUSED]
    assert not {each.offer.name for each in refused} & {each.name for each in waiting}


def test_who_has_used_its_part_of_the_requests_is_refused_and_told_while_others_are_not() -> None:
    used = TrialOutcome(0, TrialEnd.INCONCLUSIVE, 0.01, None, None, 5_000, "eve")
    view = replace(VIEW, outcomes=(used,), failure_budget=9, requests=10_000)
    values = tuple(SETTINGS[1].values)
    told = fates([Offer("2026-01-01T00:00:00Z", name, name, values) for name in ("eve", "ana")], view)
    by_name = {each.offer.name: each for each in told}
    assert by_name["ana"].reason is FateReason.WAITING
    assert by_name["eve"].reason is FateReason.SHARE_SPENT and "search.budget.requests" in by_name["eve"].message


def test_who_has_fewer_requests_left_than_a_look_needs_begins_no_trial_with_them_and_is_told_how_many() -> None:
    for used, reason in ((4_900, FateReason.WAITING), (4_901, FateReason.SHARE_SPENT), (7_000, FateReason.SHARE_SPENT)):
        outcomes = (TrialOutcome(0, TrialEnd.INCONCLUSIVE, 0.01, None, None, used, "eve"),)
        view = replace(VIEW, outcomes=outcomes, failure_budget=9, requests=10_000)
        (found,) = fates([offer(1, "10", "eve")], view)
        assert found.reason is reason, used
        assert reason is FateReason.WAITING or f" {max(0, 5_000 - used)} are left to what eve" in found.message


def test_a_search_that_is_over_still_says_what_came_of_each_trial_and_tries_nothing_else() -> None:
    outcomes = (outcome("10", TrialEnd.CERTIFIED), outcome("5", TrialEnd.HARMFUL, "ben"))
    view = replace(VIEW, outcomes=outcomes, closed="The search is over. Propose again.")
    offers = [offer(1, "10"), offer(2, "5", "ben"), offer(3, "10", "ben"), offer(4, "20"), offer(5, "41")]
    found = fates(offers, view)
    assert [each.reason for each in found] == [
        FateReason.CERTIFIED,
        FateReason.HARMFUL,
        FateReason.ALREADY_TRIED,
        FateReason.TAKES_NONE,
        FateReason.TAKES_NONE,
    ]
    assert found[3].message == found[4].message == view.closed and waiting_in(found) == ()
