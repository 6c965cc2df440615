"""The savings ledger: tokens that users' requests did not take, from the counts that looks read. Pure.

Within a step the requests of all variants are of the same kind, so each that had another setting would have taken the
baseline's mean length of that step. With B tokens in b completed requests of the baseline, T in t requests of the
others, and p golden questions that both were asked, of mean lengths B/b and T/t:

    golden  = p B/b + p T/t                  tokens that were spent on golden questions
    users   = B + T - golden                 tokens of users' requests
    without = (b - p + t - p) B/b            what the same requests would have taken with the baseline alone
    saved   = without - users

Each step is rounded to whole tokens once, when it closes, and `saved` is a difference of whole numbers, so the books
balance to the token: without = tokens - golden + saved, for every step and for all of them.

The counts of the open step are those of the ledger, which hold all of the step from its beginning, and replace those of
the look before: reading a moment again, as after a restart, books nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from earlystop.api.counts import Tally, total
from earlystop.rollout.plan import StageKind


@dataclass(frozen=True, slots=True)
class Sums:
    """Whole numbers that add up over steps; all but `without - tokens` are 0 or more.

    requests: completed ones of users. tokens: all that were counted. without: what users' requests would have taken by
    the baseline. golden, shadows: tokens of golden questions, and of shadows. lost: see `worth`.
    """

    requests: int = 0
    tokens: int = 0
    without: int = 0
    golden: int = 0
    shadows: int = 0
    lost: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def saved(self) -> int:
        """Tokens that users' requests did not take; below 0 where candidates took more."""
        return self.without - (self.tokens - self.golden)

    def net(self, *, shadows_cost: bool) -> int:
        """What is left of the savings when the experiment is paid. shadows_cost: whether the server generates them."""
        return self.saved - self.golden - self.lost - (self.shadows if shadows_cost else 0)


@dataclass(frozen=True, slots=True)
class StepCounts:
    """Counts of one step of one campaign so far.

    baseline_*, others_*: completed and failed requests, and tokens, of the baseline and of every other variant that
    served users. pairs: golden questions that both were asked. shadows: tokens of shadows.
    """

    campaign: int
    step: int
    baseline_completed: int = 0
    baseline_failed: int = 0
    baseline_tokens: int = 0
    others_completed: int = 0
    others_failed: int = 0
    others_tokens: int = 0
    pairs: int = 0
    shadows: int = 0

    def goes_on_as(self, later: StepCounts) -> bool:
        """Whether later counts hold these: the same step's, and none of them smaller."""
        mine, theirs = astuple(self), astuple(later)
        return mine[:2] == theirs[:2] and all(new >= old for old, new in zip(mine[2:], theirs[2:], strict=True))


@dataclass(frozen=True, slots=True)
class SavingsBook:
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
        baseline, others = self.open.baseline_completed, self.open.others_completed
        if not baseline or not others:
            return None
        return self.open.baseline_tokens / baseline - self.open.others_tokens / others


def worth(counts: StepCounts) -> Sums:
    """The sums of one step. A step without an answer of the baseline has nothing to be compared with: nothing is saved.

    Requests are lost where others fail more often than the baseline does: those beyond its rate, which have to be
    asked again, at its mean length.
    """
    baseline, others = counts.baseline_completed, counts.others_completed
    pairs = min(counts.pairs, baseline, others)
    requests, tokens = baseline + others - 2 * pairs, counts.baseline_tokens + counts.others_tokens
    if baseline == 0:
        return Sums(requests, tokens, tokens, shadows=counts.shadows)
    golden = _rounded(pairs * counts.baseline_tokens, baseline)
    golden += _rounded(pairs * counts.others_tokens, others) if others else 0
    ended = baseline + counts.baseline_failed
    excess = (
        counts.others_failed * baseline - counts.baseline_failed * others
    )  # failures beyond the rate, times `ended`
    return Sums(
        requests=requests,
        tokens=tokens,
        without=_rounded(requests * counts.baseline_tokens, baseline),
        golden=golden,
        shadows=counts.shadows,
        lost=_rounded(max(0, excess) * counts.baseline_tokens, ended * baseline),
    )


def counts_of_step(
    campaign: int,
    step: int,
    kind: StageKind,
    baseline: Tally,
    candidates: Sequence[Tally],
    beside: Sequence[Tally] = (),
) -> StepCounts:
    """The counts of a step, as a look has read them. beside: of variants that serve users and are compared with
    nothing, as a search's incumbent. In shadow candidates serve nobody: what they count are shadows."""
    shadowed = [] if kind is StageKind.SPLIT else candidates
    others = total([Tally(), *beside, *(candidates if kind is StageKind.SPLIT else ())])
    return StepCounts(
        campaign=campaign,
        step=step,
        baseline_completed=baseline.completed,
        baseline_failed=baseline.failed,
        baseline_tokens=baseline.tokens,
        others_completed=others.completed,
        others_failed=others.failed,
        others_tokens=others.tokens,
        pairs=others.pairs.total,
        shadows=sum(each.tokens for each in shadowed),
    )


def booked(book: SavingsBook | None, counts: StepCounts, at: int) -> SavingsBook:
    """The book after a look at Unix second `at`. Counts that do not hold those of the look before are of another step,
    or began anew: what was counted before is closed, and stays."""
    if book is None:
        return SavingsBook(Sums(), counts, at, at)
    if book.open.goes_on_as(counts):
        return replace(book, open=counts, until=at)
    return SavingsBook(book.sums, counts, book.since, at)


def packed(book: SavingsBook) -> str:
    """The book without its moments as text: `1,2,3,4,5,6;1,0,7,8,...`."""
    return ";".join(",".join(map(str, astuple(part))) for part in (book.closed, book.open))


def unpacked(text: str, since: int, until: int) -> SavingsBook:
    """Inverse of `packed`. Raises ValueError when the text was not made by it."""
    parts = [[int(number) for number in part.split(",")] for part in text.split(";")]
    if [len(part) for part in parts] != [len(fields(Sums)), len(fields(StepCounts))]:
        raise ValueError(f"status.savings.packed is {text!r}, which is no savings ledger of this release")
    return SavingsBook(Sums(*parts[0]), StepCounts(*parts[1]), since, until)


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number, without the rounding errors of floats. denominator: above 0; halves go up."""
    return (2 * numerator + denominator) // (2 * denominator)
