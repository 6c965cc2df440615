"""Rules of an overlay that set one variant's headers on all of their requests, with Core features of Gateway API only.

Every conformant gateway can do that: one backend, as the user's own Service, and a header modifier of the rule.
"""

from __future__ import annotations

from typing import Any

from earlystop.delivery.headers import modifier, with_filter
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.overlay import TargetRule


def setting(
    inputs: ClusterInputs, users: TargetRule, headers: dict[str, str], service: str | None = None
) -> dict[str, Any]:
    """The overlay's rule for a rule of the user's, with these headers on all of its requests. service: where it leads,
    None for the user's own."""
    base = users.base()
    filters = with_filter(base.get("filters", []), modifier(inputs, headers))
    return {**base, "filters": filters, "backendRefs": [users.backend_reference(service or users.backend["name"], 1)]}
