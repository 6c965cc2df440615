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
need no moments (de la Peña, Klass, Lai, "Self-normalized processes", Annals of Probability 32, 2004). Since version 11
one rise of the level is left out of that, and it has no largest value (`one_rise`): bursts then count as bursts.

Second, the claim must be shown without the largest burst, which is one event and may last as long as groups of requests
do. It is the spell of at most so many looks with the most events of the candidate beyond `USUAL` times what it has in
all other looks. Harm that is there from the first look on has no such spell, and loses nothing. Harm that begins later
is held for as long as a burst may last, but for an outage (`OUTAGES`): a candidate that fails in so large a part of its
requests for so many looks in a row, while the baseline does not, is no burst among others. A look between in which it
answers takes a few of these back (`BACK`).

What remains is a burst of the candidate that begins with the very first look. Until it ends, nothing tells it from harm
that a setting does. Whoever would wait for that finds no harm before a burst may have ended, however plain it is.

Nor can harm that begins late be found much sooner, whatever the test. Let bursts last for M looks, and let harm have
been there for the last b of n looks. Then at least b / M bursts have hit the candidate and none the baseline. If bursts
come to both alike, their moments being uniform, that has a probability of (b / 2n)^(b / M): at M = 32 and n - b = 50 it
falls below 5 % at b = 82, and an e-value needs more. What is found sooner is found since the events of harm are evenly
spread, and those of bursts are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log1p, sqrt
from struct import Struct
from typing import NamedTuple

from earlystop.evidence import one_rise, scatter
from earlystop.evidence.one_rise import Rise
from earlystop.evidence.scatter import KNOWN_LOOKS, SCALES, Scale, Scatter
from earlystop.evidence.version import CURRENT, TENTH

USUAL = 2.0
"""A spell has a burst as far as it has more than so many times the events of other looks. With 1, single failures that
are three times as many are found after 37 looks, with 2, after 30, as without this rule."""

UNSEEN_EVENTS = 1.0
"""Events that the other looks are taken to have besides those that they had: few looks may have none by chance."""


class Outage(NamedTuple):
    """So many looks in a row, but for a few (`BACK`), in each of which at least this part of the candidate's requests
    fails."""

    looks: int
    part: float


OUTAGES = (Outage(6, 0.7), Outage(12, 0.4))
"""Any of these is an outage. Short bursts fill no more looks than they last, however large they are, and one that fills
twelve looks to two fifths is rare: so a smaller part must last longer. With 4 looks and a half, bursts over 5 looks
with a Pareto tail of 1.1 break a guardrail in 3.9 % of campaigns. Parts lie below three quarters and a half, since
outages of just as much fall below them in some looks."""

PART_BEYOND_BURSTS = 0.15
"""No burst lasts for longer than is waited for, so this is an outage, too, since version 11 of the engine: so large a
part of the candidate's requests for more looks in a row than that, and more than `KNOWN_LOOKS`. It is about as many
requests in all as those above; parts of a fifth and more are then found."""

BACK = 2
"""A look that is none of an outage takes so many back of those that were, since version 11 of the engine; before, the
row began anew. A server that crashes again and again answers for a look between: without this, one that fails in four
of five looks broke the guardrail after 64 looks, and with it after 9."""

PART_OF_BASELINE = 1 / 3
"""The baseline fails in less than this part of what is an outage of the candidate, or else that is not its own."""

FIRST_RATE, FIRST_REQUESTS, LEAST_RATE = 0.01, 20, 1e-9
"""A guess of a rate before any request, how many requests it is worth, and the least one."""

SPELLS = frozenset((*SCALES, *(3 * each for each in SCALES)))
"""Looks in a spell under version 10 of the engine, as far as a burst may last that long: from 2 on each length is at
most a half more than the one before. What these leave of a burst counts as usual, so later versions try each length."""

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
    the largest burst. outages: for each of `kinds_of_outage`, how many looks up to now are such of the candidate alone,
    in a row but for a few (`BACK`). rises: one a scale of the scatter, which it is read without (`one_rise`); none
    under version 10 of the engine."""

    looks: int
    scatter: Scatter
    events: int = 0
    exposed: int = 0
    latest: bytes = b""
    largest: Spell = NO_SPELL
    outages: tuple[int, ...] = ()
    kinds_of_outage: tuple[Outage, ...] = OUTAGES
    rises: tuple[Rise, ...] = ()

    @property
    def factor(self) -> float:
        """By how much evidence is divided at least: 1 or more; by nothing more while the candidate has an outage, whose
        beginning alone scatters as much as a hundred bursts where requests are few. Under version 10 of the engine, at
        most `scatter.MOST_FACTOR`."""
        if self.has_outage:
            return 1.0
        if not self.rises:
            return self.scatter.carried_on(self.looks)
        return one_rise.factor(self.scatter, self.rises, self.looks)

    @property
    def has_outage(self) -> bool:
        """Whether so many of the candidate's requests have failed for so long, up to now, that it is no burst."""
        return any(looks >= each.looks for looks, each in zip(self.outages, self.kinds_of_outage, strict=True))

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


def start(looks: int, engine: int = CURRENT) -> CandidateBursts:
    """Before any look; looks: that a burst may last, one of `scatter.SCALES`; engine: version of the arithmetic, 10 or
    later."""
    nothing = Scatter(tuple(Scale(each) for each in SCALES if each <= looks), is_weighed=True)
    if engine <= TENTH:
        return CandidateBursts(looks, nothing, outages=(0,) * len(OUTAGES))
    kinds = (*OUTAGES, Outage(max(looks, KNOWN_LOOKS) + 1, PART_BEYOND_BURSTS))
    return CandidateBursts(
        looks, nothing, outages=(0,) * len(kinds), kinds_of_outage=kinds, rises=one_rise.start(nothing)
    )


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
        outages=_outages(known, look, baseline_events),
        rises=one_rise.observe(known.rises, known.scatter, learned) if known.rises else (),
    )
    return replace(after, largest=_largest(after))


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


def _outages(known: CandidateBursts, look: Spell, baseline_events: int) -> tuple[int, ...]:
    """How many looks are an outage of the candidate alone, for each kind of it, with one more look."""
    begins_anew = not known.rises
    return tuple(
        looks + 1
        if look.events >= _least_events(each.part, look.exposed)
        and baseline_events < PART_OF_BASELINE * each.part * look.baseline_exposed
        else (0 if begins_anew else max(0, min(looks, each.looks) - BACK))
        for looks, each in zip(known.outages, known.kinds_of_outage, strict=True)
    )


def _least_events(part: float, exposed: int) -> float:
    """Events that a look of an outage has: a standard error less than its part of the requests, and one at least. Few
    requests fall below their part by chance in some looks, and a row of them would never be long enough."""
    return max(1.0, part * exposed - sqrt(part * (1 - part) * exposed))


def _largest(bursts: CandidateBursts) -> Spell:
    """The spell with the largest burst: the one so far, or one that ends with the last look."""
    largest, whole, all_events = bursts.largest, bursts.exposed, bursts.events + UNSEEN_EVENTS
    most, takes_all = bursts._beyond_usual(largest), bool(bursts.rises)
    events = exposed = baseline_exposed = number = 0
    for added, to, to_baseline in reversed([*_LOOK.iter_unpack(bursts.latest)]):
        number += 1
        events, exposed, baseline_exposed = events + added, exposed + to, baseline_exposed + to_baseline
        # None is larger than its events, so most need no division.
        if events <= most or exposed == whole or not (takes_all or number in SPELLS):
            continue
        excess = events - USUAL * ((all_events - events) / (whole - exposed) * exposed)
        if excess > most:
            largest, most = Spell(events, exposed, baseline_exposed), excess
    return largest
