"""What users would pick instead, each rule as its documentation states it, on the streams of `statistics_paths`.

A rule answers with the look of its promotion and of its rollback in every run, the number of looks meaning never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.mixture import weighted_grid
from tests.bench import group_sequential
from tests.bench.statistics_paths import Array, Stream, dealt, first_claims

RISK = 0.05
REFERENCE_GRID = weighted_grid([2.0 ** (k / 2) for k in range(-3, 9)], [2.0 ** (-0.5 * abs(k)) for k in range(-3, 9)])
"""The prior over bets of the project's first prototype, to which the regret curve compares."""

Looks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Decisions:
    """promote, rollback: look of the decision a run, shape (runs,); last: looks after which the rule gives up.

    exclusive: the rule ends with whichever comes first; otherwise these are two separate one-sided tests.
    """

    promote: Looks
    rollback: Looks
    last: int
    exclusive: bool = False

    def promoted(self) -> NDArray[np.bool_]:
        before = self.promote < self.rollback if self.exclusive else True
        return np.asarray((self.promote < self.last) & before)

    def rolled_back(self) -> NDArray[np.bool_]:
        before = self.rollback < self.promote if self.exclusive else True
        return np.asarray((self.rollback < self.last) & before)

    def ended(self, side: Side) -> Looks:
        """Looks used until the decision on that side, or the end of the rule."""
        own = self.promote if side is Side.PROMOTE else self.rollback
        first = np.minimum(self.promote, self.rollback) if self.exclusive else own
        return np.asarray(np.minimum(first + 1, self.last))


@dataclass(frozen=True, slots=True)
class Setting:
    """margin: tolerated loss; size: requests a look; planned: N* for a candidate as good as the baseline; seed: of the
    deals of looks into parts."""

    margin: float
    size: int
    planned: float
    seed: int


Rule = Callable[[Stream, Setting], Decisions]


def _first(condition: NDArray[np.bool_]) -> Looks:
    """Index of the first look at which it holds, the number of looks if never; condition: (runs, looks)."""
    return np.asarray(np.where(condition.any(axis=1), condition.argmax(axis=1), condition.shape[1]))


def _pooled(stream: Stream, margin: float) -> tuple[Array, Array]:
    """Difference plus margin of the totals, and its estimated variance."""
    n_b, x_b, n_c, x_c = stream.pooled()
    rate_b, rate_c = x_b / n_b, x_c / n_c
    variance = rate_b * (1 - rate_b) / n_b + rate_c * (1 - rate_c) / n_c
    return rate_c - rate_b + margin, np.maximum(variance, 1e-12)


def naive_peeking(stream: Stream, setting: Setting) -> Decisions:
    """A one-sided z test at 5 %, looked at after every batch."""
    gap, variance = _pooled(stream, setting.margin)
    z = gap / np.sqrt(variance)
    limit = ndtri(1 - RISK)
    return Decisions(_first(z >= limit), _first(z <= -limit), z.shape[1])


def mixture_sprt(stream: Stream, setting: Setting) -> Decisions:
    """mSPRT, two-sided, on totals, with the margin as the prior's scale."""
    gap, variance = _pooled(stream, setting.margin)
    scale = setting.margin**2
    log_e = 0.5 * np.log(variance / (variance + scale)) + gap**2 * scale / (2 * variance * (variance + scale))
    crossed = log_e >= -np.log(RISK)
    return Decisions(_first(crossed & (gap > 0)), _first(crossed & (gap < 0)), gap.shape[1])


def _windows(stream: Stream, setting: Setting, requests: int) -> tuple[Array, Array, int]:
    """EM of both arms in windows of so many requests, shape (runs, windows), and the looks a window."""
    looks = requests // setting.size
    whole = stream.n_b.shape[1] // looks

    def sums(part: Array) -> Array:
        flat = part.sum(axis=2)[:, : whole * looks]
        return np.asarray(flat.reshape(flat.shape[0], whole, looks).sum(axis=2))

    return sums(stream.x_b) / sums(stream.n_b), sums(stream.x_c) / sums(stream.n_c), looks


def _by_windows(good: NDArray[np.bool_], passes: int, failures: int, looks: int, last: int) -> Decisions:
    """Promote at so many good windows, roll back at so many bad ones, whichever comes first."""
    promote, rollback = _first(good.cumsum(axis=1) >= passes), _first((~good).cumsum(axis=1) >= failures)

    def to_looks(window: Looks) -> Looks:
        return np.where(window < good.shape[1], (window + 1) * looks - 1, last)

    return Decisions(to_looks(promote), to_looks(rollback), last, exclusive=True)


def flagger(requests: int) -> Rule:
    """Flagger: the window's rate must not be below the baseline's less the margin; 10 steps, threshold 5."""

    def rule(stream: Stream, setting: Setting) -> Decisions:
        rate_b, rate_c, looks = _windows(stream, setting, requests)
        return _by_windows(rate_c >= rate_b - setting.margin, 10, 5, looks, stream.n_b.shape[1])

    return rule


def argo(requests: int) -> Rule:
    """Argo Rollouts: an analysis of 5 measurements with failureLimit 0."""

    def rule(stream: Stream, setting: Setting) -> Decisions:
        rate_b, rate_c, looks = _windows(stream, setting, requests)
        return _by_windows(rate_c >= rate_b - setting.margin, 5, 1, looks, stream.n_b.shape[1])

    return rule


def kayenta(requests: int, windows: int = 5) -> Rule:
    """Kayenta's judge: a window fails when the 98 % Mann-Whitney interval of the shift lies below tolerance.

    Points are the looks' rates; tolerance is a quarter of the shift's estimate. All windows must pass.
    """

    def rule(stream: Stream, setting: Setting) -> Decisions:
        looks = requests // setting.size
        last = stream.n_b.shape[1]
        whole = min(last // looks, windows)
        rate_b, rate_c = ((x / n).mean(axis=2) for x, n in ((stream.x_b, stream.n_b), (stream.x_c, stream.n_c)))
        pairs = looks * looks
        spread = ndtri(0.99) * np.sqrt(pairs * (2 * looks + 1) / 12)
        upper = min(int(np.ceil(pairs / 2 + spread)), pairs) - 1
        good = np.ones((rate_b.shape[0], whole), dtype=bool)
        for window in range(whole):
            part = slice(window * looks, (window + 1) * looks)
            shifts = rate_c[:, part, None] - rate_b[:, None, part]
            shifts = np.sort(shifts.reshape(shifts.shape[0], -1), axis=1)
            good[:, window] = shifts[:, upper] >= -0.25 * np.abs(np.median(shifts, axis=1))
        return _by_windows(good, windows, 1, looks, last)

    return rule


@cache
def _obrien_fleming_constant(looks: int) -> float:
    return group_sequential.constant(looks, RISK, group_sequential.obrien_fleming, two_sided=False)


def obrien_fleming(share_of_plan: float | None, looks: int = 20) -> Rule:
    """Group-sequential test with `looks` looks up to that multiple of N*, or up to the horizon (None)."""

    def rule(stream: Stream, setting: Setting) -> Decisions:
        horizon = stream.n_b.shape[1]
        last = horizon if share_of_plan is None else min(horizon, round(share_of_plan * setting.planned / setting.size))
        at = np.unique(np.round(np.arange(1, looks + 1) * last / looks).astype(int)) - 1
        gap, variance = _pooled(stream, setting.margin)
        z = (gap / np.sqrt(variance))[:, at]
        limits = _obrien_fleming_constant(looks) * ((at + 1) / last) ** -0.5

        def to_looks(found: Looks) -> Looks:
            return np.append(at, horizon)[found]

        return Decisions(to_looks(_first(z >= limits)), to_looks(_first(z <= -limits)), last)

    return rule


def ours(stream: Stream, setting: Setting) -> Decisions:
    """The operator's exact processes for Exact Match, promote and harm, each at the full risk."""
    deal = dealt(np.random.default_rng(setting.seed))
    promote, rollback = (
        first_claims(stream, setting.margin, side, default_grid(side), RISK, deal=deal)
        for side in (Side.PROMOTE, Side.HARM)
    )
    return Decisions(promote, rollback, stream.n_b.shape[1])


RULES: dict[str, Rule] = {
    "naive peeking, z": naive_peeking,
    "Flagger, windows of 1,000": flagger(1000),
    "Flagger, windows of 5,000": flagger(5000),
    "Argo, windows of 1,000": argo(1000),
    "Kayenta, windows of 5,000": kayenta(5000),
    "mSPRT on totals": mixture_sprt,
    "O'Brien-Fleming, 20 looks, planned": obrien_fleming(1.05),
    "O'Brien-Fleming, 20 looks, horizon": obrien_fleming(None),
    "this operator": ours,
}
