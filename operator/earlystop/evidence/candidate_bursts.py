"""Bad events of the candidate that come in bursts: how much they scatter by themselves, and which burst is the largest.

Failures come together: a node goes away, a dependency is slow, and what sizes such bursts have is heavy-tailed. The
largest of them is then a large part of all events so far, and falls to one variant by chance. What the arms differ by
from block to block (`arm_scatter`) shows it too late, since a burst fills many blocks of ten events with the same
excess. So since version 10 of the engine two more things are asked before a rate is called too high, where looks or
users teach how much events scatter.

First, evidence is divided by at least as much as the candidate's own events scatter from look to look, in blocks of 1
to as many looks as are waited for. Harm that a setting does is there in each look and leaves no scatter of its own.
The square of a burst counts there by its size, as it does in the variance of their sum: what a few bursts make has a
sum of about the root of the sum of their squares, whatever their law, which is why sums that are divided by that root
need no moments (de la Peña, Klass, Lai, "Self-normalized processes", Annals of Probability 32, 2004).

Second, the claim must be shown without the largest burst, which is one event and may last as long as groups of requests
do. It is the spell of at most so many looks with the most events of the candidate beyond `USUAL` times what it has in
all other looks. Harm that is there from the first look on has no such spell, and loses nothing. Harm that begins later
is held for as long as a burst may last, but for an outage (`OUTAGES`): a candidate that fails in so large a part of its
requests for so many looks in a row, while the baseline does not, is no burst among others.

What remains: rare bursts that are all large, one in 25 looks, of which the first few hit the candidate alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log1p, sqrt
from struct import Struct
from typing import NamedTuple

from earlystop.evidence import scatter
from earlystop.evidence.scatter import SCALES, Scale, Scatter

USUAL = 2.0
"""A spell has a burst as far as it has more than so many times the events of other looks. With 1, single failures that
are three times as many are found after 37 looks, with 2, after 30, as without this rule."""

UNSEEN_EVENTS = 1.0
"""Events that the other looks are taken to have besides those that they had: few looks may have none by chance."""


class Outage(NamedTuple):
    """Looks in a row, in each of which at least this part of the candidate's requests fails."""

    looks: int
    part: float


OUTAGES = (Outage(6, 0.7), Outage(12, 0.4))
"""Any of these is an outage. Short bursts fill no more looks than they last, however large they are, and one that fills
twelve looks to two fifths is rare: so a smaller part must last longer. With 4 looks and a half, bursts over 5 looks
with a Pareto tail of 1.1 break a guardrail in 3.9 % of campaigns. Parts lie below three quarters and a half, since
outages of just as much fall below them in some looks."""

PART_OF_BASELINE = 1 / 3
"""The baseline fails in less than this part of what is an outage of the candidate, or else that is not its own."""

FIRST_RATE, FIRST_REQUESTS, LEAST_RATE = 0.01, 20, 1e-9
"""A guess of a rate before any request, how many requests it is worth, and the least one."""

SPELLS = frozenset((*SCALES, *(3 * each for each in SCALES)))
"""Looks in a spell, as far as a burst may last that long: from 2 on each length is at most a half more than the one
before."""

_LOOK = Struct("=qqq")
"""A look of the latest ones; as tuples they would take several times the memory."""


class Spell(NamedTuple):
    """Looks in a row: the candidate's events and what was exposed to them, and what of the baseline was."""

    events: int = 0
    exposed: int = 0
    baseline_exposed: int = 0


NO_SPELL = Spell()


@dataclass(frozen=True, slots=True)
class CandidateBursts:
    """What looks so far have shown of one kind of bad events. looks: that a burst may last. events, exposed: of the
    candidate, so far. latest: the last so many looks, each as its numbers stand in a `Spell`. largest: the spell with
    the largest burst. outages: for each of `OUTAGES`, looks in a row, up to now, that are such of the candidate
    alone."""

    looks: int
    scatter: Scatter
    events: int = 0
    exposed: int = 0
    latest: bytes = b""
    largest: Spell = NO_SPELL
    outages: tuple[int, ...] = (0,) * len(OUTAGES)

    @property
    def factor(self) -> float:
        """By how much evidence is divided at least: 1 to `scatter.MOST_FACTOR`; by nothing more while the candidate
        has an outage, whose beginning alone scatters as much as a hundred bursts where requests are few."""
        return 1.0 if self.has_outage else self.scatter.carried_on(self.looks)

    @property
    def has_outage(self) -> bool:
        """Whether so many of the candidate's requests have failed for so long, up to now, that it is no burst."""
        return any(looks >= each.looks for looks, each in zip(self.outages, OUTAGES, strict=True))

    @property
    def excess(self) -> float:
        """Events of the candidate that the largest burst is taken to be, >= 0; none while it has an outage."""
        return 0.0 if self.has_outage else self._beyond_usual(self.largest)

    @property
    def holds_most(self) -> bool:
        """Whether half or more of the candidate's events are taken for one burst, and do not count."""
        return self.excess > 0 and self.excess >= self.events / 2

    def _beyond_usual(self, spell: Spell) -> float:
        others = self.exposed - spell.exposed
        if not others:
            return 0.0
        usual = (self.events - spell.events + UNSEEN_EVENTS) / others * spell.exposed
        return max(0.0, spell.events - USUAL * usual)


def start(looks: int) -> CandidateBursts:
    """Before any look; looks: that a burst may last, one of `scatter.SCALES`."""
    scales = tuple(Scale(each) for each in SCALES if each <= looks)
    return CandidateBursts(looks, Scatter(scales, is_weighed=True))


def observe(known: CandidateBursts, look: Spell, baseline_events: int) -> CandidateBursts:
    """With one more look, in which both variants were exposed."""
    events, exposed, _ = look
    past = (known.events + FIRST_RATE * FIRST_REQUESTS) / (known.exposed + FIRST_REQUESTS)
    rate = max((events + FIRST_REQUESTS * past) / (exposed + FIRST_REQUESTS), LEAST_RATE)
    learned = scatter.observe(known.scatter, events / rate, exposed / rate, exposed)
    after = replace(
        known,
        scatter=learned,
        events=known.events + events,
        exposed=known.exposed + exposed,
        latest=known.latest[-(known.looks - 1) * _LOOK.size :] + _LOOK.pack(*look),
        outages=_outages(known.outages, look, baseline_events),
    )
    return replace(after, largest=max((known.largest, *_ending_now(after)), key=after._beyond_usual))


def without_largest(
    log_capital: tuple[float, ...], bursts: CandidateBursts, ratio: float, shifts: tuple[float, ...]
) -> tuple[float, ...]:
    """The logarithms of capital, one a shift of the log odds, as they were without the largest burst (`rate_ratio`)."""
    excess = bursts.excess
    if not excess:
        return log_capital
    odds = ratio * bursts.largest.exposed / bursts.largest.baseline_exposed
    gains = [shift + log1p(odds) - log1p(odds * exp(shift)) for shift in shifts]
    return tuple([capital - excess * gain for capital, gain in zip(log_capital, gains, strict=True)])


def _outages(known: tuple[int, ...], look: Spell, baseline_events: int) -> tuple[int, ...]:
    """Looks in a row that are an outage of the candidate alone, for each of `OUTAGES`, with one more look."""
    return tuple(
        looks + 1
        if look.events >= _least_events(each.part, look.exposed)
        and baseline_events < PART_OF_BASELINE * each.part * look.baseline_exposed
        else 0
        for looks, each in zip(known, OUTAGES, strict=True)
    )


def _least_events(part: float, exposed: int) -> float:
    """Events that a look of an outage has: a standard error less than its part of the requests, and one at least. Few
    requests fall below their part by chance in some looks, and a row of them would never be long enough."""
    return max(1.0, part * exposed - sqrt(part * (1 - part) * exposed))


def _ending_now(bursts: CandidateBursts) -> list[Spell]:
    """The spells up to the last look."""
    found, spell = [], NO_SPELL
    looks = list(_LOOK.iter_unpack(bursts.latest))
    for number, look in enumerate(reversed(looks), start=1):
        spell = Spell(*(one + other for one, other in zip(spell, look, strict=True)))
        if number in SPELLS:
            found.append(spell)
    return found
