"""How often the operator of a stage has reconciled, so that a test can wait for its next look at a policy."""

from __future__ import annotations

from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage, direct


def reconciliations(stage: Stage) -> float:
    """Reconciliations that the operator has ended well since it began."""
    with direct.open(f"{stage.health_url}/metrics", timeout=5) as response:
        lines = response.read().decode().splitlines()
    done = 'earlystop_operator_reconciliations_total{outcome="done"}'
    return sum(float(line.split()[-1]) for line in lines if line.startswith(done))


def wait_reconciled(stage: Stage, before: float = 0) -> None:
    """Wait until it has reconciled once more than before: without a number, until one that was started just now has.
    What an earlier operator wrote into a status says nothing of the present one."""
    wait_until(lambda: reconciliations(stage) > before, 30, "the operator to reconcile the policy")
