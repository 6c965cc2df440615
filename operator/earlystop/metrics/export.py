"""For inference servers: counts what the operator reads, in the convention that it reads.

    exporter = Exporter()                          # once per process, after any fork
    exporter.register("llm/qa", revision, step=0)  # when the server learns of a revision it trusts
    exporter.started(assignment); …; exporter.completed(assignment, tokens=212, result="unscored")

A campaign with several candidates names them: register(..., variants=("baseline", "w10", "w5")).
One collector yields all families under one lock, so a scrape never sees half of an event.
Prometheus' multi-process mode is not supported: each process needs its own metrics endpoint.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.api.counts import TALLY_FIELDS
from earlystop.metrics import convention as names
from earlystop.metrics.assignment import WORD, Assignment, Shadow, check_answer, has_places, is_exposable, is_variant
from earlystop.metrics.ledger import ONE_CANDIDATE

__all__ = ["MAX_RETIRED", "MAX_SETTINGS", "Assignment", "Exporter", "Shadow"]

MAX_SETTINGS = 32
MAX_RETIRED = 4096
"""Evicted revisions that are remembered; beyond it no new revision is admitted until the process restarts."""

_HELP = {
    names.STARTED: "Requests that arrived.",
    names.REQUESTS: "Requests that ended, by outcome.",
    names.ANSWERS: "Answers of completed requests, by exact match.",
    names.TOKENS: "Output tokens of completed requests.",
    names.TOKENS_SQUARED: "Sum of the squares of output tokens per completed request.",
    names.PAIRS: "Questions answered by the baseline and by a candidate, by which of them was right.",
    names.FEEDBACK: "Users' verdicts on answers.",
}
_SETTING_LABELS = (names.POLICY, names.REVISION, names.VARIANT, names.PARAMETER, names.VALUE)

_SPLIT = {names.PAIRS: (names.OUTCOME, names.PAIR_OUTCOMES), names.FEEDBACK: (names.SENTIMENT, names.SENTIMENTS)}
"""Metrics beside the tally: the label that splits them, and its values."""

_STARTED = TALLY_FIELDS.index("started")

# policy, revision, step, variant, query class, as label values
_Row = tuple[str, str, str, str, str]


@dataclass(slots=True)
class _Known:
    """What is exposed of one revision."""

    strata: set[tuple[int, str]] = field(default_factory=set)
    variants: set[str] = field(default_factory=set)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)


class Exporter(Collector):
    """Counts requests by assignment and exposes them in `registry` (None: prometheus_client's own).

    process: id of this start of the process, new at every start; the default is random. Two processes that share one
    are undercounted. max_revisions bounds the label values that clients' headers can create: when one more is
    registered, the one not used for longest is evicted, and never comes back, since its series would begin again.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, process: str | None = None, max_revisions: int = 16
    ) -> None:
        self.process = secrets.token_hex(5) if process is None else process
        if not WORD.fullmatch(self.process):
            raise ValueError(f"process {self.process[:80]!r} must be 1 to 64 of the characters A-Z a-z 0-9 . _ + -")
        if max_revisions < 1:
            raise ValueError(f"max_revisions is {max_revisions}; at least 1 revision must have room")
        self._max_revisions = max_revisions
        self._lock = threading.Lock()
        self._rows: dict[_Row, list[int]] = {}
        self._split: dict[str, dict[_Row, list[int]]] = {metric: {} for metric in _SPLIT}
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()  # the oldest use first
        self._retired: set[tuple[str, str]] = set()
        self._policies: set[str] = set()
        (REGISTRY if registry is None else registry).register(self)

    def register(
        self,
        policy: str,
        revision: str,
        step: int,
        query_class: str = "default",
        *,
        variants: Sequence[str] = ONE_CANDIDATE,
    ) -> bool:
        """Expose a revision's counters of these variants, and of those registered before, at 0 if they are new.

        False when it cannot be: odd label values, evicted before, or too many. Nothing has changed then, and requests
        of what is not exposed count as unassigned.
        """
        with self._lock:
            return self._admit(Assignment(policy, revision, step, names.UNASSIGNED, query_class), variants)

    def started(self, assignment: Assignment) -> None:
        """A request arrived."""
        self._add(assignment, started=1)

    def completed(self, assignment: Assignment, tokens: int, result: str, shadows: Sequence[Shadow] = ()) -> None:
        """A request was answered with `tokens` output tokens; result is match, mismatch or unscored.

        shadows: what candidates would have made of the very same request, where the baseline served it. Each counts as
        started and completed, and as a pair with `result` where both are scored. All of it is one event. A shadow whose
        variant is not exposed, and those of a request that counts as unassigned, are counted nowhere.
        """
        for each in (Shadow(assignment.variant, tokens, result), *shadows):
            check_answer(each)
        with self._lock:
            row = self._exposed_row(assignment)
            _count_answer(self._nobodys_row(assignment) if row is None else row, tokens, result)
            for shadow in shadows if row is not None else ():
                self._count_shadow(assignment, result, shadow)

    def failed(self, assignment: Assignment) -> None:
        """A request ended without an answer."""
        self._add(assignment, failed=1)

    def evaluated(self, assignment: Assignment, tokens: int | None, result: str) -> None:
        """For an evaluator: a golden question was answered, with `tokens` output tokens, None when unknown.

        It is not counted as started: the sample-ratio check is about requests that the route assigned. Without tokens
        it is not counted as completed either, since the mean divides tokens by completed requests.
        """
        if tokens is not None:
            self.completed(assignment, tokens, result)
            return
        check_answer(Shadow(assignment.variant, 0, result))
        self._add(assignment, **{result: 1})

    def pair(self, assignment: Assignment, outcome: str) -> bool:
        """For an evaluator: the baseline and a candidate answered one question; the assignment is the candidate's.

        The one candidate `candidate` needs no variant label. False when the revision, or a candidate with a name of its
        own, is not exposed: then the pair is counted nowhere.
        """
        named = assignment.variant not in ONE_CANDIDATE
        return self._add_split(names.PAIRS, assignment, assignment.variant if named else "", outcome)

    def feedback(self, assignment: Assignment, sentiment: str) -> bool:
        """A user's verdict, up or down, on an answer given under this assignment, however long ago.

        False when the revision or the variant is not exposed: then it is counted nowhere.
        """
        return self._add_split(names.FEEDBACK, assignment, assignment.variant or names.UNASSIGNED, sentiment)

    def setting(self, policy: str, revision: str, variant: str, parameter: str, value: str) -> bool:
        """Tell the value of a parameter that is in force. False when the revision, the variant or the words are not
        accepted."""
        if not (WORD.fullmatch(parameter) and WORD.fullmatch(value)):
            return False
        with self._lock:
            known = self._known.get((policy, revision))
            place = (str(variant), parameter)
            if known is None or variant not in known.variants:
                return False
            if place not in known.settings and len(known.settings) >= MAX_SETTINGS:
                return False
            known.settings[place] = value
            return True

    def describe(self) -> Iterable[Metric]:
        """The families without samples."""
        yield from _families({}, {}, self.process)
        yield from _split_families({metric: {} for metric in _SPLIT}, self.process)

    def collect(self) -> Iterable[Metric]:
        """The families as they are at one moment."""
        with self._lock:
            rows = {row: tuple(counts) for row, counts in self._rows.items()}
            settings = {revision: dict(known.settings) for revision, known in self._known.items()}
            split = {metric: {row: tuple(counts) for row, counts in of.items()} for metric, of in self._split.items()}
        yield from _families(rows, settings, self.process)
        yield from _split_families(split, self.process)

    def _add(self, assignment: Assignment, **counts: int) -> None:
        with self._lock:
            row = self._row(assignment)
            for field, count in counts.items():
                row[TALLY_FIELDS.index(field)] += count

    def _add_split(self, metric: str, assignment: Assignment, variant: str, value: str) -> bool:
        """Counts under one value of the metric's own label; variant: a registered one, or "" for none."""
        label, values = _SPLIT[metric]
        if value not in values:
            raise ValueError(f"{label} is {value!r}; write one of {', '.join(values)}")
        with self._lock:
            # Only within a revision that requests made known: feedback comes from clients too, and must evict nobody.
            known = self._known.get((assignment.policy, assignment.revision))
            if known is None or (variant and variant not in known.variants) or not self._admit(assignment):
                return False
            self._count_split(metric, _row_of(assignment, variant), value)
        return True

    def _count_split(self, metric: str, row: _Row, value: str) -> None:
        """The children of all values begin at 0 together."""
        _, values = _SPLIT[metric]
        self._split[metric].setdefault(row, [0] * len(values))[values.index(value)] += 1

    def _count_shadow(self, assignment: Assignment, full_result: str, shadow: Shadow) -> None:
        place = _row_of(assignment, shadow.variant)
        row = self._rows.get(place)
        if row is None or shadow.variant == assignment.variant:
            return
        row[_STARTED] += 1
        _count_answer(row, shadow.tokens, shadow.result)
        if names.UNSCORED not in (full_result, shadow.result):
            outcome = names.pair_outcome(full_result == names.MATCH, shadow.result == names.MATCH)
            self._count_split(names.PAIRS, place, outcome)

    def _row(self, assignment: Assignment) -> list[int]:
        row = self._exposed_row(assignment)
        return self._nobodys_row(assignment) if row is None else row

    def _exposed_row(self, assignment: Assignment) -> list[int] | None:
        """The counts of the assignment, None when it is to be counted as unassigned."""
        revision = (assignment.policy, assignment.revision)
        known = self._known.get(revision)
        if known is None:
            return None
        self._known.move_to_end(revision)
        if assignment.variant not in known.variants or not self._admit(assignment):
            return None
        return self._rows[_row_of(assignment, assignment.variant)]

    def _nobodys_row(self, assignment: Assignment) -> list[int]:
        policy = assignment.policy if assignment.policy in self._policies else names.UNASSIGNED
        nobody = (policy, names.UNASSIGNED, names.UNASSIGNED, names.UNASSIGNED, names.UNASSIGNED)
        return self._rows.setdefault(nobody, [0] * len(TALLY_FIELDS))

    def _admit(self, wanted: Assignment, variants: Sequence[str] = ()) -> bool:
        """Make room for the revision, step, class and these variants beside those that it has, and expose all of them
        at 0. False when there is none: then nothing has changed."""
        revision, stratum = (wanted.policy, wanted.revision), (wanted.step, wanted.query_class)
        known = self._known.get(revision)
        if known is not None and stratum in known.strata and known.variants.issuperset(variants):
            return True
        strata, labels = {stratum}, {str(variant) for variant in variants}
        if known is not None:
            strata, labels = strata | known.strata, labels | known.variants
        if not is_exposable(wanted) or not all(map(is_variant, labels)) or not has_places(strata, labels):
            return False
        if known is None:
            if revision in self._retired or not self._make_room():
                return False
            known = self._known[revision] = _Known()
            if len(self._policies) < self._max_revisions:
                self._policies.add(wanted.policy)
        known.strata, known.variants = strata, labels
        for step, query_class in strata:
            for variant in labels:
                place = (*revision, str(int(step)), variant, query_class)
                self._rows.setdefault(place, [0] * len(TALLY_FIELDS))
        return True

    def _make_room(self) -> bool:
        if len(self._known) < self._max_revisions:
            return True
        if len(self._retired) >= MAX_RETIRED:
            return False
        oldest, _ = self._known.popitem(last=False)
        self._retired.add(oldest)
        self._rows = {row: counts for row, counts in self._rows.items() if row[:2] != oldest}
        for metric, of in self._split.items():
            self._split[metric] = {row: counts for row, counts in of.items() if row[:2] != oldest}
        return True


def _row_of(assignment: Assignment, variant: str) -> _Row:
    return assignment.policy, assignment.revision, str(int(assignment.step)), str(variant), assignment.query_class


def _count_answer(row: list[int], tokens: int, result: str) -> None:
    for name, count in (("completed", 1), (result, 1), ("tokens", tokens), ("tokens_squared", tokens * tokens)):
        row[TALLY_FIELDS.index(name)] += count


def _families(
    rows: dict[_Row, tuple[int, ...]],
    settings: dict[tuple[str, str], dict[tuple[str, str], str]],
    process: str,
) -> Iterator[Metric]:
    for metric in names.COUNTED_METRICS:
        if metric in _SPLIT:
            continue
        kinds = [(kind, names.FIELD_INDEX[kind]) for kind in names.SELECTED if kind.metric == metric]
        split = [label for label, value in zip(names.MARKS, kinds[0][0][1:], strict=True) if value]
        family = CounterMetricFamily(metric, _HELP[metric], labels=(*names.SERIES_LABELS, *split))
        for row, counts in rows.items():
            for kind, place in kinds:
                family.add_metric((*row, process, *filter(None, kind[1:])), counts[place])
        yield family
    info = GaugeMetricFamily(names.SETTING_INFO, "1 for each parameter value in force.", labels=_SETTING_LABELS)
    for (policy, revision), values in settings.items():
        for (variant, parameter), value in values.items():
            info.add_metric((policy, revision, str(variant), parameter, value), 1)
    yield info


def _split_families(split: dict[str, dict[_Row, tuple[int, ...]]], process: str) -> Iterator[Metric]:
    for metric, (label, values) in _SPLIT.items():
        family = CounterMetricFamily(metric, _HELP[metric], labels=(*names.SERIES_LABELS, label))
        for row, counts in split.get(metric, {}).items():
            for value, count in zip(values, counts, strict=True):
                family.add_metric((*row, process, value), count)
        yield family
