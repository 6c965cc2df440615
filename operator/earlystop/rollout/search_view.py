"""What decides about proposals to a policy's search, or why it tries none."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.offers import SearchView
from earlystop.rollout.state import RolloutState

EXTERNAL = "External"


def search_view(spec: PolicySpec, state: RolloutState) -> SearchView | str:
    """What decides about proposals to a policy; a sentence where it tries none."""
    search = spec.search
    if search is None or search.strategy != EXTERNAL:
        return (
            "The policy tries no proposals. Name one whose search.strategy is External, or ask its owner to write that."
        )
    return "No trial of this release takes proposals."


def no_such_policy(key: tuple[str, str]) -> str:
    """The sentence on proposals to a policy that nobody tracks. key: namespace and name."""
    namespace, name = key
    return f"There is no EarlyStopPolicy {name} in namespace {namespace}. Correct policyRef.name in another proposal."
