"""What a policy's search may try, and whether it tries one setting after the other."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.trial import Setting


def by_trials(spec: PolicySpec) -> bool:
    """Whether each setting of a search gets a campaign of its own. Other searches are one campaign of all settings, and
    so are all that judge settings in shadow, before live requests or instead of them."""
    search = spec.search
    if search is None or search.traits.one_campaign or spec.rollout.shadow_seconds > 0:
        return False
    return spec.delivery.traits.moves_traffic


def settings_of(spec: PolicySpec) -> tuple[Setting, ...]:
    """Every setting that the search may try, in its order. Raises SearchProblem for a search that cannot be made."""
    return spec.search_settings()
