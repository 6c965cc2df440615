"""What a guard remembers: one frozen value of a size that does not grow, however long it watches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import Look
from earlystop.evidence.guard_detectors import Detectors, Factors
from earlystop.evidence.objective import Basis, Claim, Objective
from earlystop.rollout.guard.coverage import GuardCoverage
from earlystop.rollout.guard.culprit import Evidence, Finding
from earlystop.rollout.guard.spans import Spans
from earlystop.rollout.guard.window import EMPTY, Window
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.totals import NO_COUNTS, Totals

KEPT_LOOKS, KEPT_OF_MANY_CLASSES, MANY_CLASSES = 12, 6, 5
"""As many looks are kept at most; then the older half of them becomes the checkpoint. Of so many query classes or more
a look takes several times as much room in a status as of none, and half as many are kept."""
KEPT_BESIDE_PARKED = {5: 2, 3: 6}
"""From so many query classes on, as many are kept where the detectors of another setting stand beside them."""


def kept_looks(objective: Objective, busy: Busy) -> int:
    """How many looks a guard of this objective keeps at most. busy: as in `GuardState`."""
    classes = len(objective.classes)
    if busy.parked:
        for fewest, kept in KEPT_BESIDE_PARKED.items():
            if classes >= fewest:
                return kept
    return KEPT_OF_MANY_CLASSES if classes >= MANY_CLASSES else KEPT_LOOKS


NO_LOOKS = CompressedLooks()


class WatchPhase(StrEnum):
    """What a guard is about: its weights are put in force, its first answers are waited for, or it watches."""

    APPLYING = "Applying"
    SETTLING = "Settling"
    OBSERVING = "Observing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepClock:
    """The moments of a step, in Unix seconds.

    step: its number, the label of its counters. started_at: when its weights were proven in force. evidence_from:
    moment of its snapshot. last_look_at: last moment that was dealt with. metrics_lost_at: since when counts are
    missing.
    """

    step: int
    started_at: int | None = None
    evidence_from: int | None = None
    last_look_at: int | None = None
    metrics_lost_at: int | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Harm has begun. claims: of which detectors say so. at: moment of the look, Unix seconds. seconds: the mean time
    between false reverts that was promised. then: name of the setting that follows once all requests are back at the
    baseline, "" where none does; only the moment of the alarm decides on it, and it is only ever taken away later.
    finding: what has moved, and evidence what shows it; None of an alarm of an earlier release, and before it is
    decided."""

    claims: tuple[Claim, ...]
    at: int
    seconds: int
    then: str = ""
    finding: Finding | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Which of two certified settings serves by the load (`guard.whenBusy`).

    serves: name of the more careful one while that serves, "" while the promoted one does. changes: moments of the
    latest changes, Unix seconds, the last one last. parked: detectors of the setting that does not serve, packed, ""
    for none; each goes on with its own, and none is fed with looks of the other. parked_looks: how many looks these
    had.
    """

    serves: str = ""
    changes: tuple[int, ...] = ()
    parked: str = ""
    parked_looks: int = 0


NEVER_CHANGED = Busy()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardState:
    """A guard under way, or as it was at its alarm.

    since: when it began, Unix seconds. objective: what it compares; factors: by which its evidence is divided.
    holdback: percent of requests that the baseline keeps. false_revert_seconds, window_seconds: as in the policy.
    ends: whether it is being taken off: then all requests go to what was promoted.
    phase, clock: of its step. suspended_at: since when it stands still.
    mark: totals of the step at its last look that was evidence (or at its snapshot).
    in_flight, interrupted: as in `RolloutState`.
    checkpoint: the detectors before `looks`, which are the latest ones; detectors: always equal to the replay of those.
    checkpoint_at: the moment up to which the checkpoint has looked. taken: how many looks there were in all.
    window: sums of both variants over the latest time. alarm: None until one ended the watch. coverage: what it has
    been able to compare, None before evidence began. busy: which setting serves by the load; detectors, looks, window,
    coverage and spans are of that one alone. spans: what both variants answered since it began to serve, until an
    alarm.
    """

    since: int
    objective: Objective
    factors: Factors
    holdback: int
    false_revert_seconds: int
    window_seconds: int
    clock: StepClock
    checkpoint: Detectors
    detectors: Detectors
    checkpoint_at: int
    phase: WatchPhase = WatchPhase.APPLYING
    ends: bool = False
    suspended_at: int | None = None
    mark: Totals = NO_COUNTS
    in_flight: int | None = None
    interrupted: bool = False
    looks: Sequence[Look] = NO_LOOKS
    taken: int = 0
    window: Window = EMPTY
    alarm: Alarm | None = None
    coverage: GuardCoverage | None = None
    spans: Spans = ()
    busy: Busy = NEVER_CHANGED

    @property
    def looked_at(self) -> int:
        """Moment of the last look that was evidence, in any of its steps."""
        return self.looks[-1].at if self.looks else self.checkpoint_at

    @property
    def is_blind(self) -> bool:
        """Whether there has been nothing to compare for too long although requests arrive."""
        return self.coverage is not None and self.coverage.missing is not None

    @property
    def on_pairs(self) -> bool:
        """Whether Exact Match is read from questions that both variants answered."""
        return self.objective.basis is Basis.PAIRS


def watch_of(guard: GuardState) -> tuple[object, ...]:
    """What of a guard must be stored at once when it changes; single looks can be read again after a restart."""
    waits = guard.in_flight is None, guard.interrupted, guard.suspended_at
    promise = guard.since, guard.holdback, guard.false_revert_seconds, guard.window_seconds
    return guard.phase, guard.ends, waits, promise, guard.alarm, guard.is_blind, guard.busy
