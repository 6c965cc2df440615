"""What there is to say of a guard on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor
from typing import Any

from earlystop.api.plurals import counted
from earlystop.api.status.guard import DetectorStatus
from earlystop.cli.screen.times import duration
from earlystop.rollout.guard.codec import nearest_detectors
from earlystop.rollout.guard.state import GuardState

MOST_DETECTORS = 2
"""Those that are shown."""
_HARMS = {
    "exact_match": "lost EM",
    "floor": "EM below its floor",
    "class": "lost EM in class",
    "guardrail": "a violated guardrail",
    "unanswered": "missing answers",
}
"""What each kind of claim finds. EM is Exact Match, as on all screens."""


def guard_facts(status: Mapping[str, Any], state: GuardState | None) -> Iterator[tuple[str, str]]:
    """Lines about what watches over a promotion, or did until its alarm, by a label; none without a guard. state: the
    guard behind the status, which has all detectors."""
    guard = status.get("guard")
    if not guard:
        return
    kept = f"{guard['holdbackWeight']} % on the baseline" if guard["holdbackWeight"] else "by golden questions"
    promise = f"one false revert in {guard['falseRevertSeconds'] / 86_400:g} days at most, on average"
    yield "guard", f"{_state(guard)}, {kept}, {_looks(guard['looksTaken'])} since {guard['since']}; {promise}"
    if guard.get("culprit"):
        yield "what moved", _culprit(guard["culprit"])
    window = guard.get("window")
    if window:
        promoted, baseline = (
            f"{window[arm]['exactMatch']} of {window[arm]['scored']:,}" for arm in ("candidate", "baseline")
        )
        lately = f"EM {counted(promoted, 'answer')}, at the baseline {baseline}, saving {window['saving']}"
        yield "lately", f"in the last {duration(window['seconds'])} {lately}"
    if guard.get("serves"):
        yield "load", f"little, so {guard['serves']} serves since {guard['servedSince'][-1]}, which is more careful"
    elif guard.get("servedSince"):
        yield "load", f"the promoted setting serves since {guard['servedSince'][-1]}"
    detectors = () if state is None else nearest_detectors(state, MOST_DETECTORS)
    nearest = [f"of {_harm(each.name)} {_part(each)}" for each in detectors]
    if nearest:
        yield "alarm", f"evidence {', '.join(nearest)}; 100 % is an alarm"


def _part(detector: DetectorStatus) -> str:
    """How far a detector is on its way to an alarm, as the bars of a screen: the logarithm of its evidence, in percent
    of that of an alarm, rounded down: 100 % only with the alarm."""
    return f"{floor(100 * float(detector.log_statistic) / float(detector.needed))} %"


def _harm(claim: str) -> str:
    """What a detector looks for, in words that a screen has; claim: as the API names it, as guardrail/errors."""
    kind, _, name = claim.partition("/")
    if kind not in _HARMS:
        return claim
    return f"{_HARMS[kind]} {name}".rstrip()


def _looks(number: int) -> str:
    return counted(number, "look")


def _culprit(culprit: Mapping[str, Any]) -> str:
    """What has moved, or between what the evidence does not tell, and since when."""
    named = " and ".join(each.lower() for each in culprit["named"])
    possible = " or ".join(each.lower() for each in culprit.get("possible") or ())
    return f"{named}{f', it may be {possible}' if possible else ''}, since {culprit['onset']} or so"


def _state(guard: Mapping[str, Any]) -> str:
    """What the guard is about, in a word or two."""
    if guard.get("alarm"):
        return f"alarmed ({', '.join(map(_harm, guard['alarm']))})"
    if guard.get("suspendedAt"):
        return "suspended"
    if guard.get("ends"):
        return "ends"
    if guard.get("metricsLostAt"):
        return f"blind since {guard['metricsLostAt']}"
    if guard.get("notCompared"):
        return f"blind since {guard['comparedAt']}, nothing to compare"
    return {"Applying": "begins", "Settling": "begins", "Observing": "watches as long as it serves"}[guard["phase"]]
