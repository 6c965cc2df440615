"""What the operator remembers of one policy between visits. Losing it loses nothing: status holds what matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.interning import interned_spec
from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import Manifest
from earlystop.controller.reconcile.policy_snapshot import PolicySnapshot
from earlystop.delivery.inputs import ClusterInputs, TrafficSplit
from earlystop.metrics.count_ledger import CountLedger, unpack_ledger
from earlystop.rollout.observations import Observations, observations_from
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.state import WATCHING, Phase, RolloutState
from earlystop.rollout.status_codec import from_status

RECHECK_SECONDS = 300.0


@dataclass(slots=True)
class TrackedPolicy:
    """One policy as last read, and what has happened since.

    policy: the object as last read or written. state, ledger: where the rollout stands, possibly ahead of what is
    stored. stored, stored_ledger: as they stand in status. suspect: objects in the cluster may not be as wanted;
    proven: the share last shown to be in force; tried: the one last shown on the operator's own requests alone;
    contradicted_at: since when answers to probes speak against what was written; withdrawn: revision of the campaign
    that was taken off again since the gateway misroutes. around: what acceptance has just read, and when.
    overflow: set when the counts outgrow the status.
    declined: what was last told about a request that nothing is done about, by annotation.
    Times are Unix seconds.
    """

    policy: PolicySnapshot
    spec: PolicySpec
    state: RolloutState
    ledger: CountLedger
    stored: RolloutState
    stored_ledger: CountLedger
    observations: Observations = field(default_factory=Observations)
    outdated: bool = False
    overflow: Refusal | None = None
    checked_generation: int = -1
    checked_at: float = 0.0
    suspect: bool = True
    proven: TrafficSplit | None = None
    tried: TrafficSplit | None = None
    contradicted_at: float | None = None
    withdrawn: str = ""
    inputs: tuple[float, ClusterInputs] | None = None
    route_written_at: float = 0.0
    traffic_failures: int = 0
    metrics_failures: int = 0
    verdict_stored: str = ""
    written_at: float = 0.0
    declined: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, manifest: Manifest, now: float) -> TrackedPolicy:
        """The session of a policy as it was read. One that was in order when it was stored is checked again later,
        at a moment of its own: after a restart of the operator, looks come first.

        Raises ValueError (pydantic's or ours) when its spec or status cannot be understood.
        """
        state, ledger = from_status(without_defaults(manifest.get("status", {})))
        spec = interned_spec(PolicySpec.model_validate(manifest["spec"]))
        counted = unpack_ledger(ledger)
        status = manifest.get("status", {})
        policy, observations = PolicySnapshot.of(manifest), observations_from(status.get("conditions", []))
        tracked = cls(policy, spec, state, counted, state, counted, observations)
        known = state.phase != Phase.PENDING and policy.observed == policy.generation
        if known and tracked.observations.refusal is None:
            tracked.checked_generation, tracked.checked_at = tracked.generation, now
            tracked.suspect = state.phase not in WATCHING
        tracked.written_at = now
        return tracked

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.policy.namespace, self.policy.name

    @property
    def namespace(self) -> str:
        """Namespace of the policy."""
        return self.policy.namespace

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self.policy.name

    @property
    def uid(self) -> str:
        """UID of the policy."""
        return self.policy.uid

    @property
    def generation(self) -> int:
        """Generation of the spec."""
        return self.policy.generation

    @property
    def retry_token(self) -> str:
        """What a person changes to start a campaign again."""
        return self.policy.asked.retry.text

    @property
    def plan(self) -> Plan:
        """The plan of the campaign under way."""
        return parse_plan(self.state.plan)

    @property
    def label(self) -> str:
        """The policy label in metrics and headers."""
        return f"{self.namespace}/{self.name}"

    @property
    def log_fields(self) -> dict[str, Any]:
        """What every log line about this policy carries."""
        return {"policy": self.label, "campaign": self.state.campaign}


def without_defaults(status: Manifest) -> Manifest:
    """A status without the condition that the CRD itself puts on a new policy."""
    return status if "phase" in status else {}
