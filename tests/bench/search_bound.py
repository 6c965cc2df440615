"""What no search can save meanwhile that knows a curve but for what is proven, and ends once the best setting is.

A trial of a setting that holds takes requests in proportion to `(1 / b + 1 / c) nats / gap^2`, with the parts b and c
of requests of the baseline and the candidate, and the distance of its loss from the margin. Noise is the same for all
settings, so it cancels in a share of time. `python -m tests.bench.search_bound` prints the table of the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import log

from earlystop.rollout.search.ladder import level
from earlystop.rollout.search.trial_shares import weight_beside
from earlystop.rollout.search.worth import PRICE
from tests.bench.search_shapes import U_SHAPE, Shape
from tests.bench.search_strategies import TERMS

INCUMBENT, LAST_STEP = 0.5, 0.5
BESIDE = weight_beside(50, TERMS.version) / 100


def share_saved(shape: Shape, failed: Sequence[int], certified: Sequence[int]) -> float:
    """Tokens that users save over the time of the trials, as a share of what the setting of the last one saves.

    failed: settings whose trials showed harm, before anything was certified. certified: settings that hold, in the
    order in which they are tried; beside each but the first the best one before it serves.
    """
    true = shape.curve.settings
    served = saved = best = 0.0
    for number, index in enumerate((*failed, *certified)):
        risk = TERMS.risk if number < len(failed) else level(TERMS.risk, TERMS.failure_budget, len(failed))
        nats = log(1 / risk) + PRICE
        gap, serves = TERMS.margin - true[index].em_loss, INCUMBENT if best else 0.0
        candidate = BESIDE if best else LAST_STEP
        during = (1 / (1 - serves - candidate) + 1 / candidate) * nats / gap**2
        served, saved = served + during, saved + during * (candidate * true[index].saving + serves * best)
        best = best if number < len(failed) else max(best, true[index].saving)
    return saved / served / true[certified[-1]].saving


def orders(shape: Shape) -> Iterator[tuple[int, ...]]:
    """Every order of any settings that hold, which ends with the best one."""
    best = shape.curve.best(TERMS.margin, TERMS.minimum_saving)
    assert best is not None
    holding = [each for each in range(len(shape.settings)) if shape.curve.keeps(each, TERMS.margin, 0.0)]
    others = [each for each in holding if each != best]
    for number in range(len(holding)):
        for before in permutations(others, number):
            yield (*before, best)


def best_after(shape: Shape, first: int) -> tuple[float, tuple[int, ...]]:
    """The most that is saved meanwhile where this setting is tried first, whether it holds or harms, and the settings
    that hold in the order of their trials, by any rule."""
    holds = shape.curve.keeps(first, TERMS.margin, 0.0)
    following = [each for each in orders(shape) if not holds or each[0] == first]
    return max((share_saved(shape, () if holds else (first,), each), each) for each in following)


def main() -> None:
    for first in range(len(U_SHAPE.settings)):
        share, order = best_after(U_SHAPE, first)
        print(f"first {first}: {share:.1%}, {order}")
    for failed in ((), (4,)):
        ranked = sorted(((share_saved(U_SHAPE, failed, each), each) for each in orders(U_SHAPE)), reverse=True)
        print(failed, len(ranked), [(f"{share:.1%}", order) for share, order in ranked[:4]])
        print(f"the best at once: {share_saved(U_SHAPE, failed, (7,)):.1%}")


if __name__ == "__main__":
    main()
