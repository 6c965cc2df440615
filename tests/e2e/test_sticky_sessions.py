"""Sessions that stay with a variant: a real server's answers are alike in them, and no verdict comes by that."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from earlystop.evidence import engine
from earlystop.evidence.divisors import Knowledge
from earlystop.rollout.state import Comparison
from earlystop.rollout.stored.status_codec import from_status
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.e2e.mounted_stage import POLICY, MountedStage
from tests.e2e.own_stage import stage_of
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER
from tests.e2e.stage_objects import phase_is

RATE = 200.0
HEADER = "--session-header=x-session"
SESSION_REQUESTS = 30
IN_SESSIONS = (HEADER, f"--session-requests={SESSION_REQUESTS}", "--session-seconds=0.5")
ONE_BY_ONE = (HEADER,)

LOOKS = 15
"""Of which each load shows how much its answers scatter: blocks of 2 are learned then, and none of 4."""
FACTOR = 12.0
"""Of 2,174 simulated loads of single requests none seemed to scatter so much in as many looks (10.8 at most, and 1.0 in
nearly all), and of 294 in these sessions each did (14.5 at least)."""


class StickyStage(MountedStage):
    """The server keeps a session on a variant though the policy draws one for each request, as sticky routing does that
    the operator knows nothing of. From a signal on most of the candidate's answers are empty."""

    def start_server(self, *options: str) -> None:
        """Start both servers, which the load reaches by the first."""
        super().start_server(HEADER, "--empty-answers=0.8", "--spoil-at-signal", *options)


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[StickyStage]:
    with stage_of(StickyStage, cluster, gateway) as stage:
        yield stage
        stage.end()


@contextmanager
def campaign(stage: StickyStage, margin: str, harm: str, load: tuple[str, ...]) -> Iterator[None]:
    """A window of 10 is tried, as good as the baseline's 40, and nothing is said of how answers scatter."""
    stage.start_load(RATE, 1, *load)
    exact = {"exactMatch": {"margin": margin}}
    steps = [{"weight": 50, "minimumSeconds": 2}]
    stage.apply_mounted(10, margin, risk="0.05", harm=harm, objective=exact, steps=steps, settleSeconds=1)
    yield
    stage.delete_policy(POLICY)
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, summary["examples"]


def compared(status: dict[str, Any]) -> Comparison:
    (comparison,) = from_status(status)[0].active
    return comparison


def is_held(status: dict[str, Any]) -> bool:
    """Whether what a promotion needs is proven but for the scatter, after so many looks."""
    reasons = {each["type"]: each["reason"] for each in status.get("conditions", [])}
    return reasons.get("Progressing") == "DispersionUnknown" and len(compared(status).looks) >= LOOKS


def held(stage: StickyStage) -> tuple[Knowledge, str]:
    """What a rollout that is held has learned from its first looks, and the words of its condition."""
    status = stage.wait_for(POLICY, is_held, 60, "held, since it is not known how much answers scatter")
    assert phase_is("Observing")(status) and "decision" not in status
    (words,) = [each["message"] for each in status["conditions"] if each["type"] == "Progressing"]
    comparison = compared(status)
    shown = engine.replay(comparison.evidence.objective, comparison.looks[:LOOKS])
    return shown.assessment.dispersion, words


@pytest.mark.parametrize(
    "load", [pytest.param(ONE_BY_ONE, id="one by one"), pytest.param(IN_SESSIONS, id="in sessions")]
)
def test_equals_are_held_until_it_is_known_how_much_their_answers_scatter(
    stage: StickyStage, load: tuple[str, ...]
) -> None:
    with campaign(stage, "0.40", NEVER, load):
        known, words = held(stage)
    assert known.seen is not None and (known.seen > FACTOR) == (load == IN_SESSIONS), known
    # Two looks may show far more by chance than sessions of so many equal answers do.
    assert known.factor >= min(known.seen, SESSION_REQUESTS) and not known.is_known
    assert "w10 is proven as far as is known, and its promotion waits" in words
    assert "until it is known how much answers scatter" in words
    assert not [each for each in stage.verdicts() if each["spec"]["policy"] == POLICY]


def test_sessions_hide_no_harm(stage: StickyStage) -> None:
    assert stage.server is not None
    os.kill(stage.server.pid, signal.SIGUSR1)
    try:
        with campaign(stage, "0.05", "0.05", IN_SESSIONS):
            stage.wait_for(POLICY, phase_is("RolledBack"), 60, "rolled back")
            verdict = only_verdict(stage, POLICY)["spec"]
        assert verdict["reason"] == "HarmShown"
    finally:
        os.kill(stage.server.pid, signal.SIGUSR2)
    wait_until(lambda: stage.settings is None or stage.settings.weights[0][1] == 100, 60, "the baseline for everybody")
