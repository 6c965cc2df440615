"""The whole way on recorded answers: a setting that keeps its promise is promoted, one that does not is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.demo import RISK
from tests.e2e.own_stage import own_stage, recorded
from tests.e2e.page_walk import PageWalk
from tests.e2e.proof import (
    Manifest,
    assert_looks_are_what_prometheus_says,
    assert_nothing_was_counted_anew,
    assert_weights_were_always_valid,
    has_overlay,
    only_verdict,
    share,
    users_objects,
    verdict_looks,
    wait_share,
)
from tests.e2e.shell import Shell
from tests.e2e.stage import Stage
from tests.e2e.watching import Following
from tests.readme_commands import AFTER_THE_VERDICT, FOLLOWING, UNTIL_PROMOTED

RATE = 400.0
VERDICT_SECONDS = 1300
TOLD_AS_STORY = ("CampaignStarted", "WeightsInForce", "StepAdvanced", "Promoted", "RolledBack", "Inconclusive")


@dataclass(frozen=True, slots=True)
class Act:
    """All that was seen of one rollout, from before its policy until after it was deleted."""

    name: str
    condition: str
    answered: dict[str, Any]
    policies: list[Manifest]
    overlays: list[Manifest]
    verdict: Manifest
    events: list[tuple[str, str]]
    table: str
    candidate_share: float
    share_after_deletion: float
    users_before: Any
    users_after: Any


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[Stage]:
    with own_stage(cluster, gateway, recorded()) as stage:
        stage.start_operator()
        yield stage


# The acts of the demo. On the recorded answers window 1 loses 2.8 points of EM, not far beyond its margin. Of 60
# simulated rollouts at this rate, which a busy machine does not reach, half took over 100 s to show that, and none over
# 298 s.
@pytest.fixture(scope="module", params=[("patient", 5, "0.02", "Promoted"), ("hasty", 1, "0.01", "RolledBack")])
def act(stage: Stage, watched: Following, request: pytest.FixtureRequest) -> Act:
    name, window, margin, condition = request.param
    users_before = users_objects(stage)
    stage.start_load(RATE)
    stage.apply_policy(name, window, margin, risk=RISK)
    where = f"--namespace={stage.namespace}"
    ended = (f"--for=condition={condition}", f"--timeout={VERDICT_SECONDS}s")
    stage.access.kubectl("wait", f"esp/{name}", where, *ended, timeout_seconds=VERDICT_SECONDS + 10)
    wait_share(stage, "candidate", 1.0 if condition == "Promoted" else 0.0)
    candidate_share = share(stage, "candidate")
    table = stage.access.kubectl("get", "esp", where)
    stage.told(name, condition)
    events = stage.events(name)
    stage.delete_policy(name)
    wait_until(lambda: not has_overlay(stage, name), 60, "the overlay to be collected")
    wait_share(stage, "unassigned", 1.0)
    answered = stage.stop_load()
    return Act(
        name=name,
        condition=condition,
        answered=answered,
        policies=watched.policies(name),
        overlays=watched.overlays(name),
        verdict=only_verdict(stage, name),
        events=events,
        table=table,
        candidate_share=candidate_share,
        share_after_deletion=share(stage, "unassigned"),
        users_before=users_before,
        users_after=users_objects(stage),
    )


def test_the_verdict_is_what_the_recordings_bear_out(act: Act) -> None:
    spec = act.verdict["spec"]
    expected = {"Promoted": ("Promote", "NonInferiorAndSaving"), "RolledBack": ("RollBack", "HarmShown")}
    assert (spec["decision"], spec["reason"]) == expected[act.condition]
    before, after = spec["settings"][0]["before"], spec["settings"][0]["after"]
    assert (before, after) == ("40", "5" if act.condition == "Promoted" else "40")


def test_weights_are_valid_and_sum_to_100_at_every_revision(act: Act) -> None:
    assert_weights_were_always_valid(act.overlays)
    of_candidate = [overlay["spec"]["rules"][0]["backendRefs"][1]["weight"] for overlay in act.overlays]
    moves = [weight for number, weight in enumerate(of_candidate) if [weight] != of_candidate[number - 1 : number]]
    end = 100 if act.condition == "Promoted" else 0
    assert moves[-1] == end
    assert moves[:-1] == [5, 25, 50][: len(moves) - 1]


def test_no_request_of_a_client_fails_until_after_the_policy_is_deleted(act: Act) -> None:
    assert act.answered["sent"] > 1000
    assert act.answered["failed"] == 0, act.answered["failures"]


def test_clients_get_the_setting_that_was_decided(act: Act) -> None:
    assert act.candidate_share == (1.0 if act.condition == "Promoted" else 0.0)


def test_every_look_of_the_verdict_is_what_prometheus_said_at_that_moment(act: Act, stage: Stage) -> None:
    looks = verdict_looks(act.verdict)
    assert_looks_are_what_prometheus_says(stage, looks, act.policies)
    assert_nothing_was_counted_anew(looks, act.policies)


def test_events_tell_the_story_in_order_and_with_its_numbers(act: Act) -> None:
    told = [(reason, note) for reason, note in act.events if reason in TOLD_AS_STORY]
    reasons = [reason for reason, _ in told]
    steps = reasons.count("StepAdvanced")
    beginning = ["CampaignStarted", "WeightsInForce"]
    assert reasons == [*beginning, *["StepAdvanced", "WeightsInForce"] * steps, act.condition]
    assert "5, 25, 50 %" in told[0][1]
    looks = verdict_looks(act.verdict)
    scored = (sum(look.baseline.scored for look in looks), sum(look.candidate.scored for look in looks))
    assert f"{scored[0]:,} answers of the baseline and {scored[1]:,} of the candidate" in told[-1][1]
    assert act.verdict["spec"]["message"] in told[-1][1]


def test_kubectl_get_shows_where_the_rollout_stands(act: Act) -> None:
    header, row = act.table.strip().splitlines()
    columns = ["NAME", "MODE", "TARGET", "PHASE", "STEP", "WEIGHT", "VARIANT", "EM DIFFERENCE", "SAVING", "VERDICT"]
    assert [header.index(column) for column in columns] == sorted(header.index(column) for column in columns)
    assert row.startswith(act.name)
    assert act.condition in row and "GatewayHeader" in row and "qa-server" in row
    assert row.split()[-2] == "True"  # READY


def test_deleting_the_policy_brings_the_users_own_route_back(act: Act) -> None:
    assert act.share_after_deletion == 1.0


def test_the_users_objects_are_never_changed(act: Act) -> None:
    assert act.users_before == act.users_after


def test_the_record_outlives_its_policy(act: Act, stage: Stage) -> None:
    assert act.verdict["metadata"].get("ownerReferences") is None
    assert only_verdict(stage, act.name)["metadata"]["uid"] == act.verdict["metadata"]["uid"]


def test_every_command_of_the_readme_about_a_policy_does_what_the_readme_says(stage: Stage, tmp_path: Path) -> None:
    shell = Shell(stage, tmp_path)
    stage.start_load(RATE)
    apply, *others = UNTIL_PROMOTED
    shell.run(apply)
    stage.wait_for("qa", lambda status: bool((status.get("evidence") or {}).get("looks")), 90, "a look")
    following_it = shell.begin(FOLLOWING)
    printed = {line: shell.run(line, answer="y\n") for line in (*others, *AFTER_THE_VERDICT)}
    wait_until(lambda: not following_it.alive, 60, "`watch` to end with the rollout")
    stage.stop_load()
    stage.delete_policy("qa")
    assert "Promoted" in following_it.tail()
    assert "condition met" in printed["kubectl wait --for=condition=Completed esp/qa -n llm --timeout=25h"]
    assert "the record is whole" in printed["kubectl earlystop verify --chain qa -n llm"]
    assert (tmp_path / "qa.html").read_text().startswith("<!doctype html>")


def test_every_command_of_the_pages_that_can_run_on_a_cluster_ends_as_its_table_says(
    stage: Stage, tmp_path: Path
) -> None:
    stage.start_load(RATE)
    with PageWalk(stage, tmp_path) as walk:
        failures = walk.failures()
    stage.stop_load()
    assert failures == [], "\n".join(failures)
