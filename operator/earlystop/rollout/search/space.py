"""What a policy's search may try, and whether it tries one setting after the other."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.trial import Setting


def by_trials(spec: PolicySpec) -> bool:
    """Whether each setting of a search gets a campaign of its own. Other searches are one campaign of all settings, and
    so are all searches in which no request ever gets a candidate."""
    search = spec.search
    return search is not None and not search.traits.one_campaign and spec.delivery.traits.moves_traffic


def settings_of(spec: PolicySpec) -> tuple[Setting, ...]:
    """Every setting that the search may try, in its order. Raises SearchProblem for a search that cannot be made."""
    return spec.search_settings()
