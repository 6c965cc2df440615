"""A hostile client, through the gateway and straight at the server: no request of its own becomes evidence."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from earlystop.api.wire import FORGED, REQUESTS, commitment_in, is_genuine
from earlystop.controller.cluster import EVENTS, ROUTES
from earlystop.delivery.headers import headers_set
from earlystop.delivery.names import overlay_name
from tests.cluster.processes import child_environment
from tests.e2e.hostile import answered, echoed, lies, probing
from tests.e2e.proof import only_verdict, tolerance
from tests.e2e.stage import NEVER, ROOT, Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.whole import retry

RATE, HOSTILE = 150.0, 1000
NAME = "forged"
STEPS = [{"weight": 50, "minimumSeconds": 60}]
"""Longer than it takes a busy machine to ask all that the hostile client asks meanwhile."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign under way, as the cluster's admin sees it."""

    revision: str
    step: int
    token: str


def campaign(stage: Stage) -> Campaign:
    """The campaign whose weights are in force."""
    status = stage.policy(NAME)["status"]
    rules = stage.access.read(ROUTES, stage.namespace, overlay_name(NAME))["spec"]["rules"]
    (token,) = {headers["x-early-stop-token"] for rule in rules for headers in headers_set(rule)}
    return Campaign(status["revision"], status["step"], token)


def page(stage: Stage) -> list[Any]:
    """Every sample of the server's metrics page."""
    with _direct.open(f"{server_url(stage)}/metrics", timeout=5) as response:
        families = text_string_to_metric_families(response.read().decode())
    return [sample for family in families for sample in family.samples]


def server_url(stage: Stage) -> str:
    return f"http://{stage.server_address}:{stage.server_port}"


def counted(stage: Stage, *revisions: str) -> Counter[str]:
    """Completed requests of these revisions, by variant, over all steps."""
    found: Counter[str] = Counter()
    for sample in page(stage):
        labels = sample.labels
        if sample.name == REQUESTS and labels["outcome"] == "completed" and labels["revision"] in revisions:
            found[labels["variant"]] += int(sample.value)
    return +found


def forged(stage: Stage) -> int:
    return int(sum(sample.value for sample in page(stage) if sample.name == FORGED))


def attacks(stage: Stage, now: Campaign, *tokens: str) -> list[dict[str, str]]:
    """Headers of a client that knows everything but the token, with each of these tokens and with none."""
    return lies(f"{stage.namespace}/{NAME}", now.revision, now.step, ("candidate", "baseline"), *tokens)


@pytest.fixture(scope="module")
def running(stage: Stage) -> Stage:
    """A campaign with half of the requests on its candidate."""
    stage.start_load(RATE)
    stage.apply_policy(NAME, 10, "0.10", risk="0.05", harm=NEVER, steps=STEPS, settleSeconds=1)
    stage.wait_for(NAME, phase_is("Observing"), 90, "observing")
    return stage


def test_no_forged_request_counts_and_a_good_candidate_is_promoted_all_the_same(running: Stage) -> None:
    stage, now = running, campaign(running)
    wrong = ("", "0" * 64, commitment_in(now.revision), now.token[:-1], now.token.upper())
    lies = attacks(stage, now, *wrong)
    assert commitment_in(now.revision) and is_genuine(f"{stage.namespace}/{NAME}", now.revision, now.token)

    assert answered(server_url(stage), lies, HOSTILE) == {"unassigned": HOSTILE}
    assert forged(stage) == HOSTILE
    through = [{**each, "Host": stage.host, "x-early-stop-golden": "of nobody"} for each in lies]
    with stage.load_paused():
        real = answered(stage.gateway.url, through, 200)
    dealt = real["candidate"] / real.total()
    assert set(real) == {"baseline", "candidate"} and dealt == pytest.approx(0.5, abs=tolerance(0.5, 200)), (
        "by the weights, whatever the client asks for"
    )
    assert forged(stage) == HOSTILE, "what comes by the overlay has the token, whatever the client wrote"

    nonces = ("hello", "hello.in-force", f"0123456789abcdef-{'0' * 16}.in-force")
    probes = [probing(each, nonce) for each in lies for nonce in nonces]
    assert echoed(server_url(stage), probes, 60) == {"unassigned;unassigned"}
    assert echoed(stage.gateway.url, [{**each, "Host": stage.host} for each in probes], 60) == {"unassigned;unassigned"}

    status = stage.wait_for(NAME, condition_is("TrafficApplied", "True", "ForgedRequests"), 90, "told of it")
    assert condition_is("SampleRatioOK", "True")(status)
    stage.wait_for(NAME, phase_is("Promoted"), 90, "promoted")
    assert only_verdict(stage, NAME)["spec"]["decision"] == "Promote"
    stage.told(NAME, "ForgedRequests")
    summary = stage.stop_load()
    assert summary["failed"] == 0, (summary["failures"], summary["examples"])
    sent = Counter({name: summary["variants"].get(name, 0) for name in ("baseline", "candidate")})
    assert counted(stage, now.revision) == sent + real, "each count is a request that came by the overlay"
    assert_told_nowhere(stage, now.token)


def test_the_token_of_an_earlier_campaign_is_worth_nothing_in_the_next_one(running: Stage) -> None:
    stage, before = running, campaign(running)
    if stage.load is not None and stage.load.alive:  # where this test runs alone, nobody has ended it
        stage.stop_load()
    old = counted(stage, before.revision)
    retry(stage, NAME, "again")
    stage.start_load(RATE, 2)
    stage.wait_for(NAME, lambda status: status.get("campaign") == 2, 30, "in its second campaign")
    stage.wait_for(NAME, phase_is("Observing"), 60, "observing")
    now = campaign(stage)
    assert now.token != before.token and now.revision != before.revision
    known, until_now = forged(stage), counted(stage, before.revision)
    assert answered(server_url(stage), attacks(stage, now, before.token), HOSTILE) == {"unassigned": HOSTILE}
    assert forged(stage) == known + HOSTILE

    replayed = attacks(stage, before, before.token)[1::2]
    assert set(answered(server_url(stage), replayed, 20)) == {"baseline", "candidate"}
    assert counted(stage, before.revision).total() == until_now.total() + 20, "it counts where nobody looks any more"
    summary = stage.stop_load()
    assert summary["failed"] == 0, (summary["failures"], summary["examples"])
    real = Counter({name: summary["variants"].get(name, 0) for name in ("baseline", "candidate")})
    every = real + old + Counter(baseline=10, candidate=10)
    assert counted(stage, now.revision, before.revision) == every, "the rest are real requests"
    assert_told_nowhere(stage, now.token)


def assert_told_nowhere(stage: Stage, token: str) -> None:
    """Of all that the operator, the server and the command line say, nothing holds the token but the overlay."""
    access = stage.access
    said = {
        "policy": json.dumps(stage.policy(NAME)),
        "verdicts": json.dumps(stage.verdicts()),
        "events": json.dumps(access.items(EVENTS, stage.namespace)),
        "metrics": repr(page(stage)),
        "screen of status": screen(stage, "status", NAME),
    }
    for child in (stage.operator, stage.server, stage.load):
        assert child is not None
        said[child.log.name] = child.log.read_text()
    assert [name for name, text in said.items() if token in text] == []
    routes = access.items(ROUTES, stage.namespace)
    assert [each["metadata"]["name"] for each in routes if token in json.dumps(each)] == [overlay_name(NAME)]


def screen(stage: Stage, *words: str) -> str:
    """What a command prints, on both of its streams."""
    command = [sys.executable, "-m", "earlystop.cli.main", *words, "--namespace", stage.namespace]
    settings = {"KUBECONFIG": str(stage.access.kubeconfig), "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}"}
    done = subprocess.run(
        command, env=child_environment(**settings), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr
