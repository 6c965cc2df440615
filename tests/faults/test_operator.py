"""The operator dies, is there twice, is meddled with, or may not store its verdict: traffic and counts stay right."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from earlystop.api.counts import Look
from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.verify.verdict import differences
from tests.cluster.installed import OPERATOR_NAMESPACE
from tests.cluster.processes import wait_until
from tests.e2e.proof import (
    assert_looks_are_what_prometheus_says,
    assert_nothing_was_counted_anew,
    assert_weights_were_always_valid,
    has_alias,
    has_overlay,
    looks_of,
    only_verdict,
    share,
    share_alone,
    tolerance,
    users_objects,
    verdict_looks,
    wait_share,
)
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.forbidding import QUOTAS
from tests.faults.policies import apply_harmful, apply_lasting, apply_quick
from tests.faults.reconciling import wait_reconciled
from tests.turns import Turns

pytestmark = pytest.mark.usefixtures("load", "no_policy_left")

PAUSE = '--patch={"spec":{"suspend":true}}'
KILLS = 2
"""At least; more than ten where the machine is not slow."""
SEED = 20240229


def test_an_operator_that_is_killed_again_and_again_loses_and_doubles_nothing(stage: Stage, watched: Following) -> None:
    steps = [{"weight": weight, "minimumSeconds": 15} for weight in (25, 40, 50)]
    stage.apply_policy("killed", 10, "0.05", risk="0.01", harm=NEVER, steps=steps, settleSeconds=1)
    chance = random.Random(SEED)
    before_decision = 0
    turns = Turns()
    while not decided(watched, "killed") and turns.another():
        moment = chance.uniform(0.2, 4.0)
        # Whichever comes first: a decision is to be met by a kill too.
        let_pass_unless_decided(watched, "killed", moment)
        kill(stage)
        before_decision += not decided(watched, "killed")
        comes_to_look = chance.random() < 0.5
        stage.start_operator(wait=comes_to_look)
        if comes_to_look:  # else a machine that is slow would never get anywhere
            wait_reconciled(stage)
    assert before_decision >= KILLS
    # Now between the decision, its verdict, and the weight that it asks for.
    watched.wait(lambda: watched.weight("killed") == 100, 60, "weight 100", "killed")
    kill(stage)
    stage.start_operator()
    watched.wait_status("killed", phase_is("Promoted"), 60, "promoted")
    assert_all_is_well(stage, watched, "killed")


def test_traffic_stays_as_it_is_while_the_operator_is_dead(stage: Stage, watched: Following) -> None:
    apply_lasting(stage, "steady")
    watched.wait_status("steady", phase_is("Observing"), 60, "observed")
    kill(stage)
    changes = len(watched.overlays("steady"))
    assert share_alone(stage, "candidate") == pytest.approx(0.5, abs=tolerance(0.5))
    assert len(watched.overlays("steady")) == changes
    stage.start_operator()
    seen = len(looks_of(watched.status("steady")))
    watched.wait_status("steady", lambda status: len(looks_of(status)) > seen, 60, "looked at again")
    revisions = watched.policies("steady")
    assert_looks_are_what_prometheus_says(stage, looks_of(revisions[-1]["status"]), revisions)


def test_deleting_a_policy_restores_the_users_route_without_any_operator(stage: Stage, watched: Following) -> None:
    before = users_objects(stage)
    apply_lasting(stage, "orphan")
    watched.wait_status("orphan", phase_is("Observing"), 60, "observed")
    assert has_overlay(stage, "orphan") and has_alias(stage)
    kill(stage)
    stage.delete_policy("orphan")
    wait_until(lambda: not has_overlay(stage, "orphan"), 60, "the overlay to be collected")
    wait_share(stage, "unassigned", 1.0)
    assert users_objects(stage) == before
    assert has_alias(stage), "a gateway may not have heard yet that no overlay leads to the alias"
    stage.start_operator()
    wait_until(lambda: not has_alias(stage), 90, "the alias to be let go")


def test_an_overlay_that_was_orphaned_on_purpose_is_let_go(stage: Stage, watched: Following) -> None:
    apply_lasting(stage, "cascaded")
    watched.wait_status("cascaded", phase_is("Observing"), 60, "observed")
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("delete", "esp/cascaded", where, "--cascade=orphan", "--wait=true")
    wait_until(lambda: not has_overlay(stage, "cascaded"), 60, "the overlay to be let go")
    wait_share(stage, "unassigned", 1.0)


def test_an_operator_whose_kubeconfig_acts_as_another_watches_and_writes_with_that_ones_rights_alone(
    stage: Stage, watched: Following
) -> None:
    kill(stage)
    stage.start_operator(kubeconfig=acting_as_the_operator(stage))
    try:
        apply_lasting(stage, "deputised")
        watched.wait_status("deputised", phase_is("Observing"), 60, "observed")
        stage.access.kubectl("patch", "esp/deputised", f"--namespace={stage.namespace}", "--type=merge", PAUSE)
        watched.wait_status("deputised", phase_is("Suspended"), 30, "paused, as a watch has shown")
    finally:
        kill(stage)
        stage.start_operator()


def acting_as_the_operator(stage: Stage) -> Path:
    """A kubeconfig of an account with no right but to act as the operator's."""
    where = f"--namespace={stage.namespace}"
    stage.access.kubectl("create", "serviceaccount", "deputy", where)
    role = f"deputy-{stage.namespace}"
    impersonate = ("--verb=impersonate", "--resource=serviceaccounts", "--resource-name=earlystop")
    there = f"--namespace={OPERATOR_NAMESPACE}"
    stage.access.kubectl("create", "role", role, there, *impersonate)
    account = f"--serviceaccount={stage.namespace}:deputy"
    stage.access.kubectl("create", "rolebinding", role, there, f"--role={role}", account)
    path = stage.access.service_account_kubeconfig(stage.namespace, "deputy")
    config = json.loads(path.read_text())
    config["users"][0]["user"]["as"] = f"system:serviceaccount:{OPERATOR_NAMESPACE}:earlystop"
    path.write_text(json.dumps(config))
    return path


def test_two_operators_at_once_reach_one_verdict_with_valid_weights(stage: Stage, watched: Following) -> None:
    rival = stage.start_rival()
    try:
        apply_quick(stage, "contested")
        watched.wait_status("contested", phase_is("Promoted"), 120, "promoted")
        assert stage.operator is not None and stage.operator.alive and rival.alive
        assert_all_is_well(stage, watched, "contested")
        candidate = [
            overlay["spec"]["rules"][0]["backendRefs"][1]["weight"] for overlay in watched.overlays("contested")
        ]
        assert candidate == sorted(candidate), "a weight fell although nothing was rolled back"
    finally:
        rival.stop(0.0)


def test_the_baseline_is_watched_alone_before_any_request_tries_the_candidate(stage: Stage, watched: Following) -> None:
    apply_quick(stage, "learned", learnSeconds=5)
    watched.wait_status("learned", lambda status: bool(status.get("internal", {}).get("scatter")), 60, "learning")
    asked = share(stage, "candidate", 100)
    assert watched.weight("learned") != 0 or asked == 0.0, "on a slow machine a step may have begun meanwhile"
    watched.wait_status("learned", phase_is("Promoted"), 180, "promoted")
    assert shares_while_learning(watched, "learned") == {0}
    assert_all_is_well(stage, watched, "learned")
    verdict = only_verdict(stage, "learned")
    # The load draws its questions independently: 20 pairs of looks say so but for a standard error of 0.4, and no worse
    # than this, as chi-squared of 20 degrees over 20, but for 1 of a billion draws.
    assert 1.0 <= float(verdict["spec"]["dispersion"]) <= 4.2
    stage.told("learned", "DispersionLearned")


def test_every_claim_of_an_objective_is_judged_on_live_counts(stage: Stage, watched: Following) -> None:
    claims = {
        "exactMatch": {"margin": "0.10", "floor": "0.30", "assumeIndependent": True},
        "tokens": {"minimumSaving": "0.10", "longestAnswer": 20_000},
        "guardrails": [
            {"name": "errors", "kind": "FailureRate", "maximumRatio": "1.5"},
            {"name": "votes", "kind": "NegativeFeedback", "maximumRatio": "2"},
        ],
        "queryClasses": [{"name": "default", "margin": "0.10"}],
        "requireEach": True,
    }
    apply_quick(stage, "claims", objective=claims)
    watched.wait_status("claims", phase_is("Promoted"), 180, "promoted")
    record = only_verdict(stage, "claims")["spec"]
    others = {each["name"]: float(each["value"]) for each in record["logE"]["others"]}
    assert set(others) == {"floor", "guardrail/errors", "guardrail/votes", "class/default", "certificate/default"}
    assert others["certificate/default"] >= math.log(1 / 0.05)
    assert differences(record) == []
    rows = [Look.from_row(list(row)) for row in VerdictSpec.model_validate(record).looks]
    assert all(look.classes[0].candidate_match == look.candidate.match for look in rows)


def test_foreign_weights_are_put_right_and_told(stage: Stage, watched: Following) -> None:
    apply_lasting(stage, "edited")
    watched.wait_status("edited", phase_is("Observing"), 60, "observed")
    edits = [
        {"op": "replace", "path": f"/spec/rules/{rule}/backendRefs/{backend}/weight", "value": weight}
        for rule in range(len(watched.overlays("edited")[-1]["spec"]["rules"]))
        for backend, weight in ((0, 10), (1, 90))
    ]
    stage.access.kubectl(
        "patch",
        "httproute/edited-early-stop",
        f"--namespace={stage.namespace}",
        "--type=json",
        f"--patch={json.dumps(edits)}",
    )

    def was_edited() -> bool:
        return any(each["spec"]["rules"][0]["backendRefs"][1]["weight"] == 90 for each in watched.overlays("edited"))

    watched.wait(was_edited, 30, "the edit to be seen", "edited")
    watched.wait(lambda: watched.weight("edited") == 50, 30, "the weights to be put right", "edited")
    stage.told("edited", "ForeignEditUndone")
    watched.wait_status("edited", phase_is("Observing"), 60, "observed again")
    assert_weights_were_always_valid(watched.overlays("edited"))


def test_a_refused_verdict_never_keeps_traffic_on_a_harmful_variant(stage: Stage, watched: Following) -> None:
    with no_verdicts_allowed(stage):
        apply_harmful(stage, "harmful")
        watched.wait_status("harmful", condition_is("Ready", "False", "VerdictNotStored"), 120, "without a verdict")
        watched.wait(lambda: watched.weight("harmful") == 0, 30, "weight 0", "harmful")
        wait_share(stage, "candidate", 0.0)
        assert watched.status("harmful")["phase"] == "RollingBack"
        stage.told("harmful", "VerdictNotStored")
    watched.wait_status("harmful", phase_is("RolledBack"), 60, "rolled back")
    watched.wait_status("harmful", condition_is("Ready", "True"), 30, "ready")
    assert_all_is_well(stage, watched, "harmful")


def test_a_promotion_waits_until_its_verdict_is_stored(stage: Stage, watched: Following) -> None:
    with no_verdicts_allowed(stage):
        apply_quick(stage, "waiting")
        watched.wait_status("waiting", condition_is("Ready", "False", "VerdictNotStored"), 120, "without a verdict")
        kill(stage)
        stage.start_operator()
        assert share_alone(stage, "candidate") == pytest.approx(0.5, abs=tolerance(0.5))
        assert watched.status("waiting")["phase"] == "Promoting"
        assert {overlay["spec"]["rules"][0]["backendRefs"][1]["weight"] for overlay in watched.overlays("waiting")} == {
            50
        }
    watched.wait_status("waiting", phase_is("Promoted"), 60, "promoted")
    assert watched.weight("waiting") == 100
    assert_all_is_well(stage, watched, "waiting")


def shares_while_learning(watched: Following, policy: str) -> set[int]:
    """The candidate's weights in every status of the first stage, which is the learning."""
    statuses = [each.get("status", {}) for each in watched.policies(policy)]
    return {each["weight"] for each in statuses if each.get("step") == 0 and "weight" in each}


def kill(stage: Stage) -> None:
    assert stage.operator is not None
    assert stage.operator.alive, f"the operator ended by itself: {stage.operator.tail()}"
    stage.operator.stop(0.0)


def decided(watched: Following, policy: str) -> bool:
    return "decision" in watched.status(policy)


def let_pass_unless_decided(watched: Following, policy: str, seconds: float) -> None:
    """Let the rollout go on for so long, or until it is decided."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end or decided(watched, policy), seconds + 5, "time to pass")


@contextmanager
def no_verdicts_allowed(stage: Stage) -> Iterator[None]:
    """A quota of the namespace refuses every EarlyStopVerdict."""
    where = f"--namespace={stage.namespace}"
    hard = "count/earlystopverdicts.earlystop.dev"
    stage.access.kubectl("create", "quota", "none", where, f"--hard={hard}=0")

    def in_force() -> bool:
        return hard in stage.access.read(QUOTAS, stage.namespace, "none").get("status", {}).get("hard", {})

    wait_until(in_force, 60, "the quota to be in force")
    try:
        yield
    finally:
        stage.access.kubectl("delete", "quota/none", where)


def assert_all_is_well(stage: Stage, watched: Following, policy: str) -> None:
    """One verdict, recomputable, whose looks are Prometheus's own; valid weights all along."""
    looks = verdict_looks(only_verdict(stage, policy))
    assert_looks_are_what_prometheus_says(stage, looks, watched.policies(policy))
    assert_nothing_was_counted_anew(looks, watched.policies(policy))
    assert_weights_were_always_valid(watched.overlays(policy))
