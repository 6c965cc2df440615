"""The nonce by which an overlay knows the operator's own requests."""

from __future__ import annotations

from earlystop.delivery.headers import has_expressions, nonce_of
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.overlay import rules_to_overlay
from earlystop.delivery.split import TrafficSplit

# Marks the nonce of probe-only rules. Its value is part of objects in clusters.
PROBE_ONLY = "trial "


def probe_nonce(inputs: ClusterInputs, split: TrafficSplit, purpose: str = "") -> str:
    """The nonce of probes of a split, the same at each start of the operator.

    Where the rule for probes leaves out what the user's asks for by a regular expression, nobody outside of the cluster
    can work it out: the policy's UID is random. Else it would open a way round that condition.
    """
    users = rules_to_overlay(inputs)[0].base()
    return nonce_of(split, f"{inputs.uid} {purpose}" if has_expressions(users) else purpose)
