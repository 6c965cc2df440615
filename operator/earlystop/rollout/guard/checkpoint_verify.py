"""Whether the time before a guard's recorded looks can have been as its checkpoint says.

The looks before the checkpoint are in it alone. What follows without them is checked; how much harm they showed below
an alarm is believed.
"""

from __future__ import annotations

from math import isnan

from earlystop.api.counts import Look
from earlystop.api.guard import LONGEST_FALSE_REVERT_SECONDS, SHORTEST_FALSE_REVERT_SECONDS
from earlystop.api.plurals import counted
from earlystop.evidence import guard_detectors
from earlystop.evidence.change_detection import BetDetector, Detector
from earlystop.rollout.guard.detector_packing import pack_detectors
from earlystop.rollout.guard.state import GuardState
from earlystop.rollout.guard.transitions import detectors_over_looks


def checkpoint_differences(guard: GuardState, trial: tuple[Look, ...]) -> list[str]:
    """What cannot be of a guard as its record gives it, one sentence each. trial: the looks that the promotion rests
    on; a guard begins after them."""
    objective, earlier = guard.objective, guard.taken - len(guard.looks)
    problems = []
    moments = [*(look.at for look in trial[-1:]), guard.since, guard.checkpoint_at]
    if moments != sorted(moments) or guard.checkpoint_at >= guard.looks[0].at:
        problems.append("The guard did not begin after its trial, or its checkpoint is not between that and its looks.")
    if earlier < 0:
        problems.append(
            f"The guard's record says that it took {counted(guard.taken, 'look')} in all, but it has "
            f"{len(guard.looks)}."
        )
    elif earlier > guard.checkpoint_at - guard.since:
        looks = counted(earlier, "look")
        problems.append(f"The guard cannot have taken {looks} before its checkpoint: no two of one second.")
    fresh = pack_detectors(guard_detectors.start(objective), objective)
    if not earlier and pack_detectors(guard.checkpoint, objective) != fresh:
        problems.append("All looks of the guard are in its record, but its checkpoint is not that before any look.")
    if not all(_can_be(each) for _, each in guard_detectors.named(guard.checkpoint, objective)):
        problems.append("The guard's checkpoint holds numbers that no looks give.")
    return [*problems, *_promise_differences(guard)]


def _can_be(detector: Detector) -> bool:
    """Whether a detector has numbers that looks may give."""
    if isinstance(detector, BetDetector):
        return not any(map(isnan, detector.log_r))
    harm = detector.harm
    pseudo = (guess.match <= guess.scored and guess.scored > 0 for _, guess in harm.guesses)
    return not any(map(isnan, harm.log_capital)) and min(harm.answered) >= 0 and all(pseudo)


def _promise_differences(guard: GuardState) -> list[str]:
    """An alarm comes at the look that shows it first. The promise may have been another at earlier looks, as it follows
    the policy, but never longer than the longest."""
    if not SHORTEST_FALSE_REVERT_SECONDS <= guard.false_revert_seconds <= LONGEST_FALSE_REVERT_SECONDS:
        return [f"No guard promises a false revert in {guard.false_revert_seconds} s."]
    *before, _ = detectors_over_looks(guard)
    if any(guard_detectors.alarms(each, guard.objective, LONGEST_FALSE_REVERT_SECONDS) for each in before):
        return ["The guard would have alarmed before the look that its record says it alarmed at."]
    return []
