"""The exact token test: does the candidate save enough tokens, with no approximation at all?

Null hypothesis: E[T_c] >= keep E[T_b], with lengths between 0 and `bound`. A bet of size `s` (0 < s < 1) gains in a
look, with sums S, sums of squares Q and centres m fixed beforehand, in units of the bound,

    s (r S_b - S_c) - psi(s) (Q_c - 2 m_c S_c + n_c m_c^2) - psi(s r) (Q_b - 2 m_b S_b + n_b m_b^2)

where `r = keep n_c / n_b` and `psi(s) = -log(1 - s) - s`. Since `exp(s y - psi(s) y^2) <= 1 + s y` for y >= -1 (Fan,
Grama, Liu, 2015; the step behind the empirical Bernstein bounds of Howard et al. and of Waudby-Smith, Ramdas), the
expectation of each arm is at most exp(s n_c (m_c - E T_c)) and exp(s r n_b (E T_b - m_b)); on the edge of the null
hypothesis the centres and the unknown means cancel, and inside it the product is smaller. So a look's e-value has
expectation at most 1 at any sample size, for any centres and any split, and a claim at 1/risk is false with
probability at most risk over all looks. Lengths of an arm must be independent given the past, with one mean a look.

It needs about as many answers as the normal mixture of `tokens`, which is the default, where the bound is seven
times the mean length, and four times as many where it is fifty times (operator/docs/verdicts.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log1p

from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.mixture import log_mixture, weighted_grid
from earlystop.evidence.tokens import NOTHING, Lengths

GRID = weighted_grid([0.004 * 150.0 ** (k / 11) for k in range(12)], [1.0] * 12)
"""Sizes of bets from 0.004 to 0.6, in units of 1 / bound."""

LARGEST_BASELINE_BET = 0.95
"""A bet whose baseline part would exceed this sits the look out."""


@dataclass(frozen=True, slots=True)
class BoundedTokenProcess:
    """The exact test after some looks.

    keep: share of the baseline's tokens that the candidate may use, 0 < keep <= 1; bound: largest possible length.
    past_*: all looks so far, for the centres. log_capital: natural log, one a bet of `GRID`; log_e_max >= 0.
    """

    keep: float
    bound: int
    past_baseline: Lengths = NOTHING
    past_candidate: Lengths = NOTHING
    log_capital: tuple[float, ...] = (0.0,) * len(GRID)
    log_e: float = 0.0
    log_e_max: float = 0.0


def start(minimum_saving: float, bound: int) -> BoundedTokenProcess:
    """The test before any look; bound: the limit of output tokens. Raises ValueError outside the domains."""
    if not 0 <= minimum_saving < 1:
        raise ValueError(f"minimum saving is {minimum_saving}; write a fraction in 0..1 below 1, as in 0.10")
    if bound < 1:
        raise ValueError(f"bound is {bound}; write the largest number of output tokens, as in 4096")
    return BoundedTokenProcess(1 - minimum_saving, bound)


def update(
    process: BoundedTokenProcess, baseline: Lengths, candidate: Lengths, discount: Discount = UNDIVIDED
) -> BoundedTokenProcess:
    """The test after one more look. A look in which an arm completed nothing changes nothing.

    discount: how all evidence so far is read, as this look has it (`divisors`).
    `tokens_squared` may be an upper bound (`histogram`). Raises ValueError, naming the arm, when the sums cannot
    come from that many lengths in 0..bound.
    """
    for variant, arm in (("baseline", baseline), ("candidate", candidate)):
        _check(variant, arm, process.bound)
    if baseline.completed == 0 or candidate.completed == 0:
        return process
    centre_b, centre_c = _centre(process.past_baseline), _centre(process.past_candidate)
    gains = look_log_e(
        baseline=baseline,
        candidate=candidate,
        keep=process.keep,
        bound=process.bound,
        centre_b=centre_b,
        centre_c=centre_c,
    )
    log_capital = tuple([capital + gain for capital, gain in zip(process.log_capital, gains, strict=True)])
    log_e = discount.log_e(log_mixture(discount.read(log_capital), GRID.log_weights))
    return replace(
        process,
        past_baseline=process.past_baseline + baseline,
        past_candidate=process.past_candidate + candidate,
        log_capital=log_capital,
        log_e=log_e,
        log_e_max=discount.largest(process.log_e_max, log_e),
    )


def passes(lengths: Lengths, bound: int) -> bool:
    """Whether sums show an answer of more than `bound` tokens: lengths of 0 to `bound` have a sum of squares of at most
    `bound` times their sum."""
    return lengths.tokens > lengths.completed * bound or lengths.tokens_squared > bound * lengths.tokens


def look_log_e(
    baseline: Lengths, candidate: Lengths, keep: float, bound: float, centre_b: float, centre_c: float
) -> list[float]:
    """log e-value of one look for every bet of `GRID`; centres: tokens, 0..bound, fixed before the look."""
    ratio = keep * candidate.completed / baseline.completed
    linear = (ratio * baseline.tokens - candidate.tokens) / bound
    spread_b, spread_c = _spread(baseline, centre_b, bound), _spread(candidate, centre_c, bound)
    gains = []
    for bet in GRID.sizes:
        bet_b = bet * ratio
        usable = bet_b < LARGEST_BASELINE_BET
        gains.append(bet * linear - _psi(bet) * spread_c - _psi(bet_b) * spread_b if usable else 0.0)
    return gains


def _psi(bet: float) -> float:
    return -log1p(-bet) - bet


def _spread(lengths: Lengths, centre: float, bound: float) -> float:
    """Sum of squared distances from the centre, in units of the bound squared."""
    squares = lengths.tokens_squared - 2 * centre * lengths.tokens + lengths.completed * centre * centre
    return max(squares, 0.0) / (bound * bound)


def _centre(past: Lengths) -> float:
    return past.mean if past.completed else 0.0


def _check(variant: str, arm: Lengths, bound: int) -> None:
    possible = 0 <= arm.tokens <= arm.completed * bound and arm.tokens**2 <= arm.completed * arm.tokens_squared
    if arm.completed < 0 or not possible:
        raise ValueError(
            f"{variant}: {arm.completed} answers with {arm.tokens} tokens and squares {arm.tokens_squared} cannot all "
            f"lie in 0..{bound}; write a larger bound or correct the sums"
        )
