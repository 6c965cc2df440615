"""The intervals that are shown, as the version of the engine has them; since version 2 none contradicts a claim. And
how strong the same evidence is against any one loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from earlystop.evidence import effect_bounds, intervals, pairs
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.discount import Discount
from earlystop.evidence.effect_bounds import DifferenceSums
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.intervals import EffectSums, Interval
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.own_difference import OwnDifference
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.tokens import TokenProcess
from earlystop.evidence.version import FIRST

ShownSums = EffectSums | DifferenceSums


def start(objective: Objective) -> ShownSums:
    """What an interval for Exact Match is read from, before any look."""
    return EffectSums() if objective.engine == FIRST else DifferenceSums(objective.margin)


def add_look(
    sums: ShownSums, objective: Objective, classes: Mapping[str, tuple[Answers, Answers]], share: float
) -> ShownSums:
    """The sums after one more look; classes: its answers of both arms by query class; share: as `Look.share`."""
    if isinstance(sums, EffectSums):
        return intervals.add_look(sums, *(_pooled([arms[arm] for arms in classes.values()]) for arm in (0, 1)))
    if objective.basis is Basis.PAIRS:
        return sums
    return effect_bounds.add_look(sums, classes, share if objective.split_known else None)


def effect(
    sums: ShownSums,
    paired: PairsProcess,
    objective: Objective,
    *,
    is_non_inferior: bool,
    is_harmful: bool,
    discount: Discount,
    own: OwnDifference | None = None,
) -> Interval:
    """EM candidate minus EM baseline, of the mean over requests; is_*: what is claimed about it. discount: how evidence
    on answers is read (`divisors`). own: what cohorts differ by without the setting."""
    on_pairs, factor = objective.basis is Basis.PAIRS, discount.factor
    if isinstance(sums, EffectSums):
        if on_pairs:
            return pairs.interval(paired.pairs, dispersion=factor)
        return intervals.effect(sums, objective.margin)
    risks = discount.risk(objective.risk_promote), discount.risk(objective.harm_risks.exact_match)
    found = pairs.interval_at(paired.pairs, *risks, factor) if on_pairs else effect_bounds.bounds(sums, *risks, factor)
    if own is not None:
        found = own.corrected_effect(found)
    return effect_bounds.meet(found, -objective.margin, is_above=is_non_inferior, is_below=is_harmful)


def bounds_of(sums: ShownSums, risk_low: float, risk_high: float, discount: Discount) -> Interval:
    """EM candidate minus EM baseline as it is seen, whatever is claimed. Raises ValueError as `log_e_against_loss`."""
    if isinstance(sums, EffectSums):
        raise ValueError("version 1 of the engine bounds no difference of cohorts")
    return effect_bounds.bounds(sums, discount.risk(risk_low), discount.risk(risk_high), discount.factor)


def saving_of(lengths: TokenProcess, risk: float, discount: Discount) -> Interval:
    """Share of output tokens saved as it is seen, whatever is claimed. risk: of each of its sides."""
    return intervals.saving(lengths, 2 * discount.risk(risk), discount.factor)


def log_e_against_loss(
    sums: ShownSums, paired: PairsProcess, objective: Objective, loss: float, factor: float
) -> float:
    """Natural log of the e-value now against "the candidate loses at least `loss` of EM".

    loss: above 0, fixed beforehand; inf is the answer where nobody can lose so much. factor: by which evidence on
    answers is divided.
    Raises ValueError under version 1 of the engine, which has no such evidence.
    """
    if isinstance(sums, EffectSums):
        raise ValueError("version 1 of the engine refutes no loss; its plans leave steps by time")
    if loss >= 1:
        return inf
    if objective.basis is Basis.PAIRS:
        return pairs.log_e(paired.pairs, loss, Side.PROMOTE, dispersion=factor)
    return effect_bounds.log_e_against_loss(sums, loss, factor)


def saving(
    tokens: TokenProcess,
    exact: BoundedTokenProcess | None,
    objective: Objective,
    *,
    saves: bool,
    discount: Discount,
    own: OwnDifference | None = None,
) -> Interval:
    """Share of output tokens saved; saves: whether it is claimed that these are enough. discount: how evidence on
    lengths is read (`divisors`). exact: the test that decides where it is known, possibly before the other one has
    begun. own: as in `effect`."""
    if objective.engine == FIRST:
        return intervals.saving(tokens)
    found = saving_of(tokens, objective.risk_promote, discount)
    if found.estimate is None and exact is not None and exact.past_baseline.tokens > 0:
        found = replace(found, estimate=1 - exact.past_candidate.mean / exact.past_baseline.mean)
    if own is not None:
        found = own.corrected_saving(found)
    return effect_bounds.meet(found, objective.minimum_saving, is_above=saves, is_below=False)


def _pooled(arms: list[Answers]) -> Answers:
    return Answers(sum(each.scored for each in arms), sum(each.match for each in arms))
