"""Does the candidate save enough output tokens? A sequential test of means from sums and sums of squares.

Null hypothesis: E[T_c] >= (1 - minimum_saving) E[T_b]. It is linear in the two means, so a look's difference
`D = keep mean_b - mean_c` with `keep = 1 - minimum_saving` needs no ratio: it has mean at most 0 under the
null hypothesis and is positive when more is saved.
`V = keep^2 v_b / n_b + v_c / n_c` is its variance, and (sum of D/V, sum of 1/V) feed the normal mixture.

This is asymptotic, not exact: the risk holds as answers accumulate. It rests on two approximations. A sum of
many answers is nearly normal, and the variances v, learned from earlier blocks alone, describe the next one.
Seven rules keep it cautious: no bet before both arms have `LEARNING_ANSWERS` in the past, no block
with fewer than `BLOCK_ANSWERS` an arm, a floor under the variance (`variance`), since version 2 of the engine
two more, and since version 9 another two. The evidence is divided by how much blocks have been seen to scatter
(`scatter`), as lengths of one session and heavy tails make them. And where the lengths of *both* arms spread out in a
block as they did not before, as when the mix of questions shifts, variances are multiplied by as much as the arm that
did so less. The spread of one arm alone must not do that: a rare huge answer of the candidate speaks against it, and
would count less.

The sixth is for heavy tails. There few huge answers make a mean, which deceives in two ways. One of the baseline moves
the sum by more than its variance, as it was known before, allows for. And most samples lack answers as huge as the mean
is made by, the smaller arm's more so: its mean is mostly below the true one. Hence the saving must be shown without
the longest answer of the baseline and with `UNSEEN` more like the candidate's longest. By a Pareto law with the tail a,
draws above the largest one so far come once in as many as there were, and lie at a / (a - 1) times that one on average
(its mean excess is linear: Embrechts, Klueppelberg, Mikosch, "Modelling extremal events", 1997, section 6.2): 3 at
a = 1.5, and less where the variance is finite. Only sums of squares are counted. As far as those of a block exceed
`USUAL` times those of as many other answers, they are taken for one answer (`Longest`), which is more than it is.
Lengths without a heavy tail hardly do so, and lose nothing.

The seventh is for what both arms give now and then, as answers that end at a limit. An arm of few answers may lack
them all, and then both its mean and its variance are too small: the test would bet most on a saving just where there is
none. So the candidate's variance is at least `LEAST_PART` of the one that the baseline's lengths have, shortened by as
much as is asked for. Where both give as large a share of them, the candidate lacks them by chance as seldom as that
variance says, or more seldom: all of k that are expected, at sqrt(k) standard deviations, with a probability of e^-k.
What is learned of the baseline is from the past as well, so the bet stays predictable.
What remains: a candidate whose mean is made by fewer than one huge answer in a thousand, while the baseline's is not,
is found out too late. The exact test (`empirical_bernstein`), which a policy asks for by the longest possible answer,
has no such gap.

Blocks: looks are gathered until both arms have enough answers, so little traffic slows the test and never
stops it. When to close a block depends on the numbers of answers alone. A block never spans a change of
weight: what is unfinished then only teaches the variances, so arms are always compared over the same moments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

from earlystop.evidence import normal_mixture, scatter
from earlystop.evidence.discount import Discount
from earlystop.evidence.scatter import Scatter
from earlystop.evidence.version import CURRENT, EIGHTH, FIRST

LEARNING_ANSWERS = 100
"""Completed answers that each arm must have in closed blocks before the first bet."""

BLOCK_ANSWERS = 20
"""Completed answers that each arm must have in a block."""

PRIOR_SCALE = 0.1
"""Standard deviation of the prior over the gap, as a share of the baseline's mean length."""

UNKNOWN_SCATTER = 3.0
"""Dispersion of blocks while too few have been compared: that of sessions of 5 answers with a likeness of 0.5."""

UNSEEN = 3.0
"""How many more answers like its longest the candidate is taken to have. Where a twentieth of the answers is the
candidate's, lengths with a Pareto tail of 1.5 are wrongly called shorter in 5.6 % of campaigns, with 2 in 7.1 %, and
without this rule in 22.7 % (1,000 campaigns); a saving of a fifth where a tenth is asked for takes 36, 33 and 27 looks
to show in log-normal lengths of sigma 1."""

USUAL = 2.0
"""Sums of squares up to so many times those of the other answers show no huge answer: with 1, lengths that vary by 0.8
times their mean take a sixth more answers, with 2, none."""

LEAST_PART = 0.5
"""Part of the baseline's variance that the candidate's has at least. Where both end one answer in a thousand at 131,072
tokens, and a twentieth of the answers is the candidate's, a saving is wrongly claimed in 2.0 % of campaigns, with 1 in
1.0 %, and without this rule in 39.7 % (300 campaigns). A true saving of a fifth takes as many looks as without it; with
1 a quarter more in log-normal lengths of sigma 1, of which the candidate has a tenth."""

RELATIVE_DEVIATION_FLOOR = 0.1
"""Lengths are taken to vary by at least this share of their mean, and by one token at least."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Output lengths of completed answers of one arm: how many, their sum, the sum of their squares."""

    completed: int = 0
    tokens: int = 0
    tokens_squared: int = 0

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(
            self.completed + other.completed,
            self.tokens + other.tokens,
            self.tokens_squared + other.tokens_squared,
        )

    @property
    def mean(self) -> float:
        """Tokens an answer; `completed` must be positive."""
        return self.tokens / self.completed

    @property
    def variance(self) -> float:
        """Sample variance in tokens squared, but never below (a tenth of the mean)^2 nor below 1.

        The floor matters when all answers have one length: their sample variance is 0, which would claim
        perfect knowledge. Integers are exact, so subtracting large squares loses nothing. `completed` >= 2.
        """
        surplus = self.completed * self.tokens_squared - self.tokens * self.tokens
        sample = surplus / (self.completed * (self.completed - 1))
        return max(sample, (RELATIVE_DEVIATION_FLOOR * self.mean) ** 2, 1.0)


NOTHING = Lengths()


class Longest(NamedTuple):
    """The block of an arm in which the longest answer stands, as far as sums tell. completed, tokens_squared: its
    answers, and the sum of the squares of their lengths. weight: by which each of its tokens counts in the test's sum,
    1 / tokens^2."""

    completed: int = 0
    tokens_squared: int = 0
    weight: float = 0.0

    def moves(self, answers: Lengths) -> float:
        """By how much its longest answer moves the test's sum, at most; answers: all of the arm, with this block."""
        others = answers.completed - self.completed
        if not self.completed or not others:
            return 0.0
        usual = self.completed * (answers.tokens_squared - self.tokens_squared) / others
        return self.weight * sqrt(max(0.0, self.tokens_squared - USUAL * usual))


NO_ANSWER = Longest()


@dataclass(frozen=True, slots=True)
class TokenProcess:
    """The token test after some looks.

    keep: share of the baseline's tokens that the candidate may use, 0 < keep <= 1.
    past_*: closed blocks; block_*: the open one, all of it under `block_share` (percent, None before any
    look). scale: the prior's standard deviation in tokens, fixed at the first bet, None before it.
    weighted_baseline, weighted_candidate: sums of mean / V over the bets; spread_baseline, spread_candidate:
    sums of (v / n) / V^2. From these four both the test and the interval for the saving are read.
    log_e, log_e_max: natural log of the e-value now and its largest value so far, >= 0. blocks: how much blocks have
    scattered; None under version 1 of the engine, which took answers as independent. longest_baseline,
    longest_candidate: None before version 9 of it, which did not ask for them.
    """

    keep: float
    past_baseline: Lengths = NOTHING
    past_candidate: Lengths = NOTHING
    block_baseline: Lengths = NOTHING
    block_candidate: Lengths = NOTHING
    block_share: float | None = None
    scale: float | None = None
    weighted_baseline: float = 0.0
    weighted_candidate: float = 0.0
    spread_baseline: float = 0.0
    spread_candidate: float = 0.0
    log_e: float = 0.0
    log_e_max: float = 0.0
    blocks: Scatter | None = None
    longest_baseline: Longest | None = None
    longest_candidate: Longest | None = None

    @property
    def dispersion(self) -> float:
        """How much more blocks scatter than those of independent answers; evidence is divided by it at least."""
        return 1.0 if self.blocks is None else self.blocks.factor(UNKNOWN_SCATTER)

    def statistic(self, keep: float) -> float:
        """Sum of D/V if the candidate were allowed the share `keep` of the baseline's tokens."""
        return keep * self.weighted_baseline - self.weighted_candidate

    def information(self, keep: float) -> float:
        """Variance of `statistic(keep)` when `keep` is the true ratio of the means."""
        return keep * keep * self.spread_baseline + self.spread_candidate

    def doubt(self, keep: float) -> float:
        """By how much `statistic(keep)` may be too large, >= 0, where few answers make the means."""
        of_baseline, of_candidate = self.doubts
        return keep * of_baseline + of_candidate

    @property
    def doubts(self) -> tuple[float, float]:
        """Both parts of `doubt`: that of the baseline, which counts times `keep`, and that of the candidate."""
        if self.longest_baseline is None or self.longest_candidate is None:
            return 0.0, 0.0
        baseline, candidate = self.past_baseline + self.block_baseline, self.past_candidate + self.block_candidate
        return self.longest_baseline.moves(baseline), UNSEEN * self.longest_candidate.moves(candidate)

    @property
    def rests_on_few(self) -> bool:
        """Whether more seems to be saved than is asked for, and few answers may make half of that or more."""
        seen = self.statistic(self.keep)
        return seen > 0 and self.doubt(self.keep) >= seen / 2


def start(minimum_saving: float, engine: int = CURRENT) -> TokenProcess:
    """The test before any look. Raises ValueError unless 0 <= minimum_saving < 1 (0.1: ten percent)."""
    if not 0 <= minimum_saving < 1:
        raise ValueError(f"minimum saving is {minimum_saving}; write a fraction in 0..1 below 1, as in 0.10")
    longest = NO_ANSWER if engine > EIGHTH else None
    blocks = None if engine == FIRST else Scatter()
    return TokenProcess(1 - minimum_saving, blocks=blocks, longest_baseline=longest, longest_candidate=longest)


def update(
    process: TokenProcess, baseline: Lengths, candidate: Lengths, share: float, discount: Discount | None = None
) -> TokenProcess:
    """The test after one more look; share: percent of both variants' requests that the candidate shall have.

    discount: how all evidence so far is read, as this look has it (`divisors`); None: divided by `dispersion`.
    """
    if process.block_share != share:
        process = replace(_learn(process), block_share=share)
    process = replace(
        process,
        block_baseline=process.block_baseline + baseline,
        block_candidate=process.block_candidate + candidate,
    )
    if min(process.block_baseline.completed, process.block_candidate.completed) < BLOCK_ANSWERS:
        return process
    if min(process.past_baseline.completed, process.past_candidate.completed) >= LEARNING_ANSWERS:
        process = _bet(process, discount or Discount(process.dispersion))
    return _learn(process)


def _learn(process: TokenProcess) -> TokenProcess:
    """Close the open block: from now on it belongs to the past that the variances are learned from."""
    return replace(
        process,
        past_baseline=process.past_baseline + process.block_baseline,
        past_candidate=process.past_candidate + process.block_candidate,
        block_baseline=NOTHING,
        block_candidate=NOTHING,
    )


def _bet(process: TokenProcess, discount: Discount) -> TokenProcess:
    """Add the open block's difference; its variance and the prior come from the past alone."""
    baseline, candidate, keep = process.block_baseline, process.block_candidate, process.keep
    variance_b, variance_c = process.past_baseline.variance, process.past_candidate.variance
    blocks = process.blocks
    if blocks is not None:
        shift = max(1.0, min(baseline.variance / variance_b, candidate.variance / variance_c))
        variance_b, variance_c = shift * variance_b, shift * variance_c
        if process.longest_candidate is not None:
            variance_c = max(variance_c, LEAST_PART * keep * keep * variance_b)
        information = 1 / (keep * keep * variance_b / baseline.completed + variance_c / candidate.completed)
        blocks = scatter.observe(blocks, (keep * baseline.mean - candidate.mean) * information, information)
    noise_b = variance_b / baseline.completed
    noise_c = variance_c / candidate.completed
    precision = 1 / (keep * keep * noise_b + noise_c)
    scale = process.scale
    if scale is None:
        scale = PRIOR_SCALE * max(process.past_baseline.mean, 1.0)
    added = replace(
        process,
        scale=scale,
        blocks=blocks,
        weighted_baseline=process.weighted_baseline + precision * baseline.mean,
        weighted_candidate=process.weighted_candidate + precision * candidate.mean,
        spread_baseline=process.spread_baseline + precision * precision * noise_b,
        spread_candidate=process.spread_candidate + precision * precision * noise_c,
        longest_baseline=_longer(process.longest_baseline, baseline, precision, process.past_baseline),
        longest_candidate=_longer(process.longest_candidate, candidate, precision, process.past_candidate),
    )
    sums = added.statistic(keep) - added.doubt(keep), added.information(keep)
    statistic, information = (each / discount.factor for each in sums)
    log_e = discount.log_e(normal_mixture.log_e(statistic, information, scale))
    return replace(added, log_e=log_e, log_e_max=discount.largest(process.log_e_max, log_e))


def _longer(known: Longest | None, block: Lengths, precision: float, past: Lengths) -> Longest | None:
    """The block of an arm in which the longest answer stands, after one more. past: of the arm, before this one."""
    if known is None:
        return None
    new, answers = Longest(block.completed, block.tokens_squared, precision / block.completed), past + block
    return new if new.moves(answers) >= known.moves(answers) else known
