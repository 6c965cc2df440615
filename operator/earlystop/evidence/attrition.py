"""Do the variants differ in what is missing? Checks on answers without a score, and on requests without an answer.

Wrong answers that vanish look like no evidence at all. So four shares are compared between the arms of each look:
requests that failed, requests that never ended, completed requests that nobody tried to score, and tried answers that
could not be scored. Given how many events both arms had together, the candidate's part is hypergeometric where every
request is as likely to have one; its exponential moments are at most those of the binomial with the candidate's part
of the requests (Hoeffding, 1963), so the bets of the sample ratio hold here, with that part in place of the weight.
Evidence is divided by how much the parts scatter, as there. Four checks share one risk.

What is late is not missing. Failed requests are compared with those that started, so that a variant with more requests
in flight is none the worse; where starts are not counted, with those that ended. A request counts as never ended only
when its variant has more open ones, since the step began, than it started in the last `LOOKS_TO_END` looks: so many
are older than that, whatever the load does.

That comes late: where one request in twenty never ends, after 400 looks. So a promotion waits before it, while more and
more of the candidate's requests are open, look after look, than of the baseline's. Of answers that end, as many begin
as end, and open requests come and go: their changes from look to look add up to little. What never ends only adds. So
the sum of the changes in the last looks is compared with what changes are usual among them, and with its own root, as a
count has it. A rise of the load inside of one look is a change like no other, so it weighs little. This is no alarm: it
is taken back as soon as open requests cease to add up, at the latest `LOOKS_TO_END` looks after the load ceased to
rise.

A baseline that fails more makes its own answers look better than they are, so only more of the candidate's failures
hold its promotion: fewer of them are what stopping early is for. What live requests miss says nothing of pairs, which
have checks of their own (`pair_attrition`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from earlystop.api.counts import Look, Tally
from earlystop.api.plurals import counted
from earlystop.evidence import missing_answers, sample_ratio
from earlystop.evidence.even_checks import EvenChecks
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.sample_ratio import SampleRatioProcess
from earlystop.evidence.version import FIRST

LOOKS_TO_END = 20
"""A request that is open for longer than so many looks is taken for one that never ends."""

MOST_UNSCORED = 0.5
"""Where a larger part of an arm's answers could not be scored, counting them as wrong says little about the others."""

LEAST_TRIED = 100
"""Tried answers of an arm before that is said."""

SUSPICION = 0.05
"""Risk at which a promotion waits, without an alarm, for as long as the evidence now says that more is missing."""

DEVIATIONS = 2.0
"""Of their usual changes by which open requests must have added up before a promotion waits for them."""

LEAST_EXCESS = 0.002
"""Share of the candidate's requests below which it waits for none: a tenth of a margin of two points."""

UNKNOWN_SCATTER = 1.0
"""Dispersion while too few looks have been compared. What is said then may be taken back, so it may be said early: a
promotion that comes sooner than the doubt about it cannot be."""

LEAST_SHARE = 1e-6
"""Percent of the requests below which an arm has too few to compare."""

ROUNDING = 1e-6
"""Relative room of sums of tokens."""


class Silence(StrEnum):
    """A way in which an answer can be missing."""

    FAILED = "failed"
    """The request failed."""
    NEVER_ENDED = "never_ended"
    """The request neither completed nor failed."""
    NOT_TRIED = "not_tried"
    """The request completed, and nobody tried to score its answer."""
    UNSCORED = "unscored"
    """Somebody tried to score the answer and could not."""


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Requests of one step that are open: those that started in each of the last looks, those open, and how many of
    these count as never ended; and by how many more were open after each of the last looks. Pairs are of the baseline
    and the candidate; a pair for each look would take 2.5 KiB of each comparison."""

    step: int = -1
    recent: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    open: tuple[int, int] = (0, 0)
    overdue: tuple[int, int] = (0, 0)
    changes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def adding_up(self) -> tuple[float, float]:
        """Shares of the requests of the last looks that are open beyond those that were, of each variant, >= 0."""
        started = [max(1, sum(each)) for each in self.recent]
        more = [max(0, sum(each)) for each in self.changes]
        return more[0] / started[0], more[1] / started[1]

    @property
    def adds_up(self) -> bool:
        """Whether more and more of the candidate's requests are open, beyond those of the baseline."""
        baseline, candidate = map(sum, self.recent)
        if not baseline or not candidate:
            return False
        share = self.adding_up[1] - self.adding_up[0]
        excess, looks = share * candidate, len(self.changes[0])
        differences = [theirs - ours * candidate / baseline for ours, theirs in zip(*self.changes, strict=True)]
        mean = sum(differences) / looks
        usual = sum((each - mean) ** 2 for each in differences) * looks / max(1, looks - 1)
        return share > LEAST_EXCESS and excess > DEVIATIONS * sqrt(usual + excess)


@dataclass(frozen=True, slots=True)
class AttritionProcess(EvenChecks):
    """The checks after some looks, in the order of `Silence`; the sums of all looks; the requests that are open, and
    how many of each arm never ended."""

    baseline: Tally = Tally()
    candidate: Tally = Tally()
    requests: OpenRequests = OpenRequests()
    never_ended: tuple[int, int] = (0, 0)

    @property
    def suspected(self) -> tuple[Silence, ...]:
        """The ways in which more or less seems to be missing now; it may be taken back, so it is no alarm."""
        found = self._held(self.differ_now(SUSPICION))
        late = (Silence.NEVER_ENDED,) if self.requests.adds_up and Silence.NEVER_ENDED not in found else ()
        return (*found, *late)

    def shown(self, risk: float) -> tuple[Silence, ...]:
        """The ways in which more is missing in one variant, at this risk of a false alarm altogether."""
        return self._held(self.differ(risk))

    def _held(self, differing: Iterable[bool]) -> tuple[Silence, ...]:
        """The ways that speak against a promotion. differing: whether the variants differ, for each way."""
        fewer = {
            Silence.FAILED: (self.baseline.failed, self.candidate.failed),
            Silence.NEVER_ENDED: self.never_ended,
        }
        exposed = [max(1, arm.started or arm.completed + arm.failed) for arm in (self.baseline, self.candidate)]
        better = {kind for kind, (ours, theirs) in fewer.items() if theirs * exposed[0] <= ours * exposed[1]}
        return tuple(kind for kind, is_so in zip(Silence, differing, strict=True) if is_so and kind not in better)


def start() -> AttritionProcess:
    """The checks before any look."""
    return AttritionProcess(tuple(sample_ratio.start(in_clumps=True) for _ in Silence))


def is_checked(objective: Objective) -> bool:
    """Whether silence is compared. Not in shadow, where a request that failed has no shadow, not by version 1, and not
    for pairs, of which live requests are none."""
    return objective.engine != FIRST and objective.has_own_requests and objective.basis is Basis.ANSWERS


def update(process: AttritionProcess, objective: Objective, look: Look) -> AttritionProcess:
    """The checks after one more look."""
    if not is_checked(objective):
        return process
    baseline, candidate = look.baseline, look.candidate
    requests, overdue = _with_open(process.requests, look)
    started = baseline.started, candidate.started
    ended = baseline.completed + baseline.failed, candidate.completed + candidate.failed
    exposed = started if all(started) else ended
    completed, tried = (baseline.completed, candidate.completed), (baseline.tried, candidate.tried)
    compared = (
        ((baseline.failed, candidate.failed), exposed),
        (overdue, started),
        (tried, completed),
        ((baseline.unscored, candidate.unscored), tried),
    )
    return AttritionProcess(
        tuple(_compared(check, *each) for check, each in zip(process.checks, compared, strict=True)),
        process.baseline + baseline,
        process.candidate + candidate,
        requests,
        (process.never_ended[0] + overdue[0], process.never_ended[1] + overdue[1]),
    )


def contradiction(process: AttritionProcess) -> str:
    """What counts of the campaign cannot be, as the end of a sentence; "" where nothing is found."""
    for variant, arm in (("baseline", process.baseline), ("candidate", process.candidate)):
        for kind, count in (("unscored", arm.unscored), ("empty", arm.empty), ("cut-off", arm.cut)):
            if count > arm.completed:
                answers = counted(count, kind + " answer", kind + " answers")
                return f"the {variant} has {answers} and {arm.completed} completed requests"
        if 0 < arm.started < arm.failed:
            return f"the {variant} has {arm.failed} failed requests and {arm.started} that started"
        # Without squares nobody counts them.
        if 0 < arm.tokens_squared * arm.completed < arm.tokens**2 * (1 - ROUNDING):
            return (
                f"the squared tokens of the {variant} add up to {arm.tokens_squared}, and to at least "
                f"{arm.tokens**2 // arm.completed} where {counted(arm.completed, 'answer has', 'answers have')} "
                f"{counted(arm.tokens, 'token')}"
            )
    return ""


def is_mostly_unscored(process: AttritionProcess, objective: Objective) -> bool:
    """Whether so many answers of an arm could not be scored that counting them as wrong hides a loss in the rest."""
    if not missing_answers.counts_as_mismatch(objective):
        return False
    arms = process.baseline, process.candidate
    return any(arm.tried >= LEAST_TRIED and arm.unscored > MOST_UNSCORED * arm.tried for arm in arms)


def _compared(check: SampleRatioProcess, events: tuple[int, int], exposed: tuple[int, int]) -> SampleRatioProcess:
    """A check after a look with so many events among so many requests, or the other way round where these are fewer."""
    share = 100 * exposed[1] / sum(exposed) if all(exposed) else 0.0
    if not LEAST_SHARE <= share <= 100 - LEAST_SHARE:
        return check
    others = exposed[0] - events[0], exposed[1] - events[1]
    if min(others) >= 0 and sum(others) < sum(events):
        events = others
    return sample_ratio.update(check, *events, share, UNKNOWN_SCATTER)


def _with_open(requests: OpenRequests, look: Look) -> tuple[OpenRequests, tuple[int, int]]:
    """The open requests after one more look, and how many of each arm count as never ended since the look before."""
    if requests.step != look.step:
        requests = OpenRequests(look.step)
    arms = look.baseline, look.candidate
    recent = _with_latest(requests.recent, look.baseline.started, look.candidate.started)
    left = [known + arm.started - arm.completed - arm.failed for known, arm in zip(requests.open, arms, strict=True)]
    late = [each - sum(begun) for each, begun in zip(left, recent, strict=True)]
    overdue = [max(known, each) for known, each in zip(requests.overdue, late, strict=True)]
    more = overdue[0] - requests.overdue[0], overdue[1] - requests.overdue[1]
    changes = _with_latest(requests.changes, left[0] - requests.open[0], left[1] - requests.open[1])
    return OpenRequests(look.step, recent, (left[0], left[1]), (overdue[0], overdue[1]), changes), more


def _with_latest(
    known: tuple[tuple[int, ...], tuple[int, ...]], baseline: int, candidate: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is known of the last looks of each arm, with one more look."""
    return (*known[0], baseline)[-LOOKS_TO_END:], (*known[1], candidate)[-LOOKS_TO_END:]
