"""Policies as the operator holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from earlystop.api.wire import commitment_in
from earlystop.controller.cluster import Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.metrics.convention.ledger import Ledger, pack
from earlystop.rollout.conditions import conditions
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import to_status
from tests.unit.rollout.policies import NOW, UID, policy, written


def manifest(
    state: RolloutState | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    name: str = "qa",
    uid: str = UID,
    created: str = "2026-01-01T00:00:00Z",
    observations: Observations | None = None,
    ledger: Ledger | None = None,
) -> Manifest:
    """The policy as it is stored, with a state in its status when one is given."""
    made: Manifest = {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopPolicy",
        "metadata": {
            "name": name,
            "namespace": "llm",
            "uid": uid,
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": created,
        },
        "spec": written(changes),
    }
    if state is not None:
        state = _of_policy(state, uid)
        status = to_status(name, uid, LiveTimes.of(policy(changes)), state, pack(ledger or Ledger()))
        status["observedGeneration"] = 1
        status["conditions"] = merge_conditions((), conditions(state, observations or Observations()), 1, NOW)
        made["status"] = status
    return made


def _of_policy(state: RolloutState, uid: str) -> RolloutState:
    """The state with the revision that its campaign has in the policy of this UID."""
    if not state.revision:
        return state
    own = revision_of(uid, state.campaign, state.entropy, commitment_in(state.revision))
    return replace(state, revision=own)


def tracked(state: RolloutState | None = None, now: float = NOW, **more: Any) -> TrackedPolicy:
    """The tracked policy that the operator loads from what is stored."""
    return TrackedPolicy.load(manifest(state, **more), now)
