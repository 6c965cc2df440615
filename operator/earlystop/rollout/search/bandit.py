"""Shares of requests that follow the evidence, for settings that are tried beside each other (strategy Bandit).

Shares are fixed before a look and by what earlier looks said, so each look's test stays valid whatever they are: it is
a comparison of two variants at a split that is known. Thompson sampling: a setting's share grows with the probability
that it is the one that saves most of those that hold the margin, lost Exact Match being counted against tokens. Source:
Russo, Van Roy, Kazerouni, Osband, Wen, "A tutorial on Thompson sampling" (2018). What is promoted, shares do not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from random import Random

from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.search.worth import chance_below

DRAWS = 256
"""Draws by which probabilities are known to some 3 points; more would not change whole percents of much."""

HOPELESS = 0.01
"""A setting less likely than this to hold the margin, or to be worth as much as the best, gets no requests."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What looks have shown of a setting, None before they have: Exact Match lost, and share of tokens saved."""

    loss: Estimate | None
    saving: Estimate | None


def shares(arms: Sequence[Arm], margin: float, price: float, percent: int, seed: int) -> tuple[int, ...]:
    """Whole percents of requests for each setting, which sum to `percent`, and at least 1 for each that may still win.

    price: saving that a whole loss of Exact Match outweighs, as 10 where a point lost is worth ten percent of tokens.
    percent: for all settings together, at least one for each. The same arguments give the same shares. Raises
    ValueError where there are fewer percents than settings.
    """
    if percent < len(arms):
        raise ValueError(f"{percent} % are too few for {len(arms)} settings; write at least 1 % for each")
    left = [index for index, is_out in enumerate(hopeless(arms, margin, price)) if not is_out]
    if not left:
        return (0,) * len(arms)
    wins = _wins([arms[index] for index in left], margin, price, Random(seed))  # noqa: S311, no secret hangs on it
    spare = percent - len(left)
    exact = [spare * each / sum(wins) for each in wins]
    whole = [int(each) for each in exact]
    by_remainder = sorted(range(len(left)), key=lambda place: (whole[place] - exact[place], place))
    for place in by_remainder[: spare - sum(whole)]:
        whole[place] += 1
    found = [0] * len(arms)
    for place, index in enumerate(left):
        found[index] = 1 + whole[place]
    return tuple(found)


def hopeless(arms: Sequence[Arm], margin: float, price: float) -> tuple[bool, ...]:
    """Which settings get no more requests: those that hardly hold the margin, or are hardly worth as much as another
    that holds it more probably than not; whichever is easier to show. It ends no trial as harmful."""
    known = [(each.loss, each.saving) for each in arms]
    worths = [None if loss is None or saving is None else _worth(loss, saving, price) for loss, saving in known]
    sound = [
        worth
        for worth, (loss, _) in zip(worths, known, strict=True)
        if worth is not None and loss is not None and chance_below(loss, margin) > 0.5
    ]
    best = max(sound, key=lambda each: each.mean - 2 * each.error, default=None)
    out = []
    for worth, (loss, _) in zip(worths, known, strict=True):
        breaks = loss is not None and chance_below(loss, margin) < HOPELESS
        is_worse = best is not None and worth is not None and worth is not best and _hardly_above(worth, best)
        out.append(breaks or is_worse)
    return tuple(out)


def _wins(arms: Sequence[Arm], margin: float, price: float, random: Random) -> list[int]:
    """How often each is the best of what may be true. One that was never looked at wins as often as all on average."""
    wins = [0] * len(arms)
    for _ in range(DRAWS):
        drawn = [_drawn(each, margin, price, random) for each in arms]
        best = max(range(len(arms)), key=drawn.__getitem__)
        wins[best] += 1
    return wins


def _drawn(arm: Arm, margin: float, price: float, random: Random) -> float:
    if arm.loss is None or arm.saving is None:
        return random.uniform(0.0, 1.0)
    loss, saving = random.gauss(arm.loss.mean, arm.loss.error), random.gauss(arm.saving.mean, arm.saving.error)
    worth = saving - price * loss
    return worth if loss <= margin else worth - 1000.0


def _worth(loss: Estimate, saving: Estimate, price: float) -> Estimate:
    return Estimate(saving.mean - price * loss.mean, hypot(saving.error, price * loss.error))


def _hardly_above(one: Estimate, other: Estimate) -> bool:
    difference = Estimate(other.mean - one.mean, hypot(one.error, other.error))
    return chance_below(difference, 0.0) < HOPELESS
