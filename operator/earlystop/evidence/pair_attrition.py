"""Do pairs lack the baseline's answers where they do not lack the candidate's? What holds a promotion for it.

An answer that failed or could not be scored is a wrong one in its pair, beside one that came and was scored. So each of
the baseline's that is missing speaks for the candidate: a baseline of which 30 % cannot be scored makes a candidate
that loses 10 points of the others look 15 better. A pair tells more than requests of two arms do: what the other
variant made of the very question. So two numbers are compared, with an even half of the risk each:

- of pairs that lack one variant's answer, how many lack the baseline's;
- of those whose other answer is right, how many lack the baseline's. This is the part that moves Exact Match. It finds
  what equal numbers hide, such as a baseline that misses answers by chance beside a candidate that misses wrong ones.

Where both variants lack as many in such a number, each of its pairs lacks the baseline's answer with probability 1/2
(the sign test of paired proportions: McNemar, "Note on the sampling error of the difference between correlated
proportions or percentages", 1947). A bet on other odds gains the likelihood ratio of two binomials, whose expectation
is 1, so the bets of the sample ratio at an even split, mixed over fixed odds, are an e-process (Lindon, Malek, arXiv
2011.03567), and by Ville's inequality it ever reaches 1/risk with probability at most risk. It is divided by how much
the shares scatter, since a server that is down fails on question after question.

A candidate that lacks more has them counted against it, so that holds nothing; fewer of its failures than of the
baseline's do, since nobody can tell a baseline that really gives no answer from one whose answers were not understood.
Where the objective leaves out pairs that lack an answer (`Unscored.EXCLUDE`), more that lack the candidate's hold its
promotion too, in either number: what is left out may be what it loses.

And a promotion must not rest on what is missing: the pairs that lack no answer must prove it by themselves as well. So
a candidate that loses the margin where both answer is promoted with at most the risk, whatever else is missing, and one
that loses it by answers that are missing is, too. Both proofs are needed, so this adds no risk, and little is to be
waited for: the second has fewer pairs and less noise. Two things are assumed: the pairs that lack no answer scatter no
more than all that count do, by whose factor both are read, and the risk is one candidate's: of several that are judged
together, each may be wrong so often in what both answer.

Counting both as wrong costs questions where as many fail on both sides: what is to be proven is then about answers that
came and are right. Where whole pairs differ in a share d, each variant lacks m of its answers by itself and p of the
others are right, d (1 - m)^2 + 2 m (1 - m) p of all pairs differ, and any test needs pairs in proportion to that: 2.2
times as many at d of 6 %, m of 5 % and p of 85 %. That the checks show no difference is no proof that there is none, as
small as a margin: that proof costs the very same questions. So these pairs are left out only where the policy says so.

Who counts pairs and does not say whose answer is missing is not known to miss any, nor to miss none: such pairs are in
neither test, and `unknown` says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import log

from earlystop.api.counts import Look, PairAnswers
from earlystop.evidence import missing_answers, pairs, sample_ratio
from earlystop.evidence.attrition import SUSPICION, UNKNOWN_SCATTER
from earlystop.evidence.bets import Side
from earlystop.evidence.discount import Discount
from earlystop.evidence.even_checks import EvenChecks
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.version import FIFTH


class OneSided(StrEnum):
    """A way in which pairs can lack one variant's answer more often than the other's."""

    MISSING = "missing_in_pairs"
    """The answer failed or could not be scored, and the other variant's did not."""
    BESIDE_RIGHT = "missing_beside_right"
    """The same, and the other variant's is right."""


NOTHING = PairAnswers()
EVEN_SPLIT = 50.0
"""Percent of the pairs that lack one answer which shall lack the baseline's."""


@dataclass(frozen=True, slots=True)
class PairAttrition(EvenChecks):
    """The checks after some looks, in the order of `OneSided`; all pairs so far, and whose answers they lack.

    both_ways: whether more that lack the candidate's answer hold its promotion, too. whole: the e-process of a
    promotion on the pairs that lack no answer; None before any pair.
    """

    both_ways: bool = False
    pairs: int = 0
    answers: PairAnswers = NOTHING
    whole: PairsProcess | None = None

    @property
    def unknown(self) -> int:
        """Pairs of which nobody says whether an answer is missing."""
        return max(0, self.pairs - self.answers.known)

    @property
    def suspected(self) -> tuple[OneSided, ...]:
        """The ways in which more seems to be missing now; it may be taken back, so it is no alarm."""
        return self._held(self.differ_now(SUSPICION))

    def rests_on_missing(self, risk: float) -> bool:
        """Whether the pairs that lack no answer do not prove by themselves, at this risk, what a promotion claims, or
        speak against it now. As long as none lacks one they are all pairs, of which that is asked anyway."""
        if self.whole is None or not self.answers.one_sided:
            return False
        return self.whole.log_e_max < -log(risk) or self.whole.log_e <= 0

    def shown(self, risk: float) -> tuple[OneSided, ...]:
        """The ways in which more is missing of one variant, at this risk of a false alarm altogether."""
        return self._held(self.differ(risk))

    def _held(self, differing: Iterable[bool]) -> tuple[OneSided, ...]:
        """The ways that speak against a promotion. differing: whether the variants differ, for each way."""
        (baseline, candidate), (beside_right, lost) = _compared(self.answers)
        against = (self.both_ways or baseline > candidate, self.both_ways or beside_right > lost)
        found = zip(OneSided, differing, against, strict=True)
        return tuple(way for way, differs, speaks in found if differs and speaks)


def start(objective: Objective) -> PairAttrition:
    """The checks before any look."""
    checks = tuple(sample_ratio.start(in_clumps=True) for _ in OneSided)
    return PairAttrition(checks, both_ways=missing_answers.leaves_out_pairs(objective))


def is_checked(objective: Objective) -> bool:
    """Whether Exact Match is read from pairs whose missing answers are compared: not by earlier versions."""
    return objective.basis is Basis.PAIRS and objective.engine > FIFTH


def update(
    process: PairAttrition, objective: Objective, look: Look, promote: PairsProcess, discount: Discount
) -> PairAttrition:
    """The checks after one more look. promote: the e-process of a promotion after it, on all pairs that count;
    discount: how its evidence is read."""
    tally = look.candidate
    if not is_checked(objective) or not tally.pairs.total:
        return process
    new = tally.pair_answers
    checks = tuple(
        sample_ratio.update(check, baseline, candidate, EVEN_SPLIT, UNKNOWN_SCATTER)
        for check, (baseline, candidate) in zip(process.checks, _compared(new), strict=True)
    )
    answers = PairAnswers(*(mine + more for mine, more in zip(process.answers, new, strict=True)))
    whole = promote  # as long as no pair lacks an answer
    if answers.one_sided:
        whole = process.whole or pairs.start(objective.margin, Side.PROMOTE)
        for part in pairs.deal(missing_answers.of_whole_pairs(look).candidate.pairs, look.at):
            whole = pairs.update(whole, part, discount.factor, discount)
    return PairAttrition(checks, process.both_ways, process.pairs + tally.pairs.total, answers, whole)


def contradiction(process: PairAttrition) -> str:
    """What pairs of the campaign cannot be, as the end of a sentence; "" where nothing is found."""
    if process.answers.known <= process.pairs:
        return ""
    return f"of {process.pairs} pairs {process.answers.known} are said to be whole, or to lack an answer"


def _compared(answers: PairAnswers) -> tuple[tuple[int, int], ...]:
    """Pairs that lack the baseline's answer and that lack the candidate's, in each of `OneSided`."""
    beside_right = answers.without_baseline_right, answers.without_candidate_right
    return (answers.without_baseline, answers.without_candidate), beside_right
