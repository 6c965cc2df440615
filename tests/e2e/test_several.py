"""Several candidates at once on real parts: side by side in one route, by cohorts of users, and in shadow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.counts import Look
from earlystop.api.verdict import VerdictSpec
from earlystop.demo import manifests
from earlystop.evidence.longest_session import LEAST_BLOCK, looks_to_learn
from earlystop.rollout.verify.verdict import differences
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.hostile import answered, lies
from tests.e2e.own_stage import own_stage, recorded
from tests.e2e.proof import (
    assert_weights_were_always_valid,
    has_overlay,
    only_verdict,
    share,
    users_objects,
    wait_share,
    weights,
)
from tests.e2e.stage import BUILTIN, Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import Following

RATE, FORGED = 400.0, 200
WINDOWS = (10, 5, 2, 1)
CANDIDATES = [{"name": f"w{window}", "values": [{"name": "window", "value": str(window)}]} for window in WINDOWS]
# An A/B test without pairs asks for tens of thousands of answers; on the recorded data, whose last window is less
# harmful, for more than a test has time for.
AB_SECONDS = 900
ROUTE = {"routeRef": {"name": "qa"}}
PREFIX = "x-early-stop-"
QUICK = {"lookSeconds": 1, "settleSeconds": 2, "deadlineSeconds": AB_SECONDS}
IN_SHADOW = {"mode": "Shadow", "shadow": ROUTE}


@pytest.fixture(scope="module", params=["builtin", "recorded"])
def stage(cluster: Cluster, gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Stage]:
    data = (os.environ.get("EARLYSTOP_DATA") or BUILTIN) if request.param == "builtin" else recorded()
    with own_stage(cluster, gateway, data) as stage:
        stage.start_operator()
        yield stage


def assert_forged_requests_count_for_nobody(stage: Stage, policy: str, *variants: str) -> None:
    """The server counts requests that name a campaign without its token for no variant of it."""
    status, server = stage.policy(policy)["status"], f"http://{stage.server_address}:{stage.server_port}"
    made = lies(f"{stage.namespace}/{policy}", status["revision"], status["step"], variants, "", "0" * 64)
    assert answered(server, made, FORGED, stage.data) == {"unassigned": FORGED}


def end(stage: Stage, name: str) -> dict[str, Any]:
    """Delete a policy under load, and see the user's own route serve again. Returns the load's summary."""
    before = users_objects(stage)
    stage.delete_policy(name)
    wait_until(lambda: not has_overlay(stage, name), 60, "the overlay to be collected")
    wait_share(stage, "unassigned", 1.0)
    summary = stage.stop_load()
    assert summary["failed"] == 0, summary["examples"]
    assert users_objects(stage) == before
    return summary


@pytest.mark.parametrize("stage", ["builtin"], indirect=True)
def test_an_ab_test_drops_the_harmful_window_and_promotes_the_proven_one_that_saves_most(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE)
    rollout = {**QUICK, "strategy": "ABTest", "steps": [{"weight": 19, "minimumSeconds": 3}]}
    # Window 2 loses 1.3 points and must not be dropped by chance; window 1 loses five.
    stage.apply_policy(
        "together", 5, "0.03", risk="0.05", harm="0.001", spec={"candidates": CANDIDATES, "rollout": rollout}
    )
    stage.wait_for("together", phase_is("Promoted"), AB_SECONDS + 60, "promoted")
    winner = stage.policy("together")["status"]["decision"]["candidate"]
    assert winner in ("w2", "w5") and share(stage, winner) == 1.0
    record = only_verdict(stage, "together")["spec"]
    dropped = {each["candidate"]: each.get("reason") for each in record["others"] if "reason" in each}
    assert (record["candidate"], dropped) == (winner, {"w1": "HarmShown"})
    assert differences(record) == []
    overlays = watched.overlays("together")
    assert_weights_were_always_valid(overlays, variants=1 + len(WINDOWS))
    moves = [next(iter(weights(overlay))) for overlay in overlays]
    assert moves[0] == (24, 19, 19, 19, 19)
    # The last look may both drop one and promote another.
    assert set(moves[:-1]) <= {(24, 19, 19, 19, 19), (43, 19, 19, 19, 0), moves[-1]}
    assert moves[-1] == (0, *(100 if f"w{window}" == winner else 0 for window in WINDOWS))
    stage.told("together", "Promoted")
    told = [reason for reason, _ in stage.events("together")]
    assert told.count("CandidateDropped") == 1 and told.count("Promoted") == 1 and "CandidateCertified" in told
    end(stage, "together")


@pytest.mark.parametrize("stage", ["builtin"], indirect=True)
def test_cohorts_by_a_header_keep_their_setting_until_the_proven_one_is_everybodys(stage: Stage) -> None:
    stage.start_load(RATE, 1, "--cohort-header=x-user-cohort", "--cohorts=a,b,", "--user-header=x-user")
    cohorts = [{"variant": "baseline", "values": ["a"]}, {"variant": "w5", "values": ["b"]}]
    delivery = {"mode": "HeaderCohort", "headerCohort": {**ROUTE, "header": "x-user-cohort", "cohorts": cohorts}}
    rollout = {**QUICK, "strategy": "ABTest", "minimumSeconds": 3}
    by_users = {"exactMatch": {"margin": "0.05"}}  # it says nothing of how answers scatter, so users are judged
    spec = {"delivery": delivery, "rollout": rollout}
    stage.apply_policy("cohorts", 5, "0.05", risk="0.05", objective=by_users, spec=spec)
    status = stage.wait_for("cohorts", phase_is("Observing"), 60, "watching its cohorts")
    assert status["weight"] == 50
    assert_forged_requests_count_for_nobody(stage, "cohorts", "baseline", "w5")
    stage.wait_for("cohorts", phase_is("Promoted"), 120, "promoted")
    assert share(stage, "w5") == 1.0, "also of those who send no cohort"
    record = only_verdict(stage, "cohorts")["spec"]
    assert differences(record) == []
    read = VerdictSpec.model_validate(record)
    last = dict(zip(read.columns, read.looks[-1], strict=True))
    # A third of the load's thousand users each; they ask alike, and as if at random.
    assert 150 < last["users.baseline"] < 700 and 150 < last["users.candidate"] < 700
    assert 1000 <= last["users.answers"] < 3000 and "users who scatter" in record["message"]
    cohorts_of = end(stage, "cohorts")["cohorts"]
    assert not cohorts_of["a"].get("candidate") and cohorts_of["b"]["w5"] > 1000


@pytest.mark.parametrize("stage", ["builtin"], indirect=True)
def test_cohorts_that_nobody_counts_have_the_baselines_setting_first_and_are_then_their_own_controls(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE, 1, "--cohort-header=x-user-cohort", "--cohorts=a,b")
    cohorts = [{"variant": "baseline", "values": ["a"]}, {"variant": "w5", "values": ["b"]}]
    delivery = {"mode": "HeaderCohort", "headerCohort": {**ROUTE, "header": "x-user-cohort", "cohorts": cohorts}}
    # Questions are asked one by one: no session lasts, and 64 looks teach how much answers scatter.
    exact = {"exactMatch": {"margin": "0.10", "longestSessionSeconds": 1}}
    rollout = {**QUICK, "strategy": "ABTest", "minimumSeconds": 3, "aaSeconds": 10}
    spec = {"delivery": delivery, "rollout": rollout}
    stage.apply_policy("same-first", 5, "0.10", risk="0.05", objective=exact, spec=spec)
    status = stage.wait_for("same-first", phase_is("Observing"), 60, "watching its cohorts with the same setting")
    (progressing,) = [each for each in status["conditions"] if each["type"] == "Progressing"]
    assert "with the same setting" in progressing["message"], progressing["message"]
    assert status["step"] == 0
    stage.wait_for("same-first", phase_is("Promoted"), 300, "promoted")
    assert share(stage, "w5") == 1.0, "also of those who send no cohort"
    record = only_verdict(stage, "same-first")["spec"]
    assert differences(record) == []
    assert [record["reason"], record["candidate"]] == ["NonInferiorAndSaving", "w5"]
    steps = [Look.from_row(list(row)).step for row in VerdictSpec.model_validate(record).looks]
    assert set(steps) == {0, 1} and steps.count(0) >= looks_to_learn(LEAST_BLOCK)
    seen = [windows_of(each, "w5") for each in watched.overlays("same-first")]
    same = sum(each == {"40"} for each in seen)
    assert 0 < same < len(seen) and seen == [{"40"}] * same + [{"5"}] * (len(seen) - same)
    end(stage, "same-first")


def windows_of(overlay: dict[str, Any], variant: str) -> set[str]:
    """The windows that an overlay sets for a variant."""
    found, open_parts = set(), [overlay["spec"]]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, dict):
            open_parts += part.values()
            modified = part.get("requestHeaderModifier", {}).get("set", [])
            headers = {each["name"]: each["value"] for each in modified}
            if headers.get(f"{PREFIX}variant") == variant:
                found.add(headers[f"{PREFIX}param-window"])
        elif isinstance(part, list):
            open_parts += part
    return found


@pytest.mark.parametrize("stage", ["builtin"], indirect=True)
def test_a_harmful_setting_is_rolled_back_in_the_shadow_stage_and_a_harmless_one_goes_on_to_users(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE)
    # Window 1 loses five points on this data, which a thousand requests show; a stage that ends with them has time for
    # many more, also where the machine is too busy for this rate.
    for name, window, seconds, phase in (("staged-harm", 1, 300, "RolledBack"), ("staged", 5, 10, "Promoted")):
        stage.apply_policy(name, window, "0.02", risk="0.05", shadowSeconds=seconds)
        stage.wait_for(name, phase_is(phase), AB_SECONDS, phase)
        if phase == "RolledBack":
            assert {next(iter(weights(overlay))) for overlay in watched.overlays(name)} == {(100, 0)}
            stage.delete_policy(name)
            wait_until(lambda: not has_overlay(stage, "staged-harm"), 60, "the overlay to be collected")
    record = only_verdict(stage, "staged")["spec"]
    steps = {row[1] for row in VerdictSpec.model_validate(record).looks}
    assert 0 not in steps, "what shadow showed is no evidence of live answers"
    assert_weights_were_always_valid(watched.overlays("staged"))
    end(stage, "staged")


@pytest.mark.parametrize("stage", ["recorded"], indirect=True)
def test_shadow_judges_every_window_on_one_stream_with_a_fraction_of_the_requests_and_no_user_sees_one(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE)
    rollout = {**QUICK, "minimumSeconds": 3}
    spec = {"candidates": CANDIDATES, "delivery": IN_SHADOW, "rollout": rollout}
    stage.apply_policy("shadow", 5, "0.02", risk="0.05", spec=spec)
    stage.wait_for("shadow", phase_is("Observing"), 60, "observed")
    assert_forged_requests_count_for_nobody(stage, "shadow", "baseline", "w2")
    stage.wait_for("shadow", phase_is("Reported"), AB_SECONDS, "reported")
    record = only_verdict(stage, "shadow")["spec"]
    assert (record["decision"], record["candidate"]) == ("Recommend", "w2")
    assert {each["candidate"]: each.get("reason") for each in record["others"]}["w1"] == "HarmShown"
    assert differences(record) == []
    pairs = sum(Look.from_row(list(row)).candidate.pairs.total for row in VerdictSpec.model_validate(record).looks)
    assert 100 < pairs < 20_000
    assert_no_user_gets_a_candidate(stage, watched, "shadow")
    end(stage, "shadow")


@pytest.mark.parametrize("stage", ["recorded"], indirect=True)
def test_a_ladder_in_shadow_over_seven_windows_ends_at_the_best_that_keeps_the_margin(
    stage: Stage, watched: Following
) -> None:
    stage.start_load(RATE)
    windows = ["40", "20", "10", "5", "3", "2", "1"]
    search = {"strategy": "Ladder", "parameters": [{"name": "window", "values": windows}]}
    policy = manifests.policy(stage.namespace, "rungs", stage.source, 5, "0.02")
    del policy["spec"]["candidates"]
    policy["spec"]["objective"]["risk"] = {"promote": "0.05", "harm": "0.05"}
    policy["spec"].update(search=search, delivery=IN_SHADOW, rollout={**QUICK, "minimumSeconds": 3})
    stage.access.apply(policy)
    stage.wait_for("rungs", phase_is("Reported"), AB_SECONDS, "reported")
    record = only_verdict(stage, "rungs")["spec"]
    assert record["decision"] == "Recommend" and record["candidate"] in ("window-3", "window-2")
    assert {each["candidate"]: each.get("reason") for each in record["others"]}["window-1"] == "HarmShown"
    assert differences(record) == []
    assert_no_user_gets_a_candidate(stage, watched, "rungs")
    end(stage, "rungs")


def assert_no_user_gets_a_candidate(stage: Stage, watched: Following, policy: str) -> None:
    """Neither now nor under any overlay so far does any request go to another variant than the baseline."""
    assert share(stage, "baseline") == 1.0
    assert watched.overlays(policy) and not any(
        len(rule["backendRefs"]) > 1 for overlay in watched.overlays(policy) for rule in overlay["spec"]["rules"]
    )
