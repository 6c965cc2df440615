"""What the operator remembers of one policy's checks, counts and status between reconciliations.

Other files read the fields; they change them by the methods only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from earlystop.api.conditions import Refusal
from earlystop.metrics.cross_check import CrossChecks, Disagreement
from earlystop.rollout.guard.busy import NOT_READ, LoadRead
from earlystop.rollout.observations import NOT_YET, Observation
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.findings import Findings, findings_of

LONGEST_SECONDS_OF_A_LOAD = 60


@dataclass(slots=True)
class AcceptanceMemory:
    """The last acceptance check.

    generation: the generation of the spec that was checked, -1 for none.
    checked_at: when, in Unix seconds.
    """

    generation: int = -1
    checked_at: float = 0.0

    def note_checked(self, generation: int, now: float) -> None:
        """The policy was checked in this generation, at Unix time `now`."""
        self.generation, self.checked_at = generation, now

    def require_check(self) -> None:
        """What the check depends on has changed: the next reconciliation checks the policy again."""
        self.generation = -1


@dataclass(slots=True)
class CrossCheckMemory:
    """What comparisons of an engine's counters with an injector's have shown since this operator started.

    windows: the comparisons. until: Unix second up to which nothing is compared any more. missing: which counters could
    not be found last, "" for none. read: what was last said about counts, without that.
    """

    windows: CrossChecks = field(default_factory=CrossChecks)
    until: int = 0
    missing: str = ""
    read: Observation = NOT_YET

    def note_window(self, found: Disagreement | None, until: int) -> None:
        """The counters of one more window were compared; None: they agree."""
        self.windows, self.until, self.missing = self.windows.after(found), until, ""

    def note_unread(self, until: int, missing: str) -> None:
        """A window could not be compared. until: its end, in Unix seconds; missing: a sentence that says what was
        missing."""
        self.until, self.missing = until, missing

    def forget(self) -> None:
        """The policy asks for no comparison any more, so its windows are forgotten."""
        self.windows, self.missing = CrossChecks(), ""

    def note_read(self, read: Observation) -> None:
        """Remembers what is said about counts, those of the engine excepted."""
        self.read = read


@dataclass(slots=True)
class LoadMemory:
    """How busy the servers of a policy were when that was read last. name: of the load, "" for none. read_at: when, in
    Unix seconds."""

    name: str = ""
    read: LoadRead = NOT_READ
    read_at: float = 0.0

    def note(self, name: str, read: LoadRead, now: float) -> None:
        """Remembers what was read of the load of this name at Unix time `now`."""
        self.name, self.read, self.read_at = name, read, now

    def due_at(self, name: str, look_seconds: int) -> float:
        """When the load of this name is to be read next, in Unix seconds: as often as looks begin, and once a minute at
        least. 0 where another one was read last."""
        return self.read_at + min(LONGEST_SECONDS_OF_A_LOAD, look_seconds) if self.name == name else 0.0


@dataclass(slots=True)
class StatusMemory:
    """The status as this operator last wrote or read it, which may lag behind what it knows.

    stored: the state that the stored status holds, with the counts that led to it. Its comparisons and its guard are
        those of the latest look, of which nothing has to be stored at once: beside them, those that were stored would
        take two fifths of a policy's memory.
    told: what the stored status shows to be found of its comparisons, None while that can be read from these.
    written_at: when the status was last written, in Unix seconds.
    reported: the resourceVersion that a watch event reported last while it was another one than was read or written
        here, "" for none: the object has changed since.
    writing: whether the status is being written. The event of a write may come before its answer.
    overflow: the refusal to show while the counts outgrow the status, None while they fit.
    verdict_stored: name of the verdict last stored, "" for none. verdict_digest: of that verdict, "" while it is not
        known to be there as it was made.
    traffic_message: what the stored status says about the traffic, "" when that is not known.
    """

    stored: RolloutState
    told: Findings | None = None
    written_at: float = 0.0
    reported: str = ""
    writing: bool = False
    overflow: Refusal | None = None
    verdict_stored: str = ""
    verdict_digest: str = ""
    traffic_message: str = ""

    @property
    def outdated(self) -> bool:
        """Whether the object has changed since it was read."""
        return bool(self.reported)

    def require_refresh(self, version: str) -> None:
        """A watch event says that the object has changed: the next reconciliation reads it first."""
        self.reported = version

    def note_refreshed(self, reported: str) -> None:
        """The object was read again after a watch event had reported this version; one that came since is news."""
        if self.reported == reported:
            self.reported = ""

    def begin_write(self) -> None:
        """The status is being written from here on."""
        self.writing = True

    def end_write(self, version: str | None) -> None:
        """The write has ended, and the object has this resourceVersion from it; None where it failed. An event of this
        very version has reported nothing else."""
        self.writing = False
        if self.reported == version:
            self.reported = ""

    def note_stored(self, state: RolloutState) -> None:
        """The stored status now holds this state, and the counts that led to it."""
        self.stored, self.told = state, None

    def note_looks(self, state: RolloutState) -> None:
        """Mere looks have led to this state, which the stored status does not hold."""
        if self.told is None:
            self.told = findings_of(self.stored)
        self.stored = replace(self.stored, comparisons=state.comparisons, guard=state.guard)

    def note_written(self, now: float, traffic_message: str) -> None:
        """The status was written at Unix time `now`, with new counts or without."""
        self.written_at, self.traffic_message = now, traffic_message

    def note_overflow(self, refusal: Refusal) -> None:
        """The counts outgrow the status; the refusal says by how much."""
        self.overflow = refusal

    def clear_overflow(self) -> None:
        """The counts fit again, or another spec deserves another try."""
        self.overflow = None

    def note_verdict(self, name: str, digest: str) -> None:
        """The verdict of this name is stored, with this digest; "" where it is not there any more."""
        self.verdict_stored, self.verdict_digest = name, digest

    def holds_looks(self, digest: str | None) -> bool:
        """Whether the verdict of a decision with this digest is stored, so that nobody else need keep its looks."""
        return bool(digest) and digest == self.verdict_digest
