"""For inference servers: counts what the operator reads, in the convention that it reads.

    exporter = Exporter(policies=["llm/qa"])       # once per process, with the policies that it serves
    assignment = Assignment(policy, revision, step, variant, token=token)  # as the request's headers say
    if not assignment.is_forged:  # else serve it as a request without these headers
        exporter.register(policy, revision, step)
    exporter.started(assignment); …; exporter.completed(assignment, tokens=212, result="match")

Whoever scores a sample alone passes result=None for the rest: "unscored" is an answer that could not be scored, such
as one that was cut off, and counts against its variant unless the policy says otherwise.

A campaign with several candidates names them: register(..., variants=("baseline", "w10", "w5")).
A server that knows its users says who asks: Assignment(..., user=request.headers.get("x-user", "")). Then the operator
can tell how alike the answers of one user are, which cohorts of users need.

One collector yields all families under one lock, so a scrape never sees half of an event. Workers that are forked count
from 0 under ids of their own, so nothing is counted twice. Each needs a metrics endpoint of its own to be seen, as
Prometheus' multi-process mode is not supported.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from earlystop.api import wire as names
from earlystop.api.wire import COUNT_FIELDS, GROUPED_EVENTS, ONE_CANDIDATE
from earlystop.exporter.assignment import DEFAULT_CLASS, WORD, Assignment, Shadow, checked_policies, counts_of, pair_of
from earlystop.exporter.choice import SettingsInForce
from earlystop.exporter.exposition import families
from earlystop.exporter.revisions import Counts, Revisions

__all__ = ["Assignment", "Exporter", "Shadow"]

_PLACES = {name: place for place, name in enumerate(COUNT_FIELDS)}


class Exporter(Collector):
    """Counts requests by assignment and exposes them in `registry` (None: prometheus_client's own).

    process: id of this start of the process, new at every start; the default is random. Two processes that share one
    are undercounted. max_revisions bounds the label values that clients' headers can create, see `Revisions`.
    policies: those that this server serves, as namespace/name; no other is counted, and none loses a place to a name
    that a client made up. Empty for any. clock: gives seconds, and never goes back. Raises ValueError for a policy or
    process that can be no label.
    demands_token: whether a request counts under a revision only with that revision's token, so that no client can
    forge what is counted. An evaluator, which makes its requests itself, demands none.
    serves_requests: False for a process that counts what comes later to answers of others: it exposes `LATER_METRICS`
    alone, or it would look like a server of every variant that lives.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        process: str | None = None,
        max_revisions: int = 16,
        *,
        demands_token: bool = True,
        policies: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        serves_requests: bool = True,
    ) -> None:
        self._serves_requests = serves_requests
        self._metrics = names.COUNTED_METRICS if serves_requests else names.LATER_METRICS
        self.process = secrets.token_hex(5) if process is None else process
        if not WORD.fullmatch(self.process):
            raise ValueError(f"process {self.process[:80]!r} must be 1 to 64 of the characters A-Z a-z 0-9 . _ + -")
        self._lock = threading.Lock()
        self._demands_token = demands_token
        self._revisions = Revisions(max_revisions, checked_policies(policies), clock)
        self._in_force: list[Callable[[], SettingsInForce]] = []
        (REGISTRY if registry is None else registry).register(self)
        begin_anew = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (begin := begin_anew()) and begin())

    def register(
        self,
        policy: str,
        revision: str,
        step: int,
        query_class: str = DEFAULT_CLASS,
        *,
        variants: Sequence[str] = ONE_CANDIDATE,
        arrived: float | None = None,
    ) -> bool:
        """Expose a revision's counters of these variants, and of those registered before, at 0 if they are new.

        arrived: Unix time at which the request arrived that a vote is about, in a process that counts votes alone:
        there the revisions with the latest requests have places.

        False when it cannot be: odd label values, a policy that is not among the server's, evicted before, or as many
        in use as have places. Nothing has changed then, and requests of what is not exposed count as unassigned.
        """
        with self._lock:
            return self._revisions.admit(Assignment(policy, revision, step, "", query_class), variants, arrived)

    def started(self, assignment: Assignment) -> None:
        """A request arrived. One that is forged counts as such, and as unassigned."""
        with self._lock:
            if self._is_refused(assignment):
                self._revisions.note_forged(assignment)
            self._count(assignment, {"started": 1})

    def completed(
        self,
        assignment: Assignment,
        tokens: int,
        result: str | None,
        shadows: Sequence[Shadow] = (),
        *,
        empty: bool | None = None,
        cut: bool = False,
    ) -> None:
        """A request was answered with `tokens` output tokens; result is match, mismatch or unscored.

        result: None for an answer that nobody tried to score, as where a sample is scored: it is in no count of
        results. Whether one is tried must not depend on its variant or its answer. empty: whether the answer has no
        word; None: whether it has no token. cut: whether a limit of tokens cut it off (finish reason `length`).

        shadows: what candidates would have made of the very same request, where the baseline served it. Each counts as
        started and completed, and as a pair with `result` (`pair_of`). All of it is one event. A shadow whose
        variant is not exposed, and those of a request that counts as unassigned, are counted nowhere.
        """
        counts = counts_of(tokens, result, empty=empty, cut=cut)
        shadowed = [
            (each.variant, {"started": 1} | counts_of(each.tokens, each.result) | pair_of(result, each.result))
            for each in shadows
        ]
        with self._lock:
            if self._count(assignment, counts):
                for variant, more in shadowed:
                    if variant != assignment.variant:
                        _add_to(self._revisions.known_row(assignment, variant), more)

    def failed(self, assignment: Assignment) -> None:
        """Counts that a request ended without an answer."""
        self._add(assignment, failed=1)

    def evaluated(self, assignment: Assignment, tokens: int | None, result: str) -> None:
        """For an evaluator: a golden question was answered, with `tokens` output tokens, None when unknown.

        It is not counted as started: the sample-ratio check is about requests that the route assigned. Without tokens
        it is not counted as completed either, since the mean divides tokens by completed requests.
        """
        if tokens is not None:
            self.completed(assignment, tokens, result)
            return
        _check(names.RESULT, result, names.RESULTS)
        self._add(assignment, **{result: 1})

    def pair(self, assignment: Assignment, outcome: str, completeness: str | None = None) -> bool:
        """For an evaluator: the baseline and a candidate were asked one question; the assignment is the candidate's.

        completeness: whose answer is missing, one of `PAIR_COMPLETENESS`; None where that is not known.

        The one candidate `candidate` needs no variant label. False when the revision, or a candidate with a name of its
        own, is not exposed: then the pair is counted nowhere.
        """
        _check(names.OUTCOME, outcome, names.PAIR_OUTCOMES)
        if completeness is not None:
            _check("completeness", completeness, names.PAIR_COMPLETENESS)
        told = {f"pairs_{word}": 1 for word in (outcome, completeness) if word is not None}
        with self._lock:
            if self._is_refused(assignment):
                row = None
            elif assignment.variant in ("", *ONE_CANDIDATE):
                row = self._revisions.pairs_row(assignment)
            else:
                row = self._revisions.known_row(assignment, assignment.variant)
            return _add_to(row, told)

    def feedback(self, assignment: Assignment, sentiment: str) -> bool:
        """A user's verdict, up or down, on an answer given under this assignment, however long ago.

        False when the revision or the variant is not exposed, or the assignment lacks the revision's token: then it is
        counted nowhere. Keep the assignment with the answer, or give the client a receipt of it (`exporter.receipts`);
        what a client says of it by itself cannot be believed.
        """
        _check(names.SENTIMENT, sentiment, names.SENTIMENTS)
        return self._count_later(assignment, f"feedback_{sentiment}")

    def labelled(self, assignment: Assignment, result: str) -> bool:
        """A label, match or mismatch, of an answer that was counted as completed with result=None, however long ago.

        False as in `feedback`. The label of every answer must be counted in the same way whichever variant gave it:
        see operator/docs/feedback.md on labels of which some come sooner than others.
        """
        _check(names.RESULT, result, names.LATE_RESULTS)
        return self._count_later(assignment, result)

    def setting(self, policy: str, revision: str, variant: str, parameter: str, value: str) -> bool:
        """State the value of a parameter in force. False when the revision, variant or words are not accepted."""
        if not (WORD.fullmatch(parameter) and WORD.fullmatch(value)):
            return False
        with self._lock:
            return self._revisions.keep_setting(policy, revision, variant, parameter, value)

    def show_settings(self, in_force: Callable[[], SettingsInForce]) -> None:
        """For a process that reads its settings itself: at each scrape it is asked by which of them it serves."""
        self._in_force.append(in_force)

    def describe(self) -> Iterable[Metric]:
        """The families without samples."""
        return families({}, [], {}, self.process, metrics=self._metrics)

    def collect(self) -> Iterable[Metric]:
        """The families as they are at one moment."""
        in_force = [each() for each in self._in_force]  # which may register a revision, so before the counts
        with self._lock:
            counts, settings = self._revisions.counts(), self._revisions.settings()
            forged, groups = self._revisions.forged(), self._revisions.groups()
        return families(counts, settings, forged, self.process, groups, in_force, self._metrics)

    def _begin_anew(self) -> None:
        """Begins with no count in a forked child: what was counted is the parent's, whose lock may never be given
        back."""
        self.process = secrets.token_hex(5)
        self._lock = threading.Lock()
        self._revisions.zero()

    def _is_refused(self, assignment: Assignment) -> bool:
        return self._demands_token and assignment.is_forged

    def _add(self, assignment: Assignment, **counts: int) -> None:
        with self._lock:
            self._count(assignment, counts)

    def _count_later(self, assignment: Assignment, name: str) -> bool:
        """One more of a count of `Tally` for an answer that was given before; False when it is counted nowhere."""
        with self._lock:
            if self._is_refused(assignment):
                return False
            # Where nothing else is counted it is a use of the revision, which keeps its place by it.
            own = self._revisions.row(assignment) if not self._serves_requests else None
            row = own or self._revisions.known_row(assignment, assignment.variant)
            return _add_to(row, {name: 1}) and self._count_user(assignment, {name: 1})

    def _count(self, assignment: Assignment, counts: Mapping[str, int]) -> bool:
        """Counts while the lock is held. False when it was counted as unassigned."""
        row = None if self._is_refused(assignment) else self._revisions.row(assignment)
        if _add_to(row, counts):
            return self._count_user(assignment, counts)
        return not _add_to(self._revisions.unassigned_row(assignment), counts)

    def _count_user(self, assignment: Assignment, counts: Mapping[str, int]) -> bool:
        """Counts for the user's group, too, where that is known, while the lock is held. Always True."""
        group = assignment.group
        if group is None:
            return True
        happened = [(index, counts[name]) for index, name in enumerate(GROUPED_EVENTS) if counts.get(name)]
        row = self._revisions.group_row(assignment, group) if happened else None
        if row is not None:
            for index, count in happened:
                row[index] += count
        return True


def _check(name: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ValueError(f"{name} is {word!r}; write one of {', '.join(words)}")


def _add_to(row: Counts | None, counts: Mapping[str, int]) -> bool:
    """False, and nothing added, when there is no row."""
    if row is None:
        return False
    for name, count in counts.items():
        row[_PLACES[name]] += count
    return True
