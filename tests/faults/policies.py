"""Policies that are soon decided, or never, so that a fault meets a rollout where a test wants it."""

from __future__ import annotations

from typing import Any

from tests.e2e.stage import NEVER, Stage
from tests.faults.service_namespaces import Manifest, ServiceNamespace

ONE_STEP: dict[str, Any] = {"steps": [{"weight": 50, "minimumSeconds": 2}], "settleSeconds": 1}


def apply_quick(stage: Stage, name: str, spec: dict[str, Any] | None = None, **rollout: Any) -> None:
    """Promoted within some 10 s: a harmless window, judged leniently. spec: whole parts of the policy's."""
    stage.apply_policy(name, 10, "0.10", risk="0.05", harm=NEVER, spec=spec, **{**ONE_STEP, **rollout})


def apply_harmful(stage: Stage, name: str, **rollout: Any) -> None:
    """Rolled back before long: the boldest window, judged strictly and at a high risk."""
    stage.apply_policy(name, 1, "0.001", risk=NEVER, harm="0.5", **{**ONE_STEP, **rollout})


def apply_lasting(stage: Stage, name: str, spec: dict[str, Any] | None = None, **rollout: Any) -> None:
    """Observed until its deadline: harmless, but nobody saves 99 % of the tokens. spec: as in `apply_quick`."""
    stage.apply_policy(name, 20, "0.10", saving="0.99", risk=NEVER, spec=spec, **{**ONE_STEP, **rollout})


def lasting_in(tenant: ServiceNamespace, name: str) -> Manifest:
    """The same as `apply_lasting` applies, for a namespace of its own."""
    policy = tenant.policy(name)
    policy["spec"]["rollout"].update(ONE_STEP)
    policy["spec"]["objective"]["tokens"]["minimumSaving"] = "0.99"
    policy["spec"]["objective"]["risk"] = {"promote": NEVER, "harm": NEVER}
    return policy
