"""Shares of requests among settings that are tried at once, as the evidence says: a pure function.

Half of the weight is shared evenly, so that every setting goes on being judged, and the other half by the probability
that a setting is the best one (Thompson, 1933): of `DRAWS` draws from what is known of each loss and saving, the part
in which it saves most among those whose loss is within the margin, where a point of Exact Match counts as `POINT`
points of saving. It moves requests and certifies nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from earlystop.rollout.search.trial import Estimate

DRAWS = 256
POINT = 1.0
"""Saving that a lost point of Exact Match outweighs, while the margin is kept."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What is known of a setting that is tried. loss: of Exact Match against the baseline, saving: share of the
    baseline's tokens; None where nothing is known."""

    loss: Estimate | None
    saving: Estimate | None


def shares(arms: Sequence[Arm], weight: int, margin: float, seed: str) -> tuple[int, ...]:
    """Percent of requests of each arm; each has 1 at least, and all have `weight` at most together.

    weight: 1..99, not below the number of arms. margin: of Exact Match. seed: the same gives the same for ever. Raises
    ValueError for fewer percents than arms.
    """
    if weight < len(arms):
        raise ValueError(f"{weight} % cannot be shared by {len(arms)} settings; write a weight of {len(arms)} or more")
    best = _chances(arms, margin, Random(seed))  # noqa: S311 - a draw that anybody can repeat
    free = weight - len(arms)
    return tuple(1 + int(free * (0.5 / len(arms) + 0.5 * each)) for each in best)


def _chances(arms: Sequence[Arm], margin: float, random: Random) -> list[float]:
    """The probability of each arm that it is the best; evenly shared where nothing is known of one, and where a draw
    has none within the margin."""
    if any(each.loss is None or each.saving is None for each in arms):
        return [1 / len(arms)] * len(arms)
    won = [0.0] * len(arms)
    for _ in range(DRAWS):
        worths = [_worth(each, margin, random) for each in arms]
        most = max(worths)
        winners = [at for at, worth in enumerate(worths) if worth == most]
        for at in winners:
            won[at] += 1 / DRAWS / len(winners)
    return won


def _worth(arm: Arm, margin: float, random: Random) -> float:
    assert arm.loss is not None and arm.saving is not None  # the caller asked
    loss, saving = random.gauss(arm.loss.mean, arm.loss.error), random.gauss(arm.saving.mean, arm.saving.error)
    return -1e9 if loss > margin else saving - POINT * max(loss, 0.0)
