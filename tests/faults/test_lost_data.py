"""Prometheus is away in mid-rollout and comes back, with its data or without: counters went on meanwhile."""

from __future__ import annotations

import time

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.rollout.formatting import from_rfc3339
from tests.e2e.proof import assert_weights_were_always_valid, counted, looks_of, weights
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_lasting

AWAY_SECONDS = 12.0


@pytest.mark.usefixtures("load", "no_policy_left")
@pytest.mark.parametrize("lost", [False, True], ids=["with its data", "empty"])
def test_what_was_counted_while_prometheus_was_away_is_counted_once_when_it_is_back(
    stage: Stage, watched: Following, lost: bool
) -> None:
    name = "emptied" if lost else "gapped"
    apply_lasting(stage, name, onNoMetrics={"holdSeconds": 600})
    watched.wait_status(name, lambda status: len(looks_of(status)) > 1, 90, "looked at")
    status, label = watched.status(name), f"{stage.namespace}/{name}"
    step, since = status["step"], from_rfc3339(status["evidenceFrom"])
    first = counted(stage.prometheus, label, status["revision"], step, since)

    stage.prometheus.stop(abruptly=True)
    began = time.monotonic()
    watched.wait_status(name, condition_is("MetricsAvailable", "False"), 30, "without counts")
    known = len(looks_of(watched.status(name)))
    stage.assert_never(name, lambda now: len(looks_of(now)) > known, AWAY_SECONDS, "looked at without counts")
    if lost:
        stage.prometheus.forget()
    stage.prometheus.start()
    print(f"away for {time.monotonic() - began:.1f} s")
    watched.wait_status(name, condition_is("MetricsAvailable", "True"), 60, "counted again")
    watched.wait_status(name, lambda now: len(looks_of(now)) > known + 1, 60, "looked at again")

    status = watched.status(name)
    looks = looks_of(status)
    last = counted(stage.prometheus, label, status["revision"], step, looks[-1].at)
    for variant in Variant:
        told = Tally()
        for look in looks:
            told += look.baseline if variant is Variant.BASELINE else look.candidate
        assert told == last[variant] - first[variant], (variant, told)
    assert phase_is("Observing")(status) and from_rfc3339(status["evidenceFrom"]) == since
    overlays = watched.overlays(name)
    assert_weights_were_always_valid(overlays)
    assert weights(overlays[-1]) == {(50, 50)}
