"""From a reading to the next state."""

from __future__ import annotations

from earlystop.api.counts import Tally, Variant
from earlystop.controller.counts.look import FINAL, look_failed, state_after_reading, state_or_failure
from earlystop.controller.counts.look_request import look_request
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.proof_by_servers import requests_since, split_is_shown
from earlystop.metrics.convention.compaction import SILENT_SECONDS
from earlystop.metrics.convention.count_source import MAX_SERIES
from earlystop.metrics.convention.ended_processes import Ended, Start, SumKey, digest_of
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge, totals
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.state import Phase
from earlystop.rollout.transitions import lose_metrics, weights_in_force
from tests.unit.controller.counts.declared_sources import SOURCES
from tests.unit.controller.tracked_policies import tracked
from tests.unit.delivery.cluster import split
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, started
from tests.unit.rollout.states import REACHED, SPEC
from tests.unit.rollout.traffic import answers

B, C = Variant.BASELINE, Variant.CANDIDATE
MARGIN = 2 * 15 + 60


def reading(at: int, *rows: tuple[int, Variant, str, Tally]) -> Reading:
    return Reading(
        at, {SeriesKey(step, variant, "qa", process): tally for step, variant, process, tally in rows}, at, 0
    )


def settling() -> TrackedPolicy:
    return tracked(weights_in_force(started(SPEC), NOW))


def see(found: TrackedPolicy, seen: Reading) -> TrackedPolicy:
    found.state, found.ledger = state_after_reading(found, seen, seen.at)
    return found


def test_counts_of_another_step_never_get_into_a_look() -> None:
    found = see(settling(), reading(NOW + 30, (0, B, "p", answers(10)), (0, C, "p", answers(10))))
    found = see(
        found,
        reading(
            NOW + 45,
            (0, B, "p", answers(15)),
            (0, C, "p", answers(12)),
            (1, B, "p", answers(999)),
            (7, C, "p", answers(999)),
        ),
    )
    (look,) = found.state.looks
    assert (look.baseline.scored, look.candidate.scored) == (5, 2)
    assert isinstance(found.ledger, Ledger) and {key.step for key in found.ledger.rows} == {0}


def test_an_answer_with_more_series_than_a_status_can_hold_changes_nothing_and_the_next_is_read_as_ever() -> None:
    found = see(settling(), reading(NOW + 30, (0, B, "p", answers(10)), (0, C, "p", answers(10))))
    crowd = reading(NOW + 45, *((0, B, f"odd-{number}", answers(1)) for number in range(MAX_SERIES + 1)))
    failure = state_or_failure(found, crowd, crowd.at)
    assert isinstance(failure, MetricsFailure) and failure.kind is FailureKind.TOO_MANY_SERIES
    assert "2049 series" in failure.message
    found = see(found, reading(NOW + 60, (0, B, "p", answers(15)), (0, C, "p", answers(12))))
    (look,) = found.state.looks
    assert (look.baseline.scored, look.candidate.scored) == (5, 2)


def test_a_reading_that_repeats_or_forgets_never_counts_twice() -> None:
    both = reading(NOW + 45, (0, B, "p", answers(15)), (0, C, "p", answers(12)))
    found = see(settling(), reading(NOW + 30, (0, B, "p", Tally()), (0, C, "p", Tally())))
    found = see(found, both)
    for again in (both, reading(NOW + 60), reading(NOW + 75, (0, B, "p", answers(3))), both):
        found = see(found, again)
    assert len(found.state.looks) == 1
    assert found.state.looks[0].baseline.scored == 15


def test_a_process_that_ended_still_counts_and_its_successor_adds_to_it() -> None:
    found = see(settling(), reading(NOW + 30, (0, B, "old", answers(5)), (0, C, "old", answers(5))))
    found = see(
        found,
        reading(NOW + 45, (0, B, "old", answers(8)), (0, B, "new", answers(4)), (0, C, "new", answers(3))),
    )
    (look,) = found.state.looks
    assert (look.baseline.started, look.candidate.started) == (7, 3)


@every_row("kind", FailureKind)
def test_a_failure_is_never_evidence_and_only_a_final_answer_passes_its_moment_over(kind: FailureKind) -> None:
    before = REACHED["observing"]
    after, again = look_failed(before, MetricsFailure(kind, "it failed"), NOW + 99, NOW + 101)
    assert (after.looks, after.evidence, after.comparisons[0].mark, after.phase) == (
        before.looks,
        before.evidence,
        before.comparisons[0].mark,
        Phase.OBSERVING,
    )
    assert after.metrics_lost_at == NOW + 101
    assert again == (kind not in FINAL)
    assert after.last_look_at == (before.last_look_at if again else NOW + 99)


def test_a_query_looks_back_to_the_last_look_and_some_more() -> None:
    found = tracked(REACHED["observing"])
    last = found.state.last_look_at
    assert last is not None
    request = look_request(found, SOURCES, last + 15)
    assert (request.policy, request.revision) == ("llm/qa", found.state.revision)
    assert request.window_seconds == 15 + MARGIN


def test_after_an_outage_a_query_looks_back_to_what_was_last_used_however_many_moments_were_passed_over() -> None:
    found = tracked(REACHED["observing"])
    used = found.state.looks[-1].at
    for passed in range(1, 41):
        # Read late, as after a downtime of the operator: the outage is noticed an hour after its moments.
        found.state = lose_metrics(found.state, NOW + 3600, used + 15 * passed)
    request = look_request(found, SOURCES, used + 15 * 41)
    assert request.window_seconds == 15 * 41 + MARGIN


def test_an_outage_before_any_evidence_of_the_step_looks_back_to_its_beginning() -> None:
    found = settling()
    found.state = lose_metrics(found.state, NOW + 3600, NOW + 600)
    assert look_request(found, SOURCES, NOW + 615).window_seconds == 615 + MARGIN


def test_a_process_that_stays_away_is_folded_and_no_look_counts_it_again() -> None:
    live = (0, C, "new", answers(3))
    found = see(settling(), reading(NOW + 30, (0, B, "old", answers(5)), live))
    for at in (NOW + 45, NOW + 60, NOW + 45 + SILENT_SECONDS):
        found = see(found, reading(at, live))
    assert isinstance(found.ledger, Ledger)
    assert {key.process for key in found.ledger.rows} == {"new"} and found.ledger.ended.digests
    before = found.state.looks
    found = see(found, reading(NOW + 60 + SILENT_SECONDS, (0, B, "old", answers(50)), live))
    assert isinstance(found.ledger, Ledger)
    assert found.state.looks == before and totals(found.ledger, 0)[B] == answers(5)
    newer = ((0, B, "newer", answers(4)), (0, C, "newer", answers(2)))
    found = see(found, reading(NOW + 75 + SILENT_SECONDS, (0, B, "old", answers(60)), *newer, live))
    (look,) = found.state.looks
    assert (look.baseline, look.candidate) == (answers(4), answers(2))


def test_a_look_that_could_not_be_used_makes_nobody_absent() -> None:
    found = see(settling(), reading(NOW + 30, (0, B, "p", answers(5)), (0, C, "p", answers(5))))
    crowd = reading(NOW + 45, *((0, B, f"odd-{number}", answers(1)) for number in range(MAX_SERIES + 1)))
    before = found.ledger
    assert isinstance(state_or_failure(found, crowd, crowd.at), MetricsFailure)
    assert isinstance(before, Ledger) and found.ledger == before == Ledger(before.rows)


def test_processes_that_were_folded_take_no_room_in_an_answer_that_reaches_far_back() -> None:
    digests = frozenset(digest_of(f"odd-{number}") for number in range(MAX_SERIES))
    found = settling()
    found.ledger = Ledger({}, Ended({}, {}, {0: digests}))
    crowd = [(0, B, f"odd-{number}", answers(1)) for number in range(MAX_SERIES)]
    found = see(found, reading(NOW + 45, *crowd, (0, B, "p", answers(5)), (0, C, "p", answers(5))))
    assert isinstance(found.ledger, Ledger) and totals(found.ledger, 0) == {B: answers(5), C: answers(5)}


def test_a_folded_process_that_comes_back_does_not_show_the_split() -> None:
    known = Ledger({}, Ended({}, {SumKey(1, B, "qa"): Tally(started=5)}, {1: frozenset({digest_of("old")})}))
    one = Tally(started=1)
    assert not split_is_shown(
        requests_since(reading(NOW, (1, B, "old", Tally(started=9)), (1, C, "p", one)), split(25), known)
    )
    assert split_is_shown(requests_since(reading(NOW, (1, B, "new", one), (1, C, "p", one)), split(25), known))


def test_a_split_is_shown_when_every_wanted_variant_has_requests_of_this_step() -> None:
    new = Ledger()
    one = Tally(started=1)
    assert split_is_shown(requests_since(reading(NOW, (1, B, "p", one), (1, C, "q", one)), split(25), new))
    assert not split_is_shown(requests_since(reading(NOW, (1, B, "p", one), (0, C, "p", one)), split(25), new))
    assert not split_is_shown(
        requests_since(reading(NOW, (1, B, "p", one), (1, C, "p", Tally(completed=1))), split(25), new)
    )
    assert split_is_shown(requests_since(reading(NOW, (1, B, "p", one)), split(0), new))
    assert split_is_shown(requests_since(reading(NOW, (1, C, "p", one)), split(100), new))


def test_a_split_among_named_candidates_is_shown_by_requests_of_each_that_has_a_share() -> None:
    def served(*variants: str) -> Reading:
        rows = {SeriesKey(1, variant, "qa", "p"): Tally(started=1) for variant in variants}
        return Reading(NOW, rows, NOW, 0)

    assert split_is_shown(requests_since(served("baseline", "w10", "w5"), split(20, 20), Ledger()))
    assert not split_is_shown(requests_since(served("baseline", "w10"), split(20, 20), Ledger()))
    assert split_is_shown(requests_since(served("baseline", "w10"), split(20, 0), Ledger()))


def test_requests_from_when_the_step_was_in_force_before_do_not_show_the_split_again() -> None:
    known = Ledger({SeriesKey(1, variant, "qa", "p"): Tally(started=5) for variant in (B, C)})
    five, six = Tally(started=5), Tally(started=6)
    before = reading(NOW, (1, B, "p", five), (1, C, "p", five)).observed
    known = merge(known, before)
    assert not split_is_shown(requests_since(reading(NOW, (1, B, "p", five), (1, C, "p", five)), split(25), known))
    assert not split_is_shown(requests_since(reading(NOW, (1, B, "p", six), (1, C, "p", five)), split(25), known))
    assert split_is_shown(requests_since(reading(NOW, (1, B, "p", six), (1, C, "p", six)), split(25), known))


def test_the_ledger_of_a_session_comes_back_from_its_status() -> None:
    ledger = Ledger({SeriesKey(0, B, "multi hop", "p-1"): answers(7)})
    assert tracked(REACHED["observing"], ledger=ledger).ledger == ledger
    place = SumKey(0, B, "multi hop")
    ended = Ended({Start(0, "p-1"): NOW}, {place: answers(3)}, {0: frozenset({digest_of("old")})})
    gone = Ledger(ledger.rows, ended)
    assert tracked(REACHED["observing"], ledger=gone).ledger == gone
