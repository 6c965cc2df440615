"""One rollout with all that moves traffic in it: steps, a killed operator, a promotion, an abort, a deleted policy."""

from __future__ import annotations

from typing import Any

from tests.cluster.processes import wait_until
from tests.e2e.proof import has_overlay, wait_share
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import condition_is, phase_is

STEPS = [{"weight": weight, "minimumSeconds": 3} for weight in (5, 25, 50)]


def play(stage: Stage, name: str, rate: float) -> dict[str, Any]:
    """Play it under a steady load, with an operator that runs. Returns the load generator's summary."""
    stage.start_load(rate)
    stage.apply_policy(name, 10, "0.10", risk="0.05", harm=NEVER, steps=STEPS, settleSeconds=1)
    stage.wait_for(name, lambda status: status.get("step", 0) >= 1, 90, "at its second step")
    assert stage.operator is not None
    stage.operator.stop(0.0)
    stage.start_operator()
    stage.wait_for(name, phase_is("Promoted"), 120, "promoted")
    stage.wait_for(name, condition_is("TrafficApplied", "True"), 30, "in force")
    abort(stage, name)
    stage.wait_for(name, phase_is("RolledBack"), 30, "rolled back")
    stage.delete_policy(name)
    wait_until(lambda: not has_overlay(stage, name), 60, "the overlay to be collected")
    wait_share(stage, "unassigned", 1.0)
    return stage.stop_load()


def abort(stage: Stage, name: str) -> None:
    """Ask for an abort of the campaign under way, as Git could carry it."""
    _annotate(stage, name, f"earlystop.dev/abort={stage.policy(name)['status']['revision']}")


def retry(stage: Stage, name: str, token: str) -> None:
    """Ask for another campaign."""
    _annotate(stage, name, f"earlystop.dev/retry={token}")


def _annotate(stage: Stage, name: str, annotation: str) -> None:
    stage.access.kubectl("annotate", f"esp/{name}", annotation, f"--namespace={stage.namespace}", "--overwrite")
