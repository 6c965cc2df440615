"""What may move under a guard, and by how much: the changes of `make bench-culprits`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from earlystop.rollout.certificate.binding import Part
from earlystop.rollout.guard.culprit import Culprit


@dataclass(frozen=True, slots=True)
class Change:
    """What moves, and by how much. kinds: the culprits. baseline, candidate: points of Exact Match that each gains, as
    scored. hard: points that the candidate gains on hard questions besides. hard_share: by how much their share of the
    questions grows. flipped: part of recorded answers that the scorer scores otherwise. facts: what of the target is
    another from then on. seconds: over which all but the facts comes, evenly; 0 where it comes at once."""

    kinds: tuple[Culprit, ...] = ()
    baseline: float = 0.0
    candidate: float = 0.0
    hard: float = 0.0
    hard_share: float = 0.0
    flipped: float = 0.0
    facts: tuple[Part, ...] = ()
    seconds: int = 0

    def after(self, seconds: int) -> Change:
        """What of it has come so many seconds after its beginning."""
        return self.times(min(1.0, seconds / self.seconds)) if self.seconds else self

    def times(self, part: float) -> Change:
        """The same kind of change with this part of its strength."""
        moved = {name: part * getattr(self, name) for name in MOVING}
        return replace(self, **moved)

    def and_also(self, other: Change) -> Change:
        """Both at once."""
        return Change(
            tuple(dict.fromkeys((*self.kinds, *other.kinds))),
            self.baseline + other.baseline,
            self.candidate + other.candidate,
            self.hard + other.hard,
            self.hard_share + other.hard_share,
            max(self.flipped, other.flipped),
            (*self.facts, *other.facts),
            max(self.seconds, other.seconds),
        )


MOVING = ("baseline", "candidate", "hard", "hard_share", "flipped")
QUIET = Change()
HARMLESS = (
    QUIET,
    Change((), baseline=-0.1, candidate=-0.1),
    Change((), baseline=0.08, candidate=0.08),
    Change((), hard_share=0.4),
    Change((), facts=(Part.TEMPLATE,)),
    Change((), candidate=-0.02),
)
"""What may move without harm: then no alarm comes, and nothing is named."""
SETTING = (
    Change((Culprit.SETTING,), candidate=-0.1),
    Change((Culprit.SETTING,), candidate=-0.15),
    Change((Culprit.SETTING,), candidate=-0.3),
    Change((Culprit.SETTING,), candidate=-0.6),
    Change((Culprit.SETTING,), hard=-0.5),
    Change((Culprit.SETTING,), candidate=-0.08, hard=-0.2),
)
DATA = (
    Change((Culprit.DATA,), baseline=-0.08, candidate=-0.18),
    Change((Culprit.DATA,), baseline=-0.15, candidate=-0.28),
    Change((Culprit.DATA,), baseline=-0.3, candidate=-0.5),
    Change((Culprit.DATA,), baseline=0.1, candidate=-0.02),
    Change((Culprit.DATA,), baseline=0.06, candidate=-0.06),
    Change((Culprit.DATA,), baseline=-0.02, candidate=-0.04, hard=-0.1, hard_share=0.6),
)
ENGINE = (
    Change((Culprit.ENGINE,), baseline=-0.1, candidate=-0.22, facts=(Part.MODEL,)),
    Change((Culprit.ENGINE,), baseline=0.05, candidate=-0.06, facts=(Part.MODEL,)),
    Change((Culprit.ENGINE,), baseline=-0.05, candidate=-0.16, facts=(Part.IMAGES,)),
    Change((Culprit.ENGINE,), candidate=-0.12, facts=(Part.IMAGES,)),
    Change((Culprit.ENGINE,), baseline=-0.2, candidate=-0.4, facts=(Part.TEMPLATE,)),
    Change((Culprit.ENGINE,), candidate=-0.3, facts=(Part.TEMPLATE,)),
)
SCORER = (
    Change((Culprit.SCORER,), baseline=-0.1, candidate=-0.2, flipped=0.15),
    Change((Culprit.SCORER,), baseline=-0.3, candidate=-0.5, flipped=0.4),
    Change((Culprit.SCORER,), candidate=-0.15, flipped=0.1),
    Change((Culprit.SCORER,), baseline=0.1, candidate=-0.02, flipped=0.15),
    Change((Culprit.SCORER,), baseline=-0.05, candidate=-0.15, flipped=0.1),
    Change((Culprit.SCORER,), baseline=-0.6, candidate=-0.75, flipped=1.0),
)
KINDS: Mapping[str, tuple[Change, ...]] = {"Setting": SETTING, "Data": DATA, "Engine": ENGINE, "Scorer": SCORER}
PARTIAL: Mapping[str, tuple[Change, ...]] = {
    "Setting": (
        Change((Culprit.SETTING,), candidate=-0.07),
        Change((Culprit.SETTING,), hard=-0.35),
        Change((Culprit.SETTING,), candidate=-0.04, hard=-0.2),
    ),
    "Data": (
        Change((Culprit.DATA,), baseline=-0.06, candidate=-0.14),
        Change((Culprit.DATA,), baseline=0.05, candidate=-0.03),
        Change((Culprit.DATA,), baseline=-0.1, candidate=-0.17),
    ),
    "Engine": (
        Change((Culprit.ENGINE,), candidate=-0.07, facts=(Part.IMAGES,)),
        Change((Culprit.ENGINE,), baseline=-0.03, candidate=-0.1, facts=(Part.MODEL,)),
        Change((Culprit.ENGINE,), hard=-0.35, facts=(Part.TEMPLATE,)),
    ),
    "Scorer": (
        Change((Culprit.SCORER,), candidate=-0.07, flipped=0.05),
        Change((Culprit.SCORER,), baseline=-0.03, candidate=-0.1, flipped=0.1),
        Change((Culprit.SCORER,), baseline=-0.05, candidate=-0.12, flipped=0.1),
    ),
}
"""Such a change reaches a part of the requests, so that it is hardly more than the margin."""
HOURS, DAYS = (3600, 6 * 3600), (86_400, 3 * 86_400)


def slowly(changes: tuple[Change, ...], times: tuple[int, ...]) -> tuple[Change, ...]:
    """The changes, each over the shorter of two times, or over the longer one."""
    return tuple(replace(each, seconds=times[number % len(times)]) for number, each in enumerate(changes))


OVER_HOURS = {name: slowly(changes, HOURS) for name, changes in KINDS.items()}
OVER_DAYS = {name: slowly(changes, DAYS) for name, changes in KINDS.items()}
WAYS = {"at once": KINDS, "in part": PARTIAL, "over hours": OVER_HOURS, "over days": OVER_DAYS}
PAIRS: Mapping[str, tuple[Change, ...]] = {
    f"{one} and {other}": tuple(a.and_also(b) for a, b in zip(KINDS[one], KINDS[other], strict=True))
    for index, one in enumerate(KINDS)
    for other in list(KINDS)[index + 1 :]
}
