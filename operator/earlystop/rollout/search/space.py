"""What a policy's search may try, and whether it tries one setting after the other."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.api.values import canonical_setting
from earlystop.rollout.search.proposers import PROPOSERS
from earlystop.rollout.search.trial import Setting


def by_trials(spec: PolicySpec) -> bool:
    """Whether each setting of a search gets a campaign of its own; other searches are one campaign of all settings."""
    return spec.search is not None and spec.search.strategy in PROPOSERS


def settings_of(spec: PolicySpec) -> tuple[Setting, ...]:
    """Every setting that the search may try, in its order. Raises ValueError where there is none."""
    search = spec.search
    if search is None or search.values is None:
        raise ValueError("the policy has no search")
    last = max(1, len(search.values) - 1)
    baseline = spec.baseline_settings()
    return tuple(
        Setting(
            name=f"{search.parameter}-{canonical_setting(value)}".replace(".", "-"),
            values=tuple((baseline | {search.parameter: canonical_setting(value)}).items()),
            place=(index / last,),
        )
        for index, value in enumerate(search.values)
    )
