"""What a policy may ask for that this release does not do yet: it is refused by name, never half done."""

from __future__ import annotations

from collections.abc import Callable

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec

REASON = "NotBuilt"


def unbuilt(spec: PolicySpec) -> Refusal | None:
    """The first part of the policy that this release cannot carry out, or None."""
    for asks, what in CHECKS:
        if asks(spec):
            return Refusal(REASON, what)
    return None


CHECKS: tuple[tuple[Callable[[PolicySpec], bool], str], ...] = (
    (lambda s: s.search is not None, "spec.search is not built yet; write the setting to try as the one candidate."),
    (
        lambda s: s.delivery.mode != "GatewayHeader",
        "This delivery.mode is not built yet; write mode GatewayHeader.",
    ),
    (lambda s: s.rollout.strategy != "Canary", "rollout.strategy ABTest is not built yet; write Canary."),
    (
        lambda s: s.candidates is not None and len(s.candidates) > 1,
        "Several candidates at once are not built yet; write one, and the next after its verdict.",
    ),
    (lambda s: s.metrics.preset != "EarlyStop", "This metrics.preset is not built yet; write EarlyStop."),
    (lambda s: s.guard is not None, "spec.guard is not built yet; remove it, the promoted setting gets all traffic."),
    (lambda s: s.approval.mode != "Never", "approval.mode is not built yet beyond Never; write Never."),
)
