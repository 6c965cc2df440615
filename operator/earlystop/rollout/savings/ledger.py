"""The savings ledger: tokens that users' requests did not take, from the counts that looks read. Pure.

Within a step the requests of all variants are of the same kind, so each that had another setting would have taken the
baseline's mean length of that step. With B tokens in b completed requests of users by the baseline, and T in t requests
by the others, without golden questions:

    without = (b + t) B / b                  what the same requests would have taken with the baseline alone
    saved   = without - (B + T)

Each step is rounded to whole tokens once, when it closes, and `saved` is a difference of whole numbers, so the books
balance to the token: without = tokens - golden + saved, for every step and for all of them.

The counts of the open step are those of the ledger, which hold all of the step from its beginning, and replace those of
the look before; golden questions are what came from one ledger to the next. Both are stored in one write with that
ledger: reading a moment again, as after a restart, books nothing twice.

Nothing here raises for any counts: a side ledger stops no rollout. Counts that contradict each other, as more golden
answers than answers, are cut to what can be, and the step is said to be doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from operator import ge
from typing import NamedTuple

from earlystop.api.counts import Tally, total
from earlystop.rollout.plan import StageKind

NOTHING = Tally()
"""Counts of a variant that had no request."""
LARGEST = 2**53
"""No account holds more: the largest whole number that every reader of JSON keeps."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Whole numbers that add up over steps; all but `without - tokens` are from 0 to `LARGEST`.

    requests: completed ones of users. tokens: all that were counted, without shadows. without: what users' requests
    would have taken by the baseline. golden, shadows: tokens of golden questions, and of shadows. lost: see `worth`.
    doubtful: how many steps had counts that contradict each other.
    """

    requests: int = 0
    tokens: int = 0
    without: int = 0
    golden: int = 0
    shadows: int = 0
    lost: int = 0
    doubtful: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(_kept(mine + theirs) for mine, theirs in zip(self.row, other.row, strict=True)))

    @property
    def row(self) -> tuple[int, ...]:
        """All of it as numbers, in field order: a look asks for it several times, and `astuple` copies deeply."""
        return (self.requests, self.tokens, self.without, self.golden, self.shadows, self.lost, self.doubtful)

    @property
    def saved(self) -> int:
        """Tokens that users' requests did not take; below 0 where candidates took more."""
        return self.without - (self.tokens - self.golden)

    def net(self, *, shadows_cost: bool) -> int:
        """What is left of the savings when the experiment is paid. shadows_cost: whether the server generates them."""
        return self.saved - self.golden - self.lost - (self.shadows if shadows_cost else 0)


@dataclass(frozen=True, slots=True)
class Arm:
    """Counts of the baseline, or of every other variant that served users, in one step. completed, tokens: with golden
    questions. golden, golden_tokens: answers to these alone."""

    completed: int = 0
    failed: int = 0
    tokens: int = 0
    golden: int = 0
    golden_tokens: int = 0

    @classmethod
    def of(cls, counted: Tally, golden: Tally) -> Arm:
        """The arm with these counts, of which some were golden questions."""
        return cls(counted.completed, counted.failed, counted.tokens, golden.completed, golden.tokens)

    @property
    def possible(self) -> Arm:
        """The arm as it can be: no count below 0 or beyond `LARGEST`, and no more golden questions than answers."""
        row = self.row
        if min(row) >= 0 and max(row) <= LARGEST and row[3] <= row[0] and row[4] <= row[2]:
            return self  # nearly always, and a look asks several times
        completed, failed, tokens, golden, golden_tokens = map(_kept, row)
        return Arm(completed, failed, tokens, min(golden, completed), min(golden_tokens, tokens))

    @property
    def row(self) -> tuple[int, int, int, int, int]:
        """All of it as numbers, in field order."""
        return self.completed, self.failed, self.tokens, self.golden, self.golden_tokens

    @property
    def requests(self) -> int:
        """Completed requests of users."""
        return self.completed - self.golden

    @property
    def users_tokens(self) -> int:
        """Output tokens of users' requests."""
        return self.tokens - self.golden_tokens

    def after(self, before: Arm) -> Arm:
        """This arm with the golden questions of the one before added, since its own are new ones only."""
        return replace(
            self, golden=self.golden + before.golden, golden_tokens=self.golden_tokens + before.golden_tokens
        )


@dataclass(frozen=True, slots=True)
class StepCounts:
    """Counts of one step of one campaign so far.

    unserved: tokens of variants that serve nobody, which are shadows and golden questions. unserved_golden: those of
    golden questions among them. doubtful: 1 where counts contradicted each other, else 0.
    """

    campaign: int
    step: int
    baseline: Arm = Arm()
    others: Arm = Arm()
    unserved: int = 0
    unserved_golden: int = 0
    doubtful: int = 0

    @property
    def row(self) -> tuple[int, ...]:
        """All of it as numbers, as it is packed. The last two stand there only where one of them is not 0."""
        arms = (*self.baseline.row, *self.others.row)
        last = (self.unserved_golden, self.doubtful)
        return (self.campaign, self.step, *arms, self.unserved, *(last if any(last) else ()))

    @classmethod
    def from_row(cls, row: Sequence[int]) -> StepCounts:
        """Inverse of `row`. Raises ValueError for another number of numbers."""
        if len(row) not in ROWS:
            raise ValueError(f"the counts of a step are {ROWS[0]} or {ROWS[1]} numbers; these are {len(row)}")
        arm = len(fields(Arm))
        return cls(row[0], row[1], Arm(*row[2 : 2 + arm]), Arm(*row[2 + arm : 2 + 2 * arm]), *row[2 + 2 * arm :])

    @property
    def shadows(self) -> int:
        """Tokens of shadows."""
        return self.unserved - self.unserved_golden

    @property
    def possible(self) -> StepCounts:
        """The counts as they can be, and doubtful where they were not."""
        baseline, others, unserved = self.baseline.possible, self.others.possible, _kept(self.unserved)
        golden = min(_kept(self.unserved_golden), unserved)
        is_possible = (baseline, others, unserved, golden) == (
            self.baseline,
            self.others,
            self.unserved,
            self.unserved_golden,
        )
        if is_possible:
            return self
        return replace(self, baseline=baseline, others=others, unserved=unserved, unserved_golden=golden, doubtful=1)

    def after(self, before: StepCounts) -> StepCounts:
        """These counts with the golden questions of those before in the same step added, since their own are new ones
        only."""
        return replace(
            self,
            baseline=self.baseline.after(before.baseline),
            others=self.others.after(before.others),
            unserved_golden=self.unserved_golden + before.unserved_golden,
            doubtful=max(self.doubtful, before.doubtful),
        ).possible

    def goes_on_as(self, later: StepCounts) -> bool:
        """Whether later counts hold these: the same step's, and none of them smaller."""
        mine, theirs = self.row, later.row
        return mine[:2] == theirs[:2] and all(ge(b, a) for a, b in zip_longest(mine[2:], theirs[2:], fillvalue=0))


ROWS = (3 + 2 * len(fields(Arm)), 5 + 2 * len(fields(Arm)))


@dataclass(frozen=True, slots=True)
class SavingsLedger:
    """All that was booked of a policy. closed: sums of steps that are over; open: counts of the one under way.

    since, until: Unix seconds of the first and the last look that was booked.
    """

    closed: Sums
    open: StepCounts
    since: int
    until: int

    @property
    def sums(self) -> Sums:
        """The sums of everything that was booked."""
        return self.closed + worth(self.open)

    @property
    def saved_a_request(self) -> float | None:
        """Tokens that a request of the other variants saved in the last step, which is what it saves later as far as
        nothing changes; None where either arm has no answer."""
        baseline, others = self.open.baseline, self.open.others
        if baseline.requests <= 0 or others.requests <= 0:
            return None
        return baseline.users_tokens / baseline.requests - others.users_tokens / others.requests


def worth(counts: StepCounts) -> Sums:
    """The sums of one step. A step without an answer of the baseline has nothing to be compared with: nothing is saved.

    Requests are lost where others fail more often than the baseline does: those beyond its rate, which have to be
    asked again, at its mean length.
    """
    baseline, others = counts.baseline, counts.others
    requests = baseline.requests + others.requests
    golden = baseline.golden_tokens + others.golden_tokens + counts.unserved_golden
    tokens = baseline.tokens + others.tokens + counts.unserved_golden
    sums = Sums(
        requests, tokens, without=tokens - golden, golden=golden, shadows=counts.shadows, doubtful=counts.doubtful
    )
    if baseline.requests <= 0:
        return sums
    ended = baseline.requests + baseline.failed
    # Failures beyond the baseline's rate, times `ended`.
    excess = max(0, others.failed * baseline.requests - baseline.failed * others.requests)
    return replace(
        sums,
        without=_kept(_rounded(requests * baseline.users_tokens, baseline.requests)),
        lost=_kept(_rounded(excess * baseline.users_tokens, ended * baseline.requests)),
    )


class Asked(NamedTuple):
    """Answers to golden questions that came since the look before. beside: of variants that are compared with
    nothing."""

    baseline: Tally = NOTHING
    candidates: Tally = NOTHING
    beside: Tally = NOTHING


def counts_of_step(
    campaign: int,
    step: int,
    kind: StageKind,
    baseline: Tally,
    candidates: Sequence[Tally],
    beside: Sequence[Tally] = (),
    asked: Asked = Asked(),  # noqa: B008 - a NamedTuple of frozen values
) -> StepCounts:
    """The counts of a step, as a look has read them, with the golden questions since the look before. beside: of
    variants that serve users and are compared with nothing, as a search's incumbent. In shadow candidates serve nobody:
    what they count are shadows and golden questions, and neither is a request of a user."""
    unserved, unserved_golden = total(candidates), asked.candidates
    others, golden = total(beside), asked.beside
    if kind is StageKind.SPLIT:
        others, golden = total([*beside, *candidates]), golden + asked.candidates
        unserved = unserved_golden = NOTHING
    return StepCounts(
        campaign,
        step,
        Arm.of(baseline, asked.baseline),
        Arm.of(others, golden),
        unserved.tokens,
        unserved_golden.tokens,
    ).possible


def booked(ledger: SavingsLedger | None, counts: StepCounts, at: int) -> SavingsLedger:
    """The ledger after a look at Unix second `at`. Counts that do not hold those of the look before are of another
    step, or began anew: what was counted before is closed, and stays. counts: their golden questions are those since
    then."""
    counts = counts.possible
    if ledger is None:
        return SavingsLedger(Sums(), counts, at, at)
    whole = counts.after(ledger.open)
    if ledger.open.goes_on_as(whole):
        return replace(ledger, open=whole, until=at)
    return SavingsLedger(ledger.sums, counts, ledger.since, at)


def packed(ledger: SavingsLedger) -> str:
    """The ledger without its moments as text: `1,2,3,4,5,6;1,0,7,8,...`. Doubtful steps stand there only if any."""
    closed = ledger.closed.row
    return ";".join(",".join(map(str, part)) for part in (closed if closed[-1] else closed[:-1], ledger.open.row))


def unpacked(text: str, since: int, until: int) -> SavingsLedger:
    """Inverse of `packed`. Raises ValueError when the text was not made by it."""
    parts = [[int(number) for number in part.split(",")] for part in text.split(";")]
    if len(parts) != 2 or len(fields(Sums)) - len(parts[0]) not in (0, 1) or len(parts[1]) not in ROWS:
        raise ValueError(f"status.savings.packed is {text!r}, which is no savings ledger of this release")
    return SavingsLedger(Sums(*parts[0]), StepCounts.from_row(parts[1]).possible, since, until)


def _kept(count: int) -> int:
    """A count as an account can hold it."""
    return min(max(0, count), LARGEST)


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number, without the rounding errors of floats. denominator: above 0; halves go up."""
    return (2 * numerator + denominator) // (2 * denominator)
