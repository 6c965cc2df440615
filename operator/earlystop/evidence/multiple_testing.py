"""Multiple testing: several candidates, several guardrails, several proofs for one promotion.

Promotion needs all its claims (intersection): each may be tested at the full risk, since a false promotion
implies that one particular claim is false. Rolling back needs any one claim (union): the risk is shared.
Several candidates are tested by closed testing with averaged e-values: a candidate is accepted only if the
average over every set of candidates that contains it is large enough, which holds the probability of any false
acceptance at `risk` under any dependence. Source: Vovk, Wang, "E-values: calibration, combination and
applications" (2021). Never worse than Bonferroni: an e-value of candidates / risk raises every such average to
1 / risk.

The sums are of a few e-values already divided by 1 / risk, so plain floats hold them; `scipy.special.logsumexp` would
cost the operator 24 MiB for no digit that is needed.

E-values of one moment belong together: an average of running maxima would prove nothing. A claim made once
may be kept, since each average is itself an e-process.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from math import exp, fsum, log, pi
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)


class HarmRisks(NamedTuple, Generic[Key]):
    """How the risk of a false rollback is shared; guardrails: claim -> its share, in the order given."""

    exact_match: float
    guardrails: dict[Key, float]


def closed_mean(log_e: Sequence[float], risk: float) -> tuple[bool, ...]:
    """Which claims hold together, with probability at most `risk` that any of them is false, at all looks at once.

    log_e: natural logs of the e-values now, one a candidate. Raises ValueError unless 0 < risk < 1.
    """
    _check(risk)
    # A candidate's weakest set holds the m smallest of the others, for some m. In units of 1 / risk, of which one more
    # is needed for each more of them: what is 1 or more weakens no set.
    values = [exp(min(value + log(risk), 700.0)) for value in log_e]
    accepted = []
    for i, own in enumerate(values):
        others = sorted(values[:i] + values[i + 1 :])
        accepted.append(all(own + fsum(others[:m]) >= m + 1 for m in range(bisect_left(others, 1.0) + 1)))
    return tuple(accepted)


def harm_risks(risk: float, guardrails: Sequence[Key]) -> HarmRisks[Key]:
    """Union for a rollback: Exact Match has half where guardrails exist, which share the rest evenly; else all.

    guardrails: distinct keys of the floor, of rates and of query classes with a process of their own.
    Raises ValueError for a name given twice or a risk outside 0..1.
    """
    _check(risk)
    if len(set(guardrails)) != len(guardrails):
        raise ValueError(f"guardrails {list(map(str, guardrails))} name one twice; write each once")
    if not guardrails:
        return HarmRisks(risk, {})
    share = risk / 2 / len(guardrails)
    return HarmRisks(risk / 2, dict.fromkeys(guardrails, share))


def campaign_risk(risk: float, campaign: int, horizon: int | None = None) -> float:
    """Part of `risk` for the campaign-th attempt (1, 2, ...), so that all attempts together spend the whole.

    horizon: how many attempts there are at most; None: any number. It falls with the square of the attempt's number.
    Raises ValueError outside the domains.
    """
    _check(risk)
    return risk * campaign_share(campaign, horizon)


def campaign_share(campaign: int, horizon: int | None = None) -> float:
    """As `campaign_risk`, of a risk of 1: one over the square of `campaign`, over the sum of these for all attempts."""
    if campaign < 1 or (horizon is not None and campaign > horizon):
        raise ValueError(f"campaign is {campaign} of {horizon or 'any number'}; write 1 for the first")
    whole = pi * pi / 6 if horizon is None else fsum(1 / each**2 for each in range(1, horizon + 1))
    return 1 / (campaign * campaign * whole)


def _check(risk: float) -> None:
    if not 0 < risk < 1:
        raise ValueError(f"risk is {risk}; write a probability, as in 0.05")
