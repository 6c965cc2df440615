"""What the acceptance check has read of the cluster, for the traffic step that follows it at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from earlystop.api.policy import PolicySpec
from earlystop.delivery.inputs import ClusterInputs
from earlystop.rollout.plan import variant_labels

FRESH_SECONDS = 2.0
"""For so long the inputs may be used."""


@dataclass(slots=True)
class GatheredInputs:
    """kept: the inputs, and the Unix time when they were read; None for none."""

    kept: tuple[ClusterInputs, float] | None = None

    def hand_over(self, spec: PolicySpec, now: float) -> ClusterInputs | None:
        """The inputs, if they were read just now and for the same target, mode and candidates as `spec`. They are
        handed over once: a repeated attempt must see what has changed."""
        kept, self.kept = self.kept, None
        if kept is None or now - kept[1] > FRESH_SECONDS or not _reads_the_same(kept[0].spec, spec):
            return None
        return replace(kept[0], spec=spec)

    def drop(self) -> None:
        """Forget them: the objects of a whole fleet would take too much memory."""
        self.kept = None


def _reads_the_same(one: PolicySpec, other: PolicySpec) -> bool:
    same = one.target_ref == other.target_ref and one.delivery == other.delivery
    return same and variant_labels(one) == variant_labels(other)
