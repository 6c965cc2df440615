"""The status of a stored policy with all that is packed in it or that its spec or verdict says."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import whole
from earlystop.controller.cluster import VERDICTS, Manifest
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.plan_reference import PlanElsewhere, plan_recorded, with_plan
from earlystop.rollout.stored.status_codec import from_status
from tests.unit.controller.memory import Memory


def plans_recorded(api: Memory, policy: Manifest) -> tuple[str, ...]:
    """The plan in the verdict that the policy's status names, as `load_policy` reads it; none without one."""
    name = str((policy.get("status", {}).get("decision") or {}).get("name"))
    return plan_recorded(api.objects.get(VERDICTS.path(policy["metadata"]["namespace"], name)))


def whole_status(api: Memory, policy: Manifest) -> Manifest:
    """The status; with a reference to its plan where nothing that is stored says that."""
    status = whole(policy.get("status", {}))
    try:
        return dict(with_plan(status, PolicySpec.model_validate(policy["spec"]), plans_recorded(api, policy)))
    except PlanElsewhere:
        return dict(status)


def stored_state(api: Memory, policy: Manifest) -> RolloutState:
    """The state that an operator which begins anew would go on from."""
    status = whole_status(api, policy)
    return from_status(status if "phase" in status else {})[0]
