"""How much more events scatter because the same users make the requests: measured between groups of users.

Where each user keeps a variant, users are the sample and not their answers: the same users are in every look, so no
comparison of looks shows what they have in common. With the residual of a user, `r_u = x_u - p n_u` for x events among
n requests, the variance of an arm's rate is the sum of `r_u^2` over users by n^2 (the cluster-robust variance of Liang
and Zeger, 1986); over that of independent requests it is the design effect (Kish), which grows as users come back.
Servers put users into groups by a hash that knows nothing of them, and count per group. Users are independent, so the
expected square of a group's residual is the sum of its users' squares: the sum over K groups, times K / (K - 1), has
the same mean as the sum over users, whatever number of processes each of them met. Counts of groups add up over
processes and time, which squares of users would not.

All evidence so far is divided by the factor as it is now: the logarithm of a bet is about `g S - g^2 I / 2` for a sum S
of independent events and its information I, so a quotient by the factor f is that of the estimate S / I at its true
information I / f. For users who go on asking, that estimate moves as Brownian motion does, and where others come it
moves less; so the mixture over bets holds at all looks together, approximately, for many users. The factor has an upper
confidence bound by the chi-square law (Wilson, Hilferty, 1931); while an arm has shown few users, it is the largest
possible one instead: what there would be if all events of a user were alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, sqrt
from typing import NamedTuple

from earlystop.api.counts import Tally, UserScatter

LEAST_USERS = 20
"""Users of each arm, by their effective number, before their likeness is estimated and not taken for the largest."""

BOUND_QUANTILE = 0.5
"""Normal quantile of the upper bound of a factor, of 69 %: it covers what 31 degrees of freedom an arm leave open."""

LARGEST_FACTOR = 1_000_000
"""So that a factor in thousandths fits into a row of integers anywhere."""

THOUSAND = 1000


class _Kind(NamedTuple):
    """One kind of events: how many requests could have had it, and how many had it (or the sum of what they had)."""

    exposed: Callable[[Tally], int]
    events: Callable[[Tally], int]


_KINDS = {
    "answers": _Kind(lambda group: group.scored, lambda group: group.match),
    "lengths": _Kind(lambda group: group.completed, lambda group: group.tokens),
    "failures": _Kind(lambda group: group.completed + group.failed, lambda group: group.failed),
    "feedback": _Kind(lambda group: group.completed, lambda group: group.feedback_down),
}
# As `missing_answers.as_judged` has answers.
_WITH_UNSCORED = _KINDS | {"answers": _Kind(lambda group: group.tried, lambda group: group.match)}


class _Arm(NamedTuple):
    """The variance of an arm's mean as groups have it, and as independent requests would; degrees of freedom."""

    between: float
    independent: float
    freedom: float


def measure(
    baseline: Sequence[Tally], candidate: Sequence[Tally], arms: tuple[Tally, Tally], *, unscored_is_wrong: bool = False
) -> UserScatter:
    """What the groups of both arms show, all counts since users were split.

    baseline, candidate: counts of each group, of the same number of groups, 2 or more. arms: totals of both arms, from
    which it is read how much lengths of single answers scatter. unscored_is_wrong: whether an answer that could not be
    scored is judged as a mismatch (`missing_answers.counts_as_mismatch`).
    """
    kinds = _WITH_UNSCORED if unscored_is_wrong else _KINDS
    users = effective_users(baseline), effective_users(candidate)
    found = {name: _factor(kind, (baseline, candidate), users, arms, name) for name, kind in kinds.items()}
    return UserScatter(**found, baseline=round(users[0]), candidate=round(users[1]))


def effective_users(groups: Sequence[Tally]) -> float:
    """As many users who ask equally often would make the groups as unequal as they are (Kish); 0 without requests."""
    sizes = [group.completed + group.failed for group in groups]
    total = sum(sizes)
    if not total:
        return 0.0
    mean = total / len(sizes)
    squares = sum((size - mean) ** 2 for size in sizes) * len(sizes) / (len(sizes) - 1)
    return float(min(total, total * total / squares)) if squares else float(total)


def _factor(
    kind: _Kind,
    groups: tuple[Sequence[Tally], Sequence[Tally]],
    users: tuple[float, float],
    totals: tuple[Tally, Tally],
    name: str,
) -> int:
    """The factor in thousandths, rounded up, at least 1,000."""
    arms = [
        _arm(kind, arm, seen, total if name == "lengths" else None)
        for arm, seen, total in zip(groups, users, totals, strict=True)
    ]
    known = [each for each in arms if each is not None]
    if min(users) < LEAST_USERS or len(known) < len(arms):
        largest = (_largest(kind, arm, seen) for arm, seen in zip(groups, users, strict=True))
        return _in_thousandths(max(1.0, *largest))
    between, independent = sum(each.between for each in known), sum(each.independent for each in known)
    if not independent or not between:
        return THOUSAND  # nothing happened, or to everybody: there is no evidence to divide
    freedom = between * between / sum(each.between**2 / each.freedom for each in known)
    return _in_thousandths(max(1.0, _bound(between / independent, freedom)))


def _arm(kind: _Kind, groups: Sequence[Tally], users: float, lengths: Tally | None) -> _Arm | None:
    """One arm; None without requests. lengths: totals, for events that are no yes or no."""
    exposed, events = [kind.exposed(each) for each in groups], [kind.events(each) for each in groups]
    total = sum(exposed)
    if not total or (lengths is not None and lengths.completed < 2):
        return None
    mean = sum(events) / total
    between = sum((x - mean * n) ** 2 for x, n in zip(events, exposed, strict=True))
    if lengths is None:
        variance = max(0.0, mean * (1 - mean))
    else:
        surplus = lengths.completed * lengths.tokens_squared - lengths.tokens**2
        variance = max(surplus / (lengths.completed * (lengths.completed - 1)), 0.0)
    parts = len(groups)
    return _Arm(
        between=between * parts / (parts - 1) / total**2,
        independent=variance / total,
        freedom=max(1.0, min(parts, users) - 1),
    )


def _largest(kind: _Kind, groups: Sequence[Tally], users: float) -> float:
    """The factor if everything that befalls a user did so at each request."""
    return sum(map(kind.exposed, groups)) / max(users, 1.0)


def _bound(mean: float, freedom: float) -> float:
    part = 2 / (9 * freedom)
    return float(mean / max(1 - part - BOUND_QUANTILE * sqrt(part), 0.1) ** 3)


def _in_thousandths(factor: float) -> int:
    return ceil(THOUSAND * min(factor, LARGEST_FACTOR))
