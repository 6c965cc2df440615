"""Every kind of state that a rollout reaches, by a name that says which."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from earlystop.api.counts import Pairs, Tally
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, promote_now
from earlystop.rollout.state import BETWEEN_TRIALS, Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import digest_of_decision, to_status
from earlystop.rollout.transitions import carried_out, expire, lose_metrics, suspend_or_resume
from earlystop.rollout.transitions import weights_in_force as in_force
from tests.unit.rollout import asking, guarding, searching, several
from tests.unit.rollout.claims import CLAIMED, PAIRED, arms, in_classes, judging, observed, paired, with_events
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import HARMFUL, SAME, SAVING, Server, answers, decided, observe, snapshot, split

SPEC = policy()
TIMES = LiveTimes.of(SPEC)
HOLD = policy({"rollout": {"onInconclusive": "Hold"}})


REMAINDER = Totals(Tally(completed=7, match=5, tokens=4_200), Tally(tokens_squared=90_000))


def uncertain(state: RolloutState) -> RolloutState:
    """The state whose counts may have missed some."""
    (only,) = state.comparisons
    return replace(state, comparisons=(replace(only, uncertain=REMAINDER),))


def _reached() -> dict[str, RolloutState]:
    begun = started(SPEC)
    observing = observe(SPEC, snapshot(SPEC, begun, Server()), Server(), split(5, 300))
    skewed = replace(SAVING.at(5), candidate=SAVING.at(50).candidate)
    promoting = decided(SPEC, begun, Server(), SAVING)
    rolling_back = decided(SPEC, begun, Server(), HARMFUL)
    holding = expire(LiveTimes.of(HOLD), observing, NOW + 10**6)
    promoted = carried_out(promoting)
    again = start_campaign(
        SPEC, "again", promoted, NOW + 5000, CampaignInputs(uid=UID, entropy="", previous_digest="sha256:" + "0" * 64)
    )
    server = Server()
    raised = observe(SPEC, snapshot(SPEC, again, server), server, *[SAME.at(5)] * 4)
    one_more = observe(SPEC, raised, server, SAME.at(25))
    return {
        "pending": RolloutState(),
        "applying": begun,
        "settling": in_force(begun, NOW + 5),
        "blind before its snapshot": lose_metrics(in_force(begun, NOW + 5), NOW + 40, NOW + 35),
        "observing nothing yet": snapshot(SPEC, begun, Server()),
        "observing": observing,
        "blind": lose_metrics(observing, NOW + 99),
        "observing a broken split": observe(SPEC, snapshot(SPEC, begun, Server()), Server(), skewed),
        "suspended": suspend_or_resume(LiveTimes.of(policy({"suspend": True})), observing, NOW + 99),
        "promoting": promoting,
        "promoted": promoted,
        "observing with a remainder": uncertain(observing),
        "promoted with a remainder": carried_out(decided(SPEC, uncertain(begun), Server(), SAVING)),
        "rolling back": rolling_back,
        "rolled back": carried_out(rolling_back),
        "rolled back before any look": carried_out(expire(LiveTimes.of(SPEC), begun, NOW + 10**6)),
        "rolled back without metrics": carried_out(expire(TIMES, lose_metrics(observing, NOW + 99), NOW + 999)),
        "holding": holding,
        "held": carried_out(holding),
        "second campaign": again,
        "second campaign at a later step": one_more,
        **_reached_by_verbs(observing, promoted, carried_out(holding)),
        "second verdict": carried_out(decided(SPEC, again, Server(), HARMFUL)),
        **_reached_with_claims(),
        **_reached_by_several(),
        **asking.reached(),
    }


def _reached_by_verbs(observing: RolloutState, promoted: RolloutState, held: RolloutState) -> dict[str, RolloutState]:
    """States that a person asked for."""
    return {
        "aborting": aborted(observing),
        "aborted": carried_out(aborted(observing)),
        "aborted after its promotion": carried_out(aborted(promoted)),
        "promoting by request": promoted_now(observing),
        "promoted by request": carried_out(promoted_now(observing)),
        "promoted by request after holding": carried_out(promoted_now(held)),
        "aborted as the third decision": carried_out(aborted(carried_out(promoted_now(held)))),
    }


def aborted(state: RolloutState, by: str = "user alice", text: str | None = None) -> RolloutState:
    """The state with an abort that was asked for."""
    after = abort(
        LiveTimes.of(SPEC), state, Request(state.revision if text is None else text, by), _digest(state), NOW + 5000
    )
    assert isinstance(after, RolloutState), after
    return after


def promoted_now(state: RolloutState, by: str = "user alice", text: str | None = None) -> RolloutState:
    """The state with a promotion that was asked for."""
    after = promote_now(
        LiveTimes.of(SPEC), state, Request(state.revision if text is None else text, by), _digest(state), NOW + 5000
    )
    assert isinstance(after, RolloutState), after
    return after


def _digest(state: RolloutState) -> str:
    return digest_of_decision("qa", UID, state)


def _reached_with_claims() -> dict[str, RolloutState]:
    """States of policies with a floor, guardrails and query classes, and of one that reads pairs."""
    each = judging({**CLAIMED, "requireEach": True})
    good = in_classes(arms(1500), arms(500), arms(300))
    broken = with_events(in_classes(arms(1500, 0.1), arms(500, 0.1)), {"failed": 20}, {"failed": 400})
    unmoved = in_classes(arms(6000, mean_tokens=600), arms(2000, mean_tokens=600))
    waiting = in_classes((Tally(), answers(3)), arms(20))
    return {
        "observing claims": observed(each, with_events(good, {"feedback_down": 9}, {"feedback_up": 5})),
        "observing while a class waits": observed(each, in_classes(arms(20), arms(20)), waiting),
        "observing an unmoved setting": observed(
            judging({**CLAIMED, "tokens": {"minimumSaving": "0.2"}}), *[unmoved] * 2
        ),
        "promoted with every claim": carried_out(observed(each, *[good] * 20)),
        "rolled back for every claim": carried_out(observed(each, broken)),
        "observing pairs": observed(judging(PAIRED), paired(Pairs(40, 2, 3, 5), arms(30))),
        "rolled back for pairs": carried_out(observed(judging(PAIRED), paired(Pairs(60, 40), arms(200)))),
    }


def _reached_by_several() -> dict[str, RolloutState]:
    """States of policies that judge candidates beside each other, or in shadow."""
    together, shadow = started(several.AB_TEST), started(several.IN_SHADOW)
    both = several.observe(several.AB_TEST, together, several.USUAL, requests=600)
    dropped = several.observe(several.AB_TEST, both, several.USUAL, looks=2)
    promoting = several.decided(several.AB_TEST, together, several.USUAL)
    staged = several.observe(several.STAGED, started(several.STAGED), (several.GOOD,), requests=300)
    reporting = several.decided(several.IN_SHADOW, shadow, several.USUAL, requests=400)
    return {
        "several, before their weights are in force": together,
        "several, observed": both,
        "several, one dropped": dropped,
        "several, one promoting": promoting,
        "several, one promoted": carried_out(promoting),
        "several, every one dropped": carried_out(
            several.decided(several.AB_TEST, together, (several.BAD, several.BAD, several.BAD))
        ),
        "several, without a verdict": carried_out(expire(LiveTimes.of(several.AB_TEST), both, NOW + 10**6)),
        "in shadow": several.observe(several.IN_SHADOW, shadow, several.USUAL, requests=40),
        "in shadow, reporting": reporting,
        "in shadow, reported": carried_out(reporting),
        "in the shadow stage": staged,
        "rolled back in the shadow stage": carried_out(
            several.decided(several.STAGED, started(several.STAGED), (several.BAD,))
        ),
        "split after the shadow stage": several.observe(several.STAGED, staged, (several.GOOD,), 300, looks=10),
        "several, promoted after one was dropped in the shadow stage": carried_out(
            several.decided(several.STAGED_TOGETHER, started(several.STAGED_TOGETHER), several.USUAL)
        ),
    }


def _reached_by_a_search() -> dict[str, RolloutState]:
    """States of a policy that tries one setting after the other."""
    world = searching.World(searching.searched(), searching.SAFE_BUT_LAST)
    promoting = world.run(lambda state: state.phase is Phase.PROMOTING)
    choosing = world.run(lambda state: state.phase in BETWEEN_TRIALS)
    beside = world.run(lambda state: state.phase is Phase.OBSERVING and state.pinned_plan.incumbent is not None)
    return {
        "searching, between two trials": choosing,
        "searching beside an incumbent": beside,
        "searching, a trial is certified": promoting,
        "a search is over": world.run(),
        "a search is over at the baseline": searching.World(searching.searched(), searching.NONE_IS_SAFE).run(),
    }


REACHED = {**_reached(), **_reached_by_a_search(), **guarding.reached()}


def stored(state: RolloutState, ledger: str = "") -> dict[str, Any]:
    """The status as it comes back from the API server."""
    status: dict[str, Any] = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(SPEC), state, ledger)))
    return status
