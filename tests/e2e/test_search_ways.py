"""Other ways to search on real parts: a Bandit, what others propose, and a setting of its own for each query class."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION, UNASSIGNED
from earlystop.controller.cluster import PROPOSALS
from earlystop.demo import manifests
from earlystop.demo.load import LoadPlan, run_load
from earlystop.demo.recordings import load_recordings
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.cluster.errors import ClusterError
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.drawn_answers import write_answers
from tests.e2e.own_stage import own_stage
from tests.e2e.proof import assert_weights_were_always_valid, only_verdict, share, wait_share, weights
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following

RATE, SECONDS = 400.0, 120
CLASS_HEADER = "x-query-class"
QUICK = {"lookSeconds": 1, "settleSeconds": 2, "deadlineSeconds": 600}
PROPOSER = "optuna"


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    answers = write_answers(tmp_path_factory.mktemp("drawn") / "answers.jsonl")
    with own_stage(cluster, gateway, str(answers)) as stage:
        assert stage.server is not None
        stage.server.stop()
        stage.start_server(f"--class-header={CLASS_HEADER}", "--classes=lookup,proof")
        stage.start_operator()
        yield stage


@pytest.fixture
def clients(stage: Stage) -> Iterator[None]:
    """Clients of both query classes ask throughout the test, and until the user's own route serves them again; not one
    of their requests may fail."""
    stage.start_load(RATE, 1, f"--cohort-header={CLASS_HEADER}", "--cohorts=lookup,proof")
    yield
    wait_share(stage, UNASSIGNED, 1.0)
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["examples"]


WITH_CLIENTS = pytest.mark.usefixtures("clients", "no_policy_left")
"""Policies are deleted while clients go on asking."""


def begin(stage: Stage, name: str, objective: dict[str, Any] | None = None, **spec: Any) -> None:
    """Apply the policy of the demo with this in place of its candidates."""
    policy = manifests.policy(stage.namespace, name, stage.source, 5, "0.05")
    del policy["spec"]["candidates"]
    policy["spec"]["objective"]["risk"] = {"promote": "0.05", "harm": "0.05"}
    policy["spec"]["objective"].update(objective or {})
    policy["spec"].update(spec)
    stage.access.apply(policy)


@WITH_CLIENTS
def test_a_bandit_moves_shares_to_the_best_window_and_promotes_it_by_a_grids_certificate(
    stage: Stage, watched: Following
) -> None:
    search = {"strategy": "Bandit", "parameters": [{"name": "window", "values": ["20", "5", "1"]}]}
    begin(stage, "bandit", search=search, rollout={**QUICK, "steps": [{"weight": 60}]})
    stage.wait_for("bandit", phase_is("Promoted"), SECONDS, "promoted")
    wait_share(stage, "window-5", 1.0)
    record = only_verdict(stage, "bandit")["spec"]
    dropped = {each["candidate"]: each.get("reason") for each in record["others"]}
    assert record["candidate"] == "window-5" and dropped["window-1"] == "HarmShown"
    overlays = watched.overlays("bandit")
    assert_weights_were_always_valid(overlays, variants=4)
    moves = list(dict.fromkeys(next(iter(weights(overlay))) for overlay in overlays))
    assert moves[0] == (40, 20, 20, 20) and len(moves) > 2, moves


@WITH_CLIENTS
def test_what_an_impersonated_proposer_proposes_is_tried_and_certified_and_nobody_proposes_in_its_name(
    stage: Stage, watched: Following
) -> None:
    who = f"system:serviceaccount:{stage.namespace}:{PROPOSER}"
    binding = (
        "rolebinding",
        PROPOSER,
        "--clusterrole=earlystop-propose",
        f"--serviceaccount={stage.namespace}:{PROPOSER}",
    )
    stage.access.kubectl("create", *binding, f"--namespace={stage.namespace}")
    search = {"strategy": "External", "parameters": [{"name": "window", "values": ["5"]}]}
    begin(stage, "external", search=search, rollout={**QUICK, "steps": [{"weight": 50}]})
    stage.wait_for("external", condition_is("Accepted", "True"), 30, "accepted")
    assert share(stage, UNASSIGNED) == 1.0, "nobody has proposed anything yet"
    proposal = {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopProposal",
        "metadata": {"name": "optuna-1", "namespace": stage.namespace},
        "spec": {
            "policyRef": {"name": "external"},
            "proposer": who,
            "values": [{"name": "window", "value": "5"}],
        },
    }
    create = ("create", "--filename=-")
    with pytest.raises(ClusterError, match="proposer"):
        stage.access.kubectl(*create, input=json.dumps(proposal))  # an admin, in the proposer's name
    stage.access.kubectl(*create, f"--as={who}", input=json.dumps(proposal))
    stage.wait_for("external", phase_is("Promoted"), SECONDS, "promoted")
    (trial,) = stage.policy("external")["status"]["search"]["trials"]
    assert (trial["setting"], trial["end"], trial["proposer"]) == ("window-5", "Certified", who)
    verdict = only_verdict(stage, "external")
    assert object_differences(verdict) == [] and chain_differences(verdict, [verdict]) == []
    assert verdict["spec"]["decision"] == "Promote"
    wait_share(stage, "candidate", 1.0)
    assert_weights_were_always_valid(watched.overlays("external"))
    wait_until(lambda: told(stage).get("Tried") == "TrialCertified", 30, "the proposal to say what became of it")


@WITH_CLIENTS
def test_each_query_class_gets_the_window_that_is_proven_for_it_and_all_others_the_baseline(
    stage: Stage, watched: Following
) -> None:
    # Window 1 loses ten points: a class may bear that and gets it, and to the other it is harm. Who is harmful to one
    # gets no more requests of any, so harm must not be shown before a saving can be, which takes two looks: a look
    # holds hundreds of answers on a busy machine, and at a risk of 0.05 the first one often was enough.
    classes = [
        {"name": name, "margin": margin, "match": {"header": CLASS_HEADER, "value": name}}
        for name, margin in (("lookup", "0.5"), ("proof", "0.04"))
    ]
    objective = {
        "risk": {"promote": "0.05", "harm": "0.0001"},
        "exactMatch": {"margin": "0.5", "assumeIndependent": True},
        "perClass": True,
        "queryClasses": classes,
    }
    candidates = [{"name": f"w{each}", "values": [{"name": "window", "value": each}]} for each in ("5", "1")]
    rollout = {**QUICK, "strategy": "ABTest", "steps": [{"weight": 33}]}
    begin(stage, "classes", objective, candidates=candidates, rollout=rollout)
    status = stage.wait_for("classes", phase_is("Promoted"), SECONDS, "promoted")
    certified = {each["name"]: each["values"] for each in status["certified"]["classes"]}
    assert certified == {
        "lookup": [{"name": "window", "value": "1"}],
        "proof": [{"name": "window", "value": "5"}],
    }
    only_verdict(stage, "classes")
    for said, variant in (("lookup", "w1"), ("proof", "w5"), ("", "baseline")):
        assert served(stage, said) == {variant: 200}
    moves = {next(iter(weights(overlay))) for overlay in watched.overlays("classes")}
    assert (34, 33, 33) in moves and all(sum(move) in (100, 1) for move in moves), moves


def told(stage: Stage) -> dict[str, str]:
    """What the only proposal says of itself: the reason of each condition."""
    (proposal,) = stage.access.items(PROPOSALS, stage.namespace)
    return {each["type"]: each["reason"] for each in proposal["status"]["conditions"]}


def served(stage: Stage, query_class: str) -> Counter[str]:
    """How often each variant answers requests of a query class, "" for those of none; all of them are answered."""
    questions = [recording.question for recording in load_recordings(stage.data)]
    headers = {"Host": stage.host, **({CLASS_HEADER: query_class} if query_class else {})}
    plan = LoadPlan(stage.gateway.url, rate=200.0, requests=200, seed=7, headers=headers)
    summary = asyncio.run(run_load(plan, questions))
    assert summary.failed == 0, summary.failures
    return Counter(summary.variants)
