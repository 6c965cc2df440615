"""What each verb would change of a policy as it stands, said before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from earlystop.cli.manual_plan import (
    ManualPlan,
    Refused,
    abort,
    pause,
    promote,
    resume,
    retry,
    same_situation,
    waiting_requests,
)
from earlystop.controller.cluster import Manifest
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.manual import unproven
from earlystop.rollout.state import TRYING, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of
from tests.unit.controller.tracked_policies import manifest
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

LATER = NOW + 5000
PAUSED = {"suspend": True}
NEW = {"metadata": {"annotations": {"earlystop.dev/retry": "t"}}}


def policy_that_is(name: str, **more: Any) -> dict[str, Any]:
    return manifest(REACHED[name], **more)


VERBS: dict[str, Callable[[Manifest], ManualPlan]] = {
    "pause": pause,
    "resume": resume,
    "retry": lambda policy: retry(policy, "t"),
    "abort": lambda policy: abort(policy, LATER),
    "promote": lambda policy: promote(policy, None, LATER),
}


def sentence(verb: Callable[[Manifest], ManualPlan], policy: Manifest) -> str:
    """What a person is told; a refusal when the verb refuses."""
    try:
        planned = verb(policy)
    except Refused as error:
        return str(error)
    assert planned.changes is not None or planned.reached is None
    return planned.sentence


@pytest.mark.slow
@every_row("verb", VERBS)
@every_row("name", sorted(REACHED))
def test_every_verb_has_a_sentence_for_every_situation(name: str, verb: str) -> None:
    for changes in ({}, PAUSED):
        told = sentence(VERBS[verb], policy_that_is(name, changes=changes))
        assert told.endswith(".") and len(told) < 400


def in_doubt(state: RolloutState) -> bool:
    """Whether its first candidate can be promoted on request, and is not proven yet."""
    tried = state.phase in TRYING and strategy_of(state.pinned_plan).promotes
    return tried and state.comparisons[0].certified_at is None


@pytest.mark.parametrize("name", sorted(name for name, state in REACHED.items() if in_doubt(state)))
def test_abort_and_promote_name_the_campaign_that_was_seen(name: str) -> None:
    revision, tried = REACHED[name].revision, REACHED[name].comparisons[0].name
    aborted, promoted = abort(policy_that_is(name), LATER), promote(policy_that_is(name), tried, LATER)
    assert aborted.changes == {"metadata": {"annotations": {"earlystop.dev/abort": revision}}}
    assert promoted.changes == {"metadata": {"annotations": {"earlystop.dev/promote": f"{revision}/{tried}"}}}
    awaited = REACHED[name].awaiting
    assert promoted.doubts or (awaited is not None and awaited.by_evidence)


def test_a_promotion_that_the_operator_would_refuse_is_not_even_written() -> None:
    for name in ("suspended", "rolled back", "pending"):
        with pytest.raises(Refused):
            promote(policy_that_is(name), None, LATER)
    with pytest.raises(Refused, match="names the candidate 'w11'"):
        promote(policy_that_is("observing"), "w11", LATER)


def test_what_is_so_already_is_not_asked_for() -> None:
    plans = [
        abort(policy_that_is("rolled back"), LATER),
        promote(policy_that_is("promoted"), None, LATER),
        pause(policy_that_is("suspended", changes=PAUSED)),
        resume(policy_that_is("observing")),
    ]
    assert [planned.changes for planned in plans] == [None] * 4


def test_who_aborts_what_is_still_on_its_way_back_is_not_told_that_it_is_there() -> None:
    planned = abort(policy_that_is("rolling back"), LATER)
    assert planned.changes is None and "is not shown yet" in planned.sentence
    assert abort(policy_that_is("rolled back"), LATER).sentence.endswith("all requests go to the baseline.")


def test_a_retry_says_what_is_lost_and_what_it_waits_for() -> None:
    assert "ends without a verdict" in retry(policy_that_is("observing"), "t").sentence
    assert "without a verdict" not in retry(policy_that_is("promoted"), "t").sentence
    assert "when it is resumed" in retry(policy_that_is("suspended", changes=PAUSED), "t").sentence
    refused = policy_that_is("rolled back")
    for each in refused["status"]["conditions"]:
        if each["type"] == "Accepted":
            each.update(status="False", reason="TargetTaken", message="Delete one.")
    planned = retry(refused, "t")
    assert (planned.changes, planned.reached) == (NEW, None) and planned.sentence.endswith("(TargetTaken): Delete one.")


def test_the_end_of_a_pause_says_whether_the_campaign_goes_on_or_another_begins() -> None:
    policy = policy_that_is("suspended", changes=PAUSED)
    assert "with the evidence that it has" in resume(policy).sentence
    retried = {**policy, "metadata": {**policy["metadata"], "annotations": {"earlystop.dev/retry": "again"}}}
    objective = policy["spec"]["objective"]
    judged = {**objective, "exactMatch": {**objective["exactMatch"], "margin": "0.031"}}
    for edited in map(deepcopy, (retried, {**policy, "spec": {**policy["spec"], "objective": judged}})):
        assert "starts a new campaign" in resume(edited).sentence
        assert "ends without a verdict, and nothing counted before counts again." in resume(edited).sentence
        for each in edited["status"]["conditions"]:
            if each["type"] == "Accepted":
                each.update(status="False", reason="TargetTaken", message="Delete one.")
        assert "with the evidence that it has" in resume(edited).sentence, "what is refused begins nothing"


def test_waiting_ends_with_a_sentence_when_the_campaign_came_to_something_else() -> None:
    def reached(planned: ManualPlan, status: dict[str, Any]) -> bool:
        assert planned.reached is not None
        return planned.reached(status)

    planned = promote(policy_that_is("observing"), None, LATER)
    revision = REACHED["observing"].revision
    assert not reached(planned, {"revision": revision, "phase": Phase.PROMOTING.value})
    assert reached(planned, {"revision": revision, "phase": Phase.PROMOTED.value})
    with pytest.raises(Refused, match="came to RolledBack"):
        reached(planned, {"revision": revision, "phase": Phase.ROLLED_BACK.value})
    with pytest.raises(Refused, match="was replaced by other"):
        reached(planned, {"revision": "other", "phase": Phase.APPLYING.value})
    back = abort(policy_that_is("promoted"), LATER)
    assert not reached(back, {"revision": REACHED["promoted"].revision, "phase": Phase.PROMOTED.value})


def test_counts_that_grow_are_the_same_situation_and_a_verdict_an_edit_or_a_verb_is_not() -> None:
    seen = policy_that_is("observing")
    assert same_situation(seen, policy_that_is("settling")) and same_situation(seen, policy_that_is("blind"))
    for other in (policy_that_is("promoting"), policy_that_is("suspended"), policy_that_is("second campaign")):
        assert not same_situation(seen, other)
    for change in ({"generation": 2}, {"annotations": {"earlystop.dev/abort": "x"}}, {"uid": "other"}):
        assert not same_situation(seen, {**seen, "metadata": {**seen["metadata"], **change}})


@pytest.mark.parametrize("of_another", ["status", "spec"])
def test_what_another_release_wrote_is_refused_in_a_sentence_and_an_abort_says_how_to_ask_without_the_command(
    of_another: str,
) -> None:
    policy = policy_that_is("observing")
    if of_another == "spec":
        policy["spec"]["objective"]["ofTomorrow"] = True
    else:
        policy["status"]["internal"]["mark"] = "nonsense"
    with pytest.raises(Refused, match=rf"its {of_another} cannot be read\. .* of different releases\.$"):
        promote(policy, None, LATER)
    revision = REACHED["observing"].revision
    with pytest.raises(Refused, match=f"`kubectl annotate esp qa -n llm --overwrite earlystop.dev/abort={revision}`"):
        abort(policy, LATER)
    del policy["status"]["revision"]
    with pytest.raises(Refused, match=r"releases\.$"):
        abort(policy, LATER)


def test_a_status_of_another_release_is_refused_in_a_sentence() -> None:
    policy = policy_that_is("observing")
    policy["status"]["internal"]["mark"] = "nonsense"
    with pytest.raises(Refused, match="different releases"):
        abort(policy, LATER)


def test_what_is_not_proven_is_told_of_the_candidate_that_is_named_and_of_no_other() -> None:
    name = "several, one dropped"
    proven, other = (promote(policy_that_is(name), candidate, LATER) for candidate in ("w10", "w5"))
    assert (proven.candidate, other.candidate) == ("w10", "w5")
    for planned in (proven, other):
        assert planned.doubts == unproven(REACHED[name], LATER, planned.candidate)
        assert planned.candidate in planned.sentence


def test_a_promotion_while_paused_writes_nothing_and_says_to_resume_first() -> None:
    with pytest.raises(Refused, match=r"Nothing was asked for\. Say `kubectl earlystop resume qa -n llm` first"):
        promote(policy_that_is("suspended", changes=PAUSED), None, LATER)


def annotated(name: str, **annotations: str) -> Manifest:
    policy = policy_that_is(name)
    policy["metadata"]["annotations"] = {f"earlystop.dev/{verb}": text for verb, text in annotations.items()}
    return policy


def test_a_request_that_was_dealt_with_is_asked_for_again_in_other_words() -> None:
    revision = REACHED["observing"].revision
    assert promote(annotated("observing", promote=revision), None, LATER).value == f"{revision}#2"
    again = annotated("observing", promote=f"{revision}#2")
    again["status"]["handledRequests"] = [{"verb": "promote", "text": revision, "signature": "", "by": "x"}]
    assert promote(again, None, LATER).value == f"{revision}#3"
    assert Request(f"{revision}/w10#3", "x").revision == revision and Request("r/w10#3", "x").candidate == "w10"


def test_a_policy_whose_annotations_are_null_is_one_without_any() -> None:
    policy = annotated("observing")
    policy["metadata"]["annotations"] = None
    assert promote(policy, None, LATER).value == abort(policy, LATER).value == REACHED["observing"].revision


def test_requests_of_others_that_wait_are_told_and_unsigned_decisions_are_dropped() -> None:
    policy = annotated("observing", promote="0123456789", retry="9", abort="1", **{"abort-by": "bob for 1"})
    told = {each.verb: each for each in waiting_requests(policy, "suspend")}
    assert {verb: each.is_dropped for verb, each in told.items()} == {"abort": False, "promote": True, "retry": False}
    assert "by bob" in str(told["abort"]) and str(told["promote"]).startswith("Removed")
    assert [each.verb for each in waiting_requests(policy, "promote")] == ["abort", "retry"]
    policy["status"]["handledRequests"] = [{"verb": "promote", "text": "0123456789", "signature": "", "by": "x"}]
    assert "promote" not in {each.verb for each in waiting_requests(policy, "suspend")}
