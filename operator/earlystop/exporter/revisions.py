"""Which revisions, steps, classes and variants a server counts: bounds that no client's header can move."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from earlystop.api.wire import COUNT_FIELDS, GROUPED_EVENTS, INCUMBENT, UNASSIGNED, commitment_in
from earlystop.exporter.assignment import Assignment, has_places, is_exposable, is_variant

MAX_SETTINGS = 32
IDLE_SECONDS = 600.0
"""A revision may lose its place to a new one after so long without a counted request."""
MAX_RETIRED = 4096
"""Evicted revisions that are remembered of one room; beyond it none loses its place until the process restarts."""
BOTH = ""
"""In place of a variant: pairs of the baseline and the one candidate, which need no name."""

NOBODY = (UNASSIGNED, UNASSIGNED, UNASSIGNED, UNASSIGNED)

Counts = list[int]
"""In the order of `Tally`."""
Room = tuple[str, bool]
"""Revisions that share places: the policy where a server names its policies, and whether they commit to a token."""
Labels = tuple[str, str, str, str, str]
"""Policy, revision, step, variant and query class, as label values."""
GroupLabels = tuple[str, str, str, str, str]
"""Policy, revision, step, variant and group of users, as label values."""


@dataclass(slots=True)
class _Known:
    """What is exposed of one revision: counts by step, variant and class, `GROUPED_EVENTS` by step, variant and group
    of users, and values by variant and parameter.

    used_at: when a request last counted, or when it got its place, in seconds of the clock. arrived: when the latest
    request arrived of which something was registered later, None where nobody says it. steps: the same moment of each
    step. retired_to: the last step that has lost its place, -1 for none.
    """

    used_at: float
    arrived: float | None = None
    strata: set[tuple[int, str]] = field(default_factory=set)
    variants: set[str] = field(default_factory=set)
    rows: dict[tuple[int, str, str], Counts] = field(default_factory=dict)
    groups: dict[tuple[int, str, int], list[int]] = field(default_factory=dict)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    retired_to: int = -1

    def retire(self, gone: Collection[int]) -> None:
        """Let these steps go, with their counts. None of them, nor an earlier one, ever comes back."""
        if not gone:
            return
        self.retired_to = max(self.retired_to, *gone)
        self.strata = {each for each in self.strata if each[0] not in gone}
        self.rows = {key: row for key, row in self.rows.items() if key[0] not in gone}
        self.groups = {key: row for key, row in self.groups.items() if key[0] not in gone}
        self.steps = {step: at for step, at in self.steps.items() if step not in gone}


class Revisions:
    """The counts of revisions, each with all of its variants from 0 on. Not safe between threads.

    At most `most` revisions that commit to a token have places, and as many of those that do not: whoever knows no
    token takes no place of the former. policies: the only ones that are counted, each with that many places of its own;
    none for any. clock: gives seconds, and never goes back.

    When no place is left, the revision not used for longest is evicted with its counts if it was idle for
    IDLE_SECONDS, and never comes back: its series would begin again. Until then no new one is admitted. So it is with
    the steps of one revision, whose numbers rise: a guard that follows the load begins several a day, for months.

    Where it is told when requests arrived, as of votes that come later, the revision with the latest ones matters, and
    not the one that was used last: a place is then only left for a revision whose requests are younger.
    """

    def __init__(self, most: int, policies: Collection[str], clock: Callable[[], float]) -> None:
        if most < 1:
            raise ValueError(f"max_revisions is {most}; at least 1 revision must have room")
        self._most = most
        self._policies = frozenset(policies)
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()  # the oldest use first
        self._taken: Counter[Room] = Counter()
        self._retired: defaultdict[Room, set[tuple[str, str]]] = defaultdict(set)
        self._unassigned: dict[str, Counts] = {}
        self._forged: dict[str, int] = {}

    def admit(self, assignment: Assignment, variants: Sequence[str] = (), arrived: float | None = None) -> bool:
        """Make room for the revision, step, class and these variants beside those that it has, and let all of them
        stand at 0. False when there is none: then nothing has changed. arrived: when its request did, Unix seconds."""
        known, stratum = self._get(assignment), (assignment.step, assignment.query_class)
        if known is not None and arrived is not None:
            known.arrived = max(arrived, known.arrived or arrived)
        if known is not None and stratum in known.strata and known.variants.issuperset(variants):
            return True
        if not is_exposable(assignment):
            return False
        strata, labels = {stratum}, {str(variant) for variant in variants}
        retired: set[int] = set()
        if known is not None:
            if assignment.step <= known.retired_to and assignment.step not in known.steps:
                return False
            strata, labels = strata | known.strata, labels | known.variants
            retired = self._to_retire(known, assignment.step, strata, labels)
            strata = {each for each in strata if each[0] not in retired}
        if not all(map(is_variant, labels)) or not has_places(strata, labels):
            return False
        known = known or self._new(assignment.policy, assignment.revision, arrived)
        if known is None:
            return False
        known.retire(retired)
        known.steps.setdefault(assignment.step, self._clock())
        for step, query_class in strata:
            for variant in labels:
                known.rows.setdefault((step, variant, query_class), _zeros())
        # Last, so that a fork amidst this leaves the child no label without its counts.
        known.strata, known.variants = strata, labels
        return True

    def row(self, assignment: Assignment) -> Counts | None:
        """Where a request counts that uses the revision; None when it is to be counted as unassigned. A search's
        incumbent, of which servers that register baseline and candidate know nothing, is exposed with its first one."""
        if assignment.variant == INCUMBENT and self._get(assignment) is not None:
            self.admit(assignment, (INCUMBENT,))
        known, row = self._get(assignment), self.known_row(assignment, assignment.variant)
        if known is not None and row is not None:
            known.used_at = known.steps[assignment.step] = self._clock()
            self._known.move_to_end((assignment.policy, assignment.revision))
        return row

    def unassigned_row(self, assignment: Assignment) -> Counts:
        """Where a request counts as unassigned, under its policy if that is named or has a revision here."""
        return self._unassigned.setdefault(self._known_policy(assignment), _zeros())

    def note_forged(self, assignment: Assignment) -> None:
        """Count a request without its revision's token, under its policy if that is named or has a revision here."""
        policy = self._known_policy(assignment)
        self._forged[policy] = self._forged.get(policy, 0) + 1

    def known_row(self, assignment: Assignment, variant: str) -> Counts | None:
        """The counts of a variant in the assignment's stratum; None unless revision and variant are exposed. It is no
        use of the revision: feedback comes from clients too, and must evict nobody."""
        known = self._get(assignment)
        if known is None or variant not in known.variants or not self.admit(assignment):
            return None
        return known.rows[assignment.step, variant, assignment.query_class]

    def group_row(self, assignment: Assignment, group: int) -> list[int] | None:
        """As `known_row`, for the events of a group of users in the assignment's step and variant."""
        if self.known_row(assignment, assignment.variant) is None:
            return None
        groups = self._known[assignment.policy, assignment.revision].groups
        return groups.setdefault((assignment.step, assignment.variant, group), [0] * len(GROUPED_EVENTS))

    def pairs_row(self, assignment: Assignment) -> Counts | None:
        """As `known_row`, for pairs of the baseline and the one candidate."""
        known = self._get(assignment)
        if known is None or not self.admit(assignment):
            return None
        return known.rows.setdefault((assignment.step, BOTH, assignment.query_class), _zeros())

    def keep_setting(self, policy: str, revision: str, variant: str, parameter: str, value: str) -> bool:
        """Keep a parameter's value. False when revision or variant is not known or has no room for the parameter."""
        known = self._known.get((policy, revision))
        if known is None or variant not in known.variants:
            return False
        if (variant, parameter) not in known.settings and len(known.settings) >= MAX_SETTINGS:
            return False
        known.settings[variant, parameter] = value
        return True

    def zero(self) -> None:
        """Set every count to 0; what is exposed stays so."""
        for row in (
            *self._unassigned.values(),
            *(row for known in self._known.values() for row in known.rows.values()),
        ):
            row[:] = _zeros()
        for known in self._known.values():
            known.groups.clear()
        self._forged = dict.fromkeys(self._forged, 0)

    def forged(self) -> dict[str, int]:
        """Requests without their revision's token, by policy: 0 for each that has a revision with a token here."""
        named = self._named_policies()
        return {policy: count for policy, count in self._forged.items() if policy in named}

    def counts(self) -> dict[Labels, tuple[int, ...]]:
        """A copy of all counts."""
        named = self._named_policies()
        found = {(policy, *NOBODY): tuple(row) for policy, row in self._unassigned.items() if policy in named}
        for revision, known in self._known.items():
            for (step, variant, query_class), row in known.rows.items():
                found[*revision, str(int(step)), str(variant), query_class] = tuple(row)
        return found

    def groups(self) -> dict[GroupLabels, tuple[int, ...]]:
        """A copy of the events of each group of users that had any."""
        return {
            (*revision, str(int(step)), str(variant), str(group)): tuple(row)
            for revision, known in self._known.items()
            for (step, variant, group), row in known.groups.items()
        }

    def settings(self) -> list[tuple[str, ...]]:
        """Policy, revision, variant, parameter and value of every parameter that a server has stated."""
        return [
            (*revision, str(variant), parameter, value)
            for revision, known in self._known.items()
            for (variant, parameter), value in known.settings.items()
        ]

    def _known_policy(self, assignment: Assignment) -> str:
        return assignment.policy if assignment.policy in self._named_policies() else UNASSIGNED

    def _named_policies(self) -> set[str]:
        """Policies that the page names. One whose last revision was evicted leaves it; its counts are kept, so that
        they go on from where they were if it comes back."""
        return {UNASSIGNED, *self._policies, *(policy for policy, _ in self._known)}

    def _get(self, assignment: Assignment) -> _Known | None:
        return self._known.get((assignment.policy, assignment.revision))

    def _new(self, policy: str, revision: str, arrived: float | None) -> _Known | None:
        if self._policies and policy not in self._policies:
            return None
        room = self._room(policy, revision)
        if (policy, revision) in self._retired[room]:
            return None
        if self._taken[room] >= self._most and not self._leaves_place(room, arrived):
            return None
        self._taken[room] += 1
        if commitment_in(revision):
            self._forged.setdefault(policy, 0)
        return self._known.setdefault((policy, revision), _Known(self._clock(), arrived))

    def _to_retire(self, known: _Known, step: int, strata: Collection[tuple[int, str]], labels: set[str]) -> set[int]:
        """Earlier steps than this one that lose their places so that it has some, those first that were not used for
        longest; none of them is in use."""
        gone: set[int] = set()
        if has_places(set(strata), labels):
            return gone
        idle = [each for each, at in known.steps.items() if each < step and self._clock() - at >= IDLE_SECONDS]
        for earlier in sorted(idle, key=known.steps.__getitem__):
            gone.add(earlier)
            if has_places({each for each in strata if each[0] not in gone}, labels):
                break
        return gone

    def _leaves_place(self, room: Room, arrived: float | None) -> bool:
        """Free the place that was not used for longest, or the one whose requests are oldest. False when it is in use,
        or when its requests are younger than one that arrived then."""
        there = [each for each in self._known if self._room(*each) == room]
        retired = self._retired[room]
        if arrived is None:
            oldest = there[0]
            is_free = self._clock() - self._known[oldest].used_at >= IDLE_SECONDS
        else:
            oldest = min(there, key=lambda each: self._known[each].arrived or 0.0)
            is_free = (self._known[oldest].arrived or 0.0) < arrived
        if not is_free or len(retired) >= MAX_RETIRED:
            return False
        del self._known[oldest]
        self._taken[room] -= 1
        retired.add(oldest)
        return True

    def _room(self, policy: str, revision: str) -> Room:
        return policy if self._policies else "", bool(commitment_in(revision))


def _zeros() -> Counts:
    return [0] * len(COUNT_FIELDS)
