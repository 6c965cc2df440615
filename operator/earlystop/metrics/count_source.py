"""The protocol of both kinds of counters: how they are asked for, and what a reading does to a ledger of their kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from earlystop.api.counts import Tally
from earlystop.metrics.convention.user_groups import UserQuestion
from earlystop.metrics.liveness import NO_HINTS, LivenessHints

RequestT_co = TypeVar("RequestT_co", covariant=True)
ReadingT_contra = TypeVar("ReadingT_contra", contravariant=True)
LedgerT = TypeVar("LedgerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountQuestion:
    """What a look asks for, of counters of any kind.

    policy: namespace/name; revision: as in the label; preset: a name in `api/presets.PRESETS`; variants: labels of the
    candidates; window_seconds: how far to look back; templates: those of the MetricSource, by field of `Tally`;
    liveness: what tells silence from absence. users: what to ask about groups of users, None for nothing.
    step: the one whose counts are wanted, None for those of all. begins: whether nothing was read for the campaign yet.
    beside: labels of variants that serve users and are compared with nothing, as a search's incumbent: where they can
    be told apart they are counted, to see that they are served, and never as evidence.
    """

    policy: str
    revision: str
    preset: str
    variants: tuple[str, ...]
    window_seconds: int
    templates: Mapping[str, str] = field(default_factory=dict)
    liveness: LivenessHints = NO_HINTS
    users: UserQuestion | None = None
    beside: tuple[str, ...] = ()
    step: int | None = None
    begins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedStep:
    """The step that a reading is evidence for.

    policy: namespace/name; step: index >= 0; started_at: Unix second at which the step's weights were in force, None
    when they were not yet; variants: labels of the baseline and then of each candidate, an incumbent's among them.
    guarded_classes: query classes whose answers a guard compares, where the step is one's: no other counts are kept by
    class then. None of a trial's step.
    """

    policy: str
    step: int
    started_at: int | None
    variants: tuple[str, ...]
    guarded_classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Applied(Generic[LedgerT]):
    """A ledger after a reading.

    newly_uncertain: by variant's label, how many more events than were counted this look may have missed; empty where
    counters of this kind never leave any open.
    """

    ledger: LedgerT
    newly_uncertain: Mapping[str, Tally] = field(default_factory=dict)


class CountSource(Protocol[RequestT_co, ReadingT_contra, LedgerT]):
    """One kind of counters. Every method is pure. Where variants are named, those that counters of the kind cannot tell
    apart from others, as an incumbent by templates, are left out of what is returned; every other appears."""

    def request(self, question: CountQuestion) -> RequestT_co:
        """What the metrics source is asked. Raises ValueError for variants that this kind cannot tell apart."""
        ...

    def apply(self, ledger: object, reading: ReadingT_contra, at: int, step: CountedStep) -> Applied[LedgerT]:
        """The ledger after the reading of Unix second `at`. An empty ledger of any kind is a beginning.

        Raises MetricsFailure for a reading that cannot be trusted or kept.
        """
        ...

    def totals(
        self, ledger: LedgerT, step: int, variants: Sequence[str], query_class: str | None = None
    ) -> dict[str, Tally]:
        """Counts of one step by variant's label, of one query class where it is named."""
        ...

    def open_requests(self, ledger: LedgerT, step: int, variants: Sequence[str]) -> Mapping[str, int]:
        """A measure, by variant's label, of requests of one step that the counts may lack. While it stays as it is, the
        counts of a variant have grown by all of its requests.
        """
        ...

    def evaluated_since(
        self, before: object, after: LedgerT, step: int, variants: Sequence[str]
    ) -> Mapping[str, Tally]:
        """Answers to golden questions of a step that came from one ledger to a later one, by variant's label: they are
        in its totals as well. Nothing where they cannot be told apart."""
        ...

    def in_flight(self, ledger: LedgerT, step: int, variants: Sequence[str]) -> dict[str, int] | None:
        """Requests of a step that began and have not ended, by variant's label; None where this is not counted."""
        ...

    def requests_since(
        self, ledger: object, reading: ReadingT_contra, step: int, weights: Mapping[str, int], since: float
    ) -> Mapping[str, int]:
        """New requests that the reading shows, of each variant whose weight (percent) is above 0.

        ledger: what was known before; since: Unix time before which the weights cannot have been in force.
        """
        ...

    def is_packed(self, text: str) -> bool:
        """Whether a stored text is a ledger of this kind."""
        ...

    def pack(self, ledger: LedgerT) -> str:
        """The text for status. Raises TooManySeries."""
        ...

    def unpack(self, text: str) -> LedgerT:
        """Inverse of `pack`. Raises LedgerError."""
        ...

    def series_count(self, ledger: LedgerT) -> int:
        """How many series a ledger holds; each process that was compacted, of which it holds a digest, is one more."""
        ...

    def restart_can_hide(self, ledger: LedgerT) -> bool:
        """Whether some process may restart without the counts showing it."""
        ...

    def drop_steps_before(self, ledger: LedgerT, step: int) -> LedgerT:
        """The ledger without closed steps, whose counts are evidence already."""
        ...
