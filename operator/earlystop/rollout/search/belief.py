"""What earlier verdicts make likely of each setting of a search: pure, from their estimates to a `Belief`.

1. Of each setting that was tried, a random-effects mean over deployments. How much deployments differ is itself
   estimated from few results, so each setting's own variance is drawn towards that of all settings, and that towards a
   typical one.
2. With one parameter whose values have an order, neighbours from careful to bold are pooled where they fall by chance
   alone (`pooling.monotone`); a clear fall, as in a U-shape, is kept.
3. From setting to setting the mean is taken to wander: two settings at a distance d differ by a variance of `wander` d,
   which the results themselves show, or a typical one. By this a setting that is known badly leans on its neighbours,
   and one that was never tried lies between those on both sides, with an error that grows with their distance.

The error of an entry is that of the *next* deployment's own value: error of the mean, distance, and variance between
deployments. None of this is evidence: it orders trials, and what a trial must show is the same whatever it says.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import hypot
from typing import TypeVar

from earlystop.rollout.search.pooling import Heterogeneity, Mean, heterogeneity, monotone, random_effects
from earlystop.rollout.search.trial import Belief, Estimate, Setting

OWN_WEIGHT = 4
"""Results of other settings, and typical ones, count as so many of this setting's own in what differs between
deployments."""

NEIGHBOURS = 4
"""Settings with results that one without any is read from, where there are several parameters."""


Key = TypeVar("Key", bound=Hashable)
Place = tuple[float, ...]
Axes = tuple[bool, ...]
"""Of each searched parameter, whether its values go from careful to bold."""


@dataclass(frozen=True, slots=True)
class PastResult:
    """What one earlier comparison says. place: of its setting, as `Setting.place`; loss, saving: as `TrialOutcome`."""

    place: Place
    loss: Estimate | None
    saving: Estimate | None


@dataclass(frozen=True, slots=True)
class Typical:
    """What is taken of a quantity before results show it.

    between: variance of true values between deployments. wander: variance by which it may change over the whole range.
    least, most: its bounds.
    """

    between: float
    wander: float
    least: float
    most: float


LOSS = Typical(between=0.01**2, wander=0.05**2, least=-1.0, most=1.0)
"""Deployments differ by a point of Exact Match, and a range spans some five points (recorded sweeps of budgets)."""

SAVING = Typical(between=0.1**2, wander=0.4**2, least=-1.0, most=0.99)
"""Deployments differ by ten percent of tokens, as prompts do, and a range spans some forty percent."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A place with results, and what they say of it."""

    place: Place
    mean: Mean


def belief_of(
    settings: Sequence[Setting], results: Sequence[PastResult], ordered: Sequence[bool] | None = None
) -> Belief | None:
    """What results make likely of each setting; None where there are none.

    settings: what may be tried, with one place in as many dimensions each. ordered: of each searched parameter, whether
    its values go from careful to bold; None: all do. Of one without an order, all values are equally far apart.
    Raises ValueError for a result whose place has other dimensions.
    """
    places = [each.place for each in settings] + [each.place for each in results]
    dimensions = {*map(len, places), *([] if ordered is None else [len(ordered)])}
    if len(dimensions) > 1:
        raise ValueError(f"places of {sorted(dimensions)} parameters; write one place for each parameter of the search")
    axes = tuple(ordered) if ordered is not None else (True,) * max(dimensions, default=1)
    losses = [(each.place, each.loss) for each in results if each.loss is not None]
    savings = [(each.place, each.saving) for each in results if each.saving is not None]
    loss, saving = _expected(settings, losses, LOSS, axes), _expected(settings, savings, SAVING, axes)
    return Belief(loss, saving) if losses or savings else None


def _expected(
    settings: Sequence[Setting], results: Sequence[tuple[Place, Estimate]], typical: Typical, axes: Axes
) -> tuple[Estimate | None, ...]:
    """What results make likely of one quantity of each setting; None of all settings where there are no results."""
    if not results:
        return (None,) * len(settings)
    known = _tried(results, typical)
    if axes == (True,):
        pooled = monotone([each.mean for each in known])
        known = [_Known(each.place, mean) for each, mean in zip(known, pooled, strict=True)]
    wander = _wander(known, typical, axes)
    return tuple(_at(each.place, known, wander, typical, axes) for each in settings)


def _tried(results: Sequence[tuple[Place, Estimate]], typical: Typical) -> list[_Known]:
    """The random-effects mean of each place with results, in the order of places."""
    means = means_by(sorted(results, key=lambda each: each[0]), typical)
    return [_Known(place, mean) for place, mean in means.items()]


def means_by(results: Iterable[tuple[Key, Estimate]], typical: Typical) -> dict[Key, Mean]:
    """The random-effects mean of the results of each key, in the order in which keys come first."""
    by_key: dict[Key, list[Estimate]] = {}
    for key, estimate in results:
        by_key.setdefault(key, []).append(estimate)
    differ = {key: heterogeneity(estimates) for key, estimates in by_key.items()}
    common = _towards(sum(differ.values(), Heterogeneity(0.0, 0.0, 0)), typical.between)
    return {key: random_effects(estimates, _towards(differ[key], common)) for key, estimates in by_key.items()}


def _towards(seen: Heterogeneity, expected: float) -> float:
    """A variance between deployments, drawn towards an expected one by as much as few results say little."""
    return (seen.degrees * seen.between + OWN_WEIGHT * expected) / (seen.degrees + OWN_WEIGHT)


def _wander(known: Sequence[_Known], typical: Typical, axes: Axes) -> float:
    """Variance by which the mean changes over a distance of 1, drawn from neighbours towards the typical one."""
    total, count = OWN_WEIGHT * typical.wander, OWN_WEIGHT
    for number, each in enumerate(known[1:], 1):
        nearest = min(known[:number], key=lambda other: _distance(other.place, each.place, axes))
        change = (each.mean.value - nearest.mean.value) ** 2 - each.mean.sampling - nearest.mean.sampling
        total += max(0.0, change) / _distance(each.place, nearest.place, axes)
        count += 1
    return total / count


def _at(place: Place, known: Sequence[_Known], wander: float, typical: Typical, axes: Axes) -> Estimate:
    """What is likely at a place: its own mean, leaning on its neighbours."""
    own = next((each.mean for each in known if each.place == place), None)
    neighbours = _neighbours(place, [each for each in known if each.place != place], axes)
    if own is None:
        found = _between(place, neighbours, wander, axes)
    else:
        found = _leaning(own, _between(place, neighbours, wander, axes)) if neighbours else own
    likely = found.of_the_next
    mean = min(max(likely.mean, typical.least), typical.most)
    return Estimate(_digits(mean), _digits(likely.error))


def _digits(value: float) -> float:
    """The value with six digits, as it is stored: what is recomputed later is what was used."""
    return float(f"{value:.6g}")


def _distance(one: Place, other: Place, axes: Axes) -> float:
    """How far apart two places are; values without an order are at a distance of 1."""
    steps = zip(one, other, axes, strict=True)
    return hypot(*(mine - theirs if is_ordered else float(mine != theirs) for mine, theirs, is_ordered in steps))


def _neighbours(place: Place, known: Sequence[_Known], axes: Axes) -> list[_Known]:
    """The places to read another one from: on a line the nearest on each side, elsewhere the nearest ones."""
    by_distance = sorted(known, key=lambda each: _distance(each.place, place, axes))
    if axes != (True,):
        return by_distance[:NEIGHBOURS]
    sides = ([each for each in by_distance if (each.place < place) is is_below] for is_below in (True, False))
    return [side[0] for side in sides if side]


def _between(place: Place, neighbours: Sequence[_Known], wander: float, axes: Axes) -> Mean:
    """A mean read from others: on a line, on the straight line between them, or that of the one neighbour; elsewhere
    their mean by the inverse of the distance, to the power of as many dimensions as there are.

    Its variance is the neighbours' own and that of a wandering mean which is held at their places: a b / (a + b) times
    `wander` between two at the distances a and b on a line, `wander` a beyond one. Elsewhere it is that of the nearest
    place alone, since the others may lie on the same side.
    """
    distances = [_distance(each.place, place, axes) for each in neighbours]
    closeness = [each ** -len(axes) for each in distances]
    shares = [each / sum(closeness) for each in closeness]
    away = 1 / sum(closeness) if axes == (True,) else min(distances)

    def averaged(part: Callable[[Mean], float]) -> float:
        return sum(share * part(each.mean) for share, each in zip(shares, neighbours, strict=True))

    own = sum(share * share * each.mean.sampling for share, each in zip(shares, neighbours, strict=True))
    return Mean(
        averaged(lambda mean: mean.value),
        own + wander * away,
        averaged(lambda mean: mean.deployments),
        averaged(lambda mean: mean.between),
    )


def _leaning(own: Mean, of_neighbours: Mean) -> Mean:
    """A setting's own mean with what its neighbours say of it, by precision."""
    share = of_neighbours.sampling / (own.sampling + of_neighbours.sampling)
    value = share * own.value + (1 - share) * of_neighbours.value
    return replace(own, value=value, sampling=share * own.sampling)
