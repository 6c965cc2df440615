"""The named situations of a rollout, and what holds in each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.rollout.guard.state import WatchPhase


class Phase(StrEnum):
    """The named situations of a rollout; the -ing ones are under way and always go on by themselves."""

    PENDING = "Pending"
    APPLYING = "Applying"
    SETTLING = "Settling"
    OBSERVING = "Observing"
    SUSPENDED = "Suspended"
    PROMOTING = "Promoting"
    PROMOTED = "Promoted"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    HOLDING = "Holding"
    HELD = "Held"
    REPORTING = "Reporting"
    REPORTED = "Reported"
    CHOOSING = "Choosing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTraits:
    """What holds in a phase. Whoever wants to know something about a phase asks one of the sets below.

    tries: a campaign has no decision yet and goes on. watches: counts are looked at, and harm acts. becomes: the phase
    that follows once a decision is stored and in force; None where nothing is being carried out. ended: a decision was
    carried out, and nothing follows by itself. between: a decision about one trial of a search was carried out, and the
    next trial follows. has_candidates: candidates may have requests, or the baseline's requests are judged for them.
    """

    tries: bool = False
    watches: bool = False
    becomes: Phase | None = None
    ended: bool = False
    between: bool = False
    has_candidates: bool = True


PHASES: dict[Phase, PhaseTraits] = {
    Phase.PENDING: PhaseTraits(has_candidates=False),
    Phase.APPLYING: PhaseTraits(tries=True),
    Phase.SETTLING: PhaseTraits(tries=True, watches=True),
    Phase.OBSERVING: PhaseTraits(tries=True, watches=True),
    Phase.SUSPENDED: PhaseTraits(),
    Phase.PROMOTING: PhaseTraits(becomes=Phase.PROMOTED),
    Phase.PROMOTED: PhaseTraits(ended=True),
    Phase.ROLLING_BACK: PhaseTraits(becomes=Phase.ROLLED_BACK, has_candidates=False),
    Phase.ROLLED_BACK: PhaseTraits(ended=True, has_candidates=False),
    Phase.HOLDING: PhaseTraits(becomes=Phase.HELD),
    Phase.HELD: PhaseTraits(ended=True),
    Phase.REPORTING: PhaseTraits(becomes=Phase.REPORTED, has_candidates=False),
    Phase.REPORTED: PhaseTraits(ended=True, has_candidates=False),
    Phase.CHOOSING: PhaseTraits(between=True),
}

TRYING = frozenset(phase for phase, traits in PHASES.items() if traits.tries)
WATCHING = frozenset(phase for phase, traits in PHASES.items() if traits.watches)
ACTING = frozenset(phase for phase, traits in PHASES.items() if traits.becomes)
ENDED = frozenset(phase for phase, traits in PHASES.items() if traits.ended)
BETWEEN_TRIALS = frozenset(phase for phase, traits in PHASES.items() if traits.between)
WATCHED_AS = {
    WatchPhase.APPLYING: Phase.APPLYING,
    WatchPhase.SETTLING: Phase.SETTLING,
    WatchPhase.OBSERVING: Phase.OBSERVING,
}
DECIDED = ACTING | ENDED | BETWEEN_TRIALS
WITHOUT_CANDIDATE = frozenset(phase for phase in DECIDED if not PHASES[phase].has_candidates)
