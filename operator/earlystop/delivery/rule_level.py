"""Rules of an overlay that set one variant's headers on all of their requests, with Core features of Gateway API only.

Every conformant gateway can do that: one backend, the user's own Service, and a header modifier of the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earlystop.delivery.headers import modifier, with_filter
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import overlay_name
from earlystop.delivery.overlay import TargetRule
from earlystop.delivery.split import TrafficSplit


def owned_names(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that a mode of this form may own."""
    return [("HTTPRoute", overlay_name(inputs.policy))]


def probe_only(_: ClusterInputs, __: TrafficSplit) -> None:
    """Users need not wait for probes: every conformant gateway sets a rule's headers, and these modes ask for no
    more."""


def setting(inputs: ClusterInputs, users: TargetRule, headers: dict[str, str]) -> dict[str, Any]:
    """The overlay's rule for a rule of the user's, with these headers on all of its requests."""
    base = users.base()
    filters = with_filter(base.get("filters", []), modifier(inputs, headers))
    return {**base, "filters": filters, "backendRefs": [users.backend_reference(users.backend["name"], 1)]}
